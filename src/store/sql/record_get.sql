-- revoked/record_get
SELECT id, revocation_id, kind, body, life, request FROM record WHERE id = $1
