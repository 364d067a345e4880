-- revoked/credential_terms: until when the passwords of the roles in $1 count, and whether the agent may read
-- their verifiers. A VALID UNTIL that is never over is NULL.
SELECT
    r.oid AS role,
    CASE
        WHEN r.rolvaliduntil = '-infinity' THEN 0
        WHEN r.rolvaliduntil < '9999-01-01' THEN (pg_catalog.date_part('epoch', r.rolvaliduntil) * 1000000)::int8
    END AS expires_us,
    pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'oid', 'SELECT')
        AND pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'SELECT') AS readable
FROM pg_catalog.pg_roles AS r
WHERE r.oid = ANY ($1)
ORDER BY r.oid
LIMIT $2
