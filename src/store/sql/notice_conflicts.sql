-- revoked/notice_conflicts
SELECT source, event_id, digest, first_at, last_at, times FROM notice_conflict
ORDER BY last_at DESC, source, event_id, digest
LIMIT $1
