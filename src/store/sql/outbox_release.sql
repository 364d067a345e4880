-- revoked/outbox_release
UPDATE outbox SET state = 'due', seq = (SELECT r.seq FROM record AS r WHERE r.id = outbox.record_id)
WHERE state = 'waiting'
    AND EXISTS (SELECT 1 FROM record AS r WHERE r.id = outbox.awaits AND r.state = 'landed')
