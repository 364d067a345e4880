-- revoked/role_settings: ALTER ROLE … SET of the roles in $1. pg_shdepend does not know these.
SELECT
    s.setrole AS role,
    d.datname::text AS database,
    c.setting AS setting
FROM pg_catalog.pg_db_role_setting AS s
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
WHERE s.setrole = ANY ($1)
ORDER BY s.setrole, d.datname, c.setting
LIMIT $2
