-- revoked/subject_by_name
SELECT id, name, disclosure, commitment FROM subject WHERE name = $1
