-- Where each exception is: it is a part of the life of its revocation, and found by its own id here. Written in the
-- transaction of the move. `open` is 1 while an answer, its end or a review is to come.
CREATE TABLE exception (
    id TEXT NOT NULL PRIMARY KEY,
    revocation_id TEXT NOT NULL REFERENCES revocation (id),
    kind TEXT NOT NULL CHECK (
        kind IN ('grace', 'extension', 'temporary', 'break_glass', 'legal_hold', 'transition')
    ),
    open BIGINT NOT NULL,
    requested_at BIGINT NOT NULL
);
CREATE INDEX exception_by_revocation ON exception (revocation_id);
CREATE INDEX exception_by_request ON exception (requested_at, id);
