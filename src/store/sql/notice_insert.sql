-- revoked/notice_insert
INSERT INTO notice (
    source, event_id, digest, body, received_at, revocation_id, id, door, event_type, event_at, outcome, cause,
    faults, subject, username, email, vendor, checklist, record_id, pending, settled_by, settled_why
) VALUES
($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, '', '')
