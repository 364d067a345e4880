-- revoked/records_replay: what moves revocations and exceptions, in the order of the log; looks themselves are large, and move nothing
SELECT kind, body, seq, CASE WHEN kind = 'revocation_amended' THEN life END
FROM record
WHERE state = 'landed' AND seq > $1 AND seq < $2
    AND kind NOT IN (
        'observation', 'subject', 'subject_linked', 'validation_completed', 'notification_sent', 'outbox_changed',
        'nudge_sent', 'consumer_claimed', 'consumer_observed', 'campaign_swept', 'attestation_published',
        'attestation_changed', 'anchor'
    )
ORDER BY seq LIMIT $3
