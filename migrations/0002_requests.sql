-- What keeps access waits for a second person, and is shown once the log holds it: the request as the log
-- holds it stands beside the committed one, as `landed_life` does. And records that are not about one
-- revocation, such as a changed configuration.
CREATE TABLE record_next (
    id TEXT NOT NULL PRIMARY KEY,
    revocation_id TEXT REFERENCES revocation (id),
    ordinal BIGINT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    life TEXT,
    request TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'landed')),
    queued_at BIGINT NOT NULL,
    seq BIGINT
);
INSERT INTO record_next (id, revocation_id, ordinal, kind, body, life, state, queued_at, seq)
SELECT id, revocation_id, ordinal, kind, body, life, state, queued_at, seq FROM record;

CREATE TABLE outbox_next (
    id TEXT NOT NULL PRIMARY KEY,
    record_id TEXT NOT NULL REFERENCES record_next (id),
    receiver TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'due', 'sent')),
    created_at BIGINT NOT NULL
);
INSERT INTO outbox_next (id, record_id, receiver, kind, state, created_at)
SELECT id, record_id, receiver, kind, state, created_at FROM outbox;

DROP TABLE outbox;
DROP TABLE record;
ALTER TABLE record_next RENAME TO record;
ALTER TABLE outbox_next RENAME TO outbox;
CREATE INDEX record_by_state ON record (state, queued_at, ordinal);
CREATE INDEX record_by_revocation ON record (revocation_id, ordinal);
CREATE INDEX outbox_by_record ON outbox (record_id);
CREATE INDEX outbox_by_state ON outbox (state, created_at);

ALTER TABLE revocation ADD COLUMN landed_request TEXT;
UPDATE revocation SET landed_request = request WHERE landed_life IS NOT NULL;
CREATE INDEX revocation_by_receipt ON revocation (received_at, id);
