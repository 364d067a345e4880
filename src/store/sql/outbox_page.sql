-- revoked/outbox_page: newest first, those of one state, or all where it is empty
SELECT
    o.id, o.record_id, o.receiver, o.kind, o.about, o.reason, o.lane, o.state, o.created_at, o.seq, o.due_at,
    o.expires_at, o.attempts, o.unknown_answers, o.plain, o.doubled, o.first_sent_at, o.settled_at, o.remote, o.carrier,
    o.error, o.version
FROM outbox AS o
WHERE ($1 = '' OR o.state = $1) AND (o.created_at < $2 OR (o.created_at = $2 AND o.id < $3))
ORDER BY o.created_at DESC, o.id DESC LIMIT $4
