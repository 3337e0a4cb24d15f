-- What a model was made from and for, and who made it. Datasets are named by their ids.
ALTER TABLE models ADD COLUMN datasets_json TEXT NOT NULL DEFAULT '[]';
ALTER TABLE models ADD COLUMN samples_json TEXT NOT NULL DEFAULT '{}';
ALTER TABLE models ADD COLUMN resources_json TEXT;
ALTER TABLE models ADD COLUMN user TEXT NOT NULL DEFAULT '';
CREATE INDEX models_by_run ON models (run) WHERE run IS NOT NULL;
CREATE INDEX models_by_time ON models (created_ms, name, version);
