-- revoked/subjects_disclosed: those whom the log knows
SELECT s.id, s.disclosure FROM subject AS s
WHERE s.disclosure <> '' AND s.id > $1
    AND EXISTS (SELECT 1 FROM revocation AS r WHERE r.subject_id = s.id AND r.landed_life IS NOT NULL)
ORDER BY s.id
LIMIT $2
