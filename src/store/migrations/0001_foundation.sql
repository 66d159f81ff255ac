-- Times are microseconds since 1970 (UTC). UUIDs are lower-case text. JSON columns hold what clients are shown:
-- where a secret stands they hold '******', and the secret is a row of node_secret.

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
-- Partial, so that a search for nodes without an instance is never tempted to go through this index.
CREATE UNIQUE INDEX nodes_by_instance ON nodes (instance_uuid) WHERE instance_uuid IS NOT NULL;
CREATE UNIQUE INDEX nodes_by_allocation ON nodes (allocation_uuid) WHERE allocation_uuid IS NOT NULL;
-- What an allocation looks for, and nothing else, by class; the UUID gives an order that is as good as random.
CREATE INDEX nodes_free ON nodes (resource_class, uuid)
    WHERE provision_state = 'available' AND instance_uuid IS NULL AND maintenance = 0 AND parent_node IS NULL
    AND power_state IS NOT NULL;
-- And what it would have found if somebody had asked their BMCs.
CREATE INDEX nodes_unread ON nodes (resource_class, uuid)
    WHERE provision_state = 'available' AND instance_uuid IS NULL AND maintenance = 0 AND parent_node IS NULL
    AND power_state IS NULL;
CREATE INDEX nodes_by_state ON nodes (provision_state);
CREATE INDEX nodes_by_parent ON nodes (parent_node) WHERE parent_node IS NOT NULL;
CREATE INDEX nodes_by_chassis ON nodes (chassis_uuid) WHERE chassis_uuid IS NOT NULL;

CREATE TABLE node_traits (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    trait TEXT NOT NULL,
    PRIMARY KEY (node_uuid, trait)
) WITHOUT ROWID;
CREATE INDEX node_traits_by_trait ON node_traits (trait);

-- Large or private things of a node that no list ever touches: config drive, inventory, step list, boot plan.
CREATE TABLE node_blob (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (node_uuid, kind)
);

-- pointer: the column and a JSON pointer in it, such as driver_info/ipmi_password.
CREATE TABLE node_secret (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    pointer TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (node_uuid, pointer)
) WITHOUT ROWID;

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
CREATE INDEX ports_by_node ON ports (node_uuid);

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
-- The last guard of "one node, one allocation"; the decisions never come near it.
CREATE UNIQUE INDEX allocations_one_per_node ON allocations (node_uuid) WHERE node_uuid IS NOT NULL;

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
-- One thing at a time happens to a node.
CREATE UNIQUE INDEX work_one_per_node ON work (node_uuid) WHERE node_uuid IS NOT NULL;
CREATE UNIQUE INDEX work_one_per_allocation ON work (allocation_uuid) WHERE allocation_uuid IS NOT NULL;
CREATE INDEX work_due ON work (due_at) WHERE due_at IS NOT NULL;

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
CREATE INDEX events_by_node ON events (node_uuid, id);

-- DHCP: which address a machine was given, kept before it is told.
CREATE TABLE leases (
    mac TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL,
    hostname TEXT
) WITHOUT ROWID;

-- Small facts about the store itself.
CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
