-- revoked/exception_put
INSERT INTO exception (id, revocation_id, kind, open, requested_at) VALUES
($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET open = excluded.open
