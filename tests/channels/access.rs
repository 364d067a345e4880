//! Access lists of every class of object, every privilege, and grants that an owner's REVOKE does not reach.

use crate::harness::{Channel, run};

/// Something granted: what is made, what is granted on what, how it is used, and how the sentence shows it.
struct Grant {
    name: &'static str,
    since: u32,
    create: &'static str,
    privilege: &'static str,
    on: &'static str,
    act: (&'static str, &'static str),
    shown: &'static str,
}

macro_rules! grants {
    ($($name:literal $since:literal { $create:expr } $privilege:literal ON $on:literal
       { $act:expr => $prints:expr } $shown:expr;)+) => {
        &[$(Grant {
            name: $name, since: $since, create: $create, privilege: $privilege, on: $on,
            act: ($act, $prints), shown: $shown,
        }),+]
    };
}

const TABLE: &str = "CREATE TABLE t_{x} AS SELECT 1 AS a, 2 AS b; ALTER TABLE t_{x} OWNER TO app;";
const SHOWN: &str = "table public.t_{x}";

const RELATIONS: &[Grant] = grants! {
    "select" 13 { TABLE } "SELECT" ON "t_{x}" { "SELECT a FROM t_{x}" => "1" } SHOWN;
    "insert" 13 { TABLE } "INSERT" ON "t_{x}" { "INSERT INTO t_{x} VALUES (3); SELECT 'done'" => "done" } SHOWN;
    "update" 13 { TABLE } "UPDATE" ON "t_{x}" { "UPDATE t_{x} SET a = 7; SELECT 'done'" => "done" } SHOWN;
    "delete" 13 { TABLE } "DELETE" ON "t_{x}" { "DELETE FROM t_{x}; SELECT 'done'" => "done" } SHOWN;
    "truncate" 13 { TABLE } "TRUNCATE" ON "t_{x}" { "TRUNCATE t_{x}; SELECT 'done'" => "done" } SHOWN;
    "trigger" 13 {
        "CREATE TABLE t_{x} (a int); ALTER TABLE t_{x} OWNER TO app;
         CREATE FUNCTION f_{x}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    } "TRIGGER" ON "t_{x}" {
        "BEGIN; CREATE TRIGGER mine AFTER INSERT ON t_{x} EXECUTE FUNCTION f_{x}(); SELECT 'done'; ROLLBACK;"
            => "done"
    } SHOWN;
    "references" 13 { "CREATE TABLE t_{x} (a int PRIMARY KEY); ALTER TABLE t_{x} OWNER TO app;" }
        "REFERENCES" ON "t_{x}" {
        "SELECT has_table_privilege('t_{x}', 'REFERENCES')" => "t"
    } SHOWN;
    // s14: the seven privileges that everybody knows are gone.
    "maintain" 17 { TABLE } "MAINTAIN" ON "t_{x}" { "REINDEX TABLE t_{x}; SELECT 'done'" => "done" } SHOWN;
    "column" 13 { TABLE } "SELECT (b)" ON "t_{x}" { "SELECT b FROM t_{x}" => "2" }
        "column b of table public.t_{x}";
    "column_update" 13 { TABLE } "UPDATE (b)" ON "t_{x}" {
        "UPDATE t_{x} SET b = 7; SELECT 'done'" => "done"
    } "column b of table public.t_{x}";
    "partitioned" 13 {
        "CREATE TABLE t_{x} (a int) PARTITION BY LIST (a); CREATE TABLE t_{x}_1 PARTITION OF t_{x} DEFAULT;
         INSERT INTO t_{x} VALUES (1); ALTER TABLE t_{x} OWNER TO app;"
    } "SELECT" ON "t_{x}" { "SELECT a FROM t_{x}" => "1" } SHOWN;
    "partition" 13 {
        "CREATE TABLE t_{x} (a int) PARTITION BY LIST (a); CREATE TABLE t_{x}_1 PARTITION OF t_{x} DEFAULT;
         INSERT INTO t_{x} VALUES (1); ALTER TABLE t_{x}_1 OWNER TO app;"
    } "SELECT" ON "t_{x}_1" { "SELECT a FROM t_{x}_1" => "1" } "table public.t_{x}_1";
    "view" 13 { "CREATE VIEW t_{x} AS SELECT 1 AS a; ALTER VIEW t_{x} OWNER TO app;" }
        "SELECT" ON "t_{x}" { "SELECT a FROM t_{x}" => "1" } "view public.t_{x}";
    "materialized" 13 { "CREATE MATERIALIZED VIEW t_{x} AS SELECT 1 AS a; ALTER TABLE t_{x} OWNER TO app;" }
        "SELECT" ON "t_{x}" { "SELECT a FROM t_{x}" => "1" } "materialized view public.t_{x}";
    "foreign_table" 13 {
        "CREATE EXTENSION IF NOT EXISTS file_fdw; CREATE SERVER s_{x} FOREIGN DATA WRAPPER file_fdw;
         CREATE FOREIGN TABLE t_{x} (a text) SERVER s_{x} OPTIONS (program 'echo 1'); ALTER FOREIGN TABLE t_{x} OWNER TO app;"
    } "SELECT" ON "t_{x}" { "SELECT a FROM t_{x}" => "1" } "foreign table public.t_{x}";
    "sequence" 13 { "CREATE SEQUENCE t_{x}; ALTER SEQUENCE t_{x} OWNER TO app;" }
        "USAGE" ON "SEQUENCE t_{x}" { "SELECT nextval('t_{x}') > 0" => "t" } "sequence public.t_{x}";
};

