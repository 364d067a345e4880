-- revoked/notice_conflicts
SELECT source, event_id, digest, first_at, last_at, times FROM notice_conflict
WHERE $1 = '' OR source = $1
ORDER BY last_at DESC, source, event_id, digest
LIMIT $2
