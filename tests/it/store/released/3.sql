-- A store of schema 3, made by a program of that time; by hand: leases, meta, bios_settings, firmware_components; deadlines have passed.
PRAGMA application_id = 1112755538;
PRAGMA user_version = 3;
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
INSERT INTO "allocations" VALUES(1,'ff79784c-eca4-4ad9-a82a-f1a6759be419','mine','active','metal','["CUSTOM_USED"]','[]','0370e97e-9c26-4287-8896-f9c0b45a143d',NULL,'{"for":"web"}',NULL,NULL,1795644018170563,1795644018172100);
INSERT INTO "allocations" VALUES(2,'7b5cfd88-cd8f-44aa-96d4-366ec001c797','nobody','error','gold','[]','[]',NULL,NULL,'{}','Failed to process allocation 7b5cfd88-cd8f-44aa-96d4-366ec001c797: no available nodes match the resource class gold.',NULL,1795644018177493,1795644018178643);
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
INSERT INTO "bios_settings" VALUES(1,'0370e97e-9c26-4287-8896-f9c0b45a143d','virtualization','on','Enumeration','["on","off"]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795640000000000,NULL);
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
INSERT INTO "events" VALUES(1,'d9027dc3-7146-424a-b35a-aef923405f10','603653ee-6e06-45a0-b374-59aa87283247',1795644016801597,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(2,'f97104a6-0957-4020-b07f-dc933cdeeec6','603653ee-6e06-45a0-b374-59aa87283247',1795644016824656,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,23);
INSERT INTO "events" VALUES(3,'6e2f64cf-73a7-4746-8d4c-908a167c4f2d','603653ee-6e06-45a0-b374-59aa87283247',1795644016873106,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',48);
INSERT INTO "events" VALUES(4,'103d4706-47fc-4344-bca8-8cbc6f7de49f','603653ee-6e06-45a0-b374-59aa87283247',1795644016901308,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,28);
INSERT INTO "events" VALUES(5,'c98041e2-1ced-49d4-ba58-0753f755f994','603653ee-6e06-45a0-b374-59aa87283247',1795644016989479,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(6,'18b650d0-24a0-4dea-b405-55dd2d9a02bb','0370e97e-9c26-4287-8896-f9c0b45a143d',1795644017188719,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(7,'6d16d07d-deb8-442a-8022-b2a0c2a6c1ab','0370e97e-9c26-4287-8896-f9c0b45a143d',1795644017209856,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,21);
INSERT INTO "events" VALUES(8,'b8d1c804-d869-4306-9a40-f6342b2cc9c2','0370e97e-9c26-4287-8896-f9c0b45a143d',1795644017267690,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',57);
INSERT INTO "events" VALUES(9,'a817d8c1-0589-4d82-85ae-1c0c7f135b05','0370e97e-9c26-4287-8896-f9c0b45a143d',1795644017274895,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,7);
INSERT INTO "events" VALUES(10,'889952e2-919e-4937-8bc5-30fec9f6008f','0370e97e-9c26-4287-8896-f9c0b45a143d',1795644017336539,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(11,'b435b9a3-3584-46dd-a8de-2e38da99a634','ba688e1d-8850-4354-b05a-29cd910b4a1f',1795644017550917,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(12,'7d3fcc59-d944-4b2f-b500-4ab8a2012683','ba688e1d-8850-4354-b05a-29cd910b4a1f',1795644017567843,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,17);
INSERT INTO "events" VALUES(13,'bfea8dda-59a6-46fc-9b3f-57c1b76b0e3a','ba688e1d-8850-4354-b05a-29cd910b4a1f',1795644017625124,'transition','INFO','provisioning','manageable -> cleaning (provide)',NULL,'cleaning','available',57);
INSERT INTO "events" VALUES(14,'24b53582-8832-4249-8310-89b3543ec2d2','ba688e1d-8850-4354-b05a-29cd910b4a1f',1795644017631444,'transition','INFO','provisioning','cleaning -> available (done)',NULL,'available',NULL,6);
INSERT INTO "events" VALUES(15,'efa5b595-c18e-44bb-bb7b-2ac612c675b2','ba688e1d-8850-4354-b05a-29cd910b4a1f',1795644017691790,'power','INFO','power','power is now "power off"',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(16,'0f39ddc6-9ade-41be-ba7c-2aa7a629f048','37d54f78-c1a3-4774-9ade-685269cf454b',1795644017913958,'transition','INFO','provisioning','enroll -> verifying (manage)',NULL,'verifying','manageable',NULL);
INSERT INTO "events" VALUES(17,'4d08964f-ba40-4f20-b70d-4b4f9ad4384a','37d54f78-c1a3-4774-9ade-685269cf454b',1795644017927962,'transition','INFO','provisioning','verifying -> manageable (done)',NULL,'manageable',NULL,14);
INSERT INTO "events" VALUES(18,'38608afa-7526-468c-887e-95752aaaf5cb','37d54f78-c1a3-4774-9ade-685269cf454b',1795644017979617,'transition','INFO','provisioning','manageable -> cleaning (clean)',NULL,'cleaning','available',51);
INSERT INTO "events" VALUES(19,'8d7568d3-742e-4a19-8829-7ec49f34daed','37d54f78-c1a3-4774-9ade-685269cf454b',1795644018048832,'transition','INFO','provisioning','cleaning -> clean hold (hold)',NULL,'clean hold','manageable',69);
INSERT INTO "events" VALUES(20,'86222d6e-42b4-4baa-82f9-054c5908265e','0370e97e-9c26-4287-8896-f9c0b45a143d',1795644018172191,'allocation','INFO','allocation','allocated to ff79784c-eca4-4ad9-a82a-f1a6759be419',NULL,'available',NULL,NULL);
INSERT INTO "events" VALUES(21,'94bcdcc2-9564-473a-b24e-ade040ccbe7e','0370e97e-9c26-4287-8896-f9c0b45a143d',1795644018490057,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',1215);
INSERT INTO "events" VALUES(22,'5c887ded-74ad-474c-9b59-53e7fb45377d','0370e97e-9c26-4287-8896-f9c0b45a143d',1795644018499522,'transition','INFO','provisioning','deploying -> active (done)',NULL,'active',NULL,9);
INSERT INTO "events" VALUES(23,'8c4e3a9d-0bc8-4597-94a0-a95bea7c87ca','ba688e1d-8850-4354-b05a-29cd910b4a1f',1795644018559824,'transition','INFO','provisioning','available -> deploying (deploy)',NULL,'deploying','active',928);
INSERT INTO "events" VALUES(24,'1e17e82f-6f00-4fc5-a00d-b68f3d70af24','ba688e1d-8850-4354-b05a-29cd910b4a1f',1795644018572300,'transition','INFO','provisioning','deploying -> wait call-back (wait)',NULL,'wait call-back','active',12);
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
INSERT INTO "firmware_components" VALUES(1,'0370e97e-9c26-4287-8896-f9c0b45a143d','bios','1.0','1.1',NULL,NULL,NULL,NULL,1795640000000000,NULL);
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
INSERT INTO "meta" VALUES('made_by','a store of schema 3');
CREATE TABLE node_blob (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (node_uuid, kind)
);
INSERT INTO "node_blob" VALUES('37d54f78-c1a3-4774-9ade-685269cf454b','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A22686F6C64222C227072696F72697479223A302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A66616C73652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A227265736572766564227D5D');
INSERT INTO "node_blob" VALUES('0370e97e-9c26-4287-8896-f9c0b45a143d','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656231227D7D');
INSERT INTO "node_blob" VALUES('ba688e1d-8850-4354-b05a-29cd910b4a1f','config_drive',X'7B226D6574615F64617461223A7B22686F73746E616D65223A2277656232227D7D');
INSERT INTO "node_blob" VALUES('ba688e1d-8850-4354-b05a-29cd910b4a1f','steps',X'5B7B22696E74657266616365223A226465706C6F79222C2273746570223A226465706C6F79222C227072696F72697479223A3130302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A2277726974655F696D616765222C227072696F72697479223A38302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22707265706172655F696E7374616E63655F626F6F74222C227072696F72697479223A36302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22746561725F646F776E5F6167656E74222C227072696F72697479223A34302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A227377697463685F746F5F74656E616E745F6E6574776F726B222C227072696F72697479223A33302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D2C7B22696E74657266616365223A226465706C6F79222C2273746570223A22626F6F745F696E7374616E6365222C227072696F72697479223A32302C2261626F727461626C65223A747275652C2272657175697265735F72616D6469736B223A747275652C227265626F6F745F726571756573746564223A66616C73652C22736F75726365223A22647269766572227D5D');
CREATE TABLE node_secret (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    pointer TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (node_uuid, pointer)
) WITHOUT ROWID;
INSERT INTO "node_secret" VALUES('0370e97e-9c26-4287-8896-f9c0b45a143d','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('37d54f78-c1a3-4774-9ade-685269cf454b','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('603653ee-6e06-45a0-b374-59aa87283247','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('b8f870d7-80a0-462a-b004-9802315b1d76','driver_info/ipmi_password','"seven-stars"');
INSERT INTO "node_secret" VALUES('ba688e1d-8850-4354-b05a-29cd910b4a1f','driver_info/ipmi_password','"seven-stars"');
CREATE TABLE node_traits (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    trait TEXT NOT NULL,
    PRIMARY KEY (node_uuid, trait)
) WITHOUT ROWID;
INSERT INTO "node_traits" VALUES('0370e97e-9c26-4287-8896-f9c0b45a143d','CUSTOM_A');
INSERT INTO "node_traits" VALUES('37d54f78-c1a3-4774-9ade-685269cf454b','CUSTOM_A');
INSERT INTO "node_traits" VALUES('603653ee-6e06-45a0-b374-59aa87283247','CUSTOM_A');
INSERT INTO "node_traits" VALUES('b8f870d7-80a0-462a-b004-9802315b1d76','CUSTOM_A');
INSERT INTO "node_traits" VALUES('ba688e1d-8850-4354-b05a-29cd910b4a1f','CUSTOM_A');
INSERT INTO "node_traits" VALUES('603653ee-6e06-45a0-b374-59aa87283247','CUSTOM_FREE');
INSERT INTO "node_traits" VALUES('37d54f78-c1a3-4774-9ade-685269cf454b','CUSTOM_HELD');
INSERT INTO "node_traits" VALUES('b8f870d7-80a0-462a-b004-9802315b1d76','CUSTOM_NEW');
INSERT INTO "node_traits" VALUES('0370e97e-9c26-4287-8896-f9c0b45a143d','CUSTOM_USED');
INSERT INTO "node_traits" VALUES('ba688e1d-8850-4354-b05a-29cd910b4a1f','CUSTOM_WAITING');
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
INSERT INTO "nodes" VALUES(1,'603653ee-6e06-45a0-b374-59aa87283247','free','fake-hardware','available',NULL,1795644016901233,'power off',NULL,2,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is free',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.0"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:16.988827"}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":0}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644016770324,1795644016989584);
INSERT INTO "nodes" VALUES(2,'0370e97e-9c26-4287-8896-f9c0b45a143d','used','fake-hardware','active',NULL,1795644018499443,'power off',NULL,2,NULL,NULL,0,NULL,NULL,'ff79784c-eca4-4ad9-a82a-f1a6759be419',NULL,'ff79784c-eca4-4ad9-a82a-f1a6759be419',NULL,NULL,'metal','',NULL,NULL,'the node that is used',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.1"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:17.336203","deploy_steps":null}','{"traits":["CUSTOM_USED"],"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":1}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644017156819,1795644018499707);
INSERT INTO "nodes" VALUES(3,'ba688e1d-8850-4354-b05a-29cd910b4a1f','waiting','fake-hardware','wait call-back','active',1795644018572212,'power on',NULL,3,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is waiting',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.2"}','{"clean_steps":null,"last_power_state_change":"2026-11-25T22:00:18.571876","deploy_boot_mode":"uefi","is_whole_disk_image":true}','{"image_source":"file:///srv/bessemer/image","image_checksum":"24f3b78cabc6269dc973739ded3f476534d27689bd66157953563d328ce339e8","configdrive":"******"}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":2}','{}','{}','{}','{}','{"interface":"deploy","step":"deploy","args":{},"priority":100,"abortable":true,"requires_ramdisk":true}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','direct','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644017532322,1795644018572427);
INSERT INTO "nodes" VALUES(4,'37d54f78-c1a3-4774-9ade-685269cf454b','held','fake-hardware','clean hold','manageable',1795644018048517,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is held',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.3"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":3}','{}','{}','{}','{"interface":"deploy","step":"hold","args":{},"priority":0,"abortable":true,"requires_ramdisk":false}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644017894799,1795644018049159);
INSERT INTO "nodes" VALUES(5,'b8f870d7-80a0-462a-b004-9802315b1d76','new','fake-hardware','enroll',NULL,NULL,NULL,NULL,0,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'metal','',NULL,NULL,'the node that is new',NULL,'{"ipmi_password":"******","ipmi_address":"10.0.0.4"}','{}','{}','{"memory_mb":4096,"capabilities":"boot_mode:uefi"}','{"rack":4}','{}','{}','{}','{}','{}','{}',0,NULL,0,NULL,0,NULL,0,NULL,NULL,NULL,NULL,NULL,'fake','fake','fake','fake','fake','fake','fake','noop','fake','fake','fake','noop','fake',1795644018117089,1795644018145996);
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
INSERT INTO "ports" VALUES(1,'4abfdcfe-30b2-4eba-9a5f-139ee5d9e1e2','603653ee-6e06-45a0-b374-59aa87283247','52:54:00:00:00:00',NULL,NULL,'{"slot":0}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644016774286,NULL);
INSERT INTO "ports" VALUES(2,'c7bf9097-fb53-43d9-a560-2527b07f19e3','0370e97e-9c26-4287-8896-f9c0b45a143d','52:54:00:00:00:01',NULL,NULL,'{"slot":1}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644017169032,NULL);
INSERT INTO "ports" VALUES(3,'29db56e4-9200-4c8f-b543-c8ed0ddfcbcd','ba688e1d-8850-4354-b05a-29cd910b4a1f','52:54:00:00:00:02',NULL,NULL,'{"slot":2}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644017538034,NULL);
INSERT INTO "ports" VALUES(4,'6ab8cd2d-088f-4a37-85a6-da91e292e814','37d54f78-c1a3-4774-9ade-685269cf454b','52:54:00:00:00:03',NULL,NULL,'{"slot":3}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644017898507,NULL);
INSERT INTO "ports" VALUES(5,'d0eb7a81-7cea-4bda-96b8-f7e4867c7ae1','b8f870d7-80a0-462a-b004-9802315b1d76','52:54:00:00:00:04',NULL,NULL,'{"slot":4}','{}',1,NULL,NULL,0,NULL,NULL,1,'{}',1795644018124998,NULL);
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
INSERT INTO "work" VALUES(11,'clean','37d54f78-c1a3-4774-9ade-685269cf454b',NULL,'step',0,'held',1,'{"manual":true,"asked":[{"interface":"deploy","step":"hold","args":{},"priority":null}],"bare":true}','held by a step until a client says unhold',1795644018048973,NULL,NULL,0,0,1795644017979796);
INSERT INTO "work" VALUES(13,'deploy','ba688e1d-8850-4354-b05a-29cd910b4a1f',NULL,'step',0,'waiting',1,'{"asked":[],"rebuild":false}','the agent''s first heartbeat',1795644018572350,NULL,1795644019572350,0,0,1795644018560177);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('nodes',5);
INSERT INTO "sqlite_sequence" VALUES('ports',5);
INSERT INTO "sqlite_sequence" VALUES('events',24);
INSERT INTO "sqlite_sequence" VALUES('work',13);
INSERT INTO "sqlite_sequence" VALUES('allocations',2);
INSERT INTO "sqlite_sequence" VALUES('bios_settings',1);
INSERT INTO "sqlite_sequence" VALUES('firmware_components',1);
COMMIT;
