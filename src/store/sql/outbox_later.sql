-- revoked/outbox_later: whether a later page of the same lane waits
SELECT COUNT(*) FROM outbox AS o
WHERE o.receiver = $1 AND o.lane = $2 AND o.seq > $3 AND o.kind = 'closure' AND o.state = 'due'
