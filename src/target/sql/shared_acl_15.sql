-- revoked/shared_acl_15: as shared_acl_13, with parameters. PostgreSQL 15 and later.
WITH RECURSIVE held (oid) AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user
    UNION
    SELECT m.roleid
    FROM held AS h
    -- OFFSET 0: by index. Joined, it would be planned as a pass over all memberships.
    CROSS JOIN LATERAL (
        SELECT a.roleid FROM pg_catalog.pg_auth_members AS a WHERE a.member = h.oid OFFSET 0
    ) AS m
)
SELECT
    o.class AS class,
    o.object AS object,
    0 AS sub_object,
    o.owner AS owner,
    x.grantee AS grantee,
    x.grantor AS grantor,
    x.privilege_type AS privilege,
    x.is_grantable AS grantable,
    x.grantee IN (SELECT h.oid FROM held AS h) AS own
FROM (
    SELECT 'pg_catalog.pg_database'::pg_catalog.regclass::oid, b.oid, b.datdba, b.datacl
    FROM pg_catalog.pg_database AS b WHERE b.datacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_tablespace'::pg_catalog.regclass::oid, q.oid, q.spcowner, q.spcacl
    FROM pg_catalog.pg_tablespace AS q WHERE q.spcacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_parameter_acl'::pg_catalog.regclass::oid, g.oid, 10::oid, g.paracl
    FROM pg_catalog.pg_parameter_acl AS g
) AS o (class, object, owner, acl)
CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS x
LIMIT $1
