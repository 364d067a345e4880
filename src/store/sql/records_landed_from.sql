-- revoked/records_landed_from: what has a line is in the log
SELECT COUNT(*) FROM record WHERE seq >= $1
