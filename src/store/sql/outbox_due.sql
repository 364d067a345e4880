-- revoked/outbox_due
SELECT id, record_id, receiver, kind FROM outbox WHERE state = 'due' ORDER BY created_at, id LIMIT $1
