-- revoked/before_insert: the first stays
INSERT INTO before_state (revocation_id, target, oid, state) VALUES
($1, $2, $3, $4)
ON CONFLICT (revocation_id, target, oid) DO NOTHING
