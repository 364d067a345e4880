-- revoked/outbox_carry
UPDATE outbox SET state = $3, carrier = $4, settled_at = $5, version = version + 1 WHERE id = $1 AND version = $2
