-- State of the agent, for SQLite and PostgreSQL alike. Only what both understand the same way: TEXT,
-- BIGINT, CHECK, $n; instants as microseconds since 1970 in BIGINT; ids made by us; no now(), no serial,
-- no arrays, no row locks. Moves and claims are compare-and-swap on a version or a value.

-- Facts about the whole store: which log it belongs to, which record landed last, who holds it.
CREATE TABLE agent_meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Who lost access. The log has the commitment only. Erasing a name means emptying name and disclosure here
-- and the body of the notices that brought it; ids, hashes and records stay as they are.
CREATE TABLE subject (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    disclosure TEXT NOT NULL,
    commitment TEXT NOT NULL
);

-- One tracked expected revocation. `life` is what was committed, `landed_life` what the log holds:
-- people are shown the latter. `evidence` is what the newest look found.
CREATE TABLE revocation (
    id TEXT NOT NULL PRIMARY KEY,
    subject_id TEXT NOT NULL REFERENCES subject (id),
    kind TEXT NOT NULL CHECK (kind IN ('full', 'suspend', 'partial', 'rotation', 'transfer')),
    request TEXT NOT NULL,
    accounts TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN ('scheduled', 'open', 'verified', 'regressed', 'excepted', 'withdrawn')
    ),
    life TEXT NOT NULL,
    landed_state TEXT CHECK (
        landed_state IN ('scheduled', 'open', 'verified', 'regressed', 'excepted', 'withdrawn')
    ),
    landed_life TEXT,
    evidence TEXT NOT NULL,
    version BIGINT NOT NULL,
    records BIGINT NOT NULL,
    queued_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    watch_until BIGINT NOT NULL
);
CREATE INDEX revocation_by_state ON revocation (state, watch_until);
CREATE INDEX revocation_by_subject ON revocation (subject_id, kind);

-- The bytes that told us, for good: the primary key is what makes a repeated notice harmless.
CREATE TABLE notice (
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    revocation_id TEXT NOT NULL REFERENCES revocation (id),
    PRIMARY KEY (source, event_id)
);

-- Records for the log, written in the transaction that made them true. `life` is the revocation's life
-- after this record; landing copies it to `landed_life`.
CREATE TABLE record (
    id TEXT NOT NULL PRIMARY KEY,
    revocation_id TEXT NOT NULL REFERENCES revocation (id),
    ordinal BIGINT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    life TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'landed')),
    queued_at BIGINT NOT NULL,
    seq BIGINT
);
CREATE INDEX record_by_state ON record (state, queued_at, ordinal);
CREATE INDEX record_by_revocation ON record (revocation_id, ordinal);

-- What people are to be told. `waiting` until the record it speaks of is in the log.
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    record_id TEXT NOT NULL REFERENCES record (id),
    receiver TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'due', 'sent')),
    created_at BIGINT NOT NULL
);
CREATE INDEX outbox_by_record ON outbox (record_id);
CREATE INDEX outbox_by_state ON outbox (state, created_at);

-- Every role ever seen on a target.
CREATE TABLE roster (
    system_identifier TEXT NOT NULL,
    oid BIGINT NOT NULL,
    name TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    PRIMARY KEY (system_identifier, oid, name)
);
