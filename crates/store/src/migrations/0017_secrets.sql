-- Secrets of the workspace. `sealed` holds the text, encrypted with a key that is no part of the
-- database. A name is the same in any case of its letters.
CREATE TABLE secrets (
    name         TEXT PRIMARY KEY COLLATE NOCASE,
    content_type TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL
) WITHOUT ROWID;
