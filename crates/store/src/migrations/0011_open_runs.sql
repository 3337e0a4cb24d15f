-- The index of runs that are not over, without lists: SQLite builds a table for each list of a
-- partial index whenever a row of the index's table is written.

DROP INDEX runs_open;
CREATE INDEX runs_open ON runs (seq)
    WHERE status <> 'Completed' AND status <> 'Failed' AND status <> 'Canceled'
    AND kind <> 'step' AND kind <> 'interactive';
