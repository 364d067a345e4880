-- revoked/thread_cut: the message that a thread began with is gone or closed
UPDATE outbox_thread SET remote = NULL WHERE receiver = $1 AND lane = $2
