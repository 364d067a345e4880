-- revoked/revocations_page
SELECT
    r.id, r.subject_id, s.name AS subject, r.request, r.accounts, r.life, r.landed_life,
    CASE WHEN r.landed_request = r.request THEN NULL ELSE r.landed_request END AS landed_request,
    e.found AS evidence, r.version, r.landings, r.records, r.queued_at, r.watch_until
FROM revocation AS r
JOIN subject AS s ON s.id = r.subject_id
LEFT JOIN evidence AS e ON e.revocation_id = r.id
WHERE r.landed_life IS NOT NULL
    AND ($1 = '' OR $1 LIKE '%,' || r.landed_state || ',%')
    AND ($2 = '' OR r.kind = $2)
    AND ($3 = '' OR s.name = $3)
    AND r.received_at >= $4 AND r.received_at <= $5
    AND (r.received_at, r.id) < ($6, $7)
ORDER BY r.received_at DESC, r.id DESC
LIMIT $8
