-- revoked/outbox_recover: whoever was sending it is gone
UPDATE outbox SET state = 'ambiguous', lease_until = NULL, due_at = $3, version = version + 1
WHERE receiver = $1 AND state = 'sending' AND lease_until <= $2
