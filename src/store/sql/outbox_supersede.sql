-- revoked/outbox_supersede: of several edits of one message only the newest is made, and none of a digest's
UPDATE outbox SET state = 'superseded', settled_at = $2, version = version + 1
WHERE receiver = $1 AND kind = 'status' AND state = 'due' AND attempts = 0 AND (
    lane <> about OR EXISTS (
        SELECT 1 FROM outbox AS n
        WHERE n.receiver = outbox.receiver AND n.lane = outbox.lane AND n.kind = 'status' AND n.state = 'due'
            AND n.seq > outbox.seq
    )
)