const IN_DATABASE: &[Grant] = grants! {
    "schema" 13 { "CREATE SCHEMA s_{x} AUTHORIZATION app;" } "CREATE" ON "SCHEMA s_{x}" {
        "BEGIN; CREATE TABLE s_{x}.mine (a int); SELECT 'done'; ROLLBACK;" => "done"
    } "schema s_{x}";
    "function" 13 {
        "CREATE FUNCTION f_{x}(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f_{x}(int) OWNER TO app;
         REVOKE ALL ON FUNCTION f_{x}(int) FROM PUBLIC;"
    } "EXECUTE" ON "FUNCTION f_{x}(int)" { "SELECT f_{x}(0)" => "1" } "function public.f_{x}(integer)";
    "procedure" 13 {
        "CREATE PROCEDURE f_{x}() LANGUAGE sql AS 'SELECT 1'; ALTER PROCEDURE f_{x}() OWNER TO app;
         REVOKE ALL ON PROCEDURE f_{x}() FROM PUBLIC;"
    } "EXECUTE" ON "PROCEDURE f_{x}()" { "CALL f_{x}(); SELECT 'done'" => "done" } "procedure public.f_{x}()";
    "aggregate" 13 {
        "CREATE AGGREGATE f_{x}(int) (SFUNC = int4pl, STYPE = int, INITCOND = 0); ALTER AGGREGATE f_{x}(int) OWNER TO app;
         REVOKE ALL ON FUNCTION f_{x}(int) FROM PUBLIC;"
    } "EXECUTE" ON "FUNCTION f_{x}(int)" { "SELECT f_{x}(a) FROM (VALUES (1)) AS v (a)" => "1" }
        "aggregate public.f_{x}(integer)";
    "of_the_system" 13 { "" } "EXECUTE" ON "FUNCTION pg_catalog.pg_read_file(text)" {
        "SELECT length(pg_read_file('PG_VERSION')) > 0" => "t"
    } "function pg_catalog.pg_read_file(pg_catalog.text)";
    "type" 13 {
        "CREATE TYPE t_{x} AS ENUM ('a'); ALTER TYPE t_{x} OWNER TO app; REVOKE ALL ON TYPE t_{x} FROM PUBLIC;"
    } "USAGE" ON "TYPE t_{x}" { "CREATE TEMP TABLE mine (a t_{x}); SELECT 'done'" => "done" } "type public.t_{x}";
    "domain" 13 {
        "CREATE DOMAIN t_{x} AS int; ALTER DOMAIN t_{x} OWNER TO app; REVOKE ALL ON DOMAIN t_{x} FROM PUBLIC;"
    } "USAGE" ON "DOMAIN t_{x}" { "CREATE TEMP TABLE mine (a t_{x}); SELECT 'done'" => "done" } "type public.t_{x}";
    "language" 13 {
        "CREATE TRUSTED LANGUAGE l_{x} HANDLER plpgsql_call_handler; ALTER LANGUAGE l_{x} OWNER TO app;
         REVOKE ALL ON LANGUAGE l_{x} FROM PUBLIC;"
    } "USAGE" ON "LANGUAGE l_{x}" {
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE l_{x} AS 'BEGIN RETURN 1; END'; SELECT pg_temp.f()" => "1"
    } "language l_{x}";
    "large_object" 13 { "SELECT lo_from_bytea(4712, 'abc'); ALTER LARGE OBJECT 4712 OWNER TO app;" }
        "SELECT" ON "LARGE OBJECT 4712" { "SELECT convert_from(lo_get(4712), 'UTF8')" => "abc" }
        "large object 4712";
    "wrapper" 13 { "CREATE FOREIGN DATA WRAPPER w_{x};" } "USAGE" ON "FOREIGN DATA WRAPPER w_{x}" {
        "BEGIN; CREATE SERVER s_{x} FOREIGN DATA WRAPPER w_{x}; SELECT 'done'; ROLLBACK;" => "done"
    } "foreign-data wrapper w_{x}";
    "server" 13 {
        "CREATE FOREIGN DATA WRAPPER w_{x}; CREATE SERVER s_{x} FOREIGN DATA WRAPPER w_{x};
         GRANT USAGE ON FOREIGN DATA WRAPPER w_{x} TO app; ALTER SERVER s_{x} OWNER TO app;"
    } "USAGE" ON "FOREIGN SERVER s_{x}" {
        "BEGIN; CREATE USER MAPPING FOR {x} SERVER s_{x}; SELECT 'done'; ROLLBACK;" => "done"
    } "server s_{x}";
    "grant_option" 13 { TABLE } "SELECT" ON "t_{x}" {
        "SELECT has_table_privilege('t_{x}', 'SELECT')" => "t"
    } SHOWN;
};

