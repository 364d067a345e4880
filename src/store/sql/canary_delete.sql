-- revoked/canary_delete
DELETE FROM canary WHERE target = $1
