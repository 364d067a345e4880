-- What roles of the graphs in $1 really may do, and what one that has nothing may: tried and undone. Needs
-- schemas that everybody may enter, so the caller opens them in the same transaction.
WITH acts (class, object, privilege, statement, tag) AS MATERIALIZED (
    SELECT 'pg_class'::regclass, c.oid, a.privilege, format(a.statement, c.oid::regclass), oracle.tag(n.nspname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, (VALUES
        ('SELECT', 'SELECT 1 FROM %s LIMIT 0'), ('INSERT', 'INSERT INTO %s DEFAULT VALUES'),
        ('DELETE', 'DELETE FROM %s'), ('UPDATE', 'UPDATE %s SET a = 1'), ('TRUNCATE', 'TRUNCATE %s')
        /*17 , ('MAINTAIN', 'REINDEX TABLE %s') 17*/
    ) AS a (privilege, statement)
    WHERE c.relkind IN ('r', 'p') AND (c.relkind = 'r' OR a.privilege <> 'MAINTAIN')
    UNION ALL
    SELECT 'pg_class', c.oid, 'USAGE', format('SELECT nextval(%L::regclass)', c.oid::regclass), oracle.tag(n.nspname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S'
    UNION ALL
    SELECT 'pg_proc', p.oid, 'EXECUTE', format(CASE p.prokind WHEN 'p' THEN 'CALL %s(1)' ELSE 'SELECT %s(1)' END, p.oid::regproc), oracle.tag(n.nspname)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE oracle.tag(n.nspname) IS NOT NULL
    UNION ALL
    SELECT 'pg_largeobject', oid, a.privilege, format(a.statement, oid), 'g' || (oid::int8 - 100000) / 100 || '_'
    FROM pg_largeobject_metadata, (VALUES ('SELECT', 'SELECT lo_get(%s)'), ('UPDATE', 'SELECT lo_put(%s, 0, '''')')) AS a (privilege, statement)
    UNION ALL
    SELECT 'pg_namespace', oid, 'CREATE', format('CREATE TABLE %I.acted ()', nspname), oracle.tag(nspname) FROM pg_namespace
    UNION ALL
    SELECT 'pg_database', oid, a.privilege, a.statement, g.tag
    FROM pg_database, (VALUES ('TEMPORARY', 'CREATE TEMPORARY TABLE acted ()'), ('CREATE', 'CREATE SCHEMA acted')) AS a (privilege, statement),
        (SELECT DISTINCT tag FROM oracle.roles) g
    WHERE datname = current_database()
    /*15
    UNION ALL
    SELECT 'pg_parameter_acl', oid, 'SET', format('SET LOCAL %s = DEFAULT', parname), g.tag
    FROM pg_parameter_acl, (SELECT DISTINCT tag FROM oracle.roles) g WHERE parname LIKE 'log%'
    15*/
), tried AS MATERIALIZED (
    SELECT r.oid AS role, a.*, oracle.try_as(r.rolname::text, a.statement) AS code
    FROM acts a JOIN oracle.roles o ON o.tag = a.tag JOIN pg_authid r ON r.oid = o.oid AND NOT r.rolsuper
    WHERE a.tag = ANY ($1)
), nobody AS MATERIALIZED (
    SELECT DISTINCT a.class, a.object, a.privilege, oracle.try_as('oracle_nobody', a.statement) AS code
    FROM acts a WHERE a.tag = ANY ($1)
)
SELECT t.role::int8 AS role,
    CASE WHEN k.relname IN ('pg_database', 'pg_parameter_acl') THEN '' ELSE current_database()::text END AS database,
    k.relname::text AS class, oracle.name(t.class, t.object) AS object, t.privilege, t.statement,
    t.code AS code, n.code AS nobodys_code
FROM tried t JOIN pg_class k ON k.oid = t.class
JOIN nobody n ON n.class = t.class AND n.object = t.object AND n.privilege = t.privilege
