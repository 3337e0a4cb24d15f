-- What MLflow keeps of models beyond what there was.

-- Names of models, also those without a version. A name that only has versions needs no row.
CREATE TABLE model_names (
    name         TEXT PRIMARY KEY,
    description  TEXT NOT NULL DEFAULT '',
    tags_json    TEXT NOT NULL DEFAULT '{}',
    aliases_json TEXT NOT NULL DEFAULT '{}',
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL
) WITHOUT ROWID;

-- The stage of a version, and what it was said to be made from.
CREATE TABLE model_stages (
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    stage      TEXT NOT NULL DEFAULT 'None',
    source     TEXT NOT NULL DEFAULT '',
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;

-- Models that runs have logged: a folder of a run's files, with what is known of it.
CREATE TABLE logged_models (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    run         BLOB NOT NULL REFERENCES runs (id),
    is_of_run   INTEGER NOT NULL,
    name        TEXT NOT NULL,
    folder      TEXT NOT NULL,
    kind        TEXT NOT NULL DEFAULT '',
    status      TEXT NOT NULL,
    user        TEXT NOT NULL DEFAULT '',
    tags_json   TEXT NOT NULL DEFAULT '{}',
    params_json TEXT NOT NULL DEFAULT '{}',
    created_ms  INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL,
    UNIQUE (run, folder)
);

-- Which models a run has logged, at which step of training.
CREATE TABLE run_outputs (
    run   BLOB NOT NULL REFERENCES runs (id),
    model TEXT NOT NULL,
    step  INTEGER NOT NULL,
    PRIMARY KEY (run, model, step)
) WITHOUT ROWID;
