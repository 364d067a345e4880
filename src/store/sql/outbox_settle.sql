-- revoked/outbox_settle
UPDATE outbox SET
    state = $3, due_at = $4, attempts = $5, unknown_answers = $6, plain = $7, doubled = $8, remote = COALESCE($9, remote),
    error = $10, settled_at = $11, lease_until = NULL, version = version + 1
WHERE id = $1 AND version = $2
