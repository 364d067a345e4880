-- revoked/record_land
UPDATE record SET state = 'landed', seq = $2 WHERE id = $1 AND state = 'queued'
