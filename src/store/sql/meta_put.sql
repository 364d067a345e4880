-- revoked/meta_put
INSERT INTO agent_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value
