-- revoked/before_erase
DELETE FROM before_state WHERE revocation_id = $1
