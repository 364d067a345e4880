-- Every notice is kept for good, whatever became of it: one that made no revocation (a test, one that a newer one
-- supersedes, one that cannot be used) must be known when it comes again, and be listed. `door` is where it came in,
-- `subject`, `username` and `email` are whom it names, and can be erased with its body. `record_id` is the record
-- that its answer waited for, where that is not one of a revocation.
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
            'accepted', 'part', 'superseded', 'test', 'ignored', 'quarantined', 'released', 'dismissed'
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
    PRIMARY KEY (source, event_id)
);
INSERT INTO notice_next (
    source, event_id, digest, body, received_at, revocation_id, id, door, event_type, event_at, outcome, cause,
    faults, subject, username, email, vendor, checklist, settled_by, settled_why
)
SELECT
    source, event_id, digest, body, received_at, revocation_id, '', '', '', NULL, 'accepted', '',
    '[]', '', '', '', '', '', '', ''
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

-- Notices whose id came before with other content. They changed nothing; who sent them may be worth knowing.
CREATE TABLE notice_conflict (
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (source, event_id, digest)
);
