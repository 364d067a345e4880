-- revoked/instance_sessions: as sessions, on a further instance: its catalogs may lag, so the roles that exist
-- are those in $2, as the primary has them. By OID, and without a filter on any column that a role without
-- pg_read_all_stats sees as NULL.
SELECT
    a.pid AS pid,
    a.usesysid AS role,
    a.datname::text AS database,
    a.backend_type AS backend_type,
    a.application_name AS application,
    a.client_addr::text AS client,
    (pg_catalog.date_part('epoch', a.backend_start) * 1000000)::int8 AS started_us,
    r.oid IS NULL AS vanished
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN pg_catalog.unnest($2::oid[]) AS r (oid) ON r.oid = a.usesysid
WHERE a.usesysid IS NOT NULL AND a.usesysid <> 0 AND (a.usesysid = ANY ($1) OR r.oid IS NULL)
ORDER BY a.pid
LIMIT $3
