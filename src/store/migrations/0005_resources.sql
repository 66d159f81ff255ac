-- Chassis, port groups and volumes. What belongs to a node goes with it.

CREATE TABLE chassis (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    description TEXT,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);

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
CREATE INDEX portgroups_by_node ON portgroups (node_uuid);
CREATE INDEX ports_by_portgroup ON ports (portgroup_uuid) WHERE portgroup_uuid IS NOT NULL;
-- Text is looked for inside of these; the index is what is read instead of the ports.
CREATE INDEX ports_by_description ON ports (description) WHERE description IS NOT NULL;

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
CREATE INDEX volume_connectors_by_node ON volume_connectors (node_uuid);

-- Secrets of the properties are rows of node_secret, under volume_targets/<uuid>.
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
CREATE INDEX volume_targets_by_node ON volume_targets (node_uuid);
