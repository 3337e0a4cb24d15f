-- Indexes for lists that are asked for often: each reads as many rows as it answers.

-- Runs without a parent, in the order of submission.
CREATE INDEX runs_top_level ON runs (seq) WHERE parent IS NULL;

-- Runs by the last eight digits of their ids, which tables show. Their first digits are found by
-- the index of the ids.
CREATE INDEX runs_by_last_digits ON runs (substr(id, 13));

-- Runs that are not over, also those that a program opens itself; without steps, as before.
DROP INDEX runs_open;
CREATE INDEX runs_open ON runs (seq)
    WHERE status <> 'Completed' AND status <> 'Failed' AND status <> 'Canceled'
    AND kind <> 'step';
