-- revoked/campaign_insert
INSERT INTO campaign (name, body, version) VALUES ($1, $2, 1) ON CONFLICT (name) DO NOTHING
