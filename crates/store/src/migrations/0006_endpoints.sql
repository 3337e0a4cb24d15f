-- Endpoints: a name that stands for one of several published pipelines. Drafts: pipelines that are
-- kept to be changed, with their values as the defaults of their parameters.
CREATE TABLE endpoints (
    seq             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    name            TEXT NOT NULL UNIQUE,
    description     TEXT NOT NULL DEFAULT '',
    active          INTEGER NOT NULL DEFAULT 1,
    default_version INTEGER NOT NULL,
    created_ms      INTEGER NOT NULL,
    changed_ms      INTEGER NOT NULL
);

-- A version is never taken away, so that its number stands for one pipeline for ever.
CREATE TABLE endpoint_versions (
    endpoint BLOB NOT NULL,
    version  INTEGER NOT NULL,
    pipeline BLOB NOT NULL,
    PRIMARY KEY (endpoint, version)
) WITHOUT ROWID;

CREATE TABLE drafts (
    seq             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    description     TEXT NOT NULL DEFAULT '',
    experiment      TEXT NOT NULL,
    tags_json       TEXT NOT NULL DEFAULT '{}',
    properties_json TEXT NOT NULL DEFAULT '{}',
    template_json   TEXT NOT NULL,
    needs_json      TEXT NOT NULL,
    of_pipeline     BLOB,
    of_run          BLOB,
    of_draft        BLOB,
    last_run        BLOB,
    user            TEXT NOT NULL DEFAULT '',
    created_ms      INTEGER NOT NULL,
    changed_ms      INTEGER NOT NULL
);
