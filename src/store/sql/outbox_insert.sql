-- revoked/outbox_insert
INSERT INTO outbox (id, record_id, receiver, kind, state, created_at) VALUES
($1, $2, $3, $4, 'waiting', $5)
