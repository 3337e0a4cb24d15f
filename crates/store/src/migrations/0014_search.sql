-- What runs are searched by. A run is known here by its seq. The JSON columns of runs stay what
-- people see; these rows are written with them, in one transaction.

CREATE TABLE run_tags (
    run   INTEGER NOT NULL REFERENCES runs (seq),
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE INDEX run_tags_by_value ON run_tags (name, value, run);

CREATE TABLE run_parameters (
    run   INTEGER NOT NULL REFERENCES runs (seq),
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE INDEX run_parameters_by_value ON run_parameters (name, value, run);

-- The value of each number that a run has logged last.
CREATE TABLE latest_metrics (
    run   INTEGER NOT NULL REFERENCES runs (seq),
    name  TEXT NOT NULL,
    value REAL NOT NULL,
    step  INTEGER,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE INDEX latest_metrics_by_value ON latest_metrics (name, value, run);

INSERT INTO run_tags SELECT runs.seq, tag.key, tag.value
    FROM runs, json_each(runs.tags_json) AS tag WHERE runs.tags_json <> '{}';
INSERT INTO run_parameters SELECT runs.seq, parameter.key, parameter.value
    FROM runs, json_each(runs.parameters_json) AS parameter WHERE runs.parameters_json <> '{}';
INSERT INTO latest_metrics SELECT runs.seq, metrics.name, metrics.value_json, metrics.step,
        metrics.at_ms
    FROM metrics JOIN runs ON runs.id = metrics.run
    WHERE metrics.kind = 'scalar' AND json_type(metrics.value_json) IN ('integer', 'real')
    ORDER BY metrics.at_ms, metrics.seq
    ON CONFLICT (run, name) DO UPDATE SET value = excluded.value, step = excluded.step,
        at_ms = excluded.at_ms;

-- The runs that programs open themselves are in the journal like all others.
INSERT INTO journal (run, at_ms, event_json)
    SELECT id, created_ms, '{"e":"began"}' FROM runs WHERE kind = 'interactive' ORDER BY seq;
INSERT INTO journal (run, at_ms, event_json)
    SELECT id, ended_ms, json_object('e', 'finished', 'status', status) FROM runs
    WHERE kind = 'interactive' AND ended_ms IS NOT NULL ORDER BY ended_ms, seq;
