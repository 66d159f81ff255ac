-- A store of schema 7, made by a program of that time; by hand: leases, meta, bios_settings, firmware_components; deadlines have passed.
PRAGMA application_id = 1112755538;
PRAGMA user_version = 7;
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
INSERT INTO "allocations" VALUES(1,'94095344-0942-470b-a9d1-56a854c5222b','mine','active','metal','["CUSTOM_USED"]','[]','352d03e1-d517-42e1-985c-718fa253e7e3',NULL,'{"for":"web"}',NULL,NULL,1795644011182094,1795644011183547);
INSERT INTO "allocations" VALUES(2,'4cb8a7e1-390c-4379-8efe-b6d7ca998b72','nobody','error','gold','[]','[]',NULL,NULL,'{}','Failed to process allocation 4cb8a7e1-390c-4379-8efe-b6d7ca998b72: no available nodes match the resource class gold.',NULL,1795644011186286,1795644011187041);
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
INSERT INTO "bios_settings" VALUES(1,'352d03e1-d517-42e1-985c-718fa253e7e3','virtualization','on','Enumeration','["on","off"]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795640000000000,NULL);
CREATE TABLE chassis (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    description TEXT,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "chassis" VALUES(1,'56d93811-a697-40f0-a50a-5396daa2d526','the chassis','{"row":3}',1795644011652093,NULL);
CREATE TABLE deploy_templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    steps TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "deploy_templates" VALUES(1,'e4fc8d7f-07ef-4c5a-9330-cc5cc764a6d9','CUSTOM_TEMPLATE','[{"interface":"bios","step":"apply_configuration","args":{"settings":[],"password":"******"},"priority":50}]','{}',1795644011641252,NULL);
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
INSERT INTO "events" VALUES(1,'979f4e73-1bc2-4107-9c59-d4d78a00bc35','85729487-171a-429d-9af1-7031550cd2a9',1795644010043963,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(2,'2f2dbe30-ad27-4a24-9902-d5fc85c673d2','85729487-171a-429d-9af1-7031550cd2a9',1795644010054544,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,10);
INSERT INTO "events" VALUES(3,'ed0fe716-0ad1-4daa-86e6-02cb05cb67cc','85729487-171a-429d-9af1-7031550cd2a9',1795644010104210,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',49);
INSERT INTO "events" VALUES(4,'ff07c543-4623-4cc1-866a-498ed12da7b6','85729487-171a-429d-9af1-7031550cd2a9',1795644010116432,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,12);
INSERT INTO "events" VALUES(5,'1dfdb977-3d96-4b5c-86a3-ca5a461531fe','85729487-171a-429d-9af1-7031550cd2a9',1795644010170249,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(6,'d96c2d80-c74d-4b44-9f37-05653853e006','352d03e1-d517-42e1-985c-718fa253e7e3',1795644010388801,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(7,'e02ca1e4-6db1-4280-9618-5fa8458657f3','352d03e1-d517-42e1-985c-718fa253e7e3',1795644010392560,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,3);
INSERT INTO "events" VALUES(8,'1a3b17f4-7c98-4b05-bc3e-c181e7656225','352d03e1-d517-42e1-985c-718fa253e7e3',1795644010447670,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',55);
INSERT INTO "events" VALUES(9,'ea20da6c-5d2c-4a5d-a3d0-2d0f5d039711','352d03e1-d517-42e1-985c-718fa253e7e3',1795644010455171,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,7);
INSERT INTO "events" VALUES(10,'89d860a2-2c72-49bc-a5cc-c39661c78dcd','352d03e1-d517-42e1-985c-718fa253e7e3',1795644010509942,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(11,'d20dd80a-3d06-41c3-8a4b-5f9773c1c10f','67384d1e-7f49-4213-8e48-9833d79c1790',1795644010721493,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(12,'6a340cf7-4f46-442c-9f61-4ad818fed630','67384d1e-7f49-4213-8e48-9833d79c1790',1795644010725639,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,4);
INSERT INTO "events" VALUES(13,'3d08460e-955b-4b57-9b38-dd058459b1d0','67384d1e-7f49-4213-8e48-9833d79c1790',1795644010779584,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',54);
INSERT INTO "events" VALUES(14,'ffa7170b-ef13-4577-b5fa-6661779050ca','67384d1e-7f49-4213-8e48-9833d79c1790',1795644010786925,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,7);
INSERT INTO "events" VALUES(15,'69b0da6d-3d13-4814-aa22-4edafb20e147','67384d1e-7f49-4213-8e48-9833d79c1790',1795644010840699,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(16,'9a4d3bf6-7567-4fac-9b92-0b46e0f4756b','fe9d9257-d596-476f-ba6a-89fbe515a67e',1795644011052675,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(17,'50e6fe98-4026-42e8-b375-3e75df57a11e','fe9d9257-d596-476f-ba6a-89fbe515a67e',1795644011056288,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,3);
INSERT INTO "events" VALUES(18,'6206458f-4c54-4adc-a740-bbf200a43103','fe9d9257-d596-476f-ba6a-89fbe515a67e',1795644011109255,'transition','INFO','provisioning','manageable -> cleaning (clean)',NULL,'cleaning','available',53);
INSERT INTO "events" VALUES(19,'6335ee6f-8c59-46f6-9693-4e0f8614f1ef','fe9d9257-d596-476f-ba6a-89fbe515a67e',1795644011116940,'transition','INFO','provisioning','cleaning -> clean hold (hold)',NULL,'clean hold','manageable',7);
INSERT INTO "events" VALUES(20,'5a9f4388-ce8f-45a8-b595-ab388fdb2714','352d03e1-d517-42e1-985c-718fa253e7e3',1795644011183641,'allocation','INFO','allocation','allocated to 94095344-0942-470b-a9d1-56a854c5222b',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(21,'19c4a844-1440-465c-8276-3dca87a0b82c','352d03e1-d517-42e1-985c-718fa253e7e3',1795644011499060,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',1043);
INSERT INTO "events" VALUES(22,'e544963c-41b4-4597-93bd-1109439b1918','352d03e1-d517-42e1-985c-718fa253e7e3',1795644011505744,'transition','INFO','provisioning','deploying -> active (done)',NULL,'active',NULL,6);
INSERT INTO "events" VALUES(23,'cee22f29-958c-46ee-aa14-a221d230526b','67384d1e-7f49-4213-8e48-9833d79c1790',1795644011574281,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',787);
INSERT INTO "events" VALUES(24,'721d3bbf-7d72-4212-8346-a9b10f7ee34c','67384d1e-7f49-4213-8e48-9833d79c1790',1795644011588833,'transition','INFO','provisioning','deploying -> wait call-back (wait)',NULL,'wait call-back','active',14);
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
INSERT INTO "firmware_components" VALUES(1,'352d03e1-d517-42e1-985c-718fa253e7e3','bios','1.0','1.1',NULL,NULL,NULL,NULL,1795640000000000,NULL);
CREATE TABLE inspection_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    priority INTEGER NOT NULL DEFAULT 0,
    description TEXT,
    sensitive INTEGER NOT NULL DEFAULT 0,
    phase TEXT NOT NULL DEFAULT 'main',
    conditions TEXT NOT NULL DEFAULT '[]',
    actions TEXT NOT NULL DEFAULT '[]',
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "inspection_rules" VALUES(1,'9c2dd6a9-fb6d-4104-92d7-4155eeb8837a',0,'names the vendor',0,'main','[]','[{"op":"set-attribute","args":{"path":"/extra/seen","value":"yes"}}]','{"conditions":[],"actions":[{"op":"set-attribute","args":{"path":"/extra/seen","value":"yes"}}]}',1795644011677546,NULL);
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
INSERT INTO "meta" VALUES('made_by','a store of schema 7');
CREATE TABLE node_blob (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (node_uuid, kind)
);
INSERT INTO "node_blob" VALUES('fe9d9257-d596-476f-ba6a-89fbe515a67e','asked_steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A22686F6C64222C2261726773223A7B7D7D5D');
INSERT INTO "node_blob" VALUES('fe9d9257-d596-476f-ba6a-89fbe515a67e','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A22686F6C64222C227072696F72697479223A302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A66616C73652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A227265736572766564227D5D');
INSERT INTO "node_blob" VALUES('352d03e1-d517-42e1-985c-718fa253e7e3','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656231227D7D');
INSERT INTO "node_blob" VALUES('67384d1e-7f49-4213-8e48-9833d79c1790','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656232227D7D');
INSERT INTO "node_blob" VALUES('67384d1e-7f49-4213-8e48-9833d79c1790','asked_steps',X'5B5D');
INSERT INTO "node_blob" VALUES('67384d1e-7f49-4213-8e48-9833d79c1790','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A226465706C6F79222C227072696F72697479223A3130302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A2277726974655F696D616765222C227072696F72697479223A38302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22707265706172655F696E7374616E63655F626F6F74222C227072696F72697479223A36302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22746561725F646F776E5F6167656E74222C227072696F72697479223A34302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A227377697463685F746F5F74656E616E745F6E6574776F726B222C227072696F72697479223A33302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22626F6F745F696E7374616E6365222C227072696F72697479223A32302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D5D');
CREATE TABLE node_secret (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    pointer TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (node_uuid, pointer)
) WITHOUT ROWID;
INSERT INTO "node_secret" VALUES('352d03e1-d517-42e1-985c-718fa253e7e3','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('67384d1e-7f49-4213-8e48-9833d79c1790','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('85729487-171a-429d-9af1-7031550cd2a9','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('ebdfac4e-c277-4fdf-9aa3-f58dfafba499','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('ebdfac4e-c277-4fdf-9aa3-f58dfafba499','volume_targets/ff376d11-c26e-48cf-b06b-0d13e84c9659/auth_password','"nine-stars"');
INSERT INTO "node_secret" VALUES('fe9d9257-d596-476f-ba6a-89fbe515a67e','driver_info/ipmi_password','"seven-stars"');
CREATE TABLE node_traits (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    trait TEXT NOT NULL,
    PRIMARY KEY (node_uuid, trait)
) WITHOUT ROWID;
INSERT INTO "node_traits" VALUES('352d03e1-d517-42e1-985c-718fa253e7e3','CUSTOM_A');
INSERT INTO "node_traits" VALUES('67384d1e-7f49-4213-8e48-9833d79c1790','CUSTOM_A');
INSERT INTO "node_traits" VALUES('85729487-171a-429d-9af1-7031550cd2a9','CUSTOM_A');
INSERT INTO "node_traits" VALUES('ebdfac4e-c277-4fdf-9aa3-f58dfafba499','CUSTOM_A');
INSERT INTO "node_traits" VALUES('fe9d9257-d596-476f-ba6a-89fbe515a67e','CUSTOM_A');
INSERT INTO "node_traits" VALUES('85729487-171a-429d-9af1-7031550cd2a9','CUSTOM_FREE');
INSERT INTO "node_traits" VALUES('fe9d9257-d596-476f-ba6a-89fbe515a67e','CUSTOM_HELD');
INSERT INTO "node_traits" VALUES('ebdfac4e-c277-4fdf-9aa3-f58dfafba499','CUSTOM_NEW');
INSERT INTO "node_traits" VALUES('352d03e1-d517-42e1-985c-718fa253e7e3','CUSTOM_USED');
INSERT INTO "node_traits" VALUES('67384d1e-7f49-4213-8e48-9833d79c1790','CUSTOM_WAITING');
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
INSERT INTO "nodes" VALUES(1,'85729487-171a-429d-9af1-7031550cd2a9','free','fake-hardware','available',NULL,1795644010116347,'power off',NULL,2,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,'56d93811-a697-40f0-a50a-5396daa2d526',NULL,'metal','',NULL,NULL,'the node that is free',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.0"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:10.169877"}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":0}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644010031866,1795644011654781,'["CUSTOM_A","CUSTOM_FREE"]');
INSERT INTO "nodes" VALUES(2,'352d03e1-d517-42e1-985c-718fa253e7e3','used','fake-hardware','active',NULL,1795644011505672,'power off',NULL,2,NULL,NULL,0,NULL,NULL,'94095344-0942-470b-a9d1-56a854c5222b',NULL,'94095344-0942-470b-a9d1-56a854c5222b',NULL,NULL,'metal','',NULL,NULL,'the node that is used',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.1"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:10.509608","is_whole_disk_image":true,"deploy_steps":null}','{"traits":["CUSTOM_USED"],"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","image_type":"whole-disk","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":1}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644010371351,1795644011505876,'["CUSTOM_A","CUSTOM_USED"]');
INSERT INTO "nodes" VALUES(3,'67384d1e-7f49-4213-8e48-9833d79c1790','waiting','fake-hardware','wait call-back','active',1795644011588735,'power on',NULL,3,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is waiting',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.2"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:11.588229","is_whole_disk_image":true,"deploy_boot_mode":"uefi"}','{"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","image_type":"whole-disk","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":2}','{}','{}','{}','{}','{"interface":"deploy","step":"deploy","args":{},"priority":100,"abortable":true,"requires_ramdisk":true}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','direct','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644010710844,1795644011589012,'["CUSTOM_A","CUSTOM_WAITING"]');
INSERT INTO "nodes" VALUES(4,'fe9d9257-d596-476f-ba6a-89fbe515a67e','held','fake-hardware','clean hold','manageable',1795644011116857,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is held',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.3"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":3}','{}','{}','{}','{"interface":"deploy","step":"hold","args":{},"priority":0,"abortable":true,"requires_ramdisk":false}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644011045734,1795644011117048,'["CUSTOM_A","CUSTOM_HELD"]');
INSERT INTO "nodes" VALUES(5,'ebdfac4e-c277-4fdf-9aa3-f58dfafba499','new','fake-hardware','enroll',NULL,NULL,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is new',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.4"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":4}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644011167113,1795644011175360,'["CUSTOM_A","CUSTOM_NEW"]');
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
INSERT INTO "portgroups" VALUES(1,'fff08897-e626-4e1c-830c-adf1214dbdc4','ebdfac4e-c277-4fdf-9aa3-f58dfafba499','bond0','52:54:00:00:01:00','802.3ad','{"miimon":100}','{}','{}',1,NULL,NULL,0,1795644011666135,NULL);
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
INSERT INTO "ports" VALUES(1,'7b9c86e7-0947-4644-a3bc-14b34745c87e','85729487-171a-429d-9af1-7031550cd2a9','52:54:00:00:00:00',NULL,NULL,'{"slot":0}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644010036984,NULL);
INSERT INTO "ports" VALUES(2,'5c0a3539-fe34-45ff-a09a-0beb528f5b57','352d03e1-d517-42e1-985c-718fa253e7e3','52:54:00:00:00:01',NULL,NULL,'{"slot":1}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644010381546,NULL);
INSERT INTO "ports" VALUES(3,'aa2db6ed-d58a-4ad1-828e-f9cbc22714cd','67384d1e-7f49-4213-8e48-9833d79c1790','52:54:00:00:00:02',NULL,NULL,'{"slot":2}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644010715805,NULL);
INSERT INTO "ports" VALUES(4,'77a1060d-a255-4bee-8008-47853a378f9d','fe9d9257-d596-476f-ba6a-89fbe515a67e','52:54:00:00:00:03',NULL,NULL,'{"slot":3}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644011048547,NULL);
INSERT INTO "ports" VALUES(5,'7bb479f0-738d-4570-809c-8c74ee3b4162','ebdfac4e-c277-4fdf-9aa3-f58dfafba499','52:54:00:00:00:04',NULL,NULL,'{"slot":4}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644011171741,NULL);
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
INSERT INTO "runbooks" VALUES(1,'be8a88ba-0a08-4c37-be57-85b88a171f8c','CUSTOM_BOOK',NULL,'[{"interface":"bios","step":"factory_reset","args":{},"order":1}]','[]',0,0,NULL,'{}',1795644011649346,NULL);
CREATE TABLE sealed_steps (
    owner_uuid TEXT PRIMARY KEY,
    sealed TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "sealed_steps" VALUES('e4fc8d7f-07ef-4c5a-9330-cc5cc764a6d9','[{"interface":"bios","step":"apply_configuration","args":{"settings":[],"password":"eight-stars"},"priority":50}]');
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
INSERT INTO "volume_connectors" VALUES(1,'97ca0cdc-78dd-42cd-a75d-8a8fad101cc5','ebdfac4e-c277-4fdf-9aa3-f58dfafba499','iqn','iqn.2026-11.example:new','{}',1795644011671549,NULL);
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
INSERT INTO "volume_targets" VALUES(1,'ff376d11-c26e-48cf-b06b-0d13e84c9659','ebdfac4e-c277-4fdf-9aa3-f58dfafba499','iscsi','vol-1',0,'{"target_portal":"192.0.2.9:3260","auth_password":"******"}','{}',1795644011673733,NULL);
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
INSERT INTO "work" VALUES(11,'clean','fe9d9257-d596-476f-ba6a-89fbe515a67e',NULL,'step',0,'held',1,'{"manual":true,"bare":true}','held by a step until a client says unhold',1795644011116988,NULL,NULL,0,0,1795644011109451);
INSERT INTO "work" VALUES(13,'deploy','67384d1e-7f49-4213-8e48-9833d79c1790',NULL,'step',0,'waiting',1,'{"rebuild":false}','the agent''s first heartbeat',1795644011588894,NULL,1795644012588894,0,0,1795644011574546);
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
CREATE INDEX inspection_rules_in_order ON inspection_rules (priority DESC, id);
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
INSERT INTO "sqlite_sequence" VALUES('inspection_rules',1);
INSERT INTO "sqlite_sequence" VALUES('bios_settings',1);
INSERT INTO "sqlite_sequence" VALUES('firmware_components',1);
COMMIT;
