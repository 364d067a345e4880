-- revoked/notices_asking: those that wait for a person to say whom they mean, and what is expected meanwhile
SELECT revocation_id, id FROM notice
WHERE outcome = 'quarantined' AND cause = 'identity' AND revocation_id IS NOT NULL
ORDER BY received_at, id
