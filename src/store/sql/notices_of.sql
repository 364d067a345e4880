-- revoked/notices_of
SELECT source, event_id FROM notice WHERE revocation_id = $1 ORDER BY source, event_id
