-- Saved datasets, and the versions registered under a name. What is saved has neither a name nor a
-- version; its id follows from its definition, so that saving it again changes nothing.
CREATE TABLE datasets (
    id              BLOB PRIMARY KEY,
    name            TEXT,
    version         INTEGER,
    kind            TEXT NOT NULL,
    definition_json TEXT NOT NULL,
    files_json      TEXT NOT NULL DEFAULT '[]',
    tags_json       TEXT NOT NULL DEFAULT '{}',
    description     TEXT NOT NULL DEFAULT '',
    created_ms      INTEGER NOT NULL,
    UNIQUE (name, version)
) WITHOUT ROWID;
