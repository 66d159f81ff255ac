-- conditions and actions are what clients are shown: null if the rule is sensitive. body is what they really are.
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
CREATE INDEX inspection_rules_in_order ON inspection_rules (priority DESC, id);
