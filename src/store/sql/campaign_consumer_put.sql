-- revoked/campaign_consumer_put: the record of an earlier change stays where this one has none
INSERT INTO campaign_consumer (id, campaign, name, body, record_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET body = excluded.body, record_id = COALESCE(excluded.record_id, campaign_consumer.record_id)
