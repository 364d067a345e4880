-- revoked/notice_by_key
SELECT
    source, event_id, digest, body, received_at, revocation_id, id, door, event_type, event_at, outcome, cause,
    faults, subject, username, email, vendor, checklist, settled_by, settled_why, record_id,
    pending
FROM notice WHERE source = $1 AND event_id = $2
