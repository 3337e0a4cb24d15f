-- Modules and their versions. A version is never taken away and its definition never changes; the
-- objects whose digests the definition names are kept, since it is text.
CREATE TABLE modules (
    id              BLOB PRIMARY KEY,
    name            TEXT NOT NULL UNIQUE,
    description     TEXT NOT NULL DEFAULT '',
    status          TEXT NOT NULL,
    default_version TEXT,
    created_ms      INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE module_versions (
    seq             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    module          BLOB NOT NULL,
    version         TEXT NOT NULL,
    description     TEXT NOT NULL DEFAULT '',
    category        TEXT,
    status          TEXT NOT NULL,
    definition_json TEXT NOT NULL,
    created_ms      INTEGER NOT NULL,
    changed_ms      INTEGER NOT NULL,
    UNIQUE (module, version)
);
