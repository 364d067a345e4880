-- revoked/records_replay: what moves revocations and exceptions, in the order of the log. Of an observation, which is large, only
-- where its revocation stands after it. The life is with the last record of each move. What has a line is in the log: asked for
-- besides, that leads SQLite to read and sort all of it for each page.
SELECT kind, CASE WHEN kind <> 'observation' THEN body END, seq, life, revocation_id, queued_at
FROM record
WHERE seq > $1 AND seq < $2
    AND (life IS NOT NULL OR kind NOT IN (
        'observation', 'subject', 'subject_linked', 'validation_completed', 'notification_sent', 'outbox_changed',
        'nudge_sent', 'consumer_claimed', 'consumer_observed', 'campaign_swept', 'attestation_published',
        'attestation_changed', 'anchor'
    ))
ORDER BY seq LIMIT $3
