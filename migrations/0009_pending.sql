-- A notice that only asks for what a second person approves is no accepted one: its outcome is `pending`, and `pending`
-- has the ids of what waits.
CREATE TABLE notice_next (
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    revocation_id TEXT REFERENCES revocation (id),
    id TEXT NOT NULL,
    door TEXT NOT NULL,
    event_type TEXT NOT NULL,
    event_at BIGINT,
    outcome TEXT NOT NULL CHECK (
        outcome IN (
            'accepted', 'pending', 'part', 'superseded', 'test', 'ignored', 'quarantined', 'released', 'dismissed'
        )
    ),
    cause TEXT NOT NULL,
    faults TEXT NOT NULL,
    subject TEXT NOT NULL,
    username TEXT NOT NULL,
    email TEXT NOT NULL,
    vendor TEXT NOT NULL,
    checklist TEXT NOT NULL,
    settled_by TEXT NOT NULL,
    settled_why TEXT NOT NULL,
    record_id TEXT REFERENCES record (id),
    pending TEXT NOT NULL,
    PRIMARY KEY (source, event_id)
);
INSERT INTO notice_next (
    source, event_id, digest, body, received_at, revocation_id, id, door, event_type, event_at, outcome, cause,
    faults, subject, username, email, vendor, checklist, settled_by, settled_why, record_id, pending
)
SELECT
    source, event_id, digest, body, received_at, revocation_id, id, door, event_type, event_at, outcome, cause,
    faults, subject, username, email, vendor, checklist, settled_by, settled_why, record_id, ''
FROM notice;
DROP TABLE notice;
ALTER TABLE notice_next RENAME TO notice;
CREATE INDEX notice_by_id ON notice (id);
CREATE INDEX notice_by_outcome ON notice (outcome, received_at);
CREATE INDEX notice_by_receipt ON notice (received_at, id);
CREATE INDEX notice_by_revocation ON notice (revocation_id);
CREATE INDEX notice_by_source ON notice (source, received_at);
CREATE INDEX notice_by_checklist ON notice (checklist);
CREATE INDEX notice_by_vendor ON notice (vendor);
