-- Where steps come from, beside drivers, agents and requests.
CREATE TABLE deploy_templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    steps TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER
);

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

-- The whole step list of a template or runbook that has secrets in its arguments; the columns above show '******'.
CREATE TABLE sealed_steps (
    owner_uuid TEXT PRIMARY KEY,
    sealed TEXT NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER sealed_steps_of_template AFTER DELETE ON deploy_templates
    BEGIN DELETE FROM sealed_steps WHERE owner_uuid = OLD.uuid; END;
CREATE TRIGGER sealed_steps_of_runbook AFTER DELETE ON runbooks
    BEGIN DELETE FROM sealed_steps WHERE owner_uuid = OLD.uuid; END;
