-- Who is told, written from the configuration: what is queued while somebody stands here is queued for them, in the
-- transaction that made it true. `gather_us`: messages wait so long, so that several become one.
CREATE TABLE receiver (
    name TEXT NOT NULL PRIMARY KEY,
    gather_us BIGINT NOT NULL
);

-- What people are to be told. `waiting` until the last record of its move (`awaits`) is in the log; the text is made when
-- it is sent.
-- `about` is the revocation, or target:NAME. Order is kept within a lane, by the record's line (`seq`). `remote` is
-- where the receiver has it, `carrier` the digest that tells it. Nothing in it names a person.
DROP TABLE outbox;
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    record_id TEXT NOT NULL REFERENCES record (id),
    awaits TEXT NOT NULL REFERENCES record (id),
    receiver TEXT NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    reason TEXT NOT NULL,
    urgency BIGINT NOT NULL,
    lane TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN (
            'waiting', 'due', 'sending', 'ambiguous', 'sent', 'carried', 'superseded', 'expired', 'dead', 'dropped'
        )
    ),
    created_at BIGINT NOT NULL,
    seq BIGINT,
    due_at BIGINT NOT NULL,
    expires_at BIGINT,
    attempts BIGINT NOT NULL,
    unknown_answers BIGINT NOT NULL,
    plain BIGINT NOT NULL,
    doubled BIGINT NOT NULL,
    first_sent_at BIGINT,
    lease_until BIGINT,
    settled_at BIGINT,
    remote TEXT,
    carrier TEXT,
    error TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX outbox_by_record ON outbox (record_id);
CREATE INDEX outbox_by_awaited ON outbox (awaits);
CREATE INDEX outbox_by_state ON outbox (state, due_at);
CREATE INDEX outbox_by_lane ON outbox (receiver, lane, seq);
CREATE INDEX outbox_by_carrier ON outbox (carrier);
CREATE INDEX outbox_by_creation ON outbox (created_at, id);

-- Where the thread of a lane is at a receiver; or the lane in which it goes on, when a digest began for several.
CREATE TABLE outbox_thread (
    receiver TEXT NOT NULL,
    lane TEXT NOT NULL,
    remote TEXT,
    joined TEXT,
    told_at BIGINT,
    PRIMARY KEY (receiver, lane)
);
CREATE INDEX outbox_thread_joined ON outbox_thread (receiver, joined);
