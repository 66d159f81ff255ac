-- A store of schema 4, made by a program of that time; by hand: leases, meta, bios_settings, firmware_components; deadlines have passed.
PRAGMA application_id = 1112755538;
PRAGMA user_version = 4;
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
INSERT INTO "allocations" VALUES(1,'39449342-8fa4-4de1-85b6-105cfe436ee4','mine','active','metal','["CUSTOM_USED"]','[]','00563610-5608-4b12-8efd-004324efc545',NULL,'{"for":"web"}',NULL,NULL,1795644015881780,1795644015882675);
INSERT INTO "allocations" VALUES(2,'dcbd4463-591e-4c18-89cc-cee83f93ba24','nobody','error','gold','[]','[]',NULL,NULL,'{}','Failed to process allocation dcbd4463-591e-4c18-89cc-cee83f93ba24: no available nodes match the resource class gold.',NULL,1795644015885279,1795644015885925);
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
INSERT INTO "bios_settings" VALUES(1,'00563610-5608-4b12-8efd-004324efc545','virtualization','on','Enumeration','["on","off"]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795640000000000,NULL);
CREATE TABLE deploy_templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    steps TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);
INSERT INTO "deploy_templates" VALUES(1,'7d27a6b2-5491-46da-b778-12665a481894','CUSTOM_TEMPLATE','[{"interface":"bios","step":"apply_configuration","args":{"settings":[],"password":"******"},"priority":50}]','{}',1795644016353412,NULL);
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
INSERT INTO "events" VALUES(1,'f7f8d887-7749-4f90-815d-e8534b1f9af0','b61a0faa-21e9-41c8-8d92-5e64e2f46119',1795644014717457,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(2,'16361e21-ddc0-4f73-bb33-1bc08bf9c632','b61a0faa-21e9-41c8-8d92-5e64e2f46119',1795644014725840,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,8);
INSERT INTO "events" VALUES(3,'a7a5f82c-22f5-479a-bb34-0dbc88f526e7','b61a0faa-21e9-41c8-8d92-5e64e2f46119',1795644014781630,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',55);
INSERT INTO "events" VALUES(4,'41bdcf50-0690-4714-b594-e9d18381aa54','b61a0faa-21e9-41c8-8d92-5e64e2f46119',1795644014817593,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,36);
INSERT INTO "events" VALUES(5,'c5dbcf2f-324b-4846-beee-54e5da829f71','b61a0faa-21e9-41c8-8d92-5e64e2f46119',1795644014876937,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(6,'8bddaeeb-af8f-4c09-8833-f7830156fcbc','00563610-5608-4b12-8efd-004324efc545',1795644015085193,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(7,'bb4000b5-ecb4-4b53-b77b-7eefa5bc0a2d','00563610-5608-4b12-8efd-004324efc545',1795644015090159,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,5);
INSERT INTO "events" VALUES(8,'5832f72c-9be4-4d4b-a0f5-103e0e0e53f5','00563610-5608-4b12-8efd-004324efc545',1795644015148152,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',58);
INSERT INTO "events" VALUES(9,'dae49fc6-cdc6-4a5d-8e3f-f26b2b40471f','00563610-5608-4b12-8efd-004324efc545',1795644015159138,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,11);
INSERT INTO "events" VALUES(10,'d9780df5-d7ad-4c71-8f19-2cee337a4de5','00563610-5608-4b12-8efd-004324efc545',1795644015215508,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(11,'81122b0e-6466-418d-a865-65949415d47e','c0396e2a-da4a-4a74-918e-a4d93408f758',1795644015423655,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(12,'a7cae7ea-0b3a-4787-8213-bdbc0e777c82','c0396e2a-da4a-4a74-918e-a4d93408f758',1795644015427343,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,3);
INSERT INTO "events" VALUES(13,'f3a0e155-65ef-4c07-a3e4-a62b4e961f85','c0396e2a-da4a-4a74-918e-a4d93408f758',1795644015431565,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',4);
INSERT INTO "events" VALUES(14,'1ed88896-6ee2-4a2c-8e23-6e1a34b92617','c0396e2a-da4a-4a74-918e-a4d93408f758',1795644015439907,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,8);
INSERT INTO "events" VALUES(15,'c5edd2cb-a686-4ce3-a9fe-fb077f3da914','c0396e2a-da4a-4a74-918e-a4d93408f758',1795644015498012,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(16,'a65a33eb-fa3f-4503-ab46-ae42eea01d7a','c79ea4ce-df27-4826-b462-e4176317cd9a',1795644015725090,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(17,'2510e25d-56f0-4ea7-99c1-98ef2b9dbd73','c79ea4ce-df27-4826-b462-e4176317cd9a',1795644015739894,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,14);
INSERT INTO "events" VALUES(18,'473d5944-e360-4cb6-982d-a0fc0c1e9723','c79ea4ce-df27-4826-b462-e4176317cd9a',1795644015794836,'transition','INFO','provisioning','manageable -> cleaning (clean)',NULL,'cleaning','available',55);
INSERT INTO "events" VALUES(19,'6152a487-e822-4584-a7fe-f98ecdac9e06','c79ea4ce-df27-4826-b462-e4176317cd9a',1795644015815633,'transition','INFO','provisioning','cleaning -> clean hold (hold)',NULL,'clean hold','manageable',20);
INSERT INTO "events" VALUES(20,'8c2079a2-e0b3-4502-a66a-73e5f6557e5f','00563610-5608-4b12-8efd-004324efc545',1795644015882742,'allocation','INFO','allocation','allocated to 39449342-8fa4-4de1-85b6-105cfe436ee4',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(21,'179f4a45-4a55-4e46-a55c-4a6e150c8889','00563610-5608-4b12-8efd-004324efc545',1795644016194531,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',1035);
INSERT INTO "events" VALUES(22,'7628f0f2-c91b-4f0d-8a32-2223a31ba220','00563610-5608-4b12-8efd-004324efc545',1795644016203099,'transition','INFO','provisioning','deploying -> active (done)',NULL,'active',NULL,8);
INSERT INTO "events" VALUES(23,'03b674bc-c101-4248-b5f3-cfde50e40610','c0396e2a-da4a-4a74-918e-a4d93408f758',1795644016271536,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',831);
INSERT INTO "events" VALUES(24,'0540a531-14c5-4fe4-8a22-beca88e6912b','c0396e2a-da4a-4a74-918e-a4d93408f758',1795644016312885,'transition','INFO','provisioning','deploying -> wait call-back (wait)',NULL,'wait call-back','active',41);
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
INSERT INTO "firmware_components" VALUES(1,'00563610-5608-4b12-8efd-004324efc545','bios','1.0','1.1',NULL,NULL,NULL,NULL,1795640000000000,NULL);
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
INSERT INTO "meta" VALUES('made_by','a store of schema 4');
CREATE TABLE node_blob (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (node_uuid, kind)
);
INSERT INTO "node_blob" VALUES('c79ea4ce-df27-4826-b462-e4176317cd9a','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A22686F6C64222C227072696F72697479223A302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A66616C73652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A227265736572766564227D5D');
INSERT INTO "node_blob" VALUES('00563610-5608-4b12-8efd-004324efc545','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656231227D7D');
INSERT INTO "node_blob" VALUES('c0396e2a-da4a-4a74-918e-a4d93408f758','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656232227D7D');
INSERT INTO "node_blob" VALUES('c0396e2a-da4a-4a74-918e-a4d93408f758','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A226465706C6F79222C227072696F72697479223A3130302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A2277726974655F696D616765222C227072696F72697479223A38302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22707265706172655F696E7374616E63655F626F6F74222C227072696F72697479223A36302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22746561725F646F776E5F6167656E74222C227072696F72697479223A34302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A227377697463685F746F5F74656E616E745F6E6574776F726B222C227072696F72697479223A33302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22626F6F745F696E7374616E6365222C227072696F72697479223A32302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D5D');
CREATE TABLE node_secret (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    pointer TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (node_uuid, pointer)
) WITHOUT ROWID;
INSERT INTO "node_secret" VALUES('00563610-5608-4b12-8efd-004324efc545','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('696f8932-0283-4b30-96a5-5bc568048d76','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('b61a0faa-21e9-41c8-8d92-5e64e2f46119','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('c0396e2a-da4a-4a74-918e-a4d93408f758','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('c79ea4ce-df27-4826-b462-e4176317cd9a','driver_info/ipmi_password','"seven-stars"');
CREATE TABLE node_traits (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    trait TEXT NOT NULL,
    PRIMARY KEY (node_uuid, trait)
) WITHOUT ROWID;
INSERT INTO "node_traits" VALUES('00563610-5608-4b12-8efd-004324efc545','CUSTOM_A');
INSERT INTO "node_traits" VALUES('696f8932-0283-4b30-96a5-5bc568048d76','CUSTOM_A');
INSERT INTO "node_traits" VALUES('b61a0faa-21e9-41c8-8d92-5e64e2f46119','CUSTOM_A');
INSERT INTO "node_traits" VALUES('c0396e2a-da4a-4a74-918e-a4d93408f758','CUSTOM_A');
INSERT INTO "node_traits" VALUES('c79ea4ce-df27-4826-b462-e4176317cd9a','CUSTOM_A');
INSERT INTO "node_traits" VALUES('b61a0faa-21e9-41c8-8d92-5e64e2f46119','CUSTOM_FREE');
INSERT INTO "node_traits" VALUES('c79ea4ce-df27-4826-b462-e4176317cd9a','CUSTOM_HELD');
INSERT INTO "node_traits" VALUES('696f8932-0283-4b30-96a5-5bc568048d76','CUSTOM_NEW');
INSERT INTO "node_traits" VALUES('00563610-5608-4b12-8efd-004324efc545','CUSTOM_USED');
INSERT INTO "node_traits" VALUES('c0396e2a-da4a-4a74-918e-a4d93408f758','CUSTOM_WAITING');
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
INSERT INTO "nodes" VALUES(1,'b61a0faa-21e9-41c8-8d92-5e64e2f46119','free','fake-hardware','available',NULL,1795644014817480,'power off',NULL,2,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is free',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.0"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:14.876290"}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":0}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644014702858,1795644014877033);
INSERT INTO "nodes" VALUES(2,'00563610-5608-4b12-8efd-004324efc545','used','fake-hardware','active',NULL,1795644016203025,'power off',NULL,2,NULL,NULL,0,NULL,NULL,'39449342-8fa4-4de1-85b6-105cfe436ee4',NULL,'39449342-8fa4-4de1-85b6-105cfe436ee4',NULL,NULL,'metal','',NULL,NULL,'the node that is used',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.1"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:15.215076","deploy_steps":null}','{"traits":["CUSTOM_USED"],"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":1}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644015075377,1795644016203226);
INSERT INTO "nodes" VALUES(3,'c0396e2a-da4a-4a74-918e-a4d93408f758','waiting','fake-hardware','wait call-back','active',1795644016312785,'power on',NULL,3,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is waiting',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.2"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:16.312227","deploy_boot_mode":"uefi","is_whole_disk_image":true}','{"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":2}','{}','{}','{}','{}','{"interface":"deploy","step":"deploy","args":{},"priority":100,"abortable":true,"requires_ramdisk":true}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','direct','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644015415440,1795644016313111);
INSERT INTO "nodes" VALUES(4,'c79ea4ce-df27-4826-b462-e4176317cd9a','held','fake-hardware','clean hold','manageable',1795644015815556,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is held',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.3"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":3}','{}','{}','{}','{"interface":"deploy","step":"hold","args":{},"priority":0,"abortable":true,"requires_ramdisk":false}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644015699668,1795644015815772);
INSERT INTO "nodes" VALUES(5,'696f8932-0283-4b30-96a5-5bc568048d76','new','fake-hardware','enroll',NULL,NULL,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is new',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.4"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":4}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644015859295,1795644015879034);
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
INSERT INTO "ports" VALUES(1,'8560feea-043b-4396-a666-9707045b2191','b61a0faa-21e9-41c8-8d92-5e64e2f46119','52:54:00:00:00:00',NULL,NULL,'{"slot":0}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644014710189,NULL);
INSERT INTO "ports" VALUES(2,'01f270a6-9971-4547-b97e-11698b96cd93','00563610-5608-4b12-8efd-004324efc545','52:54:00:00:00:01',NULL,NULL,'{"slot":1}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644015079499,NULL);
INSERT INTO "ports" VALUES(3,'abd66196-c2a8-4ac1-a6fc-bdcad49a742c','c0396e2a-da4a-4a74-918e-a4d93408f758','52:54:00:00:00:02',NULL,NULL,'{"slot":2}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644015418545,NULL);
INSERT INTO "ports" VALUES(4,'af6eb3f8-c0c0-4617-b5f5-2722ccc1e663','c79ea4ce-df27-4826-b462-e4176317cd9a','52:54:00:00:00:03',NULL,NULL,'{"slot":3}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644015717868,NULL);
INSERT INTO "ports" VALUES(5,'bfbaf1b7-110a-47b1-857d-4261727259d8','696f8932-0283-4b30-96a5-5bc568048d76','52:54:00:00:00:04',NULL,NULL,'{"slot":4}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644015874976,NULL);
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
INSERT INTO "runbooks" VALUES(1,'473d43f2-b52f-4fd3-9be9-2f2037d91e14','CUSTOM_BOOK',NULL,'[{"interface":"bios","step":"factory_reset","args":{},"order":1}]','[]',0,0,NULL,'{}',1795644016358677,NULL);
CREATE TABLE sealed_steps (
    owner_uuid TEXT PRIMARY KEY,
    sealed TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "sealed_steps" VALUES('7d27a6b2-5491-46da-b778-12665a481894','[{"interface":"bios","step":"apply_configuration","args":{"settings":[],"password":"eight-stars"},"priority":50}]');
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
INSERT INTO "work" VALUES(11,'clean','c79ea4ce-df27-4826-b462-e4176317cd9a',NULL,'step',0,'held',1,'{"manual":true,"asked":[{"interface":"deploy","step":"hold","args":{}}],"bare":true}','held by a step until a client says unhold',1795644015815682,NULL,NULL,0,0,1795644015795068);
INSERT INTO "work" VALUES(13,'deploy','c0396e2a-da4a-4a74-918e-a4d93408f758',NULL,'step',0,'waiting',1,'{"asked":[],"rebuild":false}','the agent''s first heartbeat',1795644016312967,NULL,1795644017312967,0,0,1795644016271732);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('nodes',5);
INSERT INTO "sqlite_sequence" VALUES('ports',5);
INSERT INTO "sqlite_sequence" VALUES('events',24);
INSERT INTO "sqlite_sequence" VALUES('work',13);
INSERT INTO "sqlite_sequence" VALUES('allocations',2);
INSERT INTO "sqlite_sequence" VALUES('deploy_templates',1);
INSERT INTO "sqlite_sequence" VALUES('runbooks',1);
INSERT INTO "sqlite_sequence" VALUES('bios_settings',1);
INSERT INTO "sqlite_sequence" VALUES('firmware_components',1);
COMMIT;
