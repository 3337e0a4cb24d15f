-- The first schema. Times are milliseconds since 1970; ids are the 16 bytes of a UUID; columns
-- ending in _json hold JSON. No row with a seq is ever deleted, so that a seq is never given twice.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE experiments (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,
    tags_json  TEXT NOT NULL DEFAULT '{}',
    runs       INTEGER NOT NULL DEFAULT 0
);

-- One row for every run of every kind: pipelines, steps, scripts, interactive runs.
CREATE TABLE runs (
    seq             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    kind            TEXT NOT NULL,
    experiment      BLOB NOT NULL REFERENCES experiments (id),
    number          INTEGER NOT NULL,
    display_name    TEXT NOT NULL,
    description     TEXT NOT NULL DEFAULT '',
    status          TEXT NOT NULL,
    parent          BLOB,
    root            BLOB NOT NULL,
    step            INTEGER,
    step_kind       TEXT,
    target          TEXT,
    snapshot        TEXT,
    user            TEXT NOT NULL DEFAULT '',
    tags_json       TEXT NOT NULL DEFAULT '{}',
    properties_json TEXT NOT NULL DEFAULT '{}',
    parameters_json TEXT NOT NULL DEFAULT '{}',
    outputs_json    TEXT NOT NULL DEFAULT '[]',
    failure_json    TEXT,
    usage_json      TEXT,
    created_ms      INTEGER NOT NULL,
    started_ms      INTEGER,
    ended_ms        INTEGER,
    idempotency_key TEXT UNIQUE
);
CREATE INDEX runs_by_parent ON runs (parent, step);
CREATE INDEX runs_by_experiment ON runs (experiment, seq);
-- What a starting server looks for. It leaves steps out: they change their status often, and an
-- index that holds them would cost more than all else that is written for a step.
CREATE INDEX runs_open ON runs (seq)
    WHERE status NOT IN ('Completed', 'Failed', 'Canceled') AND kind IN ('pipeline', 'script');

-- What a scheduled run was asked to do.
CREATE TABLE graphs (
    run        BLOB PRIMARY KEY,
    spec_json  TEXT NOT NULL,
    graph_json TEXT NOT NULL
) WITHOUT ROWID;

-- What happened, in order; never changed. The state of a run is the fold of its events.
CREATE TABLE journal (
    seq        INTEGER PRIMARY KEY,
    run        BLOB NOT NULL,
    at_ms      INTEGER NOT NULL,
    event_json TEXT NOT NULL
);
CREATE INDEX journal_by_run ON journal (run, seq);

-- A point is known by its writer and number, so that sending it again changes nothing.
CREATE TABLE metrics (
    seq         INTEGER PRIMARY KEY,
    run         BLOB NOT NULL,
    writer      TEXT NOT NULL,
    number      INTEGER NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    value_json  TEXT NOT NULL,
    step        INTEGER,
    at_ms       INTEGER NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    UNIQUE (run, writer, number)
);

CREATE TABLE models (
    name              TEXT NOT NULL,
    version           INTEGER NOT NULL,
    run               BLOB,
    snapshot          TEXT NOT NULL,
    is_file           INTEGER NOT NULL,
    files_json        TEXT NOT NULL,
    tags_json         TEXT NOT NULL DEFAULT '{}',
    properties_json   TEXT NOT NULL DEFAULT '{}',
    description       TEXT NOT NULL DEFAULT '',
    framework         TEXT,
    framework_version TEXT,
    created_ms        INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;

-- The highest version ever given to a name, so that a deleted version never comes back.
CREATE TABLE versions (
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;

CREATE TABLE environments (
    name            TEXT NOT NULL,
    version         INTEGER NOT NULL,
    definition_json TEXT NOT NULL,
    created_ms      INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;

CREATE TABLE computes (
    name          TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    slots         INTEGER,
    settings_json TEXT NOT NULL DEFAULT 'null'
) WITHOUT ROWID;
