-- revoked/cron_home: the database in which pg_cron keeps its jobs. The setting is refused to a role that may not see
-- it: then only whether pg_cron can be there at all.
SELECT
    CASE WHEN s.sees THEN NULLIF(pg_catalog.current_setting('cron.database_name', true), '') END AS database,
    NOT s.sees AND EXISTS (
        SELECT FROM pg_catalog.pg_available_extensions() AS e WHERE e.name = 'pg_cron'
    ) AS hidden
FROM (SELECT pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE') AS sees) AS s
LIMIT $1
