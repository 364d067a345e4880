-- revoked/acl_scan: what the access lists of this database hold that anybody has to know of, in one pass over
-- them. Equal lists are taken apart once: GRANT … ON ALL TABLES makes thousands of them. $1: tracked roles.
WITH RECURSIVE held (oid) AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user
    UNION
    SELECT m.roleid FROM pg_catalog.pg_auth_members AS m JOIN held AS h ON m.member = h.oid
), lists (class, acl, objects) AS MATERIALIZED (
    SELECT 'table'::text, relacl, pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_class WHERE relacl IS NOT NULL GROUP BY relacl
    UNION ALL
    SELECT 'column'::text, attacl, pg_catalog.count(*) FILTER (WHERE attrelid >= 16384)
    FROM pg_catalog.pg_attribute WHERE attacl IS NOT NULL AND NOT attisdropped GROUP BY attacl
    UNION ALL
    SELECT 'routine'::text, proacl, pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_proc WHERE proacl IS NOT NULL GROUP BY proacl
    UNION ALL
    SELECT 'type'::text, typacl, pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_type WHERE typacl IS NOT NULL GROUP BY typacl
    UNION ALL
    SELECT 'schema'::text, nspacl, pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_namespace WHERE nspacl IS NOT NULL GROUP BY nspacl
    UNION ALL
    SELECT 'language'::text, lanacl, pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_language WHERE lanacl IS NOT NULL GROUP BY lanacl
    UNION ALL
    SELECT 'large object'::text, lomacl, pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_largeobject_metadata WHERE lomacl IS NOT NULL GROUP BY lomacl
    UNION ALL
    SELECT 'foreign-data wrapper'::text, fdwacl, pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_foreign_data_wrapper WHERE fdwacl IS NOT NULL GROUP BY fdwacl
    UNION ALL
    SELECT 'foreign server'::text, srvacl, pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_foreign_server WHERE srvacl IS NOT NULL GROUP BY srvacl
    UNION ALL
    SELECT 'default privilege'::text, defaclacl, pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_default_acl WHERE defaclacl IS NOT NULL GROUP BY defaclacl
), ordinary (oid) AS MATERIALIZED (
    -- Neither tracked nor the agent's own: an entry for anybody else is nobody's business here.
    SELECT r.oid FROM pg_catalog.pg_roles AS r
    WHERE r.oid NOT IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
        AND r.oid NOT IN (SELECT h.oid FROM held AS h)
)
SELECT
    l.class AS class,
    x.privilege_type AS privilege,
    (pg_catalog.sum(l.objects) FILTER (WHERE x.grantee = 0))::int8 AS to_public,
    pg_catalog.bool_or(
        x.grantee IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
        OR x.grantor IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
    ) AS tracked,
    pg_catalog.bool_or(x.grantee IN (SELECT h.oid FROM held AS h)) AS own,
    (pg_catalog.sum(l.objects) FILTER (
        WHERE x.grantee <> 0 AND x.grantee NOT IN (SELECT r.oid FROM pg_catalog.pg_roles AS r)
    ))::int8 AS dangling
FROM lists AS l
CROSS JOIN LATERAL pg_catalog.aclexplode(l.acl) AS x
WHERE x.grantee NOT IN (SELECT o.oid FROM ordinary AS o)
    OR x.grantor IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
GROUP BY l.class, x.privilege_type
LIMIT $2
