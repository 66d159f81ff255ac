-- What machines' firmware is set to, and which firmware they have, as read or written last.

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
CREATE UNIQUE INDEX bios_settings_by_node ON bios_settings (node_uuid, name);

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
CREATE UNIQUE INDEX firmware_components_by_node ON firmware_components (node_uuid, component);
