//! The scenarios: what is there when the plan is made.

/// Who leaves, and what they have. `@X@` and `@Z@` are the leavers, `@S@` is a schema of the scenario's own, with
/// a table `t` of `app`, and `@S@_g` a role that may read it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Run in database `orders`.
    pub(crate) setup: &'static str,
    pub(crate) leavers: [&'static str; 2],
    pub(crate) args: &'static [&'static str],
    /// Kinds of what is left to people.
    pub(crate) remains: &'static [&'static str],
    /// Members of a leaver lose what they have through it alone.
    pub(crate) others_lose: bool,
    /// The first leaver has an open session.
    pub(crate) session: bool,
    /// Versions that have it.
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// What people do about what was left.
    pub(crate) after: &'static str,
}

const ANY: Case = Case {
    name: "",
    setup: "",
    leavers: ["x1", "x2"],
    args: &[],
    remains: &[],
    others_lose: false,
    session: false,
    from: 13,
    to: 99,
    after: "",
};

const fn case(name: &'static str, setup: &'static str) -> Case {
    Case { name, setup, ..ANY }
}

const fn left(
    name: &'static str,
    remains: &'static [&'static str],
    setup: &'static str,
    after: &'static str,
) -> Case {
    Case { name, setup, remains, after, ..ANY }
}

