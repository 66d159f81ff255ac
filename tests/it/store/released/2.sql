-- A store of schema 2, made by a program of that time; by hand: leases, meta; deadlines have passed.
PRAGMA application_id = 1112755538;
PRAGMA user_version = 2;
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
INSERT INTO "allocations" VALUES(1,'4ff69f9f-2849-409f-941d-a408fca7df13','mine','active','metal','["CUSTOM_USED"]','[]','664a9201-ed2e-442c-8aea-bcd3beaa779d',NULL,'{"for":"web"}',NULL,NULL,1795644020441932,1795644020443213);
INSERT INTO "allocations" VALUES(2,'88f21c27-3b89-45b9-b7a5-1a971abf3ff5','nobody','error','gold','[]','[]',NULL,NULL,'{}','Failed to process allocation 88f21c27-3b89-45b9-b7a5-1a971abf3ff5: no available nodes match the resource class gold.',NULL,1795644020448182,1795644020449256);
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
INSERT INTO "events" VALUES(1,'033b70de-3ecf-4bfc-ade5-831d41a3f016','2d6bec81-7a48-43a3-8796-8c8c8deae85b',1795644019213425,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(2,'b775892d-c912-4757-9bae-70508855d475','2d6bec81-7a48-43a3-8796-8c8c8deae85b',1795644019228590,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,15);
INSERT INTO "events" VALUES(3,'9e5f298e-a65d-4fc0-bb41-c5f0055158e6','2d6bec81-7a48-43a3-8796-8c8c8deae85b',1795644019289081,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',60);
INSERT INTO "events" VALUES(4,'60734a70-38b2-4dc3-940d-5023903b7bbb','2d6bec81-7a48-43a3-8796-8c8c8deae85b',1795644019309492,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,20);
INSERT INTO "events" VALUES(5,'f5726500-30ab-44b6-b10b-b5aeaebf8776','2d6bec81-7a48-43a3-8796-8c8c8deae85b',1795644019372653,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(6,'01beac7a-7ba3-427c-8161-3b95fb83f978','664a9201-ed2e-442c-8aea-bcd3beaa779d',1795644019594247,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(7,'648f8c6c-03de-42d9-8fad-9f629c866c5f','664a9201-ed2e-442c-8aea-bcd3beaa779d',1795644019612445,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,18);
INSERT INTO "events" VALUES(8,'998fe96f-069f-45f2-a4b8-e4fd8be295af','664a9201-ed2e-442c-8aea-bcd3beaa779d',1795644019664149,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',51);
INSERT INTO "events" VALUES(9,'fe8bd7a8-75cf-411e-893a-689035b1b00d','664a9201-ed2e-442c-8aea-bcd3beaa779d',1795644019680895,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,16);
INSERT INTO "events" VALUES(10,'b1c3bb89-4cb3-4948-8d64-c99a42e454b9','664a9201-ed2e-442c-8aea-bcd3beaa779d',1795644019732415,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(11,'d096d987-96de-4652-bb4e-5dd9c39e6547','31a58b05-c913-4277-8af9-49007cc3287b',1795644019950212,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(12,'5530e7b8-e020-4eab-8a72-ac8a9bb46569','31a58b05-c913-4277-8af9-49007cc3287b',1795644019957255,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,7);
INSERT INTO "events" VALUES(13,'24879a65-6038-4f4c-9403-559844618100','31a58b05-c913-4277-8af9-49007cc3287b',1795644020008268,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',51);
INSERT INTO "events" VALUES(14,'81adf523-1279-4c56-ac69-f941f4580e40','31a58b05-c913-4277-8af9-49007cc3287b',1795644020032391,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,24);
INSERT INTO "events" VALUES(15,'86279ccd-8380-4c78-83ae-6285dce624c0','31a58b05-c913-4277-8af9-49007cc3287b',1795644020078397,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(16,'6d88bfa2-349c-4ac6-aa9a-cf248d1a0737','25cefa69-7256-415e-a853-1be7f3f3ed7d',1795644020300370,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(17,'e4f9d956-2d1d-401e-8b22-04c805cccfe5','25cefa69-7256-415e-a853-1be7f3f3ed7d',1795644020309542,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,9);
INSERT INTO "events" VALUES(18,'d69eb949-8038-40c3-b9ba-fc7140c27167','25cefa69-7256-415e-a853-1be7f3f3ed7d',1795644020362144,'transition','INFO','provisioning','manageable -> cleaning (clean)',NULL,'cleaning','available',52);
INSERT INTO "events" VALUES(19,'27d417ab-0f8b-4f27-b5ed-adc81edc7b6b','25cefa69-7256-415e-a853-1be7f3f3ed7d',1795644020385710,'transition','INFO','provisioning','cleaning -> clean hold (hold)',NULL,'clean hold','manageable',23);
INSERT INTO "events" VALUES(20,'5f90236d-406c-41c9-aeb5-61e0c29948bd','664a9201-ed2e-442c-8aea-bcd3beaa779d',1795644020443306,'allocation','INFO','allocation','allocated to 4ff69f9f-2849-409f-941d-a408fca7df13',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(21,'84f324fc-3744-4c55-afe8-0224b09f413f','664a9201-ed2e-442c-8aea-bcd3beaa779d',1795644020770100,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',1089);
INSERT INTO "events" VALUES(22,'8cb56a38-bf08-4b54-81c6-74bcc8275d4a','664a9201-ed2e-442c-8aea-bcd3beaa779d',1795644020813852,'transition','INFO','provisioning','deploying -> active (done)',NULL,'active',NULL,43);
INSERT INTO "events" VALUES(23,'5d938d2f-bee0-40a3-9446-d5b140590c10','31a58b05-c913-4277-8af9-49007cc3287b',1795644020868446,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',836);
INSERT INTO "events" VALUES(24,'5c2b7abf-4ce5-4d2e-8358-997fa4cd3a4c','31a58b05-c913-4277-8af9-49007cc3287b',1795644020893772,'transition','INFO','provisioning','deploying -> wait call-back (wait)',NULL,'wait call-back','active',25);
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
INSERT INTO "meta" VALUES('made_by','a store of schema 2');
CREATE TABLE node_blob (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (node_uuid, kind)
);
INSERT INTO "node_blob" VALUES('25cefa69-7256-415e-a853-1be7f3f3ed7d','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A22686F6C64222C227072696F72697479223A302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A66616C73652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A227265736572766564227D5D');
INSERT INTO "node_blob" VALUES('664a9201-ed2e-442c-8aea-bcd3beaa779d','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656231227D7D');
INSERT INTO "node_blob" VALUES('31a58b05-c913-4277-8af9-49007cc3287b','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656232227D7D');
INSERT INTO "node_blob" VALUES('31a58b05-c913-4277-8af9-49007cc3287b','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A226465706C6F79222C227072696F72697479223A3130302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A2277726974655F696D616765222C227072696F72697479223A38302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22707265706172655F696E7374616E63655F626F6F74222C227072696F72697479223A36302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22746561725F646F776E5F6167656E74222C227072696F72697479223A34302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A227377697463685F746F5F74656E616E745F6E6574776F726B222C227072696F72697479223A33302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22626F6F745F696E7374616E6365222C227072696F72697479223A32302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D5D');
CREATE TABLE node_secret (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    pointer TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (node_uuid, pointer)
) WITHOUT ROWID;
INSERT INTO "node_secret" VALUES('25cefa69-7256-415e-a853-1be7f3f3ed7d','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('2d6bec81-7a48-43a3-8796-8c8c8deae85b','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('31a58b05-c913-4277-8af9-49007cc3287b','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('664a9201-ed2e-442c-8aea-bcd3beaa779d','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('823ecf2d-516f-4c3f-82af-de689662d1d5','driver_info/ipmi_password','"seven-stars"');
CREATE TABLE node_traits (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    trait TEXT NOT NULL,
    PRIMARY KEY (node_uuid, trait)
) WITHOUT ROWID;
INSERT INTO "node_traits" VALUES('25cefa69-7256-415e-a853-1be7f3f3ed7d','CUSTOM_A');
INSERT INTO "node_traits" VALUES('2d6bec81-7a48-43a3-8796-8c8c8deae85b','CUSTOM_A');
INSERT INTO "node_traits" VALUES('31a58b05-c913-4277-8af9-49007cc3287b','CUSTOM_A');
INSERT INTO "node_traits" VALUES('664a9201-ed2e-442c-8aea-bcd3beaa779d','CUSTOM_A');
INSERT INTO "node_traits" VALUES('823ecf2d-516f-4c3f-82af-de689662d1d5','CUSTOM_A');
INSERT INTO "node_traits" VALUES('2d6bec81-7a48-43a3-8796-8c8c8deae85b','CUSTOM_FREE');
INSERT INTO "node_traits" VALUES('25cefa69-7256-415e-a853-1be7f3f3ed7d','CUSTOM_HELD');
INSERT INTO "node_traits" VALUES('823ecf2d-516f-4c3f-82af-de689662d1d5','CUSTOM_NEW');
INSERT INTO "node_traits" VALUES('664a9201-ed2e-442c-8aea-bcd3beaa779d','CUSTOM_USED');
INSERT INTO "node_traits" VALUES('31a58b05-c913-4277-8af9-49007cc3287b','CUSTOM_WAITING');
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
INSERT INTO "nodes" VALUES(1,'2d6bec81-7a48-43a3-8796-8c8c8deae85b','free','fake-hardware','available',NULL,1795644019309405,'power off',NULL,2,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is free',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.0"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:19.372201"}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":0}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644019191336,1795644019372761);
INSERT INTO "nodes" VALUES(2,'664a9201-ed2e-442c-8aea-bcd3beaa779d','used','fake-hardware','active',NULL,1795644020813761,'power off',NULL,2,NULL,NULL,0,NULL,NULL,'4ff69f9f-2849-409f-941d-a408fca7df13',NULL,'4ff69f9f-2849-409f-941d-a408fca7df13',NULL,NULL,'metal','',NULL,NULL,'the node that is used',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.1"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:19.732168","deploy_steps":null}','{"traits":["CUSTOM_USED"],"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":1}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644019573824,1795644020814095);
INSERT INTO "nodes" VALUES(3,'31a58b05-c913-4277-8af9-49007cc3287b','waiting','fake-hardware','wait call-back','active',1795644020893717,'power on',NULL,3,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is waiting',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.2"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:20.893335","deploy_boot_mode":"uefi","is_whole_disk_image":true}','{"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":2}','{}','{}','{}','{}','{"interface":"deploy","step":"deploy","args":{},"priority":100,"abortable":true,"requires_ramdisk":true}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','direct','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644019935606,1795644020893949);
INSERT INTO "nodes" VALUES(4,'25cefa69-7256-415e-a853-1be7f3f3ed7d','held','fake-hardware','clean hold','manageable',1795644020385618,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is held',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.3"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":3}','{}','{}','{}','{"interface":"deploy","step":"hold","args":{},"priority":0,"abortable":true,"requires_ramdisk":false}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644020276042,1795644020385892);
INSERT INTO "nodes" VALUES(5,'823ecf2d-516f-4c3f-82af-de689662d1d5','new','fake-hardware','enroll',NULL,NULL,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is new',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.4"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":4}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644020423708,1795644020433745);
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
INSERT INTO "ports" VALUES(1,'ef64cec9-fa7a-4116-bb9e-9a5dffddaec7','2d6bec81-7a48-43a3-8796-8c8c8deae85b','52:54:00:00:00:00',NULL,NULL,'{"slot":0}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644019199733,NULL);
INSERT INTO "ports" VALUES(2,'18e19eec-52de-4ba2-8727-38b52da33191','664a9201-ed2e-442c-8aea-bcd3beaa779d','52:54:00:00:00:01',NULL,NULL,'{"slot":1}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644019582632,NULL);
INSERT INTO "ports" VALUES(3,'f23046ea-ef51-4284-906d-b58363d7c4b5','31a58b05-c913-4277-8af9-49007cc3287b','52:54:00:00:00:02',NULL,NULL,'{"slot":2}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644019942134,NULL);
INSERT INTO "ports" VALUES(4,'742bd4ad-6020-4ad1-a37f-5f083bc4f3d0','25cefa69-7256-415e-a853-1be7f3f3ed7d','52:54:00:00:00:03',NULL,NULL,'{"slot":3}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644020286066,NULL);
INSERT INTO "ports" VALUES(5,'4bdd0607-d84f-420c-a452-3adc595ad32c','823ecf2d-516f-4c3f-82af-de689662d1d5','52:54:00:00:00:04',NULL,NULL,'{"slot":4}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644020430054,NULL);
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
INSERT INTO "work" VALUES(11,'clean','25cefa69-7256-415e-a853-1be7f3f3ed7d',NULL,'step',0,'held',1,'{"manual":true,"asked":[{"interface":"deploy","step":"hold","args":{},"priority":null}],"bare":true}','held by a step until a client says unhold',1795644020385784,NULL,NULL,0,0,1795644020362321);
INSERT INTO "work" VALUES(13,'deploy','31a58b05-c913-4277-8af9-49007cc3287b',NULL,'step',0,'waiting',1,'{"asked":[],"rebuild":false}','the agent''s first heartbeat',1795644020893843,NULL,1795644021893843,0,0,1795644020868693);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('nodes',5);
INSERT INTO "sqlite_sequence" VALUES('ports',5);
INSERT INTO "sqlite_sequence" VALUES('events',24);
INSERT INTO "sqlite_sequence" VALUES('work',13);
INSERT INTO "sqlite_sequence" VALUES('allocations',2);
COMMIT;
