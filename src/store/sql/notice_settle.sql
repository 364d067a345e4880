-- revoked/notice_settle: only from the outcome that was read
UPDATE notice SET
    outcome = $3, revocation_id = $4, settled_by = $5, settled_why = $6, record_id = $7, body = $8, username = $9,
    email = $10, checklist = $11
WHERE id = $1 AND outcome = $2
