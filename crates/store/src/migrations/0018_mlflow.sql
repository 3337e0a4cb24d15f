-- What MLflow asks of runs beyond what there was.

-- The latest value is NaN; `value` is 0 then, and is not compared.
ALTER TABLE latest_metrics ADD COLUMN is_nan INTEGER NOT NULL DEFAULT 0;

-- The datasets that a run says it has read: the dataset and its tags as MLflow describes them.
CREATE TABLE run_inputs (
    run        BLOB NOT NULL REFERENCES runs (id),
    name       TEXT NOT NULL,
    digest     TEXT NOT NULL,
    input_json TEXT NOT NULL,
    PRIMARY KEY (run, name, digest)
) WITHOUT ROWID;
