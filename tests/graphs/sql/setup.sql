-- Made in each database, by a superuser, before any graph: what the oracles ask with.
CREATE SCHEMA oracle;
GRANT USAGE ON SCHEMA oracle TO PUBLIC;

-- Every role of the batch, also those that are dropped later, and the graph that each belongs to.
CREATE TABLE oracle.roles (oid oid PRIMARY KEY, tag text NOT NULL, name text NOT NULL);

CREATE TABLE oracle.privileges (kind text NOT NULL, privilege text NOT NULL);
INSERT INTO oracle.privileges
SELECT k, p FROM (VALUES
    ('table', '{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]),
    ('column', '{SELECT,INSERT,UPDATE,REFERENCES}'),
    ('sequence', '{USAGE,SELECT,UPDATE}'),
    ('function', '{EXECUTE}'), ('type', '{USAGE}'), ('schema', '{USAGE,CREATE}'), ('language', '{USAGE}'),
    ('fdw', '{USAGE}'), ('server', '{USAGE}'), ('tablespace', '{CREATE}'),
    ('database', '{CREATE,CONNECT,TEMPORARY}'), ('parameter', '{SET,ALTER SYSTEM}'), ('large object', '{SELECT,UPDATE}')
) AS v (k, ps), unnest(ps) AS p;
INSERT INTO oracle.privileges SELECT 'table', 'MAINTAIN' WHERE current_setting('server_version_num')::int >= 170000;

CREATE FUNCTION oracle.nothing() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';

-- The graph that a name belongs to.
CREATE FUNCTION oracle.tag(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT
    AS $$ SELECT pg_catalog.substring(name, '^g[0-9]+_') $$;

CREATE FUNCTION oracle.name(class oid, object oid) RETURNS text LANGUAGE sql STABLE STRICT
    AS $$ SELECT identity FROM pg_catalog.pg_identify_object(class, object, 0) $$;

CREATE FUNCTION oracle.mentions(list aclitem[]) RETURNS bool LANGUAGE sql STABLE STRICT
    AS $$ SELECT EXISTS (SELECT FROM pg_catalog.aclexplode(list) WHERE grantee >= 16384) $$;

-- SQLSTATE of dropping a role, which is undone at once; 00000 where it could be dropped.
CREATE FUNCTION oracle.try_drop(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('DROP ROLE %I', name);
    RAISE SQLSTATE 'OK000';
EXCEPTION
    WHEN SQLSTATE 'OK000' THEN RETURN '00000';
    WHEN OTHERS THEN RETURN SQLSTATE;
END $$;

-- SQLSTATE of a statement that a role runs, which is undone at once; 00000 where it could be run.
CREATE FUNCTION oracle.try_as(name text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('SET LOCAL SESSION AUTHORIZATION %I', name);
    EXECUTE statement;
    RAISE SQLSTATE 'OK000';
EXCEPTION
    WHEN SQLSTATE 'OK000' THEN RETURN '00000';
    WHEN OTHERS THEN RETURN SQLSTATE;
END $$;

-- Every access list of this database and of what all share.
CREATE VIEW oracle.lists (class, object, sub, owner, list) AS
SELECT 'pg_class'::regclass, oid, ''::text, relowner, relacl FROM pg_class
UNION ALL SELECT 'pg_class', attrelid, attname, relowner, attacl
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE NOT attisdropped
UNION ALL SELECT 'pg_proc', oid, '', proowner, proacl FROM pg_proc
UNION ALL SELECT 'pg_type', oid, '', typowner, typacl FROM pg_type
UNION ALL SELECT 'pg_namespace', oid, '', nspowner, nspacl FROM pg_namespace
UNION ALL SELECT 'pg_language', oid, '', lanowner, lanacl FROM pg_language
UNION ALL SELECT 'pg_largeobject', oid, '', lomowner, lomacl FROM pg_largeobject_metadata
UNION ALL SELECT 'pg_foreign_data_wrapper', oid, '', fdwowner, fdwacl FROM pg_foreign_data_wrapper
UNION ALL SELECT 'pg_foreign_server', oid, '', srvowner, srvacl FROM pg_foreign_server
UNION ALL SELECT 'pg_database', oid, '', datdba, datacl FROM pg_database
UNION ALL SELECT 'pg_tablespace', oid, '', spcowner, spcacl FROM pg_tablespace
UNION ALL SELECT 'pg_default_acl', oid, '', defaclrole, defaclacl FROM pg_default_acl
/*15 UNION ALL SELECT 'pg_parameter_acl', oid, '', 10, paracl FROM pg_parameter_acl 15*/;

-- Every column of every catalog that says who owns something, found by its name.
CREATE FUNCTION oracle.owners() RETURNS TABLE (owner oid, catalog text, objects bigint) LANGUAGE plpgsql AS $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT c.relname, a.attname
        FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.relkind = 'r'
            AND a.atttypid = 'oid'::pg_catalog.regtype
            AND (a.attname ~ 'owner$' OR a.attname IN ('datdba', 'defaclrole', 'umuser'))
    LOOP
        RETURN QUERY EXECUTE pg_catalog.format(
            'SELECT %I, %L::text, pg_catalog.count(*) FROM pg_catalog.%I WHERE %1$I IN (SELECT oid FROM oracle.roles) GROUP BY 1',
            found.attname, found.relname, found.relname
        );
    END LOOP;
END $$;
