-- revoked/notices_told: what made a revocation or joined it, oldest first
SELECT source, event_id, event_type, body, COALESCE(event_at, received_at) AS made_at
FROM notice
WHERE revocation_id = $1 AND outcome IN ('accepted', 'pending', 'part', 'released')
ORDER BY received_at, event_id
LIMIT $2