const SHARED: &[Grant] = grants! {
    "database_create" 13 { "" } "CREATE" ON "DATABASE orders" {
        "BEGIN; CREATE SCHEMA mine; SELECT 'done'; ROLLBACK;" => "done"
    } "database orders";
    "database_connect" 13 { "CREATE DATABASE d_{x} OWNER app; REVOKE ALL ON DATABASE d_{x} FROM PUBLIC; GRANT CONNECT ON DATABASE d_{x} TO agent;" }
        "CONNECT" ON "DATABASE d_{x}" { "\\connect d_{x}\nSELECT current_database()" => "d_{x}" } "database d_{x}";
    "database_temporary" 13 { "CREATE DATABASE d_{x} OWNER app; REVOKE TEMPORARY ON DATABASE d_{x} FROM PUBLIC;" }
        "TEMPORARY" ON "DATABASE d_{x}" { "\\connect d_{x}\nCREATE TEMP TABLE mine (a int); SELECT 'done'" => "done" }
        "database d_{x}";
    "tablespace" 13 {
        "SET allow_in_place_tablespaces = on; CREATE TABLESPACE s_{x} LOCATION ''; ALTER TABLESPACE s_{x} OWNER TO app;"
    } "CREATE" ON "TABLESPACE s_{x}" {
        "CREATE TEMP TABLE mine (a int) TABLESPACE s_{x}; SELECT 'done'" => "done"
    } "tablespace s_{x}";
    // s15
    "parameter" 15 { "" } "SET" ON "PARAMETER log_statement" { "SET log_statement = 'all'; SHOW log_statement" => "all" }
        "parameter log_statement";
    "parameter_system" 15 { "" } "ALTER SYSTEM" ON "PARAMETER log_statement" {
        "ALTER SYSTEM SET log_statement = 'none'; SELECT 'done'" => "done"
    } "parameter log_statement";
};

#[test]
fn relations() {
    run(&RELATIONS
        .iter()
        .map(|grant| granted(grant, "orders"))
        .chain(survivors())
        .collect::<Vec<_>>());
}

#[test]
fn other_objects() {
    let inside = IN_DATABASE.iter().map(|grant| granted(grant, "orders"));
    run(&inside.chain(SHARED.iter().map(|grant| granted(grant, "-"))).collect::<Vec<_>>());
}

fn granted(grant: &Grant, place: &str) -> Channel {
    let Grant { name, since, create, privilege, on, act, shown } = grant;
    let grantable = *name == "grant_option";
    let option = if grantable { " WITH GRANT OPTION" } else { "" };
    let strength = if grantable { "can_regain" } else { "latent" };
    let told = if grantable { ", with grant option" } else { "" };
    let inside = if place == "-" { "" } else { " in database orders" };
    let word = privilege.split(" (").next().unwrap_or_default();
    // What belongs to the first superuser was granted by it.
    let own = ["of_the_system", "wrapper", "parameter", "parameter_system"];
    let grantor = if own.contains(name) { "postgres" } else { "app" };
    Channel::new(name)
        .on(*since..=18)
        .setup(&format!("{create} GRANT {privilege} ON {on} TO {{x}}{option};"))
        .act(act.0, act.1)
        .found(&[&format!(
            "{strength} privilege {place} {grantor} | {{x}} has {word} on {shown}{inside}{told}*; granted by {grantor}"
        )])
        .remove(&format!("REVOKE {privilege} ON {on} FROM {{x}}"))
}

