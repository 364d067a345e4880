-- revoked/notices_count
SELECT COUNT(*) FROM notice WHERE outcome = $1
