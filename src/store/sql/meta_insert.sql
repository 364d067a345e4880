-- revoked/meta_insert
INSERT INTO agent_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING
