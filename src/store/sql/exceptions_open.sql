-- revoked/exceptions_open: revocations of which something is to come
SELECT DISTINCT revocation_id FROM exception WHERE open = 1 ORDER BY revocation_id
