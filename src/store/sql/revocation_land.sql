-- revoked/revocation_land
UPDATE revocation SET
    landed_state = $2, landed_life = $3, landed_request = COALESCE($4, landed_request), landings = landings + 1
WHERE id = $1
