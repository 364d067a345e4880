-- revoked/acl_scan: what the access lists of this database hold that anybody has to know of, in one pass over
-- them. Equal lists are taken apart once: GRANT … ON ALL TABLES makes thousands of them. $1: tracked roles.
-- Rows with an object are entries that name a tracked role, as grantee or as grantor, of each role no more than $2
-- and the rest of the last object; what an owner has or grants is left out. Rows without an object count what
-- everybody has, what the agent's role has, and what names a role that no longer exists.
WITH RECURSIVE held (oid) AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user
    UNION
    SELECT m.roleid FROM pg_catalog.pg_auth_members AS m JOIN held AS h ON m.member = h.oid
), lists (class, catalog, acl, owner, objects, subs, made) AS MATERIALIZED (
    SELECT
        'table'::text, 'pg_catalog.pg_class'::pg_catalog.regclass::oid, relacl, relowner,
        pg_catalog.array_agg(oid), NULL::int2[], pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_class WHERE relacl IS NOT NULL GROUP BY relacl, relowner
    UNION ALL
    SELECT
        'column'::text, 'pg_catalog.pg_class'::pg_catalog.regclass::oid, attacl, NULL::oid,
        pg_catalog.array_agg(attrelid), pg_catalog.array_agg(attnum),
        pg_catalog.count(*) FILTER (WHERE attrelid >= 16384)
    FROM pg_catalog.pg_attribute WHERE attacl IS NOT NULL AND NOT attisdropped GROUP BY attacl
    UNION ALL
    SELECT
        'routine'::text, 'pg_catalog.pg_proc'::pg_catalog.regclass::oid, proacl, proowner,
        pg_catalog.array_agg(oid), NULL::int2[], pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_proc WHERE proacl IS NOT NULL GROUP BY proacl, proowner
    UNION ALL
    SELECT
        'type'::text, 'pg_catalog.pg_type'::pg_catalog.regclass::oid, typacl, typowner,
        pg_catalog.array_agg(oid), NULL::int2[], pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_type WHERE typacl IS NOT NULL GROUP BY typacl, typowner
    UNION ALL
    SELECT
        'schema'::text, 'pg_catalog.pg_namespace'::pg_catalog.regclass::oid, nspacl, nspowner,
        pg_catalog.array_agg(oid), NULL::int2[], pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_namespace WHERE nspacl IS NOT NULL GROUP BY nspacl, nspowner
    UNION ALL
    SELECT
        'language'::text, 'pg_catalog.pg_language'::pg_catalog.regclass::oid, lanacl, lanowner,
        pg_catalog.array_agg(oid), NULL::int2[], pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_language WHERE lanacl IS NOT NULL GROUP BY lanacl, lanowner
    UNION ALL
    SELECT
        'large object'::text, 'pg_catalog.pg_largeobject'::pg_catalog.regclass::oid, lomacl, lomowner,
        pg_catalog.array_agg(oid), NULL::int2[], pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_largeobject_metadata WHERE lomacl IS NOT NULL GROUP BY lomacl, lomowner
    UNION ALL
    SELECT
        'foreign-data wrapper'::text, 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass::oid, fdwacl, fdwowner,
        pg_catalog.array_agg(oid), NULL::int2[], pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_foreign_data_wrapper WHERE fdwacl IS NOT NULL GROUP BY fdwacl, fdwowner
    UNION ALL
    SELECT
        'foreign server'::text, 'pg_catalog.pg_foreign_server'::pg_catalog.regclass::oid, srvacl, srvowner,
        pg_catalog.array_agg(oid), NULL::int2[], pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_foreign_server WHERE srvacl IS NOT NULL GROUP BY srvacl, srvowner
    UNION ALL
    SELECT
        'default privilege'::text, 'pg_catalog.pg_default_acl'::pg_catalog.regclass::oid, defaclacl, defaclrole,
        pg_catalog.array_agg(oid), NULL::int2[], pg_catalog.count(*) FILTER (WHERE oid >= 16384)
    FROM pg_catalog.pg_default_acl WHERE defaclacl IS NOT NULL GROUP BY defaclacl, defaclrole
), ordinary (oid) AS MATERIALIZED (
    -- Neither tracked nor the agent's own: an entry for anybody else is nobody's business here.
    SELECT r.oid FROM pg_catalog.pg_roles AS r
    WHERE r.oid NOT IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
        AND r.oid NOT IN (SELECT h.oid FROM held AS h)
), entries AS MATERIALIZED (
    SELECT
        l.class, l.catalog, l.owner, l.objects, l.subs, l.made,
        x.grantee, x.grantor, x.privilege_type, x.is_grantable,
        x.grantee IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid)) AS of_grantee,
        x.grantor IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid)) AS of_grantor
    FROM lists AS l
    CROSS JOIN LATERAL pg_catalog.aclexplode(l.acl) AS x
    WHERE x.grantee NOT IN (SELECT o.oid FROM ordinary AS o)
        OR x.grantor IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))
), named AS (
    SELECT
        e.class, e.privilege_type, w.role, e.catalog, o.object, COALESCE(o.sub_object, 0)::int4 AS sub_object, b.owner,
        e.grantee, e.grantor, e.is_grantable,
        -- The same for all entries of an object: a list that is cut within would not show who else loses what.
        pg_catalog.rank() OVER (PARTITION BY w.role ORDER BY e.catalog, o.object, o.sub_object) AS place
    FROM entries AS e
    CROSS JOIN LATERAL ROWS FROM (
        pg_catalog.unnest(e.objects), pg_catalog.unnest(e.subs)
    ) AS o (object, sub_object)
    CROSS JOIN LATERAL (
        SELECT COALESCE(e.owner, (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = o.object))
    ) AS b (owner)
    CROSS JOIN LATERAL (
        VALUES (e.grantee, e.of_grantee), (e.grantor, e.of_grantor AND e.grantor <> e.grantee)
    ) AS w (role, tracked)
    WHERE (e.of_grantee OR e.of_grantor) AND w.tracked AND w.role <> b.owner
)
SELECT
    e.class AS class,
    e.privilege_type AS privilege,
    (pg_catalog.sum(e.made) FILTER (WHERE e.grantee = 0))::int8 AS to_public,
    pg_catalog.bool_or(e.grantee IN (SELECT h.oid FROM held AS h)) AS own,
    (pg_catalog.sum(e.made) FILTER (
        WHERE e.grantee <> 0 AND e.grantee NOT IN (SELECT r.oid FROM pg_catalog.pg_roles AS r)
    ))::int8 AS dangling,
    NULL::oid AS role,
    NULL::oid AS catalog,
    NULL::oid AS object,
    NULL::int4 AS sub_object,
    NULL::oid AS owner,
    NULL::oid AS grantee,
    NULL::oid AS grantor,
    NULL::bool AS grantable
FROM entries AS e
GROUP BY e.class, e.privilege_type
UNION ALL
SELECT
    n.class, n.privilege_type, NULL, NULL, NULL, n.role, n.catalog, n.object, n.sub_object, n.owner,
    n.grantee, n.grantor, n.is_grantable
FROM named AS n
WHERE n.place <= $2::int8
LIMIT $3
