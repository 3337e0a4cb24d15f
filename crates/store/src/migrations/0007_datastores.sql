-- Datastores that somebody registered. `sealed` holds their credentials, encrypted with a key that
-- is no part of the database; nothing when they have none.
CREATE TABLE datastores (
    name            TEXT PRIMARY KEY,
    definition_json TEXT NOT NULL,
    sealed          BLOB,
    created_ms      INTEGER NOT NULL
) WITHOUT ROWID;
