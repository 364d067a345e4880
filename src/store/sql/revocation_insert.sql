-- revoked/revocation_insert
INSERT INTO revocation (
    id, subject_id, kind, request, accounts, state, life, version, records, queued_at, received_at, watch_until
) VALUES
($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10, $11)
