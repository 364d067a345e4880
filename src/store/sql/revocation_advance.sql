-- revoked/revocation_advance
UPDATE revocation SET
    request = $3, accounts = $4, state = $5, life = $6, evidence = $7, records = $8, queued_at = $9,
    watch_until = $10, kind = $11, version = version + 1
WHERE id = $1 AND version = $2
