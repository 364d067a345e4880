-- revoked/outbox_claim
UPDATE outbox SET state = 'sending', lease_until = $3, version = version + 1, first_sent_at = COALESCE(first_sent_at, $4)
WHERE id = $1 AND version = $2 AND state = 'due'
