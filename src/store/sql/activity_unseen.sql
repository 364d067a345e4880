-- revoked/activity_unseen: accounts that were not seen for $1 microseconds of watching, the longest first
SELECT w.system_identifier, w.watched_us, s.oid, s.role, s.known_at, s.seen_at, s.mark_us
FROM activity_watch AS w
JOIN activity_seen AS s ON s.system_identifier = w.system_identifier
WHERE w.watched_us - s.mark_us >= $1
ORDER BY s.mark_us, s.oid
LIMIT $2
