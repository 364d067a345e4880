-- revoked/notices_unsure: those that wait for a person to say whom they mean, of one revocation
SELECT id, digest, subject, username FROM notice
WHERE revocation_id = $1 AND outcome = 'quarantined' AND cause = 'identity'
ORDER BY received_at, id
LIMIT $2
