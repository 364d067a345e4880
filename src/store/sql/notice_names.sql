-- revoked/notice_names: how accepted notices called a subject
SELECT DISTINCT n.username, n.email
FROM notice AS n
JOIN revocation AS r ON r.id = n.revocation_id
WHERE r.subject_id = (SELECT id FROM subject WHERE name = $1) AND n.outcome <> 'quarantined' AND (n.username <> '' OR n.email <> '')
