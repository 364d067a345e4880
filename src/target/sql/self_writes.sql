-- revoked/self_writes: write privileges in this database that the agent's role has been granted, itself
-- or through a role it holds. What PUBLIC has is ambient and not listed.
WITH RECURSIVE held (oid) AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user
    UNION
    SELECT m.roleid FROM pg_catalog.pg_auth_members AS m JOIN held AS h ON m.member = h.oid
), lists (acl) AS (
    SELECT relacl FROM pg_catalog.pg_class WHERE relacl IS NOT NULL
    UNION SELECT attacl FROM pg_catalog.pg_attribute WHERE attacl IS NOT NULL AND NOT attisdropped
    UNION SELECT nspacl FROM pg_catalog.pg_namespace WHERE nspacl IS NOT NULL
    UNION SELECT datacl FROM pg_catalog.pg_database WHERE datacl IS NOT NULL
    UNION SELECT spcacl FROM pg_catalog.pg_tablespace WHERE spcacl IS NOT NULL
    UNION SELECT lomacl FROM pg_catalog.pg_largeobject_metadata WHERE lomacl IS NOT NULL
)
SELECT DISTINCT x.privilege_type AS privilege
FROM lists AS l
CROSS JOIN LATERAL pg_catalog.aclexplode(l.acl) AS x
JOIN held AS h ON h.oid = x.grantee
WHERE x.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'MAINTAIN', 'CREATE', 'TEMPORARY')
ORDER BY x.privilege_type
LIMIT $1
