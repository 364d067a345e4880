-- revoked/notice_get
SELECT digest, revocation_id FROM notice WHERE source = $1 AND event_id = $2
