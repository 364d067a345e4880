-- revoked/records_erase: landed, so that nobody needs the request or the life any more
UPDATE record SET request = NULL, life = NULL WHERE revocation_id = $1
