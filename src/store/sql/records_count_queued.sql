-- revoked/records_count_queued
SELECT COUNT(*) FROM record WHERE state = 'queued'
