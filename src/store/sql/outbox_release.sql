-- revoked/outbox_release
UPDATE outbox SET state = 'due'
WHERE state = 'waiting'
    AND EXISTS (SELECT 1 FROM record AS r WHERE r.id = outbox.record_id AND r.state = 'landed')
