-- Periodic attestations, by their names in the configuration. `upto` is where the newest period ended of which a record was
-- queued, in microseconds since 1970: the next one begins there. It moves together with that record.
CREATE TABLE attestation (
    name TEXT NOT NULL PRIMARY KEY,
    upto BIGINT NOT NULL
);

-- An attestation is worked out from what landed, in the order of the log.
CREATE INDEX record_by_seq ON record (seq);
