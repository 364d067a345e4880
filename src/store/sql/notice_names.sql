-- revoked/notice_names: how accepted notices called a subject
SELECT DISTINCT n.username, n.email
FROM notice AS n
JOIN revocation AS r ON r.id = n.revocation_id
JOIN subject AS s ON s.id = r.subject_id
WHERE s.name = $1 AND n.outcome <> 'quarantined' AND (n.username <> '' OR n.email <> '')
