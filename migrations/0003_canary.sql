-- The positive control of each target: what is remembered between looks, and the newest record about it. It looks
-- better to people only once that record is in the log.
CREATE TABLE canary (
    target TEXT NOT NULL PRIMARY KEY,
    watch TEXT NOT NULL,
    record_id TEXT REFERENCES record (id)
);
