-- revoked/revocations_of: all of one subject, with how many records of each wait for the log
SELECT
    r.id, r.state, r.version, r.request, r.landed_request, r.accounts, r.life, r.landed_life, e.found AS evidence,
    (SELECT COUNT(*) FROM record AS q WHERE q.revocation_id = r.id AND q.state = 'queued') AS queued
FROM revocation AS r
LEFT JOIN evidence AS e ON e.revocation_id = r.id
WHERE r.subject_id = $1
ORDER BY r.id
