-- revoked/notices_like: what became of a sender's events whose ids are like this
SELECT event_id, revocation_id FROM notice WHERE source = $1 AND event_id LIKE $2 ORDER BY event_id LIMIT $3
