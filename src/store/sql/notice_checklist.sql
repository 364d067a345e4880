-- revoked/notice_checklist
SELECT DISTINCT revocation_id FROM notice
WHERE revocation_id IS NOT NULL AND ($1 = '' OR checklist = $1) AND ($2 = '' OR vendor = $2)
    AND checklist <> ''
