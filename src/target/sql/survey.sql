-- revoked/survey: what the script of grants needs to know of a server: its version, where pg_cron may be, and
-- which databases PUBLIC may not enter.
SELECT
    pg_catalog.current_setting('server_version_num')::int4 AS version_num,
    current_user::text AS agent_role,
    COALESCE((SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user), false) AS superuser,
    pg_catalog.current_database()::text AS database,
    -- Hidden, not refused, from a role that may not see it.
    (SELECT s.setting FROM pg_catalog.pg_settings AS s WHERE s.name = 'cron.database_name') AS cron_database,
    COALESCE(
        (
            SELECT pg_catalog.array_agg(d.datname::text ORDER BY d.datname)
            FROM pg_catalog.pg_database AS d
            WHERE d.datallowconn AND d.datconnlimit <> -2 AND NOT EXISTS (
                SELECT FROM pg_catalog.aclexplode(COALESCE(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS x
                WHERE x.grantee = 0 AND x.privilege_type = 'CONNECT'
            )
        ), '{}'
    ) AS closed
LIMIT $1
