-- revoked/outbox_digest_grow: a digest that nobody saw yet takes what comes late
UPDATE outbox SET version = version + 1, seq = CASE WHEN seq > $3 THEN $3 ELSE seq END,
    urgency = CASE WHEN urgency > $4 THEN $4 ELSE urgency END
WHERE id = $1 AND version = $2 AND state = 'due' AND attempts = 0
