-- revoked/roster_called: roles that bore a name, and when each was first seen under it
SELECT system_identifier, oid, first_seen_at FROM roster WHERE name = $1
