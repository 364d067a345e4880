-- revoked/outbox_digest_open: the digest of a lane that nobody saw yet
SELECT
    o.id, o.record_id, o.receiver, o.kind, o.about, o.reason, o.lane, o.state, o.created_at, o.seq, o.due_at,
    o.expires_at, o.attempts, o.unknown_answers, o.plain, o.doubled, o.first_sent_at, o.settled_at, o.remote, o.carrier,
    o.error, o.version
FROM outbox AS o
WHERE o.receiver = $1 AND o.lane = $2 AND o.kind = 'digest' AND o.state = 'due' AND o.attempts = 0
ORDER BY o.seq LIMIT 1
