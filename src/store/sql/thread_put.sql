-- revoked/thread_put
INSERT INTO outbox_thread (receiver, lane, remote, joined, told_at) VALUES ($1, $2, $3, NULL, $4)
ON CONFLICT (receiver, lane) DO UPDATE SET remote = COALESCE(outbox_thread.remote, excluded.remote), told_at = excluded.told_at
