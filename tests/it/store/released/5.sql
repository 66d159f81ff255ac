-- A store of schema 5, made by a program of that time; by hand: leases, meta, bios_settings, firmware_components; deadlines have passed.
PRAGMA application_id = 1112755538;
PRAGMA user_version = 5;
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
INSERT INTO "allocations" VALUES(1,'e2764ed1-b4b2-4902-9d54-13645cece73c','mine','active','metal','["CUSTOM_USED"]','[]','45f99aa0-af63-453d-bdcf-170a137631d4',NULL,'{"for":"web"}',NULL,NULL,1795644086341582,1795644086342779);
INSERT INTO "allocations" VALUES(2,'b558b5b6-71d3-4d4d-8d14-d52241cb566c','nobody','error','gold','[]','[]',NULL,NULL,'{}','Failed to process allocation b558b5b6-71d3-4d4d-8d14-d52241cb566c: no available nodes match the resource class gold.',NULL,1795644086355045,1795644086360526);
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
INSERT INTO "bios_settings" VALUES(1,'45f99aa0-af63-453d-bdcf-170a137631d4','virtualization','on','Enumeration','["on","off"]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795640000000000,NULL);
CREATE TABLE chassis (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    description TEXT,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "chassis" VALUES(1,'62738026-863b-4fe3-b8bf-013fba2e8813','the chassis','{"row":3}',1795644086844616,NULL);
CREATE TABLE deploy_templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    steps TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "deploy_templates" VALUES(1,'da4125c8-aef8-40e6-bbd6-26d9ec09e444','CUSTOM_TEMPLATE','[{"interface":"bios","step":"apply_configuration","args":{"settings":[],"password":"******"},"priority":50}]','{}',1795644086838517,NULL);
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
INSERT INTO "events" VALUES(1,'fb059812-fecf-410a-a067-a4d1795beb76','efd63ea2-6397-4ddb-907f-e327c5386955',1795644085044537,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(2,'de9ad914-1d96-442b-a8e2-1dddea91dde1','efd63ea2-6397-4ddb-907f-e327c5386955',1795644085051119,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,6);
INSERT INTO "events" VALUES(3,'27345f3d-f82a-4cb2-9ad5-adb048f7ebda','efd63ea2-6397-4ddb-907f-e327c5386955',1795644085060964,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',9);
INSERT INTO "events" VALUES(4,'2a37b602-d9b1-4025-8f96-5931048d65ad','efd63ea2-6397-4ddb-907f-e327c5386955',1795644085070897,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,10);
INSERT INTO "events" VALUES(5,'77f91395-949f-4cdd-bfad-3d38eb081ff8','efd63ea2-6397-4ddb-907f-e327c5386955',1795644085124220,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(6,'284ce0b0-8c4b-4ab6-a187-db6d57e32198','45f99aa0-af63-453d-bdcf-170a137631d4',1795644085351476,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(7,'5bcf2cfa-deab-4a48-bf99-cbf202cf5c8d','45f99aa0-af63-453d-bdcf-170a137631d4',1795644085377661,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,26);
INSERT INTO "events" VALUES(8,'3601da08-3f4c-48b0-999e-7393a8dbbbeb','45f99aa0-af63-453d-bdcf-170a137631d4',1795644085439885,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',62);
INSERT INTO "events" VALUES(9,'ce828b61-db0e-414a-be04-6b9b75db3a8f','45f99aa0-af63-453d-bdcf-170a137631d4',1795644085481864,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,42);
INSERT INTO "events" VALUES(10,'acfbf0d1-e17e-4215-9784-9d36ff2f1df7','45f99aa0-af63-453d-bdcf-170a137631d4',1795644085548778,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(11,'b2562757-e45a-4985-8395-aa6c87a4a157','9ef98853-579b-4df7-bb0c-05589c417888',1795644085793125,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(12,'356bc0c1-af46-4f0c-a4fa-0f7e705bd1ab','9ef98853-579b-4df7-bb0c-05589c417888',1795644085817570,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,24);
INSERT INTO "events" VALUES(13,'3e6219c1-8b33-42a8-bdaf-46f3a961e3c2','9ef98853-579b-4df7-bb0c-05589c417888',1795644085866258,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',48);
INSERT INTO "events" VALUES(14,'bd59befa-489a-4c66-bffd-621950dbb924','9ef98853-579b-4df7-bb0c-05589c417888',1795644085876192,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,10);
INSERT INTO "events" VALUES(15,'f173984b-e9fa-42c5-a0c2-560146e9f3b4','9ef98853-579b-4df7-bb0c-05589c417888',1795644085929364,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(16,'6a570b6d-4160-43f7-8553-63489cb377a7','da51c57a-7d6c-4b1b-ab70-339facd9dc53',1795644086163648,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(17,'e22603c4-1623-4004-a81b-68cc5a71a61d','da51c57a-7d6c-4b1b-ab70-339facd9dc53',1795644086179211,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,15);
INSERT INTO "events" VALUES(18,'4000e42c-6e71-413d-9be4-9b469a04e605','da51c57a-7d6c-4b1b-ab70-339facd9dc53',1795644086238873,'transition','INFO','provisioning','manageable -> cleaning (clean)',NULL,'cleaning','available',59);
INSERT INTO "events" VALUES(19,'a5478a1b-c3f6-4930-b198-28180d6ebff0','da51c57a-7d6c-4b1b-ab70-339facd9dc53',1795644086281687,'transition','INFO','provisioning','cleaning -> clean hold (hold)',NULL,'clean hold','manageable',42);
INSERT INTO "events" VALUES(20,'c173df66-1075-4707-a5f6-061906ed148c','45f99aa0-af63-453d-bdcf-170a137631d4',1795644086342864,'allocation','INFO','allocation','allocated to e2764ed1-b4b2-4902-9d54-13645cece73c',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(21,'8927daa1-9ed4-4483-a35f-f6d8581739e7','45f99aa0-af63-453d-bdcf-170a137631d4',1795644086683864,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',1202);
INSERT INTO "events" VALUES(22,'f538a77b-20f8-4cf6-8a93-bb6bae68c7c5','45f99aa0-af63-453d-bdcf-170a137631d4',1795644086715748,'transition','INFO','provisioning','deploying -> active (done)',NULL,'active',NULL,31);
INSERT INTO "events" VALUES(23,'059a1a90-00c2-40a9-9355-ee873527d87a','9ef98853-579b-4df7-bb0c-05589c417888',1795644086774924,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',898);
INSERT INTO "events" VALUES(24,'547dd906-0cae-4be9-8aed-b7b1aa857fd9','9ef98853-579b-4df7-bb0c-05589c417888',1795644086793097,'transition','INFO','provisioning','deploying -> wait call-back (wait)',NULL,'wait call-back','active',18);
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
INSERT INTO "firmware_components" VALUES(1,'45f99aa0-af63-453d-bdcf-170a137631d4','bios','1.0','1.1',NULL,NULL,NULL,NULL,1795640000000000,NULL);
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
INSERT INTO "meta" VALUES('made_by','a store of schema 5');
CREATE TABLE node_blob (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (node_uuid, kind)
);
INSERT INTO "node_blob" VALUES('da51c57a-7d6c-4b1b-ab70-339facd9dc53','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A22686F6C64222C227072696F72697479223A302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A66616C73652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A227265736572766564227D5D');
INSERT INTO "node_blob" VALUES('45f99aa0-af63-453d-bdcf-170a137631d4','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656231227D7D');
INSERT INTO "node_blob" VALUES('9ef98853-579b-4df7-bb0c-05589c417888','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656232227D7D');
INSERT INTO "node_blob" VALUES('9ef98853-579b-4df7-bb0c-05589c417888','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A226465706C6F79222C227072696F72697479223A3130302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A2277726974655F696D616765222C227072696F72697479223A38302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22707265706172655F696E7374616E63655F626F6F74222C227072696F72697479223A36302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22746561725F646F776E5F6167656E74222C227072696F72697479223A34302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A227377697463685F746F5F74656E616E745F6E6574776F726B222C227072696F72697479223A33302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22626F6F745F696E7374616E6365222C227072696F72697479223A32302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D5D');
CREATE TABLE node_secret (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    pointer TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (node_uuid, pointer)
) WITHOUT ROWID;
INSERT INTO "node_secret" VALUES('45f99aa0-af63-453d-bdcf-170a137631d4','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('5b284e25-270b-4f4c-8e07-c90c3c94d3ab','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('5b284e25-270b-4f4c-8e07-c90c3c94d3ab','volume_targets/f602d2ec-199f-4cd4-802c-2602c223cad7/auth_password','"nine-stars"');
INSERT INTO "node_secret" VALUES('9ef98853-579b-4df7-bb0c-05589c417888','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('da51c57a-7d6c-4b1b-ab70-339facd9dc53','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('efd63ea2-6397-4ddb-907f-e327c5386955','driver_info/ipmi_password','"seven-stars"');
CREATE TABLE node_traits (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    trait TEXT NOT NULL,
    PRIMARY KEY (node_uuid, trait)
) WITHOUT ROWID;
INSERT INTO "node_traits" VALUES('45f99aa0-af63-453d-bdcf-170a137631d4','CUSTOM_A');
INSERT INTO "node_traits" VALUES('5b284e25-270b-4f4c-8e07-c90c3c94d3ab','CUSTOM_A');
INSERT INTO "node_traits" VALUES('9ef98853-579b-4df7-bb0c-05589c417888','CUSTOM_A');
INSERT INTO "node_traits" VALUES('da51c57a-7d6c-4b1b-ab70-339facd9dc53','CUSTOM_A');
INSERT INTO "node_traits" VALUES('efd63ea2-6397-4ddb-907f-e327c5386955','CUSTOM_A');
INSERT INTO "node_traits" VALUES('efd63ea2-6397-4ddb-907f-e327c5386955','CUSTOM_FREE');
INSERT INTO "node_traits" VALUES('da51c57a-7d6c-4b1b-ab70-339facd9dc53','CUSTOM_HELD');
INSERT INTO "node_traits" VALUES('5b284e25-270b-4f4c-8e07-c90c3c94d3ab','CUSTOM_NEW');
INSERT INTO "node_traits" VALUES('45f99aa0-af63-453d-bdcf-170a137631d4','CUSTOM_USED');
INSERT INTO "node_traits" VALUES('9ef98853-579b-4df7-bb0c-05589c417888','CUSTOM_WAITING');
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
);
INSERT INTO "nodes" VALUES(1,'efd63ea2-6397-4ddb-907f-e327c5386955','free','fake-hardware','available',NULL,1795644085070824,'power off',NULL,2,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,'62738026-863b-4fe3-b8bf-013fba2e8813',NULL,'metal','',NULL,NULL,'the node that is free',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.0"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:01:25.123857"}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":0}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644085028867,1795644086847712);
INSERT INTO "nodes" VALUES(2,'45f99aa0-af63-453d-bdcf-170a137631d4','used','fake-hardware','active',NULL,1795644086715669,'power off',NULL,2,NULL,NULL,0,NULL,NULL,'e2764ed1-b4b2-4902-9d54-13645cece73c',NULL,'e2764ed1-b4b2-4902-9d54-13645cece73c',NULL,NULL,'metal','',NULL,NULL,'the node that is used',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.1"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:01:25.548235","deploy_steps":null}','{"traits":["CUSTOM_USED"],"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":1}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644085325280,1795644086715920);
INSERT INTO "nodes" VALUES(3,'9ef98853-579b-4df7-bb0c-05589c417888','waiting','fake-hardware','wait call-back','active',1795644086793011,'power on',NULL,3,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is waiting',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.2"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:01:26.792452","deploy_boot_mode":"uefi","is_whole_disk_image":true}','{"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":2}','{}','{}','{}','{}','{"interface":"deploy","step":"deploy","args":{},"priority":100,"abortable":true,"requires_ramdisk":true}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','direct','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644085743710,1795644086793310);
INSERT INTO "nodes" VALUES(4,'da51c57a-7d6c-4b1b-ab70-339facd9dc53','held','fake-hardware','clean hold','manageable',1795644086281603,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is held',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.3"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":3}','{}','{}','{}','{"interface":"deploy","step":"hold","args":{},"priority":0,"abortable":true,"requires_ramdisk":false}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644086130890,1795644086281860);
INSERT INTO "nodes" VALUES(5,'5b284e25-270b-4f4c-8e07-c90c3c94d3ab','new','fake-hardware','enroll',NULL,NULL,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is new',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.4"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":4}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644086311663,1795644086333244);
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
INSERT INTO "portgroups" VALUES(1,'8b862a70-28f1-4b39-88d2-bf8ea64a91fa','5b284e25-270b-4f4c-8e07-c90c3c94d3ab','bond0','52:54:00:00:01:00','802.3ad','{"miimon":100}','{}','{}',1,NULL,NULL,0,1795644086853765,NULL);
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
INSERT INTO "ports" VALUES(1,'1a7cd227-97e1-48a6-9219-2d17df9ae4ca','efd63ea2-6397-4ddb-907f-e327c5386955','52:54:00:00:00:00',NULL,NULL,'{"slot":0}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644085034017,NULL);
INSERT INTO "ports" VALUES(2,'d17ac1b4-5f9e-4a81-b181-7e286237c48e','45f99aa0-af63-453d-bdcf-170a137631d4','52:54:00:00:00:01',NULL,NULL,'{"slot":1}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644085329934,NULL);
INSERT INTO "ports" VALUES(3,'b770f5fd-a6e3-4d18-8110-677aa13309f3','9ef98853-579b-4df7-bb0c-05589c417888','52:54:00:00:00:02',NULL,NULL,'{"slot":2}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644085772669,NULL);
INSERT INTO "ports" VALUES(4,'d54a848a-8d1d-489e-bc9e-2e59befccea5','da51c57a-7d6c-4b1b-ab70-339facd9dc53','52:54:00:00:00:03',NULL,NULL,'{"slot":3}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644086140604,NULL);
INSERT INTO "ports" VALUES(5,'ca66623f-8cbc-4d08-82f9-5625a963f052','5b284e25-270b-4f4c-8e07-c90c3c94d3ab','52:54:00:00:00:04',NULL,NULL,'{"slot":4}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644086322990,NULL);
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
INSERT INTO "runbooks" VALUES(1,'0b80273e-bfee-4d67-9231-46898be1e3c2','CUSTOM_BOOK',NULL,'[{"interface":"bios","step":"factory_reset","args":{},"order":1}]','[]',0,0,NULL,'{}',1795644086841684,NULL);
CREATE TABLE sealed_steps (
    owner_uuid TEXT PRIMARY KEY,
    sealed TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "sealed_steps" VALUES('da4125c8-aef8-40e6-bbd6-26d9ec09e444','[{"interface":"bios","step":"apply_configuration","args":{"settings":[],"password":"eight-stars"},"priority":50}]');
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
INSERT INTO "volume_connectors" VALUES(1,'f0652a99-fa0c-4cf2-8c9d-a8272a7f4473','5b284e25-270b-4f4c-8e07-c90c3c94d3ab','iqn','iqn.2026-11.example:new','{}',1795644086856876,NULL);
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
INSERT INTO "volume_targets" VALUES(1,'f602d2ec-199f-4cd4-802c-2602c223cad7','5b284e25-270b-4f4c-8e07-c90c3c94d3ab','iscsi','vol-1',0,'{"target_portal":"192.0.2.9:3260","auth_password":"******"}','{}',1795644086859436,NULL);
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
INSERT INTO "work" VALUES(11,'clean','da51c57a-7d6c-4b1b-ab70-339facd9dc53',NULL,'step',0,'held',1,'{"manual":true,"asked":[{"interface":"deploy","step":"hold","args":{}}],"bare":true}','held by a step until a client says unhold',1795644086281757,NULL,NULL,0,0,1795644086239039);
INSERT INTO "work" VALUES(13,'deploy','9ef98853-579b-4df7-bb0c-05589c417888',NULL,'step',0,'waiting',1,'{"asked":[],"rebuild":false}','the agent''s first heartbeat',1795644086793167,NULL,1795644087793167,0,0,1795644086775119);
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
