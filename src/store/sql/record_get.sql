-- revoked/record_get
SELECT id, revocation_id, kind, body, life FROM record WHERE id = $1
