-- revoked/exceptions_page
SELECT e.id, e.revocation_id, e.requested_at
FROM exception AS e
JOIN revocation AS r ON r.id = e.revocation_id
JOIN subject AS s ON s.id = r.subject_id
WHERE e.open >= $1
    AND ($2 = '' OR e.kind = $2)
    AND ($3 = '' OR s.name = $3)
    AND ($4 = '' OR e.revocation_id = $4)
    AND (e.requested_at, e.id) < ($5, $6)
ORDER BY e.requested_at DESC, e.id DESC
LIMIT $7
