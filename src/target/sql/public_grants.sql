-- revoked/public_grants: explicit grants to PUBLIC on objects that users made. Ambient: shown, never
-- decides.
SELECT l.class AS class, x.privilege_type AS privilege, pg_catalog.count(*) AS objects
FROM (
    SELECT 'table'::text, oid, relacl FROM pg_catalog.pg_class WHERE relacl IS NOT NULL
    UNION ALL SELECT 'schema', oid, nspacl FROM pg_catalog.pg_namespace WHERE nspacl IS NOT NULL
    UNION ALL SELECT 'routine', oid, proacl FROM pg_catalog.pg_proc WHERE proacl IS NOT NULL
) AS l (class, oid, acl)
CROSS JOIN LATERAL pg_catalog.aclexplode(l.acl) AS x
WHERE x.grantee = 0 AND l.oid >= 16384
GROUP BY l.class, x.privilege_type
ORDER BY l.class, x.privilege_type
LIMIT $1
