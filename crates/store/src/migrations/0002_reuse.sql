-- Reuse: which step's outputs may stand in for which, and why each step ran or did not.

ALTER TABLE runs ADD COLUMN reused_from BLOB;
ALTER TABLE runs ADD COLUMN reuse_json TEXT;

-- The newest run of every key. `outputs_json` tells what its outputs looked like when it ended.
CREATE TABLE reuse (
    key          BLOB PRIMARY KEY,
    run          BLOB NOT NULL,
    step         TEXT NOT NULL,
    parts_json   TEXT NOT NULL,
    outputs_json TEXT NOT NULL,
    at_ms        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX reuse_by_step ON reuse (step, at_ms);
