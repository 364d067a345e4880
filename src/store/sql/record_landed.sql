-- revoked/record_landed
SELECT kind, body, seq FROM record WHERE id = $1 AND state = 'landed'
