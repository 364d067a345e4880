-- revoked/roster_of
SELECT system_identifier, oid, name FROM roster WHERE system_identifier = $1 LIMIT $2
