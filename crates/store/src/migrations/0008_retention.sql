-- When the files and outputs of a run were removed; the run itself stays in the history.
ALTER TABLE runs ADD COLUMN pruned_ms INTEGER;
