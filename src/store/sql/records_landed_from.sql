-- revoked/records_landed_from
SELECT COUNT(*) FROM record WHERE state = 'landed' AND seq >= $1
