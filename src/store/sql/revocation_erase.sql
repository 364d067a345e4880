-- revoked/revocation_erase
UPDATE revocation SET
    request = $3, landed_request = $4, life = $5, landed_life = $6, version = version + 1
WHERE id = $1 AND version = $2
