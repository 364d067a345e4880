//! Objects of every class that has an owner or an access list.

use super::Draw;
use crate::graphs::script::{Phase, ident};

/// What can be granted on it, and how: the words before its name, and its privileges.
#[derive(Clone, Copy)]
pub(super) struct Grantable {
    pub(super) on: &'static str,
    pub(super) privileges: &'static [&'static str],
}

/// An object as drawn.
pub(super) struct Object {
    pub(super) kind: &'static str,
    /// As SQL names it, quoted and with its schema.
    pub(super) name: String,
    pub(super) grantable: Option<Grantable>,
    /// `ALTER … OWNER TO` without the role; `None` where only its maker can own it.
    pub(super) alter: Option<String>,
}

pub(super) const TABLE: &[&str] =
    &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"];
pub(super) const SEQUENCE: &[&str] = &["USAGE", "SELECT", "UPDATE"];
pub(super) const SCHEMA: &[&str] = &["USAGE", "CREATE"];
const EXECUTE: &[&str] = &["EXECUTE"];
const USAGE: &[&str] = &["USAGE"];

/// Kind, its making, the words of GRANT and its privileges, the words of ALTER. `@` is the name, `#` the schema,
/// `~` a name without schema, `%` the number of the graph.
type Row = (&'static str, &'static str, &'static str, &'static [&'static str], &'static str);
const KINDS: &[Row] = &[
    ("table", "CREATE TABLE @ (a int, b int);", "TABLE", TABLE, "TABLE @"),
    (
        "partitioned",
        "CREATE TABLE @ (a int, b int) PARTITION BY LIST (a); CREATE TABLE #.part PARTITION OF @ FOR VALUES IN (1);",
        "TABLE",
        TABLE,
        "TABLE @",
    ),
    ("view", "CREATE VIEW @ AS SELECT 1 AS a, 2 AS b;", "TABLE", TABLE, "VIEW @"),
    (
        "matview",
        "CREATE MATERIALIZED VIEW @ AS SELECT 1 AS a, 2 AS b;",
        "TABLE",
        TABLE,
        "MATERIALIZED VIEW @",
    ),
    ("sequence", "CREATE SEQUENCE @;", "SEQUENCE", SEQUENCE, "SEQUENCE @"),
    (
        "function",
        "CREATE FUNCTION @(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION @(int) FROM PUBLIC;",
        "FUNCTION",
        EXECUTE,
        "FUNCTION @(int)",
    ),
    (
        "definer",
        "CREATE FUNCTION @(int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';",
        "FUNCTION",
        EXECUTE,
        "FUNCTION @(int)",
    ),
    (
        "procedure",
        "CREATE PROCEDURE @(int) LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON PROCEDURE @(int) FROM PUBLIC;",
        "PROCEDURE",
        EXECUTE,
        "PROCEDURE @(int)",
    ),
    (
        "aggregate",
        "CREATE AGGREGATE @(int) (SFUNC = int4pl, STYPE = int); REVOKE EXECUTE ON FUNCTION @(int) FROM PUBLIC;",
        "FUNCTION",
        EXECUTE,
        "AGGREGATE @(int)",
    ),
    (
        "composite",
        "CREATE TYPE @ AS (a int); REVOKE USAGE ON TYPE @ FROM PUBLIC;",
        "TYPE",
        USAGE,
        "TYPE @",
    ),
    (
        "domain",
        "CREATE DOMAIN @ AS int; REVOKE USAGE ON DOMAIN @ FROM PUBLIC;",
        "DOMAIN",
        USAGE,
        "DOMAIN @",
    ),
    ("enum", "CREATE TYPE @ AS ENUM ('a');", "TYPE", USAGE, "TYPE @"),
    (
        "range",
        "CREATE TYPE @ AS RANGE (SUBTYPE = float4); REVOKE USAGE ON TYPE @ FROM PUBLIC;",
        "TYPE",
        USAGE,
        "TYPE @",
    ),
    (
        "language",
        "CREATE TRUSTED LANGUAGE ~ HANDLER pg_catalog.plpgsql_call_handler; REVOKE USAGE ON LANGUAGE ~ FROM PUBLIC;",
        "LANGUAGE",
        USAGE,
        "LANGUAGE ~",
    ),
    (
        "fdw",
        "CREATE FOREIGN DATA WRAPPER ~;",
        "FOREIGN DATA WRAPPER",
        USAGE,
        "FOREIGN DATA WRAPPER ~",
    ),
    (
        "large object",
        "SELECT pg_catalog.lo_create(%);",
        "LARGE OBJECT",
        &["SELECT", "UPDATE"],
        "LARGE OBJECT %",
    ),
    ("publication", "CREATE PUBLICATION ~;", "", &[], "PUBLICATION ~"),
    (
        "subscription",
        "CREATE SUBSCRIPTION ~ CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE, enabled = false, create_slot = false);",
        "",
        &[],
        "SUBSCRIPTION ~",
    ),
    (
        "event trigger",
        "CREATE EVENT TRIGGER ~ ON sql_drop WHEN TAG IN ('DROP CONVERSION') EXECUTE FUNCTION oracle.nothing();",
        "",
        &[],
        "EVENT TRIGGER ~",
    ),
    ("collation", "CREATE COLLATION @ (LOCALE = 'C');", "", &[], "COLLATION @"),
    (
        "conversion",
        "CREATE CONVERSION @ FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;",
        "",
        &[],
        "CONVERSION @",
    ),
    (
        "operator",
        "CREATE OPERATOR #.<<<>>> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);",
        "",
        &[],
        "OPERATOR #.<<<>>> (int, int)",
    ),
    (
        "operator class",
        "CREATE OPERATOR CLASS @ FOR TYPE int4 USING btree AS FUNCTION 1 btint4cmp(int4, int4);",
        "",
        &[],
        "OPERATOR CLASS @ USING btree",
    ),
    (
        "operator family",
        "CREATE OPERATOR FAMILY @ USING hash;",
        "",
        &[],
        "OPERATOR FAMILY @ USING hash",
    ),
    (
        "dictionary",
        "CREATE TEXT SEARCH DICTIONARY @ (TEMPLATE = simple);",
        "",
        &[],
        "TEXT SEARCH DICTIONARY @",
    ),
    (
        "configuration",
        "CREATE TEXT SEARCH CONFIGURATION @ (COPY = simple);",
        "",
        &[],
        "TEXT SEARCH CONFIGURATION @",
    ),
    (
        "statistics",
        "CREATE TABLE #.counted (a int, b int); CREATE STATISTICS @ ON a, b FROM #.counted;",
        "",
        &[],
        "STATISTICS @",
    ),
];

/// Only a superuser may own it, at the moment when it gets its owner.
fn needs_superuser(kind: &str) -> bool {
    matches!(kind, "fdw" | "event trigger" | "subscription")
}

impl Draw {
    /// The number of a large object.
    fn number(&self, database: usize) -> u64 {
        100_000 + (self.seed % 20_000_000) * 100 + u64::try_from(database).unwrap()
    }

    pub(super) fn schema_name(&self) -> String {
        self.own("s")
    }

    pub(super) fn schema(&mut self, database: usize) {
        let schema = self.schema_name();
        self.add(Phase::Objects, database, format!("CREATE SCHEMA {schema};"));
        if self.rng.percent(70) {
            // Without it nobody could name the objects to grant them on.
            self.add(
                Phase::Objects,
                database,
                format!("GRANT USAGE ON SCHEMA {schema} TO PUBLIC;"),
            );
        }
    }

    /// Makes some objects, and the schema is one of them.
    pub(super) fn objects(&mut self, database: usize) -> Vec<Object> {
        let schema = self.schema_name();
        let mut objects = vec![Object {
            kind: "schema",
            grantable: Some(Grantable { on: "SCHEMA", privileges: SCHEMA }),
            alter: Some(format!("SCHEMA {schema}")),
            name: schema.clone(),
        }];
        // Plain tables most of all: columns, policies and edits need them.
        let mut drawn = vec![0];
        drawn.extend((0..self.rng.between(4, 7)).map(|_| self.rng.below(KINDS.len())));
        drawn.sort_unstable();
        drawn.dedup();
        objects.extend(drawn.into_iter().map(|row| self.object(database, &schema, &KINDS[row])));
        if self.rng.percent(30) {
            objects.extend(self.server(database, &schema));
        }
        objects
    }

    fn object(&mut self, database: usize, schema: &str, row: &Row) -> Object {
        let (kind, making, on, privileges, alter) = *row;
        let plain = self.own(&format!("{kind}{database}"));
        let local = ident(&format!("Some {kind}"));
        let filled = |text: &str| {
            text.replace('@', &format!("{schema}.{local}"))
                .replace('#', schema)
                .replace('~', &plain)
                .replace('%', &self.number(database).to_string())
        };
        let name = match on {
            "FUNCTION" | "PROCEDURE" => filled("@(int)"),
            "LANGUAGE" | "FOREIGN DATA WRAPPER" => plain.clone(),
            "LARGE OBJECT" => filled("%"),
            _ => filled("@"),
        };
        let object = Object {
            kind,
            name,
            grantable: (!on.is_empty()).then_some(Grantable { on, privileges }),
            alter: Some(filled(alter)),
        };
        let making = filled(making);
        self.add(Phase::Objects, database, making);
        object
    }

    /// A foreign server with a table on it.
    fn server(&mut self, database: usize, schema: &str) -> [Object; 2] {
        let (wrapper, server) =
            (self.own(&format!("w{database}")), self.own(&format!("srv{database}")));
        let table = format!("{schema}.remote");
        self.add(
            Phase::Objects,
            database,
            format!(
                "CREATE FOREIGN DATA WRAPPER {wrapper}; CREATE SERVER {server} FOREIGN DATA WRAPPER {wrapper}; \
                 CREATE FOREIGN TABLE {table} (a int, b int) SERVER {server};"
            ),
        );
        [
            Object {
                kind: "foreign table",
                grantable: Some(Grantable { on: "TABLE", privileges: TABLE }),
                alter: Some(format!("FOREIGN TABLE {table}")),
                name: table,
            },
            Object {
                kind: "server",
                grantable: Some(Grantable { on: "FOREIGN SERVER", privileges: USAGE }),
                alter: Some(format!("SERVER {server}")),
                name: server,
            },
        ]
    }

    pub(super) fn owner_of(&mut self, database: usize, object: &Object) {
        let Some(alter) = &object.alter else { return };
        if self.rng.percent(60) {
            return;
        }
        let role = self.role();
        let name = self.name(role);
        let lift = needs_superuser(object.kind) && !self.roles[role].superuser;
        if lift {
            self.add(Phase::Objects, database, format!("ALTER ROLE {name} SUPERUSER;"));
        }
        self.add(Phase::Objects, database, format!("ALTER {alter} OWNER TO {name};"));
        if lift {
            self.add(Phase::Objects, database, format!("ALTER ROLE {name} NOSUPERUSER;"));
        }
    }
}
