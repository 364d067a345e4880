-- revoked/campaign_consumers: with whether the record of the newest change is in the log
SELECT c.id, c.body, COALESCE(r.state, 'landed') AS record_state
FROM campaign_consumer AS c LEFT JOIN record AS r ON r.id = c.record_id
WHERE c.campaign = $1 ORDER BY c.name
