-- revoked/arriving: processes that may have let somebody in of whom pg_stat_activity does not say yet who it is. A login
-- is a transaction; the role is shown at its end, long after it was decided that the role may log in: any role may
-- hold it up there (post_auth_delay), and so does a lock on the database. The locks first, then each process by itself:
-- read the other way round, a login that ends in between would be in neither.
SELECT
    l.pid AS pid,
    l.virtualtransaction AS transaction
FROM pg_catalog.pg_locks AS l
LEFT JOIN LATERAL (
    SELECT s.pid, s.usesysid, s.backend_type FROM pg_catalog.pg_stat_get_activity(l.pid) AS s OFFSET 0
) AS a ON true
CROSS JOIN (
    -- By its place among the processes: the kind is hidden without pg_read_all_stats. Clients come first, walsenders last.
    SELECT
        c.clients AS clients,
        c.clients + pg_catalog.current_setting('autovacuum_worker_slots', true)::int4 + 2
            + pg_catalog.current_setting('max_worker_processes')::int4 AS walsenders
    FROM (SELECT pg_catalog.current_setting('max_connections')::int4) AS c (clients)
) AS place
WHERE l.locktype = 'virtualxid'
    AND l.pid IS NOT NULL
    AND l.virtualxid = l.virtualtransaction
    AND (
        a.pid IS NULL
        -- Since 18 it is shown from its beginning, at first without the role. So are other processes of the server.
        OR place.walsenders IS NOT NULL
        AND a.usesysid IS NULL
        AND (
            a.backend_type IN ('client backend', 'walsender')
            OR a.backend_type IS NULL
            AND (
                pg_catalog.split_part(l.virtualtransaction, '/', 1)::int4 < place.clients
                OR pg_catalog.split_part(l.virtualtransaction, '/', 1)::int4 BETWEEN place.walsenders
                    AND place.walsenders + pg_catalog.current_setting('max_wal_senders')::int4 - 1
            )
        )
    )
ORDER BY l.pid
LIMIT $1
