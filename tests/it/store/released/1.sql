-- A store of schema 1, made by a program of that time; by hand: leases, meta; deadlines have passed.
PRAGMA application_id = 1112755538;
PRAGMA user_version = 1;
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
INSERT INTO "allocations" VALUES(1,'73cfa78e-ce03-43d5-8f0b-f398bf089626','mine','active','metal','["CUSTOM_USED"]','[]','2540dfc9-a900-4b62-b873-782408e62506',NULL,'{"for":"web"}',NULL,NULL,1795644022721769,1795644022722614);
INSERT INTO "allocations" VALUES(2,'7ad96ee8-92aa-402a-8261-94e443dfb383','nobody','error','gold','[]','[]',NULL,NULL,'{}','Failed to process allocation 7ad96ee8-92aa-402a-8261-94e443dfb383: no available nodes match the resource class gold.',NULL,1795644022724647,1795644022725329);
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
INSERT INTO "events" VALUES(1,'1a4eb3a5-7e85-4fd8-95df-d8940a677396','14a78b45-3724-4dee-8177-58d88dc45d6d',1795644021559754,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(2,'6c24618c-ffb2-4bac-b643-c2b82018d060','14a78b45-3724-4dee-8177-58d88dc45d6d',1795644021570193,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,10);
INSERT INTO "events" VALUES(3,'80294ca9-7019-47cd-ab3b-e9c0a1a46d76','14a78b45-3724-4dee-8177-58d88dc45d6d',1795644021623585,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',53);
INSERT INTO "events" VALUES(4,'2b37998f-fa83-40de-8bfc-7ad027bfecbc','14a78b45-3724-4dee-8177-58d88dc45d6d',1795644021634102,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,10);
INSERT INTO "events" VALUES(5,'8bc3a7a8-c1ab-4e1e-9576-63c0cb07185c','14a78b45-3724-4dee-8177-58d88dc45d6d',1795644021687617,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(6,'072ab487-56c2-46d8-9274-69a60d9fd945','2540dfc9-a900-4b62-b873-782408e62506',1795644021901175,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(7,'0acca601-0ee2-49ca-a63a-dad1e4fb7ac9','2540dfc9-a900-4b62-b873-782408e62506',1795644021905828,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,4);
INSERT INTO "events" VALUES(8,'ca0d2717-3b49-47e9-895b-d2f558176454','2540dfc9-a900-4b62-b873-782408e62506',1795644021963527,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',57);
INSERT INTO "events" VALUES(9,'c2fbb2da-4ed1-4841-89c7-f13c52393df3','2540dfc9-a900-4b62-b873-782408e62506',1795644021971303,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,7);
INSERT INTO "events" VALUES(10,'94d593a1-262c-4fba-9eae-863866267700','2540dfc9-a900-4b62-b873-782408e62506',1795644022026685,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(11,'a6490dee-d2aa-4bf1-9611-3d51c444d503','a7ac9803-7349-4556-ae32-5acea011ee2a',1795644022240933,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(12,'af8b63a6-590a-4a50-a33e-25764b68e502','a7ac9803-7349-4556-ae32-5acea011ee2a',1795644022244721,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,3);
INSERT INTO "events" VALUES(13,'21b88e71-ea37-452f-b9b0-3527aaa3f707','a7ac9803-7349-4556-ae32-5acea011ee2a',1795644022301476,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',56);
INSERT INTO "events" VALUES(14,'9ba91b4a-77f6-40c3-b286-fa98e504113b','a7ac9803-7349-4556-ae32-5acea011ee2a',1795644022315559,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,14);
INSERT INTO "events" VALUES(15,'93bcc19b-ab4f-4107-8e09-ffb9910cfdc6','a7ac9803-7349-4556-ae32-5acea011ee2a',1795644022375360,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(16,'01cf584f-e223-4f17-a146-98bb33545477','45726c0a-6211-4e67-8d4e-1cc061bc0587',1795644022587446,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(17,'bbccfa4e-4f12-4033-af4b-86e66fa962fd','45726c0a-6211-4e67-8d4e-1cc061bc0587',1795644022591199,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,3);
INSERT INTO "events" VALUES(18,'c556dbc9-4d1c-4b2c-92f8-f06d94438660','45726c0a-6211-4e67-8d4e-1cc061bc0587',1795644022644513,'transition','INFO','provisioning','manageable -> cleaning (clean)',NULL,'cleaning','available',53);
INSERT INTO "events" VALUES(19,'aa6feedf-a4ad-4e84-baaf-d4958173ea52','45726c0a-6211-4e67-8d4e-1cc061bc0587',1795644022652362,'transition','INFO','provisioning','cleaning -> clean hold (hold)',NULL,'clean hold','manageable',7);
INSERT INTO "events" VALUES(20,'2f725b85-51a0-4c33-b819-3c0be443c90c','2540dfc9-a900-4b62-b873-782408e62506',1795644022722673,'allocation','INFO','allocation','allocated to 73cfa78e-ce03-43d5-8f0b-f398bf089626',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(21,'06f65b5e-b1b1-4bd2-a8c8-6d43ef3ce33f','2540dfc9-a900-4b62-b873-782408e62506',1795644023031722,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',1060);
INSERT INTO "events" VALUES(22,'012e1449-36ed-45e8-8d16-60cea5647682','2540dfc9-a900-4b62-b873-782408e62506',1795644023038998,'transition','INFO','provisioning','deploying -> active (done)',NULL,'active',NULL,7);
INSERT INTO "events" VALUES(23,'85da32a1-743a-4ed9-981c-1806c68f2674','a7ac9803-7349-4556-ae32-5acea011ee2a',1795644023097608,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',782);
INSERT INTO "events" VALUES(24,'e3297b1c-3476-4223-8a7f-144a8417baa7','a7ac9803-7349-4556-ae32-5acea011ee2a',1795644023107213,'transition','INFO','provisioning','deploying -> wait call-back (wait)',NULL,'wait call-back','active',9);
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
INSERT INTO "meta" VALUES('made_by','a store of schema 1');
CREATE TABLE node_blob (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (node_uuid, kind)
);
INSERT INTO "node_blob" VALUES('45726c0a-6211-4e67-8d4e-1cc061bc0587','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A22686F6C64222C227072696F72697479223A302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A66616C73652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A227265736572766564227D5D');
INSERT INTO "node_blob" VALUES('2540dfc9-a900-4b62-b873-782408e62506','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656231227D7D');
INSERT INTO "node_blob" VALUES('a7ac9803-7349-4556-ae32-5acea011ee2a','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656232227D7D');
INSERT INTO "node_blob" VALUES('a7ac9803-7349-4556-ae32-5acea011ee2a','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A226465706C6F79222C227072696F72697479223A3130302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A2277726974655F696D616765222C227072696F72697479223A38302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22707265706172655F696E7374616E63655F626F6F74222C227072696F72697479223A36302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22746561725F646F776E5F6167656E74222C227072696F72697479223A34302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A227377697463685F746F5F74656E616E745F6E6574776F726B222C227072696F72697479223A33302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22626F6F745F696E7374616E6365222C227072696F72697479223A32302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D5D');
CREATE TABLE node_secret (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    pointer TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (node_uuid, pointer)
) WITHOUT ROWID;
INSERT INTO "node_secret" VALUES('14a78b45-3724-4dee-8177-58d88dc45d6d','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('2540dfc9-a900-4b62-b873-782408e62506','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('45726c0a-6211-4e67-8d4e-1cc061bc0587','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('a7ac9803-7349-4556-ae32-5acea011ee2a','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('ac00fa4f-ecc7-44e8-8bd2-ff3971a018ce','driver_info/ipmi_password','"seven-stars"');
CREATE TABLE node_traits (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    trait TEXT NOT NULL,
    PRIMARY KEY (node_uuid, trait)
) WITHOUT ROWID;
INSERT INTO "node_traits" VALUES('14a78b45-3724-4dee-8177-58d88dc45d6d','CUSTOM_A');
INSERT INTO "node_traits" VALUES('2540dfc9-a900-4b62-b873-782408e62506','CUSTOM_A');
INSERT INTO "node_traits" VALUES('45726c0a-6211-4e67-8d4e-1cc061bc0587','CUSTOM_A');
INSERT INTO "node_traits" VALUES('a7ac9803-7349-4556-ae32-5acea011ee2a','CUSTOM_A');
INSERT INTO "node_traits" VALUES('ac00fa4f-ecc7-44e8-8bd2-ff3971a018ce','CUSTOM_A');
INSERT INTO "node_traits" VALUES('14a78b45-3724-4dee-8177-58d88dc45d6d','CUSTOM_FREE');
INSERT INTO "node_traits" VALUES('45726c0a-6211-4e67-8d4e-1cc061bc0587','CUSTOM_HELD');
INSERT INTO "node_traits" VALUES('ac00fa4f-ecc7-44e8-8bd2-ff3971a018ce','CUSTOM_NEW');
INSERT INTO "node_traits" VALUES('2540dfc9-a900-4b62-b873-782408e62506','CUSTOM_USED');
INSERT INTO "node_traits" VALUES('a7ac9803-7349-4556-ae32-5acea011ee2a','CUSTOM_WAITING');
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
INSERT INTO "nodes" VALUES(1,'14a78b45-3724-4dee-8177-58d88dc45d6d','free','fake-hardware','available',NULL,1795644021633996,'power off',NULL,2,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is free',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.0"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:21.687314"}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":0}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644021544216,1795644021687680);
INSERT INTO "nodes" VALUES(2,'2540dfc9-a900-4b62-b873-782408e62506','used','fake-hardware','active',NULL,1795644023038929,'power off',NULL,2,NULL,NULL,0,NULL,NULL,'73cfa78e-ce03-43d5-8f0b-f398bf089626',NULL,'73cfa78e-ce03-43d5-8f0b-f398bf089626',NULL,NULL,'metal','',NULL,NULL,'the node that is used',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.1"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:22.026405","deploy_steps":null}','{"traits":["CUSTOM_USED"],"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":1}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644021893045,1795644023039125);
INSERT INTO "nodes" VALUES(3,'a7ac9803-7349-4556-ae32-5acea011ee2a','waiting','fake-hardware','wait call-back','active',1795644023107158,'power on',NULL,3,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is waiting',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.2"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:23.106865","deploy_boot_mode":"uefi","is_whole_disk_image":true}','{"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":2}','{}','{}','{}','{}','{"interface":"deploy","step":"deploy","args":{},"priority":100,"abortable":true,"requires_ramdisk":true}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','direct','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644022227766,1795644023107340);
INSERT INTO "nodes" VALUES(4,'45726c0a-6211-4e67-8d4e-1cc061bc0587','held','fake-hardware','clean hold','manageable',1795644022652290,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is held',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.3"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":3}','{}','{}','{}','{"interface":"deploy","step":"hold","args":{},"priority":0,"abortable":true,"requires_ramdisk":false}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644022576570,1795644022652491);
INSERT INTO "nodes" VALUES(5,'ac00fa4f-ecc7-44e8-8bd2-ff3971a018ce','new','fake-hardware','enroll',NULL,NULL,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is new',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.4"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":4}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644022702931,1795644022714493);
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
INSERT INTO "ports" VALUES(1,'306c3023-04d1-4151-8043-228ef0102097','14a78b45-3724-4dee-8177-58d88dc45d6d','52:54:00:00:00:00',NULL,NULL,'{"slot":0}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644021547906,NULL);
INSERT INTO "ports" VALUES(2,'5ef426eb-2f4e-4d3d-9918-d36d094ce8e0','2540dfc9-a900-4b62-b873-782408e62506','52:54:00:00:00:01',NULL,NULL,'{"slot":1}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644021896582,NULL);
INSERT INTO "ports" VALUES(3,'7a599af8-09cf-4fe9-898c-889012587612','a7ac9803-7349-4556-ae32-5acea011ee2a','52:54:00:00:00:02',NULL,NULL,'{"slot":2}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644022234214,NULL);
INSERT INTO "ports" VALUES(4,'65547f6e-9f1e-4694-82cb-2b3d172a5cc7','45726c0a-6211-4e67-8d4e-1cc061bc0587','52:54:00:00:00:03',NULL,NULL,'{"slot":3}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644022579125,NULL);
INSERT INTO "ports" VALUES(5,'671f77d3-53dc-4851-8de5-047290097e37','ac00fa4f-ecc7-44e8-8bd2-ff3971a018ce','52:54:00:00:00:04',NULL,NULL,'{"slot":4}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644022708911,NULL);
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
INSERT INTO "work" VALUES(11,'clean','45726c0a-6211-4e67-8d4e-1cc061bc0587',NULL,'step',0,'held',1,'{"manual":true,"asked":[{"interface":"deploy","step":"hold","args":{},"priority":null}],"bare":true}','held by a step until a client says unhold',1795644022652428,NULL,NULL,0,0,1795644022644668);
INSERT INTO "work" VALUES(13,'deploy','a7ac9803-7349-4556-ae32-5acea011ee2a',NULL,'step',0,'waiting',1,'{"asked":[],"rebuild":false}','the agent''s first heartbeat',1795644023107264,NULL,1795644024107264,0,0,1795644023097759);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('nodes',5);
INSERT INTO "sqlite_sequence" VALUES('ports',5);
INSERT INTO "sqlite_sequence" VALUES('events',24);
INSERT INTO "sqlite_sequence" VALUES('work',13);
INSERT INTO "sqlite_sequence" VALUES('allocations',2);
COMMIT;
