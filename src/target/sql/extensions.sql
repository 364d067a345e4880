-- revoked/extensions: extensions that keep jobs of their own, and whether the agent's role may read pg_cron's
-- table and sees all rows of it. A row security policy hides the jobs of others without an error: only one that
-- is true for everybody, and none that restricts, shows them all.
SELECT
    e.extname::text AS name,
    pg_catalog.format('%I', current_user) AS agent,
    COALESCE(pg_catalog.has_schema_privilege(t.relnamespace, 'USAGE'), false) AS may_enter,
    COALESCE(pg_catalog.has_table_privilege(t.oid, 'SELECT'), false) AS may_select,
    COALESCE(
        NOT pg_catalog.row_security_active(t.oid) OR p.opens AND NOT p.restricts, false
    ) AS sees_all
FROM pg_catalog.pg_extension AS e
LEFT JOIN LATERAL (
    SELECT c.oid, c.relnamespace
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_class AS c ON c.oid = d.objid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        AND d.refobjid = e.oid AND d.deptype = 'e'
        AND e.extname = 'pg_cron' AND n.nspname = 'cron' AND c.relname = 'job' AND c.relkind = 'r'
) AS t ON true
LEFT JOIN LATERAL (
    SELECT
        COALESCE(pg_catalog.bool_or(y.polpermissive AND pg_catalog.pg_get_expr(y.polqual, y.polrelid) = 'true'), false)
            AS opens,
        COALESCE(pg_catalog.bool_or(NOT y.polpermissive), false) AS restricts
    FROM pg_catalog.pg_policy AS y
    WHERE y.polrelid = t.oid AND y.polcmd IN ('r', '*') AND EXISTS (
        SELECT FROM pg_catalog.unnest(y.polroles) AS r (oid)
        WHERE r.oid = 0 OR pg_catalog.pg_has_role(current_user, r.oid, 'USAGE')
    )
) AS p ON true
WHERE e.extname IN ('pg_cron', 'pgagent')
ORDER BY e.extname
LIMIT $1
