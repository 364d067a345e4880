-- revoked/revocations_versions: what tells whether a revocation is still as it was read
SELECT r.id, r.version, r.landings
FROM revocation AS r
WHERE r.state IN ('scheduled', 'open', 'regressed', 'excepted') OR (r.state = 'verified' AND r.watch_until > $1)
ORDER BY r.received_at, r.id
LIMIT $2
