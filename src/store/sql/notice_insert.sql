-- revoked/notice_insert
INSERT INTO notice (source, event_id, digest, body, received_at, revocation_id) VALUES
($1, $2, $3, $4, $5, $6)
