-- revoked/activity: roles that have a session, whatever it is. Without a filter on any column that a role without
-- pg_read_all_stats sees as NULL.
SELECT DISTINCT a.usesysid AS role
FROM pg_catalog.pg_stat_activity AS a
WHERE a.usesysid IS NOT NULL AND a.usesysid <> 0
LIMIT $1
