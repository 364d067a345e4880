-- revoked/roster_first_seen: when a role was first seen, under whatever name
SELECT MIN(first_seen_at) FROM roster WHERE system_identifier = $1 AND oid = $2
