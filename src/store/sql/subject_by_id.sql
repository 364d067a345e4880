-- revoked/subject_by_id
SELECT id, name, disclosure, commitment FROM subject WHERE id = $1
