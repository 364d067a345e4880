-- revoked/revocation_land
UPDATE revocation SET landed_state = $2, landed_life = $3 WHERE id = $1
