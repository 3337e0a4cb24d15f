-- Published pipelines. A row is never deleted and only its status changes. `needs_json` lists the
-- snapshots, datasets and places that must live as long as it does.
CREATE TABLE published (
    seq             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    description     TEXT NOT NULL DEFAULT '',
    version         TEXT,
    active          INTEGER NOT NULL DEFAULT 1,
    goes_on         INTEGER,
    steps           INTEGER NOT NULL,
    parameters_json TEXT NOT NULL,
    template_json   TEXT NOT NULL,
    needs_json      TEXT NOT NULL,
    run             BLOB,
    user            TEXT NOT NULL DEFAULT '',
    created_ms      INTEGER NOT NULL,
    changed_ms      INTEGER NOT NULL
);

-- The published pipeline that a run is of.
ALTER TABLE runs ADD COLUMN published BLOB;
CREATE INDEX runs_by_published ON runs (published, seq) WHERE published IS NOT NULL;
