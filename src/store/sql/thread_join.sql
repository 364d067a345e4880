-- revoked/thread_join
INSERT INTO outbox_thread (receiver, lane, remote, joined, told_at) VALUES ($1, $2, NULL, $3, NULL)
ON CONFLICT (receiver, lane) DO UPDATE SET joined = excluded.joined
