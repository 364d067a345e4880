-- revoked/records_queued
SELECT id, revocation_id, kind, body, life, request FROM record
WHERE state = 'queued'
ORDER BY queued_at, ordinal
LIMIT $1
