-- revoked/activity_watch_put
INSERT INTO activity_watch (system_identifier, watched_us) VALUES ($1, $2)
ON CONFLICT (system_identifier) DO UPDATE SET watched_us = excluded.watched_us
