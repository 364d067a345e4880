-- revoked/subject_insert
INSERT INTO subject (id, name, disclosure, commitment) VALUES
($1, $2, $3, $4)
