-- revoked/outbox_release
UPDATE outbox SET state = 'due' WHERE record_id = $1 AND state = 'waiting'
