-- revoked/outbox_change: a person decided; what is sent again has its whole time again
UPDATE outbox SET
    state = $3, due_at = $4, expires_at = CASE WHEN $3 = 'due' THEN NULL ELSE expires_at END, attempts = 0,
    unknown_answers = 0, settled_at = CASE WHEN $3 = 'due' THEN NULL ELSE CAST($4 AS BIGINT) END, version = version + 1
WHERE id = $1 AND version = $2
