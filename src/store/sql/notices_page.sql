-- revoked/notices_page: newest first; a record of its own has to be in the log
SELECT
    n.source, n.event_id, n.digest, '' AS body, n.received_at, n.revocation_id, n.id, n.door, n.event_type,
    n.event_at, n.outcome, n.cause, n.faults, n.subject, n.username, n.email, n.vendor, n.checklist, n.settled_by,
    n.settled_why, n.record_id, n.pending
FROM notice AS n LEFT JOIN record AS r ON r.id = n.record_id
WHERE n.id <> '' AND n.outcome <> 'part'
    AND ($1 = '' OR n.outcome = $1)
    AND ($2 = '' OR n.source = $2)
    AND (n.record_id IS NULL OR r.state = 'landed')
    AND n.received_at <= $3
    AND (n.received_at, n.id) < ($3, $4)
ORDER BY n.received_at DESC, n.id DESC
LIMIT $5
