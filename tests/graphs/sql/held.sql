-- What has_*_privilege says that each role may do and PUBLIC may not: the objects of the role's graph, and
-- those of no graph. Superusers may everything.
WITH things (kind, class, object, sub, column_name, tag) AS MATERIALIZED (
    SELECT CASE WHEN c.relkind = 'S' THEN 'sequence' ELSE 'table' END, 'pg_class'::regclass, c.oid, 0::int2, ''::text, oracle.tag(n.nspname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S') AND (oracle.tag(n.nspname) IS NOT NULL OR oracle.mentions(c.relacl))
    UNION ALL
    SELECT 'column', 'pg_class', c.oid, a.attnum, a.attname, oracle.tag(n.nspname)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'f', 'p') AND oracle.tag(n.nspname) IS NOT NULL
    UNION ALL
    SELECT 'function', 'pg_proc', p.oid, 0, '', oracle.tag(n.nspname)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE oracle.tag(n.nspname) IS NOT NULL OR oracle.mentions(p.proacl)
    UNION ALL
    SELECT 'type', 'pg_type', t.oid, 0, '', oracle.tag(n.nspname)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE (oracle.tag(n.nspname) IS NOT NULL OR oracle.mentions(t.typacl)) AND t.typcategory <> 'A' AND t.typtype <> 'm'
        AND coalesce(c.relkind = 'c', true)
    UNION ALL
    SELECT 'schema', 'pg_namespace', oid, 0, '', oracle.tag(nspname) FROM pg_namespace WHERE oracle.tag(nspname) IS NOT NULL OR oracle.mentions(nspacl)
    UNION ALL
    SELECT 'language', 'pg_language', oid, 0, '', oracle.tag(lanname) FROM pg_language WHERE lanname <> 'internal' AND lanname <> 'c' AND lanname <> 'sql'
    UNION ALL
    SELECT 'fdw', 'pg_foreign_data_wrapper', oid, 0, '', oracle.tag(fdwname) FROM pg_foreign_data_wrapper
    UNION ALL
    SELECT 'server', 'pg_foreign_server', oid, 0, '', oracle.tag(srvname) FROM pg_foreign_server
    UNION ALL
    SELECT 'tablespace', 'pg_tablespace', oid, 0, '', NULL FROM pg_tablespace
    UNION ALL
    SELECT 'database', 'pg_database', oid, 0, '', NULL FROM pg_database WHERE datname = current_database()
    /*15 UNION ALL SELECT 'parameter', 'pg_parameter_acl', oid, 0, '', NULL FROM pg_parameter_acl 15*/
    /*18 UNION ALL SELECT 'large object', 'pg_largeobject', oid, 0, '', 'g' || (oid::int8 - 100000) / 100 || '_' FROM pg_largeobject_metadata 18*/
), closed AS MATERIALIZED (
    SELECT t.*, p.privilege
    FROM things t JOIN oracle.privileges p ON p.kind = t.kind
    WHERE NOT CASE t.kind
        WHEN 'table' THEN has_table_privilege('public', t.object, p.privilege)
        WHEN 'column' THEN has_column_privilege('public', t.object, t.sub::int2, p.privilege)
        WHEN 'sequence' THEN has_sequence_privilege('public', t.object, p.privilege)
        WHEN 'function' THEN has_function_privilege('public', t.object, p.privilege)
        WHEN 'type' THEN has_type_privilege('public', t.object, p.privilege)
        WHEN 'schema' THEN has_schema_privilege('public', t.object, p.privilege)
        WHEN 'language' THEN has_language_privilege('public', t.object, p.privilege)
        WHEN 'fdw' THEN has_foreign_data_wrapper_privilege('public', t.object, p.privilege)
        WHEN 'server' THEN has_server_privilege('public', t.object, p.privilege)
        WHEN 'tablespace' THEN has_tablespace_privilege('public', t.object, p.privilege)
        WHEN 'database' THEN has_database_privilege('public', t.object, p.privilege)
        /*15 WHEN 'parameter' THEN has_parameter_privilege('public', (SELECT parname FROM pg_parameter_acl a WHERE a.oid = t.object), p.privilege) 15*/
        /*18 WHEN 'large object' THEN has_largeobject_privilege('public', t.object, p.privilege) 18*/
        END
), asked AS MATERIALIZED (
    SELECT r.oid AS role, c.*, w.option, c.privilege || CASE WHEN w.option THEN ' WITH GRANT OPTION' ELSE '' END AS question
    FROM closed c JOIN oracle.roles o ON c.tag IS NULL OR c.tag = o.tag
    JOIN pg_authid r ON r.oid = o.oid AND NOT r.rolsuper
    CROSS JOIN (VALUES (false), (true)) AS w (option)
)
SELECT a.role::int8 AS role,
    CASE WHEN a.kind IN ('database', 'tablespace', 'parameter') THEN '' ELSE current_database()::text END AS database,
    k.relname::text AS class, oracle.name(a.class, a.object) AS object, a.column_name AS sub, a.privilege, a.option
FROM asked a JOIN pg_class k ON k.oid = a.class
WHERE CASE a.kind
    WHEN 'table' THEN has_table_privilege(a.role, a.object, a.question)
    -- With a privilege on the whole table every column has it, and the table was asked for that.
    WHEN 'column' THEN has_column_privilege(a.role, a.object, a.sub::int2, a.question) AND NOT has_table_privilege(a.role, a.object, a.question)
    WHEN 'sequence' THEN has_sequence_privilege(a.role, a.object, a.question)
    WHEN 'function' THEN has_function_privilege(a.role, a.object, a.question)
    WHEN 'type' THEN has_type_privilege(a.role, a.object, a.question)
    WHEN 'schema' THEN has_schema_privilege(a.role, a.object, a.question)
    WHEN 'language' THEN has_language_privilege(a.role, a.object, a.question)
    WHEN 'fdw' THEN has_foreign_data_wrapper_privilege(a.role, a.object, a.question)
    WHEN 'server' THEN has_server_privilege(a.role, a.object, a.question)
    WHEN 'tablespace' THEN has_tablespace_privilege(a.role, a.object, a.question)
    WHEN 'database' THEN has_database_privilege(a.role, a.object, a.question)
    /*15 WHEN 'parameter' THEN has_parameter_privilege(a.role, (SELECT parname FROM pg_parameter_acl x WHERE x.oid = a.object), a.question) 15*/
    /*18 WHEN 'large object' THEN has_largeobject_privilege(a.role, a.object, a.question) 18*/
    END
