-- revoked/subject_erase: the id stays, which the log has; so does the commitment, which fits nobody any more
UPDATE subject SET name = id, disclosure = '' WHERE id = $1 AND disclosure <> ''
