-- Runs without a parent by their ids: digits that begin an id mean one of them before any step, as
-- the steps of a pipeline share its first digits.

CREATE INDEX runs_top_level_ids ON runs (id) WHERE parent IS NULL;
