-- revoked/notice_ended: when the newest notice was made that ended everything for a subject; what was changed of it since, or
-- asked for, is none
SELECT r.id, COALESCE(n.event_at, n.received_at)
FROM notice AS n
JOIN revocation AS r ON r.id = n.revocation_id
WHERE r.subject_id = (SELECT id FROM subject WHERE name = $1) AND r.kind = 'full' AND r.state <> 'withdrawn'
    AND n.event_type IN ('', 'user_terminated', 'contractor_expired', 'vendor_offboarded')
    AND NOT (n.event_type = '' AND n.event_id LIKE 'chg!_%' ESCAPE '!')
ORDER BY COALESCE(n.event_at, n.received_at) DESC, r.id
LIMIT 1
