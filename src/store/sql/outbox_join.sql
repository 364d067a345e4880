-- revoked/outbox_join: what is not sent goes where the thread of its lane went
UPDATE outbox SET lane = (
    SELECT t.joined FROM outbox_thread AS t WHERE t.receiver = outbox.receiver AND t.lane = outbox.lane
)
WHERE receiver = $1 AND state = 'due' AND EXISTS (
    SELECT 1 FROM outbox_thread AS t
    WHERE t.receiver = outbox.receiver AND t.lane = outbox.lane AND t.joined IS NOT NULL
)
