-- A store of schema 6, made by a program of that time; by hand: leases, meta, bios_settings, firmware_components; deadlines have passed.
PRAGMA application_id = 1112755538;
PRAGMA user_version = 6;
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
CREATE TABLE allocations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT UNIQUE,
    state TEXT NOT NULL,
    resource_class TEXT,
    traits TEXT NOT NULL DEFAULT '[]',
    candidate_nodes TEXT NOT NULL DEFAULT '[]',
    node_uuid TEXT,
    owner TEXT,
    extra TEXT NOT NULL DEFAULT '{}',
    last_error TEXT,
    replaced_traits TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "allocations" VALUES(1,'08ac37e1-20d6-4c55-a76c-b9a249db2273','mine','active','metal','["CUSTOM_USED"]','[]','94f32cfc-74ea-40f8-b425-f68102f78653',NULL,'{"for":"web"}',NULL,NULL,1795644013638503,1795644013639485);
INSERT INTO "allocations" VALUES(2,'dc2333bc-2097-4462-8028-b0badab432b3','nobody','error','gold','[]','[]',NULL,NULL,'{}','Failed to process allocation dc2333bc-2097-4462-8028-b0badab432b3: no available nodes match the resource class gold.',NULL,1795644013641839,1795644013642585);
CREATE TABLE bios_settings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT,
    attribute_type TEXT,
    allowable_values TEXT,
    lower_bound INTEGER,
    upper_bound INTEGER,
    min_length INTEGER,
    max_length INTEGER,
    read_only INTEGER,
    reset_required INTEGER,
    is_unique INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "bios_settings" VALUES(1,'94f32cfc-74ea-40f8-b425-f68102f78653','virtualization','on','Enumeration','["on","off"]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795640000000000,NULL);
CREATE TABLE chassis (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    description TEXT,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "chassis" VALUES(1,'7f9d09e4-0663-4cc4-84a7-fa9d7191e0b8','the chassis','{"row":3}',1795644014103329,NULL);
CREATE TABLE deploy_templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    steps TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "deploy_templates" VALUES(1,'9176a10a-ea36-4bac-af73-2b5ecc7b6f62','CUSTOM_TEMPLATE','[{"interface":"bios","step":"apply_configuration","args":{"settings":[],"password":"******"},"priority":50}]','{}',1795644014092251,NULL);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    node_uuid TEXT REFERENCES nodes (uuid) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    event_type TEXT NOT NULL,
    text TEXT NOT NULL,
    user TEXT,
    state TEXT,
    target_state TEXT,
    duration_ms INTEGER
);
INSERT INTO "events" VALUES(1,'ce6cb0c9-6797-4584-a056-5300e9e5a55e','cce5aadb-80f8-4f9b-ad52-6192c4c7f55c',1795644012434458,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(2,'8cfcf11e-e2bf-4e71-b554-e4b3fffc358f','cce5aadb-80f8-4f9b-ad52-6192c4c7f55c',1795644012446274,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,11);
INSERT INTO "events" VALUES(3,'0c51d107-5c4a-4980-a98e-67ce3fc11015','cce5aadb-80f8-4f9b-ad52-6192c4c7f55c',1795644012498229,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',52);
INSERT INTO "events" VALUES(4,'162c2184-4d07-4fde-94f7-a3f0d14f5efa','cce5aadb-80f8-4f9b-ad52-6192c4c7f55c',1795644012509203,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,11);
INSERT INTO "events" VALUES(5,'0563a04a-f030-4d70-b8c0-385d9e34d8ef','cce5aadb-80f8-4f9b-ad52-6192c4c7f55c',1795644012562342,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(6,'87c5ecbb-92f6-4636-88c9-8ba3c84024e8','94f32cfc-74ea-40f8-b425-f68102f78653',1795644012784438,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(7,'e8ce0a14-b629-4417-a969-701268251b55','94f32cfc-74ea-40f8-b425-f68102f78653',1795644012797811,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,13);
INSERT INTO "events" VALUES(8,'5fe9de3f-08fa-4749-b7d0-d155ce71ba9d','94f32cfc-74ea-40f8-b425-f68102f78653',1795644012851752,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',54);
INSERT INTO "events" VALUES(9,'de3da72c-51a2-4533-b4f9-d105d1e1f9da','94f32cfc-74ea-40f8-b425-f68102f78653',1795644012871399,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,19);
INSERT INTO "events" VALUES(10,'7e363a35-b950-4a59-8b4a-bc0824e92dc7','94f32cfc-74ea-40f8-b425-f68102f78653',1795644012937194,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(11,'58239c53-c7c9-450c-b08e-80eedcb855cb','a2eb87a2-a634-4aef-a38f-041a8db991cd',1795644013154258,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(12,'382d2b50-40be-4243-9ac3-fc70233a0e67','a2eb87a2-a634-4aef-a38f-041a8db991cd',1795644013159630,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,5);
INSERT INTO "events" VALUES(13,'71a81866-937c-4122-93bb-5de4b71745e3','a2eb87a2-a634-4aef-a38f-041a8db991cd',1795644013213294,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',53);
INSERT INTO "events" VALUES(14,'d9019e0b-b931-4464-b7fa-84bfb527088f','a2eb87a2-a634-4aef-a38f-041a8db991cd',1795644013221793,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,8);
INSERT INTO "events" VALUES(15,'498a98d7-fe49-4c3a-ba87-a2a78d512de9','a2eb87a2-a634-4aef-a38f-041a8db991cd',1795644013285281,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(16,'fe9758c8-f260-4fb6-afc4-cba1e5bbade6','9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3',1795644013498456,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(17,'6e6ad2d5-1e32-4e5b-b5bc-d0246568d90f','9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3',1795644013507271,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,8);
INSERT INTO "events" VALUES(18,'e8642184-b953-410d-9f26-074f479f701a','9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3',1795644013559618,'transition','INFO','provisioning','manageable -> cleaning (clean)',NULL,'cleaning','available',52);
INSERT INTO "events" VALUES(19,'01946881-5ed6-4dfa-9766-531273926214','9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3',1795644013567094,'transition','INFO','provisioning','cleaning -> clean hold (hold)',NULL,'clean hold','manageable',7);
INSERT INTO "events" VALUES(20,'f7f848c5-eeea-4f64-9318-9050bd767099','94f32cfc-74ea-40f8-b425-f68102f78653',1795644013639544,'allocation','INFO','allocation','allocated to 08ac37e1-20d6-4c55-a76c-b9a249db2273',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(21,'08834bed-880f-4892-97ae-4d5e55c4b973','94f32cfc-74ea-40f8-b425-f68102f78653',1795644013954905,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',1083);
INSERT INTO "events" VALUES(22,'7dd46700-9b30-4fb5-9514-e127b29af840','94f32cfc-74ea-40f8-b425-f68102f78653',1795644013978211,'transition','INFO','provisioning','deploying -> active (done)',NULL,'active',NULL,23);
INSERT INTO "events" VALUES(23,'641412c0-ff2d-45a7-acf5-a859c06c5026','a2eb87a2-a634-4aef-a38f-041a8db991cd',1795644014030351,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',808);
INSERT INTO "events" VALUES(24,'00ae00be-8e9e-4b4c-9f44-b1c2efb0b9e9','a2eb87a2-a634-4aef-a38f-041a8db991cd',1795644014058982,'transition','INFO','provisioning','deploying -> wait call-back (wait)',NULL,'wait call-back','active',28);
CREATE TABLE firmware_components (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    component TEXT NOT NULL,
    initial_version TEXT,
    current_version TEXT,
    last_version_flashed TEXT,
    vendor TEXT,
    model TEXT,
    serial_number TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "firmware_components" VALUES(1,'94f32cfc-74ea-40f8-b425-f68102f78653','bios','1.0','1.1',NULL,NULL,NULL,NULL,1795640000000000,NULL);
CREATE TABLE leases (
    mac TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL,
    hostname TEXT
) WITHOUT ROWID;
INSERT INTO "leases" VALUES('52:54:00:00:00:01','192.0.2.77',1795640000000000,'web1');
CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('made_by','a store of schema 6');
CREATE TABLE node_blob (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (node_uuid, kind)
);
INSERT INTO "node_blob" VALUES('9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3','asked_steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A22686F6C64222C2261726773223A7B7D7D5D');
INSERT INTO "node_blob" VALUES('9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A22686F6C64222C227072696F72697479223A302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A66616C73652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A227265736572766564227D5D');
INSERT INTO "node_blob" VALUES('94f32cfc-74ea-40f8-b425-f68102f78653','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656231227D7D');
INSERT INTO "node_blob" VALUES('a2eb87a2-a634-4aef-a38f-041a8db991cd','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656232227D7D');
INSERT INTO "node_blob" VALUES('a2eb87a2-a634-4aef-a38f-041a8db991cd','asked_steps',X'5B5D');
INSERT INTO "node_blob" VALUES('a2eb87a2-a634-4aef-a38f-041a8db991cd','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A226465706C6F79222C227072696F72697479223A3130302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A2277726974655F696D616765222C227072696F72697479223A38302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22707265706172655F696E7374616E63655F626F6F74222C227072696F72697479223A36302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22746561725F646F776E5F6167656E74222C227072696F72697479223A34302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A227377697463685F746F5F74656E616E745F6E6574776F726B222C227072696F72697479223A33302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22626F6F745F696E7374616E6365222C227072696F72697479223A32302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D5D');
CREATE TABLE node_secret (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    pointer TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (node_uuid, pointer)
) WITHOUT ROWID;
INSERT INTO "node_secret" VALUES('94f32cfc-74ea-40f8-b425-f68102f78653','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('a2eb87a2-a634-4aef-a38f-041a8db991cd','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('cce5aadb-80f8-4f9b-ad52-6192c4c7f55c','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('e5686a67-de48-4d84-8eaa-217894a292dc','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('e5686a67-de48-4d84-8eaa-217894a292dc','volume_targets/7d3c22ff-ba11-4d4a-a14f-91cb4c6af720/auth_password','"nine-stars"');
CREATE TABLE node_traits (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    trait TEXT NOT NULL,
    PRIMARY KEY (node_uuid, trait)
) WITHOUT ROWID;
INSERT INTO "node_traits" VALUES('94f32cfc-74ea-40f8-b425-f68102f78653','CUSTOM_A');
INSERT INTO "node_traits" VALUES('9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3','CUSTOM_A');
INSERT INTO "node_traits" VALUES('a2eb87a2-a634-4aef-a38f-041a8db991cd','CUSTOM_A');
INSERT INTO "node_traits" VALUES('cce5aadb-80f8-4f9b-ad52-6192c4c7f55c','CUSTOM_A');
INSERT INTO "node_traits" VALUES('e5686a67-de48-4d84-8eaa-217894a292dc','CUSTOM_A');
INSERT INTO "node_traits" VALUES('cce5aadb-80f8-4f9b-ad52-6192c4c7f55c','CUSTOM_FREE');
INSERT INTO "node_traits" VALUES('9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3','CUSTOM_HELD');
INSERT INTO "node_traits" VALUES('e5686a67-de48-4d84-8eaa-217894a292dc','CUSTOM_NEW');
INSERT INTO "node_traits" VALUES('94f32cfc-74ea-40f8-b425-f68102f78653','CUSTOM_USED');
INSERT INTO "node_traits" VALUES('a2eb87a2-a634-4aef-a38f-041a8db991cd','CUSTOM_WAITING');
CREATE TABLE nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT UNIQUE,
    driver TEXT NOT NULL,
    provision_state TEXT NOT NULL,
    target_provision_state TEXT,
    provision_updated_at INTEGER,
    power_state TEXT,
    target_power_state TEXT,
    power_epoch INTEGER NOT NULL DEFAULT 0,
    reservation TEXT,
    last_error TEXT,
    maintenance INTEGER NOT NULL DEFAULT 0,
    maintenance_reason TEXT,
    fault TEXT,
    instance_uuid TEXT,
    instance_name TEXT,
    allocation_uuid TEXT,
    chassis_uuid TEXT,
    parent_node TEXT,
    resource_class TEXT,
    conductor_group TEXT NOT NULL DEFAULT '',
    owner TEXT,
    lessee TEXT,
    description TEXT,
    shard TEXT,
    driver_info TEXT NOT NULL DEFAULT '{}',
    driver_internal_info TEXT NOT NULL DEFAULT '{}',
    instance_info TEXT NOT NULL DEFAULT '{}',
    properties TEXT NOT NULL DEFAULT '{}',
    extra TEXT NOT NULL DEFAULT '{}',
    network_data TEXT NOT NULL DEFAULT '{}',
    raid_config TEXT NOT NULL DEFAULT '{}',
    target_raid_config TEXT NOT NULL DEFAULT '{}',
    clean_step TEXT NOT NULL DEFAULT '{}',
    deploy_step TEXT NOT NULL DEFAULT '{}',
    service_step TEXT NOT NULL DEFAULT '{}',
    console_enabled INTEGER NOT NULL DEFAULT 0,
    automated_clean INTEGER,
    protected INTEGER NOT NULL DEFAULT 0,
    protected_reason TEXT,
    retired INTEGER NOT NULL DEFAULT 0,
    retired_reason TEXT,
    disable_power_off INTEGER NOT NULL DEFAULT 0,
    boot_mode TEXT,
    secure_boot INTEGER,
    health TEXT,
    inspection_started_at INTEGER,
    inspection_finished_at INTEGER,
    bios_interface TEXT,
    boot_interface TEXT,
    console_interface TEXT,
    deploy_interface TEXT,
    firmware_interface TEXT,
    inspect_interface TEXT,
    management_interface TEXT,
    network_interface TEXT,
    power_interface TEXT,
    raid_interface TEXT,
    rescue_interface TEXT,
    storage_interface TEXT,
    vendor_interface TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
, traits TEXT NOT NULL DEFAULT '[]');
INSERT INTO "nodes" VALUES(1,'cce5aadb-80f8-4f9b-ad52-6192c4c7f55c','free','fake-hardware','available',NULL,1795644012509110,'power off',NULL,2,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,'7f9d09e4-0663-4cc4-84a7-fa9d7191e0b8',NULL,'metal','',NULL,NULL,'the node that is free',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.0"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:12.562055"}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":0}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644012408382,1795644014107951,'["CUSTOM_A","CUSTOM_FREE"]');
INSERT INTO "nodes" VALUES(2,'94f32cfc-74ea-40f8-b425-f68102f78653','used','fake-hardware','active',NULL,1795644013978102,'power off',NULL,2,NULL,NULL,0,NULL,NULL,'08ac37e1-20d6-4c55-a76c-b9a249db2273',NULL,'08ac37e1-20d6-4c55-a76c-b9a249db2273',NULL,NULL,'metal','',NULL,NULL,'the node that is used',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.1"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:12.936807","is_whole_disk_image":true,"deploy_steps":null}','{"traits":["CUSTOM_USED"],"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","image_type":"whole-disk","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":1}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644012762005,1795644013978501,'["CUSTOM_A","CUSTOM_USED"]');
INSERT INTO "nodes" VALUES(3,'a2eb87a2-a634-4aef-a38f-041a8db991cd','waiting','fake-hardware','wait call-back','active',1795644014058898,'power on',NULL,3,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is waiting',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.2"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:14.058292","is_whole_disk_image":true,"deploy_boot_mode":"uefi"}','{"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","image_type":"whole-disk","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":2}','{}','{}','{}','{}','{"interface":"deploy","step":"deploy","args":{},"priority":100,"abortable":true,"requires_ramdisk":true}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','direct','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644013136492,1795644014059156,'["CUSTOM_A","CUSTOM_WAITING"]');
INSERT INTO "nodes" VALUES(4,'9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3','held','fake-hardware','clean hold','manageable',1795644013567023,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is held',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.3"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":3}','{}','{}','{}','{"interface":"deploy","step":"hold","args":{},"priority":0,"abortable":true,"requires_ramdisk":false}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644013484489,1795644013567202,'["CUSTOM_A","CUSTOM_HELD"]');
INSERT INTO "nodes" VALUES(5,'e5686a67-de48-4d84-8eaa-217894a292dc','new','fake-hardware','enroll',NULL,NULL,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is new',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.4"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":4}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644013616792,1795644013636830,'["CUSTOM_A","CUSTOM_NEW"]');
CREATE TABLE portgroups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    name TEXT UNIQUE,
    address TEXT UNIQUE,
    mode TEXT,
    properties TEXT NOT NULL DEFAULT '{}',
    extra TEXT NOT NULL DEFAULT '{}',
    internal_info TEXT NOT NULL DEFAULT '{}',
    standalone_ports_supported INTEGER NOT NULL DEFAULT 1,
    physical_network TEXT,
    category TEXT,
    dynamic_portgroup INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "portgroups" VALUES(1,'9c46142b-c263-4a79-afd7-7a2cb8b7a027','e5686a67-de48-4d84-8eaa-217894a292dc','bond0','52:54:00:00:01:00','802.3ad','{"miimon":100}','{}','{}',1,NULL,NULL,0,1795644014113792,NULL);
CREATE TABLE ports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    address TEXT NOT NULL UNIQUE,
    name TEXT UNIQUE,
    description TEXT,
    extra TEXT NOT NULL DEFAULT '{}',
    local_link_connection TEXT NOT NULL DEFAULT '{}',
    pxe_enabled INTEGER NOT NULL DEFAULT 1,
    portgroup_uuid TEXT,
    physical_network TEXT,
    is_smartnic INTEGER NOT NULL DEFAULT 0,
    vendor TEXT,
    category TEXT,
    available_for_dynamic_portgroup INTEGER NOT NULL DEFAULT 1,
    internal_info TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "ports" VALUES(1,'35996c00-9b5b-467f-93a9-3fed65bdc545','cce5aadb-80f8-4f9b-ad52-6192c4c7f55c','52:54:00:00:00:00',NULL,NULL,'{"slot":0}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644012416814,NULL);
INSERT INTO "ports" VALUES(2,'4660cce3-c6f5-4392-9b2a-72330a067a8c','94f32cfc-74ea-40f8-b425-f68102f78653','52:54:00:00:00:01',NULL,NULL,'{"slot":1}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644012769928,NULL);
INSERT INTO "ports" VALUES(3,'ab0066df-0049-417b-abf1-1b3cdade0365','a2eb87a2-a634-4aef-a38f-041a8db991cd','52:54:00:00:00:02',NULL,NULL,'{"slot":2}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644013140284,NULL);
INSERT INTO "ports" VALUES(4,'60a36e89-3e2a-42a1-9457-831629794772','9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3','52:54:00:00:00:03',NULL,NULL,'{"slot":3}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644013490024,NULL);
INSERT INTO "ports" VALUES(5,'8b0a080f-0ab1-4edb-8541-4da513c990ac','e5686a67-de48-4d84-8eaa-217894a292dc','52:54:00:00:00:04',NULL,NULL,'{"slot":4}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644013634351,NULL);
CREATE TABLE runbooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    steps TEXT NOT NULL,
    traits TEXT NOT NULL DEFAULT '[]',
    disable_ramdisk INTEGER NOT NULL DEFAULT 0,
    public INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "runbooks" VALUES(1,'d8416b4a-002f-4c0c-9b9f-26cf1a0592e1','CUSTOM_BOOK',NULL,'[{"interface":"bios","step":"factory_reset","args":{},"order":1}]','[]',0,0,NULL,'{}',1795644014098520,NULL);
CREATE TABLE sealed_steps (
    owner_uuid TEXT PRIMARY KEY,
    sealed TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "sealed_steps" VALUES('9176a10a-ea36-4bac-af73-2b5ecc7b6f62','[{"interface":"bios","step":"apply_configuration","args":{"settings":[],"password":"eight-stars"},"priority":50}]');
CREATE TABLE volume_connectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    connector_id TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER,
    UNIQUE (kind, connector_id)
);
INSERT INTO "volume_connectors" VALUES(1,'c12fb583-12cc-4e9d-bd70-c5f4e4021036','e5686a67-de48-4d84-8eaa-217894a292dc','iqn','iqn.2026-11.example:new','{}',1795644014121728,NULL);
CREATE TABLE volume_targets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    volume_type TEXT NOT NULL,
    volume_id TEXT NOT NULL,
    boot_index INTEGER NOT NULL,
    properties TEXT NOT NULL DEFAULT '{}',
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER,
    UNIQUE (node_uuid, boot_index)
);
INSERT INTO "volume_targets" VALUES(1,'7d3c22ff-ba11-4d4a-a14f-91cb4c6af720','e5686a67-de48-4d84-8eaa-217894a292dc','iscsi','vol-1',0,'{"target_portal":"192.0.2.9:3260","auth_password":"******"}','{}',1795644014126073,NULL);
CREATE TABLE work (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    flow TEXT NOT NULL,
    node_uuid TEXT REFERENCES nodes (uuid) ON DELETE CASCADE,
    allocation_uuid TEXT REFERENCES allocations (uuid) ON DELETE CASCADE,
    stage TEXT NOT NULL,
    step INTEGER NOT NULL,
    phase TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    args TEXT NOT NULL DEFAULT '{}',
    why TEXT,
    since INTEGER NOT NULL,
    due_at INTEGER,
    deadline_at INTEGER,
    heartbeat INTEGER NOT NULL DEFAULT 0,
    abort_requested INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
);
INSERT INTO "work" VALUES(11,'clean','9cb4cc0a-9ae2-44d3-9be0-227ee994c9a3',NULL,'step',0,'held',1,'{"manual":true,"bare":true}','held by a step until a client says unhold',1795644013567142,NULL,NULL,0,0,1795644013559752);
INSERT INTO "work" VALUES(13,'deploy','a2eb87a2-a634-4aef-a38f-041a8db991cd',NULL,'step',0,'waiting',1,'{"rebuild":false}','the agent''s first heartbeat',1795644014059047,NULL,1795644015059047,0,0,1795644014030681);
CREATE UNIQUE INDEX nodes_by_instance ON nodes (instance_uuid) WHERE instance_uuid IS NOT NULL;
CREATE UNIQUE INDEX nodes_by_allocation ON nodes (allocation_uuid) WHERE allocation_uuid IS NOT NULL;
CREATE INDEX nodes_free ON nodes (resource_class, uuid)
    WHERE provision_state = 'available' AND instance_uuid IS NULL AND maintenance = 0 AND parent_node IS NULL
    AND power_state IS NOT NULL;
CREATE INDEX nodes_unread ON nodes (resource_class, uuid)
    WHERE provision_state = 'available' AND instance_uuid IS NULL AND maintenance = 0 AND parent_node IS NULL
    AND power_state IS NULL;
CREATE INDEX nodes_by_state ON nodes (provision_state);
CREATE INDEX nodes_by_parent ON nodes (parent_node) WHERE parent_node IS NOT NULL;
CREATE INDEX nodes_by_chassis ON nodes (chassis_uuid) WHERE chassis_uuid IS NOT NULL;
CREATE INDEX node_traits_by_trait ON node_traits (trait);
CREATE INDEX ports_by_node ON ports (node_uuid);
CREATE UNIQUE INDEX allocations_one_per_node ON allocations (node_uuid) WHERE node_uuid IS NOT NULL;
CREATE UNIQUE INDEX work_one_per_node ON work (node_uuid) WHERE node_uuid IS NOT NULL;
CREATE UNIQUE INDEX work_one_per_allocation ON work (allocation_uuid) WHERE allocation_uuid IS NOT NULL;
CREATE INDEX work_due ON work (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX events_by_node ON events (node_uuid, id);
CREATE INDEX nodes_by_driver ON nodes (driver);
CREATE INDEX nodes_by_class ON nodes (resource_class) WHERE resource_class IS NOT NULL;
CREATE INDEX nodes_by_class_and_state ON nodes (resource_class, provision_state) WHERE resource_class IS NOT NULL;
CREATE INDEX nodes_by_power ON nodes (power_state);
CREATE INDEX nodes_by_age ON nodes (created_at);
CREATE INDEX nodes_by_owner ON nodes (owner) WHERE owner IS NOT NULL;
CREATE INDEX nodes_by_lessee ON nodes (lessee) WHERE lessee IS NOT NULL;
CREATE INDEX nodes_by_shard ON nodes (shard) WHERE shard IS NOT NULL;
CREATE INDEX nodes_by_fault ON nodes (fault) WHERE fault IS NOT NULL;
CREATE INDEX nodes_by_instance_name ON nodes (instance_name) WHERE instance_name IS NOT NULL;
CREATE INDEX nodes_by_description ON nodes (description) WHERE description IS NOT NULL;
CREATE INDEX nodes_in_maintenance ON nodes (maintenance) WHERE maintenance = 1;
CREATE INDEX nodes_retired ON nodes (retired) WHERE retired = 1;
CREATE INDEX nodes_reserved ON nodes (reservation) WHERE reservation IS NOT NULL;
CREATE INDEX nodes_changing_power ON nodes (target_power_state) WHERE target_power_state IS NOT NULL;
CREATE INDEX nodes_on_their_way ON nodes (provision_state) WHERE target_provision_state IS NOT NULL;
CREATE UNIQUE INDEX bios_settings_by_node ON bios_settings (node_uuid, name);
CREATE UNIQUE INDEX firmware_components_by_node ON firmware_components (node_uuid, component);
CREATE TRIGGER sealed_steps_of_template AFTER DELETE ON deploy_templates
    BEGIN DELETE FROM sealed_steps WHERE owner_uuid = OLD.uuid; END;
CREATE TRIGGER sealed_steps_of_runbook AFTER DELETE ON runbooks
    BEGIN DELETE FROM sealed_steps WHERE owner_uuid = OLD.uuid; END;
CREATE INDEX portgroups_by_node ON portgroups (node_uuid);
CREATE INDEX ports_by_portgroup ON ports (portgroup_uuid) WHERE portgroup_uuid IS NOT NULL;
CREATE INDEX ports_by_description ON ports (description) WHERE description IS NOT NULL;
CREATE INDEX volume_connectors_by_node ON volume_connectors (node_uuid);
CREATE INDEX volume_targets_by_node ON volume_targets (node_uuid);
CREATE INDEX nodes_associated ON nodes (id) WHERE instance_uuid IS NOT NULL;
CREATE INDEX nodes_sharded ON nodes (id) WHERE shard IS NOT NULL;
CREATE INDEX nodes_by_change ON nodes (updated_at);
CREATE INDEX nodes_by_group ON nodes (conductor_group) WHERE conductor_group <> '';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('nodes',5);
INSERT INTO "sqlite_sequence" VALUES('ports',5);
INSERT INTO "sqlite_sequence" VALUES('events',24);
INSERT INTO "sqlite_sequence" VALUES('work',13);
INSERT INTO "sqlite_sequence" VALUES('allocations',2);
INSERT INTO "sqlite_sequence" VALUES('deploy_templates',1);
INSERT INTO "sqlite_sequence" VALUES('runbooks',1);
INSERT INTO "sqlite_sequence" VALUES('chassis',1);
INSERT INTO "sqlite_sequence" VALUES('portgroups',1);
INSERT INTO "sqlite_sequence" VALUES('volume_connectors',1);
INSERT INTO "sqlite_sequence" VALUES('volume_targets',1);
INSERT INTO "sqlite_sequence" VALUES('bios_settings',1);
INSERT INTO "sqlite_sequence" VALUES('firmware_components',1);
COMMIT;
