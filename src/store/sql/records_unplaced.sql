-- revoked/records_unplaced: revocations that were accepted in a log that was given up
SELECT COUNT(*) FROM record WHERE state = 'landed' AND seq IS NULL AND kind = 'revocation_triggered'
