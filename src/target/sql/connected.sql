-- revoked/connected: as sessions, and everybody's: before the snapshot nobody knows which roles are searched for. What a
-- role may be called then is for the snapshot to say.
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
-- OFFSET 0: by index. Joined, it would be planned as a pass over all roles.
LEFT JOIN LATERAL (SELECT x.oid FROM pg_catalog.pg_roles AS x WHERE x.oid = a.usesysid OFFSET 0) AS r ON true
WHERE a.usesysid IS NOT NULL AND a.usesysid <> 0
LIMIT $1
