-- revoked/attestation_standing: when one was last filed, and how many are neither filed nor given up by somebody
SELECT
    MAX(CASE WHEN state = 'sent' THEN settled_at END),
    COUNT(CASE WHEN state NOT IN ('sent', 'dropped', 'superseded') THEN 1 END)
FROM outbox WHERE receiver = $1 AND lane = $2 AND kind = 'attestation'
