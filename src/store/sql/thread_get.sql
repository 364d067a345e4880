-- revoked/thread_get
SELECT remote, joined, told_at FROM outbox_thread WHERE receiver = $1 AND lane = $2
