-- revoked/evidence_put
INSERT INTO evidence (revocation_id, found) VALUES
($1, $2)
ON CONFLICT (revocation_id) DO UPDATE SET found = excluded.found