pub(crate) const CASES: &[Case] = &[
    case(
        "attributes",
        "ALTER ROLE @X@ SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS VALID UNTIL '2001-01-01' CONNECTION LIMIT 0;
         ALTER ROLE @X@ SET work_mem = '1MB'; ALTER ROLE @X@ IN DATABASE orders SET jit = off;
         ALTER ROLE y SET work_mem = '2MB';",
    ),
    Case { session: true, ..case("session", "GRANT SELECT ON @S@.t TO @X@;") },
    case("two_levels", "GRANT @S@_g TO team; GRANT team TO @X@; GRANT pg_monitor TO @X@;"),
    case(
        "another_grantor",
        "GRANT SELECT, INSERT, UPDATE ON @S@.t TO boss WITH GRANT OPTION;
         SET ROLE boss; GRANT SELECT, INSERT ON @S@.t TO @X@; GRANT SELECT ON @S@.t TO y; RESET ROLE;
         GRANT UPDATE ON @S@.t TO @X@;",
    ),
    case(
        "promoted_grantor",
        "CREATE ROLE @S@_sup; GRANT SELECT ON @S@.t TO @S@_sup WITH GRANT OPTION;
         SET ROLE @S@_sup; GRANT SELECT ON @S@.t TO @X@; GRANT SELECT ON @S@.t TO y; RESET ROLE;
         ALTER ROLE @S@_sup SUPERUSER;",
    ),
    case(
        "grantor_without_schema",
        "REVOKE USAGE ON SCHEMA @S@ FROM PUBLIC; GRANT USAGE ON SCHEMA @S@ TO boss;
         GRANT SELECT ON @S@.t TO boss WITH GRANT OPTION;
         CREATE SCHEMA \"@S@ 'odd' \"\".x\" AUTHORIZATION app; CREATE TABLE \"@S@ 'odd' \"\".x\".u (a int);
         GRANT USAGE ON SCHEMA \"@S@ 'odd' \"\".x\" TO boss2;
         GRANT SELECT ON \"@S@ 'odd' \"\".x\".u TO boss2 WITH GRANT OPTION;
         SET ROLE boss; GRANT SELECT ON @S@.t TO @X@;
         SET ROLE boss2; GRANT SELECT ON \"@S@ 'odd' \"\".x\".u TO @X@; RESET ROLE;
         REVOKE USAGE ON SCHEMA @S@ FROM boss; REVOKE USAGE ON SCHEMA \"@S@ 'odd' \"\".x\" FROM boss2;",
    ),
    Case {
        from: 16,
        ..case(
            "membership_by_two",
            "GRANT @S@_g TO boss WITH ADMIN OPTION; GRANT @S@_g TO boss2 WITH ADMIN OPTION;
             GRANT @S@_g TO @X@ GRANTED BY boss; GRANT @S@_g TO @X@ WITH ADMIN OPTION GRANTED BY boss2;
             GRANT @S@_g TO y GRANTED BY @X@;",
        )
    },
    Case {
        from: 16,
        ..case(
            "membership_options",
            "GRANT @S@_g TO @X@ WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
             GRANT @S@_g TO y WITH INHERIT FALSE, SET TRUE;
             GRANT @S@_g TO y WITH INHERIT TRUE, SET FALSE GRANTED BY @X@;
             GRANT @S@_g TO boss WITH ADMIN TRUE, INHERIT FALSE, SET FALSE GRANTED BY @X@;
             GRANT @S@_g TO boss2 WITH INHERIT FALSE, SET FALSE GRANTED BY boss;",
        )
    },
    Case {
        from: 16,
        ..case(
            "membership_chain",
            "GRANT @S@_g TO @X@ WITH ADMIN OPTION; GRANT @S@_g TO @Z@ WITH ADMIN OPTION GRANTED BY @X@;
             GRANT @S@_g TO y GRANTED BY @Z@; GRANT @S@_g TO boss WITH ADMIN OPTION GRANTED BY @Z@;
             GRANT @S@_g TO team GRANTED BY boss;",
        )
    },
    Case {
        from: 16,
        ..case(
            "made_a_role",
            "ALTER ROLE @X@ CREATEROLE; SET ROLE @X@; CREATE ROLE @S@_made; GRANT @S@_made TO y; RESET ROLE;",
        )
    },
    case("admin_option", "GRANT @S@_g TO @X@ WITH ADMIN OPTION; SET ROLE @X@; GRANT @S@_g TO y; RESET ROLE;"),
    case(
        "other_database",
        "GRANT SELECT ON @S@.t TO @X@; GRANT CONNECT, TEMPORARY ON DATABASE billing TO @X@;
         \\connect billing
         CREATE TABLE @S@ (a int); GRANT ALL ON @S@ TO @X@;",
    ),
    case(
        "default_privileges",
        "ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT SELECT, INSERT ON TABLES TO @X@;
         ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT SELECT ON TABLES TO y;
         ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA @S@ GRANT EXECUTE ON FUNCTIONS TO @X@ WITH GRANT OPTION;
         ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT USAGE ON SCHEMAS TO @X@;
         ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT USAGE ON TYPES TO @X@;",
    ),
    Case {
        from: 18,
        ..case(
            "default_large_objects",
            "ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT SELECT ON LARGE OBJECTS TO @X@;
             ALTER DEFAULT PRIVILEGES FOR ROLE @X@ GRANT SELECT ON LARGE OBJECTS TO y;",
        )
    },
    case(
        "own_default_privileges",
        "ALTER DEFAULT PRIVILEGES FOR ROLE @X@ GRANT SELECT ON TABLES TO y, PUBLIC;
         ALTER DEFAULT PRIVILEGES FOR ROLE @X@ REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
         ALTER DEFAULT PRIVILEGES FOR ROLE @X@ REVOKE ALL ON TYPES FROM PUBLIC, @X@;
         ALTER DEFAULT PRIVILEGES FOR ROLE @X@ IN SCHEMA @S@ GRANT USAGE ON SEQUENCES TO y, @X@;
         ALTER DEFAULT PRIVILEGES FOR ROLE @X@ GRANT INSERT ON TABLES TO @Z@;",
    ),
    case(
        "dependents",
        "GRANT SELECT, INSERT ON @S@.t TO @X@ WITH GRANT OPTION;
         SET ROLE @X@; GRANT SELECT ON @S@.t TO y WITH GRANT OPTION; GRANT INSERT ON @S@.t TO y; GRANT SELECT ON @S@.t TO PUBLIC;
         SET ROLE y; GRANT SELECT ON @S@.t TO boss2; RESET ROLE;
         GRANT CONNECT ON DATABASE billing TO @X@ WITH GRANT OPTION;
         SET ROLE @X@; GRANT CONNECT ON DATABASE billing TO boss; RESET ROLE;",
    ),
    case(
        "chain_of_accounts",
        "GRANT SELECT, DELETE ON @S@.t TO @Z@ WITH GRANT OPTION; GRANT TRUNCATE ON @S@.t TO @Z@ WITH GRANT OPTION;
         SET ROLE @Z@; GRANT SELECT, DELETE ON @S@.t TO @X@ WITH GRANT OPTION;
         GRANT TRUNCATE ON @S@.t TO boss2 WITH GRANT OPTION;
         SET ROLE @X@; GRANT SELECT ON @S@.t TO y; GRANT DELETE ON @S@.t TO boss WITH GRANT OPTION;
         SET ROLE boss2; GRANT TRUNCATE ON @S@.t TO @X@ WITH GRANT OPTION;
         SET ROLE @X@; GRANT TRUNCATE ON @S@.t TO team; RESET ROLE;",
    ),
    case(
        "columns",
        "GRANT SELECT ON @S@.t TO @X@ WITH GRANT OPTION; GRANT SELECT (a), UPDATE (a, b) ON @S@.t TO @X@ WITH GRANT OPTION;
         SET ROLE @X@; GRANT SELECT (a) ON @S@.t TO y; GRANT UPDATE (b) ON @S@.t TO boss2; RESET ROLE;
         GRANT REFERENCES (a) ON @S@.t TO boss WITH GRANT OPTION;
         SET ROLE boss; GRANT REFERENCES (a) ON @S@.t TO @X@; RESET ROLE;
         ALTER TABLE @S@.t ADD gone int; GRANT SELECT (gone) ON @S@.t TO @X@; ALTER TABLE @S@.t DROP gone;",
    ),
    case(
        "policies",
        "ALTER TABLE @S@.t ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p1 ON @S@.t TO @X@ USING (a > 1); CREATE POLICY p2 ON @S@.t TO @X@, y USING (a > 2);
         CREATE POLICY p3 ON @S@.t AS RESTRICTIVE TO @X@, @Z@ USING (a > 3);
         CREATE POLICY \"p'4\" ON @S@.t TO @Z@, y, boss USING (a > 4); CREATE POLICY p5 ON @S@.t USING (a > 5);",
    ),
    case(
        "user_mappings",
        "CREATE FOREIGN DATA WRAPPER @S@; CREATE SERVER \"@S@ s\" FOREIGN DATA WRAPPER @S@;
         GRANT USAGE ON FOREIGN DATA WRAPPER @S@ TO @X@; GRANT USAGE ON FOREIGN SERVER \"@S@ s\" TO @X@;
         CREATE USER MAPPING FOR @X@ SERVER \"@S@ s\" OPTIONS (password 'p');
         CREATE USER MAPPING FOR y SERVER \"@S@ s\" OPTIONS (password 'p');",
    ),
    Case {
        args: &["--preserve-data"],
        ..left(
            "preserved",
            &["user_mapping", "prepared_transaction"],
            "CREATE FOREIGN DATA WRAPPER @S@; CREATE SERVER @S@ FOREIGN DATA WRAPPER @S@;
             CREATE USER MAPPING FOR @X@ SERVER @S@ OPTIONS (password 'p');
             ALTER TABLE @S@.t ENABLE ROW LEVEL SECURITY; CREATE POLICY p1 ON @S@.t TO @X@ USING (true);
             GRANT SELECT, INSERT ON @S@.t TO @X@;
             CREATE TABLE @S@.u (a int); GRANT INSERT ON @S@.u TO @X@;
             SET ROLE @X@; BEGIN; INSERT INTO @S@.u VALUES (1); PREPARE TRANSACTION '@S@';",
            "ROLLBACK PREPARED '@S@'; DROP USER MAPPING FOR @X@ SERVER @S@;",
        )
    },
    case(
        "prepared",
        "GRANT SELECT ON @S@.t TO @X@ WITH GRANT OPTION;
         SET SESSION AUTHORIZATION @X@; BEGIN; GRANT SELECT ON @S@.t TO y; PREPARE TRANSACTION '@S@''s';",
    ),
    case(
        "every_class",
        "CREATE SEQUENCE @S@.s; GRANT USAGE, SELECT ON SEQUENCE @S@.s TO @X@;
         CREATE FUNCTION @S@.f(int, text DEFAULT 'a') RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION @S@.f(int, text) TO @X@;
         CREATE PROCEDURE @S@.p() LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON PROCEDURE @S@.p() TO @X@;
         CREATE AGGREGATE @S@.agg(int) (SFUNC = int4pl, STYPE = int); GRANT EXECUTE ON FUNCTION @S@.agg(int) TO @X@;
         CREATE TYPE @S@.c AS (a int); GRANT USAGE ON TYPE @S@.c TO @X@;
         CREATE DOMAIN @S@.d AS int; GRANT USAGE ON DOMAIN @S@.d TO @X@;
         GRANT USAGE ON LANGUAGE plpgsql TO @X@; GRANT EXECUTE ON FUNCTION pg_read_file(text) TO @X@;
         SELECT lo_create(4711); GRANT SELECT, UPDATE ON LARGE OBJECT 4711 TO @X@;
         GRANT USAGE, CREATE ON SCHEMA @S@ TO @X@; GRANT CREATE ON TABLESPACE pg_default TO @X@;
         CREATE VIEW @S@.v AS SELECT 1; CREATE MATERIALIZED VIEW @S@.m AS SELECT 1 AS a; GRANT SELECT ON @S@.v, @S@.m TO @X@;
         CREATE TABLE @S@.part (a int) PARTITION BY LIST (a); GRANT ALL ON @S@.part TO @X@;
         GRANT SELECT ON pg_authid TO @X@;",
    ),
    Case {
        from: 15,
        ..case(
            "parameters",
            "GRANT SET, ALTER SYSTEM ON PARAMETER log_statement TO @X@ WITH GRANT OPTION;
             SET ROLE @X@; GRANT SET ON PARAMETER log_statement TO y; RESET ROLE;
             GRANT SET ON PARAMETER \"my.own\" TO @X@;",
        )
    },
    Case { from: 17, ..case("maintain", "GRANT MAINTAIN ON @S@.t TO @X@; GRANT pg_maintain TO @X@;") },
    case(
        "owner_of_much",
        "CREATE SCHEMA \"@S@ own\" AUTHORIZATION @X@; SET ROLE @X@; SET search_path = \"@S@ own\";
         CREATE TABLE a (i serial, b text); CREATE SEQUENCE s; CREATE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
         CREATE TABLE part (a int) PARTITION BY LIST (a); CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1);
         CREATE FUNCTION f(int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';
         CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int); CREATE TYPE c AS (a int); CREATE DOMAIN d AS int;
         CREATE TYPE e AS ENUM ('a'); CREATE TYPE r AS RANGE (subtype = int); CREATE STATISTICS st ON i, b FROM a;
         CREATE COLLATION co FROM \"C\"; CREATE TEXT SEARCH CONFIGURATION ts (COPY = pg_catalog.english);
         CREATE TEXT SEARCH DICTIONARY td (TEMPLATE = pg_catalog.simple);
         CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
         SELECT lo_create(4712); GRANT SELECT ON a TO y WITH GRANT OPTION; GRANT SELECT ON a TO app; GRANT SELECT ON a TO @Z@;
         GRANT USAGE ON SCHEMA \"@S@ own\" TO y; SET ROLE y; GRANT SELECT ON \"@S@ own\".a TO boss, @Z@; RESET ROLE;
         CREATE PUBLICATION @S@; ALTER PUBLICATION @S@ OWNER TO @X@;
         \\connect billing
         CREATE TABLE @S@ (a int); ALTER TABLE @S@ OWNER TO @X@;",
    ),
    left(
        "owner_of_a_database",
        &["ownership"],
        "CREATE DATABASE @S@_db OWNER @X@; SET allow_in_place_tablespaces = on; CREATE TABLESPACE @S@ OWNER @X@ LOCATION '';
         CREATE TABLE @S@.mine (i serial, s int); ALTER TABLE @S@.mine OWNER TO @X@;
         CREATE SEQUENCE @S@.alone; ALTER SEQUENCE @S@.alone OWNER TO @X@;
         CREATE FUNCTION @S@.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION @S@.f(int) OWNER TO @X@;
         GRANT CONNECT ON DATABASE @S@_db TO y; GRANT CONNECT ON DATABASE @S@_db TO @Z@;
         \\connect @S@_db
         CREATE TABLE t1 (a int); ALTER TABLE t1 OWNER TO @X@; CREATE TABLE t2 (a int); ALTER TABLE t2 OWNER TO @Z@;",
        "REASSIGN OWNED BY @X@ TO app; \\connect @S@_db
         REASSIGN OWNED BY @X@, @Z@ TO app;",
    ),
    Case {
        args: &["--reassign-to", "boss2"],
        ..case(
            "reassigned_to",
            "CREATE DATABASE @S@_db OWNER @X@; SET allow_in_place_tablespaces = on; CREATE TABLESPACE @S@ OWNER @X@ LOCATION '';
             CREATE TABLE @S@.mine (i serial, s int); ALTER TABLE @S@.mine OWNER TO @X@; GRANT SELECT ON @S@.mine TO boss2, y;
             \\connect @S@_db
             CREATE TABLE t1 (a int); ALTER TABLE t1 OWNER TO @Z@;
             \\connect postgres
             CREATE TABLE @S@ (a int); ALTER TABLE @S@ OWNER TO @X@;",
        )
    },
    Case {
        args: &["--reassign-to", "postgres"],
        ..case(
            "reassigned_to_a_superuser",
            "ALTER ROLE @X@ SUPERUSER; CREATE FUNCTION @S@.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
             CREATE EVENT TRIGGER @S@ ON ddl_command_end EXECUTE FUNCTION @S@.e(); ALTER EVENT TRIGGER @S@ OWNER TO @X@;
             CREATE FOREIGN DATA WRAPPER @S@; ALTER FOREIGN DATA WRAPPER @S@ OWNER TO @X@;
             SET client_min_messages = error;
             CREATE SUBSCRIPTION @S@ CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE);
             ALTER SUBSCRIPTION @S@ OWNER TO @X@;",
        )
    },
    left(
        "superusers_only",
        &["ownership", "subscription"],
        "ALTER ROLE @X@ SUPERUSER; CREATE FUNCTION @S@.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
         CREATE EVENT TRIGGER @S@ ON ddl_command_end EXECUTE FUNCTION @S@.e(); ALTER EVENT TRIGGER @S@ OWNER TO @X@;
         CREATE FOREIGN DATA WRAPPER @S@; ALTER FOREIGN DATA WRAPPER @S@ OWNER TO @X@;
         SET client_min_messages = error;
         CREATE SUBSCRIPTION @S@ CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE);
         ALTER SUBSCRIPTION @S@ OWNER TO @X@;
         CREATE TABLE @S@.mine (i serial, s int); ALTER TABLE @S@.mine OWNER TO @X@;
         CREATE VIEW @S@.v AS SELECT 1; ALTER VIEW @S@.v OWNER TO @X@;
         CREATE MATERIALIZED VIEW @S@.mv AS SELECT 1 AS a; ALTER MATERIALIZED VIEW @S@.mv OWNER TO @X@;
         CREATE AGGREGATE @S@.agg(int) (SFUNC = int4pl, STYPE = int); ALTER AGGREGATE @S@.agg(int) OWNER TO @X@;
         CREATE PROCEDURE @S@.p() LANGUAGE sql AS 'SELECT 1'; ALTER PROCEDURE @S@.p() OWNER TO @X@;
         CREATE TYPE @S@.c AS (a int); ALTER TYPE @S@.c OWNER TO @X@; CREATE DOMAIN @S@.d AS int; ALTER DOMAIN @S@.d OWNER TO @X@;
         CREATE STATISTICS @S@.st ON i, s FROM @S@.mine; ALTER STATISTICS @S@.st OWNER TO @X@;
         CREATE COLLATION @S@.co FROM \"C\"; ALTER COLLATION @S@.co OWNER TO @X@;
         CREATE TEXT SEARCH CONFIGURATION @S@.ts (COPY = pg_catalog.english); ALTER TEXT SEARCH CONFIGURATION @S@.ts OWNER TO @X@;
         CREATE TEXT SEARCH DICTIONARY @S@.td (TEMPLATE = pg_catalog.simple); ALTER TEXT SEARCH DICTIONARY @S@.td OWNER TO @X@;
         CREATE OPERATOR @S@.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq); ALTER OPERATOR @S@.=== (int, int) OWNER TO @X@;
         CREATE OPERATOR FAMILY @S@.fam USING btree; ALTER OPERATOR FAMILY @S@.fam USING btree OWNER TO @X@;
         CREATE OPERATOR CLASS @S@.cls FOR TYPE int USING hash AS OPERATOR 1 =; ALTER OPERATOR CLASS @S@.cls USING hash OWNER TO @X@;
         ALTER OPERATOR FAMILY @S@.cls USING hash OWNER TO @X@;
         CREATE CONVERSION @S@.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8; ALTER CONVERSION @S@.conv OWNER TO @X@;
         CREATE SERVER @S@ FOREIGN DATA WRAPPER @S@; ALTER SERVER @S@ OWNER TO @X@;
         CREATE FOREIGN TABLE @S@.ft (a int) SERVER @S@; ALTER FOREIGN TABLE @S@.ft OWNER TO @X@;
         CREATE PUBLICATION @S@; ALTER PUBLICATION @S@ OWNER TO @X@; CREATE SCHEMA @S@_own AUTHORIZATION @X@;
         SELECT lo_create(4713); ALTER LARGE OBJECT 4713 OWNER TO @X@;",
        "DROP SUBSCRIPTION @S@; DROP EVENT TRIGGER @S@; ALTER FOREIGN DATA WRAPPER @S@ OWNER TO postgres;",
    ),
    case(
        "tampered",
        "SET allow_system_table_mods = on;
         UPDATE pg_class SET relacl = relacl || '@X'@=w/app'::aclitem WHERE oid = '@S@.t'::regclass;",
    ),
    left(
        "tampered_grantor",
        &["privilege"],
        "SET allow_system_table_mods = on;
         UPDATE pg_class SET relacl = relacl || '@X'@=w/y'::aclitem WHERE oid = '@S@.t'::regclass;",
        "GRANT UPDATE ON @S@.t TO y WITH GRANT OPTION; REVOKE UPDATE ON @S@.t FROM y CASCADE;",
    ),
    left(
        "closed_database",
        &["ownership", "privilege"],
        "CREATE DATABASE @S@_db OWNER app; GRANT SELECT ON @S@.t TO @X@;
         \\connect @S@_db
         CREATE TABLE mine (a int); ALTER TABLE mine OWNER TO @X@; CREATE TABLE t (a int); GRANT SELECT ON t TO @X@;
         \\connect postgres
         ALTER DATABASE @S@_db ALLOW_CONNECTIONS false;",
        "ALTER DATABASE @S@_db ALLOW_CONNECTIONS true; DROP DATABASE @S@_db;",
    ),
    Case {
        others_lose: true,
        ..case("members_of_the_leaver", "GRANT SELECT ON @S@.t TO @X@; GRANT @X@ TO y; GRANT @X@ TO @Z@;")
    },
    case(
        "granted_by_an_owner_who_leaves",
        "CREATE TABLE @S@.u (a int); ALTER TABLE @S@.u OWNER TO @Z@; SET ROLE @Z@;
         GRANT SELECT, INSERT ON @S@.u TO @X@ WITH GRANT OPTION; SET ROLE @X@; GRANT SELECT ON @S@.u TO y;
         GRANT INSERT ON @S@.u TO boss WITH GRANT OPTION; SET ROLE boss; GRANT INSERT ON @S@.u TO @Z@, team; RESET ROLE;",
    ),
    Case {
        leavers: ["x\"; DROP ROLE y; --\n'", "z = ' \\ $$"],
        session: true,
        ..case(
            "hostile_names",
            "GRANT @S@_g TO @X@ WITH ADMIN OPTION; GRANT SELECT ON @S@.t TO @X@ WITH GRANT OPTION;
             SET ROLE @X@; GRANT SELECT ON @S@.t TO y, @Z@; GRANT @S@_g TO y; RESET ROLE;
             GRANT UPDATE ON @S@.t TO boss WITH GRANT OPTION; SET ROLE boss; GRANT UPDATE ON @S@.t TO @Z@; RESET ROLE;
             ALTER ROLE @X@ SET work_mem = '1MB'; ALTER DEFAULT PRIVILEGES FOR ROLE @Z@ GRANT SELECT ON TABLES TO @X@, y;
             CREATE TABLE @S@.\"a\"\"; b'\" (a int); ALTER TABLE @S@.\"a\"\"; b'\" OWNER TO @Z@;
             CREATE DATABASE \"odd=name 'q' @S@\" OWNER app;
             \\connect -reuse-previous=on 'dbname=''odd=name \\\\''q\\\\'' @S@'''
             CREATE TABLE mine (\"a b\" int); GRANT SELECT (\"a b\") ON mine TO @X@; ALTER TABLE mine OWNER TO @Z@;",
        )
    },
];