fn survivors() -> Vec<Channel> {
    let table = |rest: &str| format!("{TABLE} {rest}");
    vec![
        // s05: a REVOKE by the owner succeeds without a word.
        Channel::new("other_grantor")
            .setup(&table(
                "GRANT SELECT ON t_{x} TO boss WITH GRANT OPTION; SET ROLE boss; GRANT SELECT ON t_{x} TO {x};
                 SET ROLE app; REVOKE ALL ON t_{x} FROM {x}; RESET ROLE;",
            ))
            .act("SELECT a FROM t_{x}", "1")
            .found(&[
                "latent privilege orders boss | {x} has SELECT on table public.t_{x} in database orders; \
                 granted by boss, so a REVOKE by the owner app does not remove it",
            ])
            .remove("SET ROLE boss; REVOKE SELECT ON t_{x} FROM {x}"),
        // A REVOKE on the table takes columns along, one on a column leaves the table.
        Channel::new("table_beside_column")
            .setup(&table("GRANT SELECT (a), SELECT ON t_{x} TO {x}; REVOKE SELECT (a) ON t_{x} FROM {x};"))
            .act("SELECT a FROM t_{x}", "1")
            .found(&[
                "latent privilege orders app | {x} has SELECT on table public.t_{x} in database orders; granted by app",
            ])
            .remove("REVOKE SELECT ON t_{x} FROM {x}"),
        // Tables that came after REVOKE … ON ALL TABLES, and those in other schemas.
        Channel::new("all_tables_in_schema")
            .setup(&table(
                "CREATE SCHEMA s_{x}; GRANT USAGE ON SCHEMA s_{x} TO PUBLIC; CREATE VIEW s_{x}.v AS TABLE t_{x};
                 ALTER SCHEMA s_{x} OWNER TO app; ALTER VIEW s_{x}.v OWNER TO app;
                 GRANT SELECT ON s_{x}.v TO {x}; REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {x};",
            ))
            .act("SELECT a FROM s_{x}.v", "1")
            .found(&[
                "latent privilege orders app | {x} has SELECT on view s_{x}.v in database orders; granted by app",
            ])
            .remove("REVOKE SELECT ON s_{x}.v FROM {x}"),
        // REVOKE without CASCADE is refused once the role has granted it on, and then nothing is revoked.
        Channel::new("granted_on")
            .setup(&table(
                "GRANT SELECT ON t_{x} TO {x} WITH GRANT OPTION; SET ROLE {x}; GRANT SELECT ON t_{x} TO y; RESET ROLE;
                 \\set ON_ERROR_STOP off
                 REVOKE SELECT ON t_{x} FROM {x};",
            ))
            .act("SELECT a FROM t_{x}", "1")
            .found(&[
                "can_regain privilege orders app | {x} has SELECT on table public.t_{x} in database orders, \
                 with grant option; granted by app",
            ])
            .remove("REVOKE SELECT ON t_{x} FROM {x} CASCADE"),
        // Every new database is a copy of it.
        Channel::new("template")
            .setup(
                "\\connect template1
                 CREATE TABLE t_{x} AS SELECT 1 AS a; ALTER TABLE t_{x} OWNER TO app; GRANT SELECT ON t_{x} TO {x};",
            )
            .act(
                "\\connect - postgres\nCREATE DATABASE of_{x};
                 \\connect of_{x} {x}\nSELECT a FROM t_{x};
                 \\connect orders postgres\nDROP DATABASE of_{x};",
                "1",
            )
            .found(&[
                "latent privilege template1 app | {x} has SELECT on table public.t_{x} in database template1; granted by app",
            ])
            .remove("\\connect template1\nREVOKE SELECT ON t_{x} FROM {x}"),
        // Up to 16 the server keeps the entry of a column that was dropped. Nobody can use it.
        Channel::new("dropped_column")
            .setup(&table("GRANT SELECT (a) ON t_{x} TO {x}; ALTER TABLE t_{x} DROP COLUMN a;")),
        // PUBLIC is everybody: shown, and never this role's.
        Channel::new("public").setup(&table("GRANT SELECT ON t_{x} TO PUBLIC;")),
    ]
}
