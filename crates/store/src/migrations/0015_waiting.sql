-- What an attempt waits for whose program has not started, as JSON, and how long attempts at the
-- step have waited in the queues of clusters.

ALTER TABLE runs ADD COLUMN waiting_json TEXT;
ALTER TABLE runs ADD COLUMN queued_ms INTEGER NOT NULL DEFAULT 0;
