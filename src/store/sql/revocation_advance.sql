-- revoked/revocation_advance
UPDATE revocation SET
    request = $3, accounts = $4, state = $5, life = $6, records = $7, queued_at = $8, watch_until = $9, kind = $10,
    version = version + 1
WHERE id = $1 AND version = $2
