-- revoked/notices_told: what made a revocation or joined it, oldest first; of those alone whose bytes tell what they are, these
SELECT
    source, event_id, event_type, received_at, COALESCE(event_at, received_at) AS made_at,
    CASE WHEN event_type = '' AND substr(event_id, 1, 4) = 'chg_' THEN body ELSE '' END AS body
FROM notice
WHERE revocation_id = $1 AND outcome IN ('accepted', 'pending', 'part', 'released')
    AND (received_at, event_id, source) > ($2, $3, $4)
ORDER BY received_at, event_id, source
LIMIT $5
