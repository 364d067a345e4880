-- revoked/outbox_heads: of each lane the first that is not settled, if its time has come; of a digest, of what it tells
SELECT
    o.id, o.record_id, o.receiver, o.kind, o.about, o.reason, o.lane, o.state, o.created_at, o.seq, o.due_at,
    o.expires_at, o.attempts, o.unknown_answers, o.plain, o.doubled, o.first_sent_at, o.settled_at, o.remote, o.carrier,
    o.error, o.version
FROM outbox AS o
WHERE o.receiver = $1 AND o.state IN ('due', 'ambiguous') AND o.due_at <= $2 AND NOT EXISTS (
    SELECT 1 FROM outbox AS e
    WHERE e.receiver = o.receiver AND e.lane = o.lane AND (e.seq < o.seq OR (e.seq = o.seq AND e.id < o.id))
        AND e.state IN ('due', 'sending', 'ambiguous')
)
ORDER BY o.urgency, o.seq, o.id LIMIT $3
