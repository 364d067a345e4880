-- revoked/open_routines: routines that users made, that act as their owner, and that everybody may execute.
SELECT pg_catalog.count(*) AS routines
FROM pg_catalog.pg_proc AS p
WHERE p.oid >= 16384 AND p.prosecdef
    AND (p.proacl IS NULL OR EXISTS (
        SELECT FROM pg_catalog.aclexplode(p.proacl) AS x WHERE x.grantee = 0 AND x.privilege_type = 'EXECUTE'
    ))
LIMIT $1
