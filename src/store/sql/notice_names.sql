-- revoked/notice_names: how accepted notices called a subject, oldest first, and how many of them no end made void
SELECT n.username, n.email, COUNT(CASE WHEN n.outcome <> 'superseded' THEN 1 END)
FROM notice AS n
JOIN revocation AS r ON r.id = n.revocation_id
WHERE r.subject_id = (SELECT id FROM subject WHERE name = $1)
    AND n.outcome <> 'quarantined' AND (n.username <> '' OR n.email <> '')
GROUP BY n.username, n.email
ORDER BY MIN(n.received_at), n.username, n.email
