-- revoked/record_state
SELECT state FROM record WHERE id = $1
