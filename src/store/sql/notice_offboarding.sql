-- revoked/notice_offboarding
SELECT MIN(CASE WHEN vendor <> '' THEN vendor END), MIN(CASE WHEN checklist <> '' THEN checklist END)
FROM notice WHERE revocation_id = $1
