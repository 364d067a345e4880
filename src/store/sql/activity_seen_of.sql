-- revoked/activity_seen_of
SELECT oid, role, known_at, seen_at, mark_us FROM activity_seen WHERE system_identifier = $1 ORDER BY oid LIMIT $2
