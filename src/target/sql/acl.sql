-- revoked/acl: every entry of an access list of this database that names a role of $1, as grantee or as
-- grantor. Run only when acl_scan or pg_shdepend tells of one.
WITH objects (class, object, sub_object, owner, acl) AS MATERIALIZED (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, c.oid, 0, c.relowner, c.relacl
    FROM pg_catalog.pg_class AS c WHERE c.relacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, a.attrelid, a.attnum::int4, c.relowner, a.attacl
    FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::oid, p.oid, 0, p.proowner, p.proacl
    FROM pg_catalog.pg_proc AS p WHERE p.proacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::oid, t.oid, 0, t.typowner, t.typacl
    FROM pg_catalog.pg_type AS t WHERE t.typacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::oid, n.oid, 0, n.nspowner, n.nspacl
    FROM pg_catalog.pg_namespace AS n WHERE n.nspacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_language'::pg_catalog.regclass::oid, l.oid, 0, l.lanowner, l.lanacl
    FROM pg_catalog.pg_language AS l WHERE l.lanacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_largeobject'::pg_catalog.regclass::oid, o.oid, 0, o.lomowner, o.lomacl
    FROM pg_catalog.pg_largeobject_metadata AS o WHERE o.lomacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass::oid, f.oid, 0, f.fdwowner, f.fdwacl
    FROM pg_catalog.pg_foreign_data_wrapper AS f WHERE f.fdwacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass::oid, s.oid, 0, s.srvowner, s.srvacl
    FROM pg_catalog.pg_foreign_server AS s WHERE s.srvacl IS NOT NULL
    UNION ALL
    SELECT 'pg_catalog.pg_default_acl'::pg_catalog.regclass::oid, e.oid, 0, e.defaclrole, e.defaclacl
    FROM pg_catalog.pg_default_acl AS e
), mentioned (acl) AS MATERIALIZED (
    SELECT DISTINCT o.acl
    FROM objects AS o
    WHERE EXISTS (
        SELECT FROM pg_catalog.aclexplode(o.acl) AS x
        WHERE x.grantee IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
            OR x.grantor IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
    )
)
SELECT
    o.class AS class,
    o.object AS object,
    o.sub_object AS sub_object,
    o.owner AS owner,
    x.grantee AS grantee,
    x.grantor AS grantor,
    x.privilege_type AS privilege,
    x.is_grantable AS grantable
FROM objects AS o
JOIN mentioned AS m ON m.acl = o.acl
CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS x
WHERE x.grantee IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
    OR x.grantor IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
LIMIT $2
