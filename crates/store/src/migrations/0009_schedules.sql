-- Schedules, how far each has come, and what became of each of its times.
CREATE TABLE schedules (
    seq               INTEGER PRIMARY KEY,
    id                BLOB NOT NULL UNIQUE,
    name              TEXT NOT NULL,
    description       TEXT NOT NULL DEFAULT '',
    pipeline          BLOB,
    endpoint          BLOB,
    trigger_json      TEXT NOT NULL,
    trigger_set_ms    INTEGER NOT NULL,
    policy_json       TEXT NOT NULL,
    submission_json   TEXT NOT NULL,
    enabled           INTEGER NOT NULL,
    cursor_ms         INTEGER NOT NULL,
    disabled_until_ms INTEGER NOT NULL,
    user              TEXT NOT NULL DEFAULT '',
    created_ms        INTEGER NOT NULL,
    changed_ms        INTEGER NOT NULL
);
CREATE INDEX schedules_by_pipeline ON schedules (pipeline) WHERE pipeline IS NOT NULL;
CREATE INDEX schedules_by_endpoint ON schedules (endpoint) WHERE endpoint IS NOT NULL;

-- One row for a firing, or for several times in a row that did not fire for the same reason.
CREATE TABLE schedule_ledger (
    seq          INTEGER PRIMARY KEY,
    schedule     INTEGER NOT NULL,
    at_ms        INTEGER NOT NULL,
    path         TEXT NOT NULL DEFAULT '',
    last_ms      INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    outcome      TEXT NOT NULL,
    outcome_json TEXT NOT NULL,
    run          BLOB,
    recorded_ms  INTEGER NOT NULL
);
-- A time fires once.
CREATE UNIQUE INDEX schedule_firings ON schedule_ledger (schedule, at_ms, path)
    WHERE outcome IN ('due', 'queued', 'fired');
CREATE INDEX schedule_ledger_open ON schedule_ledger (seq) WHERE outcome IN ('due', 'queued');
CREATE INDEX schedule_ledger_by_run ON schedule_ledger (run) WHERE run IS NOT NULL;
CREATE INDEX schedule_ledger_by_schedule ON schedule_ledger (schedule, seq);

-- What is known of the files that a schedule watches.
CREATE TABLE schedule_files (
    schedule    INTEGER NOT NULL,
    path        TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    settling    INTEGER NOT NULL,
    PRIMARY KEY (schedule, path)
) WITHOUT ROWID;
