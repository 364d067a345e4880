-- revoked/revocations_expected_of: all of a subject that are not withdrawn, newest first
-- + keeps a planner from walking all revocations in the order of an index until one fits
SELECT
    r.id, r.subject_id, s.name AS subject, r.request, r.accounts, r.life, r.landed_life,
    CASE WHEN r.landed_request = r.request THEN NULL ELSE r.landed_request END AS landed_request,
    e.found AS evidence, r.version, r.landings, r.records, r.queued_at, r.watch_until
FROM revocation AS r
JOIN subject AS s ON s.id = r.subject_id
LEFT JOIN evidence AS e ON e.revocation_id = r.id
WHERE r.subject_id = (SELECT id FROM subject WHERE name = $1) AND r.state <> 'withdrawn'
    AND (+r.received_at, r.id) < ($2, $3)
ORDER BY +r.received_at DESC, r.id DESC
LIMIT $4
