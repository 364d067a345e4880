-- revoked/campaigns_all
SELECT name, body, version FROM campaign ORDER BY name
