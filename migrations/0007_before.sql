-- Two words for one cause of holding a notice are one.
UPDATE notice SET cause = 'not_possible' WHERE cause = 'unfit';

-- What an account had when it was first seen to have anything that a revocation is about, while that was not verified
-- yet: what a restore is made from. Written in the transaction of the move that tells it, and never changed: what comes
-- back later does not change what was there before. It goes where a person who was hired again leaves again, and has
-- other access by then. `state` holds names, and goes with them.
CREATE TABLE before_state (
    revocation_id TEXT NOT NULL REFERENCES revocation (id),
    target TEXT NOT NULL,
    oid BIGINT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (revocation_id, target, oid)
);
