-- revoked/before_of
SELECT state FROM before_state WHERE revocation_id = $1 ORDER BY target, oid
