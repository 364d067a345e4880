-- revoked/record_insert
INSERT INTO record (id, revocation_id, ordinal, kind, body, life, request, state, queued_at) VALUES
($1, $2, $3, $4, $5, $6, $7, 'queued', $8)
