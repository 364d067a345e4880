-- revoked/records_queued_of
SELECT COUNT(*) FROM record WHERE revocation_id = $1 AND state = 'queued'
