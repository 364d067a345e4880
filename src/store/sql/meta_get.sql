-- revoked/meta_get
SELECT value FROM agent_meta WHERE key = $1
