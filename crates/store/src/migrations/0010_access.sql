-- Who may ask, and who changed what.

-- A token is known by the BLAKE3 digest of its text; the text is nowhere. Revoked ones stay, so that
-- the audit can be read.
CREATE TABLE tokens (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER,
    used_ms    INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked_ms IS NULL;

-- One row for each change that was asked for. What comes often is counted: one row for each caller,
-- route, outcome and hour.
CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    last_ms  INTEGER NOT NULL,
    count    INTEGER NOT NULL DEFAULT 1,
    kind     TEXT NOT NULL,
    who      TEXT NOT NULL,
    name     TEXT NOT NULL,
    address  TEXT NOT NULL,
    method   TEXT NOT NULL,
    path     TEXT NOT NULL,
    status   INTEGER NOT NULL,
    hour     INTEGER
);
CREATE UNIQUE INDEX audit_by_hour ON audit (hour, who, method, path, status) WHERE hour IS NOT NULL;
