-- revoked/outbox_digest
INSERT INTO outbox (
    id, record_id, receiver, kind, about, reason, urgency, lane, state, created_at, seq, due_at, expires_at, attempts,
    unknown_answers, plain, doubled, error, version, awaits
)
VALUES ($1, $2, $3, 'digest', '', $4, $5, $6, 'due', $7, $8, $9, NULL, 0, 0, 0, 0, '', 0, $2)
