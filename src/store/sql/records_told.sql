-- revoked/records_told: what the log holds of a revocation, in its order
SELECT kind, body, seq FROM record WHERE revocation_id = $1 AND state = 'landed' ORDER BY seq LIMIT $2
