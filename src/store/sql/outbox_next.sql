-- revoked/outbox_next: when the next thing is due
SELECT MIN(o.due_at) FROM outbox AS o WHERE o.receiver = $1 AND o.state IN ('due', 'ambiguous')
