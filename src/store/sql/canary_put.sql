-- revoked/canary_put: the newest record stays where there is no newer one
INSERT INTO canary (target, watch, record_id) VALUES ($1, $2, $3)
ON CONFLICT (target) DO UPDATE SET
    watch = excluded.watch, record_id = COALESCE(excluded.record_id, canary.record_id)
