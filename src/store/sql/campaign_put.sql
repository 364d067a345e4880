-- revoked/campaign_put
UPDATE campaign SET body = $3, version = version + 1 WHERE name = $1 AND version = $2
