-- revoked/owned: objects of this database whose owner column names a role of $1, of each role no more than $2. The
-- second path beside pg_shdepend. Left out is what never has an owner dependency of its own: indexes with
-- the owner of their table, TOAST tables, row types, array types, multiranges.
SELECT n.class AS class, n.object AS object, n.role AS role
FROM (
    SELECT o.class, o.object, o.owner, pg_catalog.row_number() OVER (PARTITION BY o.owner ORDER BY o.class, o.object)
    FROM (
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, r.oid, r.relowner
        FROM pg_catalog.pg_class AS r
        -- CASE: only indexes of tracked roles are compared with their tables. All of them would be most of the work.
        WHERE r.relkind NOT IN ('t', 'c') AND CASE
            WHEN r.relkind NOT IN ('i', 'I') THEN true
            WHEN r.relowner IN (SELECT w.oid FROM pg_catalog.unnest($1::oid[]) AS w (oid)) THEN r.relowner <> (
                SELECT c.relowner
                FROM pg_catalog.pg_index AS x
                JOIN pg_catalog.pg_class AS c ON c.oid = x.indrelid
                WHERE x.indexrelid = r.oid
            ) END
        UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::oid, oid, proowner FROM pg_catalog.pg_proc
        UNION ALL
        SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::oid, t.oid, t.typowner
        FROM pg_catalog.pg_type AS t
        WHERE t.typtype <> 'm'
            -- A domain over an array, and a base type of that category, has an owner of its own.
            AND (t.typcategory <> 'A' OR t.typowner IN (SELECT w.oid FROM pg_catalog.unnest($1::oid[]) AS w (oid))
                AND t.oid NOT IN (SELECT e.typarray FROM pg_catalog.pg_type AS e WHERE e.typarray <> 0))
            AND (t.typrelid = 0 OR t.typowner IN (SELECT w.oid FROM pg_catalog.unnest($1::oid[]) AS w (oid)) AND EXISTS (
                SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = t.typrelid AND c.relkind = 'c'
            ))
        UNION ALL SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::oid, oid, nspowner FROM pg_catalog.pg_namespace
        UNION ALL SELECT 'pg_catalog.pg_language'::pg_catalog.regclass::oid, oid, lanowner FROM pg_catalog.pg_language
        UNION ALL SELECT 'pg_catalog.pg_largeobject'::pg_catalog.regclass::oid, oid, lomowner FROM pg_catalog.pg_largeobject_metadata
        UNION ALL SELECT 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass::oid, oid, fdwowner FROM pg_catalog.pg_foreign_data_wrapper
        UNION ALL SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass::oid, oid, srvowner FROM pg_catalog.pg_foreign_server
        UNION ALL SELECT 'pg_catalog.pg_extension'::pg_catalog.regclass::oid, oid, extowner FROM pg_catalog.pg_extension
        UNION ALL SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass::oid, oid, collowner FROM pg_catalog.pg_collation
        UNION ALL SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass::oid, oid, conowner FROM pg_catalog.pg_conversion
        UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass::oid, oid, oprowner FROM pg_catalog.pg_operator
        UNION ALL SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass::oid, oid, opcowner FROM pg_catalog.pg_opclass
        UNION ALL SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass::oid, oid, opfowner FROM pg_catalog.pg_opfamily
        UNION ALL SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass::oid, oid, dictowner FROM pg_catalog.pg_ts_dict
        UNION ALL SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass::oid, oid, cfgowner FROM pg_catalog.pg_ts_config
        UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::oid, oid, stxowner FROM pg_catalog.pg_statistic_ext
        UNION ALL SELECT 'pg_catalog.pg_publication'::pg_catalog.regclass::oid, oid, pubowner FROM pg_catalog.pg_publication
        UNION ALL SELECT 'pg_catalog.pg_event_trigger'::pg_catalog.regclass::oid, oid, evtowner FROM pg_catalog.pg_event_trigger
        UNION ALL SELECT 'pg_catalog.pg_user_mapping'::pg_catalog.regclass::oid, umid, umuser FROM pg_catalog.pg_user_mappings
        UNION ALL SELECT 'pg_catalog.pg_default_acl'::pg_catalog.regclass::oid, oid, defaclrole FROM pg_catalog.pg_default_acl
        -- OFFSET 0 and IS TRUE: one hash of the roles in $1, however few the planner takes them for.
        OFFSET 0
    ) AS o (class, object, owner)
    WHERE (o.owner IN (SELECT t.oid FROM pg_catalog.unnest($1::oid[]) AS t (oid))) IS TRUE
        -- What initdb made belongs to the first superuser and has no dependency: some thousand objects.
        AND NOT (o.owner = 10 AND o.object < 16384)
) AS n (class, object, role, place)
WHERE n.place <= $2::int8
LIMIT $3
