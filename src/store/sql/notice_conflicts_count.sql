-- revoked/notice_conflicts_count
SELECT COUNT(*) FROM notice_conflict
