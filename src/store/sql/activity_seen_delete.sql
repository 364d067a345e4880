-- revoked/activity_seen_delete
DELETE FROM activity_seen WHERE system_identifier = $1 AND oid = $2
