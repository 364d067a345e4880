//! Every class of object that can have an owner, in a database that nobody connected to for the revocation.
//! The owner acts by a COMMENT, which every class refuses to all others.

use crate::harness::{Channel, run};

/// A class: what SQL calls the object, and how it is made.
struct Class {
    name: &'static str,
    /// For ALTER … OWNER and COMMENT ON.
    object: &'static str,
    create: &'static str,
    /// The object in the sentence; `*` where it depends on the version.
    shown: &'static str,
    /// Only a superuser may own it, or take it.
    superuser: bool,
}

const fn class(
    name: &'static str,
    object: &'static str,
    create: &'static str,
    shown: &'static str,
) -> Class {
    Class { name, object, create, shown, superuser: false }
}

const fn of_superuser(
    name: &'static str,
    object: &'static str,
    create: &'static str,
    shown: &'static str,
) -> Class {
    Class { name, object, create, shown, superuser: true }
}

const RELATIONS: &[Class] = &[
    class("table", "TABLE t_{x}", "CREATE TABLE t_{x} (a int)", "table public.t_{x}"),
    class(
        "partitioned",
        "TABLE t_{x}",
        "CREATE TABLE t_{x} (a int) PARTITION BY LIST (a)",
        "table public.t_{x}",
    ),
    class(
        "partition",
        "TABLE t_{x}_1",
        "CREATE TABLE t_{x} (a int) PARTITION BY LIST (a); CREATE TABLE t_{x}_1 PARTITION OF t_{x} FOR VALUES IN (1)",
        "table public.t_{x}_1",
    ),
    class("view", "VIEW t_{x}", "CREATE VIEW t_{x} AS SELECT 1 AS a", "view public.t_{x}"),
    class(
        "materialized",
        "MATERIALIZED VIEW t_{x}",
        "CREATE MATERIALIZED VIEW t_{x} AS SELECT 1 AS a",
        "materialized view public.t_{x}",
    ),
    class(
        "foreign_table",
        "FOREIGN TABLE t_{x}",
        "CREATE FOREIGN DATA WRAPPER w_{x}; CREATE SERVER s_{x} FOREIGN DATA WRAPPER w_{x};
         CREATE FOREIGN TABLE t_{x} (a int) SERVER s_{x}",
        "foreign table public.t_{x}",
    ),
    class("sequence", "SEQUENCE s_{x}", "CREATE SEQUENCE s_{x}", "sequence public.s_{x}"),
    class(
        "statistics",
        "STATISTICS s_{x}",
        "CREATE TABLE t_{x} (a int, b int); CREATE STATISTICS s_{x} ON a, b FROM t_{x}",
        "statistics object public.s_{x}",
    ),
];

const TYPES: &[Class] = &[
    class("composite", "TYPE t_{x}", "CREATE TYPE t_{x} AS (a int)", "type public.t_{x}"),
    class("enum", "TYPE t_{x}", "CREATE TYPE t_{x} AS ENUM ('a')", "type public.t_{x}"),
    class("range", "TYPE t_{x}", "CREATE TYPE t_{x} AS RANGE (SUBTYPE = int)", "type public.t_{x}"),
    class("shell", "TYPE t_{x}", "CREATE TYPE t_{x}", "type public.t_{x}"),
    class("domain", "DOMAIN d_{x}", "CREATE DOMAIN d_{x} AS int", "type public.d_{x}"),
];

const ROUTINES: &[Class] = &[
    class(
        "function",
        "FUNCTION f_{x}(int)",
        "CREATE FUNCTION f_{x}(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function public.f_{x}(integer)",
    ),
    class(
        "procedure",
        "PROCEDURE p_{x}()",
        "CREATE PROCEDURE p_{x}() LANGUAGE sql AS 'SELECT 1'",
        "procedure public.p_{x}()",
    ),
    class(
        "aggregate",
        "AGGREGATE a_{x}(int)",
        "CREATE AGGREGATE a_{x}(int) (SFUNC = int4pl, STYPE = int)",
        "aggregate public.a_{x}(integer)",
    ),
    class(
        "operator",
        "OPERATOR ==== (point, point)",
        "CREATE OPERATOR ==== (LEFTARG = point, RIGHTARG = point, FUNCTION = point_eq)",
        "operator public.====(pg_catalog.point,pg_catalog.point)",
    ),
    class(
        "operator_family",
        "OPERATOR FAMILY f_{x} USING btree",
        "CREATE OPERATOR FAMILY f_{x} USING btree",
        "operator family public.f_{x} USING btree",
    ),
    class(
        "operator_class",
        "OPERATOR CLASS c_{x} USING hash",
        "CREATE OPERATOR FAMILY f_{x} USING hash;
         CREATE OPERATOR CLASS c_{x} FOR TYPE int USING hash FAMILY f_{x} AS OPERATOR 1 =, FUNCTION 1 hashint4(int)",
        "operator class public.c_{x} USING hash",
    ),
    class(
        "conversion",
        "CONVERSION c_{x}",
        "CREATE CONVERSION c_{x} FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        "conversion public.c_{x}",
    ),
    class(
        "collation",
        "COLLATION c_{x}",
        "CREATE COLLATION c_{x} (LOCALE = 'C')",
        "collation public.c_{x}",
    ),
    class(
        "dictionary",
        "TEXT SEARCH DICTIONARY d_{x}",
        "CREATE TEXT SEARCH DICTIONARY d_{x} (TEMPLATE = simple)",
        "text search dictionary public.d_{x}",
    ),
    class(
        "configuration",
        "TEXT SEARCH CONFIGURATION c_{x}",
        "CREATE TEXT SEARCH CONFIGURATION c_{x} (COPY = simple)",
        "text search configuration public.c_{x}",
    ),
    class(
        "language",
        "LANGUAGE l_{x}",
        "CREATE LANGUAGE l_{x} HANDLER plpgsql_call_handler",
        "language l_{x}",
    ),
];

const OTHERS: &[Class] = &[
    class("schema", "SCHEMA s_{x}", "CREATE SCHEMA s_{x}", "schema s_{x}"),
    class("large_object", "LARGE OBJECT 4711", "SELECT lo_create(4711)", "large object 4711"),
    of_superuser(
        "wrapper",
        "FOREIGN DATA WRAPPER w_{x}",
        "CREATE FOREIGN DATA WRAPPER w_{x}",
        "foreign-data wrapper w_{x}",
    ),
    of_superuser(
        "server",
        "SERVER s_{x}",
        "CREATE FOREIGN DATA WRAPPER w_{x}; CREATE SERVER s_{x} FOREIGN DATA WRAPPER w_{x}",
        "server s_{x}",
    ),
    class("publication", "PUBLICATION p_{x}", "CREATE PUBLICATION p_{x}", "publication p_{x}"),
    of_superuser(
        "subscription",
        "SUBSCRIPTION s_{x}",
        "CREATE SUBSCRIPTION s_{x} CONNECTION 'dbname=none' PUBLICATION p
            WITH (connect = false, enabled = false, slot_name = NONE)",
        "subscription s_{x}",
    ),
    // One of a former superuser goes on firing.
    of_superuser(
        "event_trigger",
        "EVENT TRIGGER e_{x}",
        "CREATE FUNCTION e_{x}() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
         CREATE EVENT TRIGGER e_{x} ON ddl_command_end WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION e_{x}()",
        "event trigger e_{x}",
    ),
    class("database", "DATABASE d_{x}", "CREATE DATABASE d_{x}", "database d_{x}"),
    class(
        "tablespace",
        "TABLESPACE s_{x}",
        "SET allow_in_place_tablespaces = on; CREATE TABLESPACE s_{x} LOCATION ''",
        "tablespace s_{x}",
    ),
];

#[test]
fn relations_and_types() {
    let all = [RELATIONS, TYPES].into_iter().flatten().map(owned);
    run(&all.chain(whole()).collect::<Vec<_>>());
}

#[test]
fn routines_and_the_rest() {
    let all = [ROUTINES, OTHERS].into_iter().flatten().map(owned);
    run(&all.chain(special()).collect::<Vec<_>>());
}

fn owned(class: &Class) -> Channel {
    let Class { name, object, create, shown, superuser } = class;
    let (before, after, heir) = if *superuser {
        ("ALTER ROLE {x} SUPERUSER;", "ALTER ROLE {x} NOSUPERUSER;", "postgres")
    } else {
        ("", "", "app")
    };
    let (place, strength, kind) = match *name {
        "database" | "tablespace" => ("-", "can_regain", "ownership"),
        "subscription" => ("-", "can_regain", "subscription"),
        _ => ("billing", "can_regain", "ownership"),
    };
    let inside = if place == "-" { "" } else { " in database billing" };
    Channel::new(name)
        .setup(&format!(
            "\\connect billing\n{create};\n{before} ALTER {object} OWNER TO {{x}}; {after}
             \\connect orders\nDROP OWNED BY {{x}};"
        ))
        .act(&format!("\\connect billing\nCOMMENT ON {object} IS 'mine'; SELECT 'done'"), "done")
        .found(&[
            &format!("{strength} {kind} {place} - | {{x}} owns {shown}{inside}*"),
            "?* membership * * | {x}*pg_database_owner*",
        ])
        .remove(&format!("\\connect billing\nALTER {object} OWNER TO {heir}"))
}

/// What the role made itself, with all that the server makes of its own.
fn whole() -> Vec<Channel> {
    vec![
        // Its row type, array type, index and TOAST table go with it and are not told of by themselves.
        Channel::new("table_made")
            .setup(
                "CREATE SCHEMA s_{x}; GRANT ALL ON SCHEMA s_{x} TO {x};
                 SET ROLE {x}; CREATE TABLE s_{x}.t (a serial PRIMARY KEY, b text UNIQUE); RESET ROLE;
                 REVOKE ALL ON SCHEMA s_{x} FROM {x}; GRANT USAGE ON SCHEMA s_{x} TO PUBLIC;",
            )
            .act("SELECT count(*) FROM s_{x}.t", "0")
            .found(&[
                "can_regain ownership orders - | {x} owns table s_{x}.t in database orders*",
                "can_regain ownership orders - | {x} owns sequence s_{x}.t_a_seq in database orders*",
            ])
            .remove("REASSIGN OWNED BY {x} TO app"),
        // Its constructors belong to the first superuser. Its multirange goes with it, and up to 16 has a
        // dependency of its own.
        Channel::new("range_made")
            .setup(
                "CREATE SCHEMA s_{x}; GRANT ALL ON SCHEMA s_{x} TO {x};
                 SET ROLE {x}; CREATE TYPE s_{x}.t AS RANGE (SUBTYPE = int); RESET ROLE;
                 REVOKE ALL ON SCHEMA s_{x} FROM {x}; GRANT USAGE ON SCHEMA s_{x} TO PUBLIC;",
            )
            .act("COMMENT ON TYPE s_{x}.t IS 'mine'; SELECT 'done'", "done")
            .found(&[
                "can_regain ownership orders - | {x} owns type s_{x}.t in database orders*",
                "?can_regain ownership orders - | {x} owns type s_{x}.t_multirange in database orders*",
            ])
            .remove("REASSIGN OWNED BY {x} TO app"),
    ]
}

fn special() -> Vec<Channel> {
    vec![
        // A trusted extension belongs to who made it, what is in it to the first superuser.
        Channel::new("extension")
            .setup(
                "GRANT CREATE ON DATABASE orders TO {x}; GRANT CREATE ON SCHEMA public TO {x};
                 SET ROLE {x}; CREATE EXTENSION citext; RESET ROLE;
                 REVOKE CREATE ON DATABASE orders FROM {x}; REVOKE CREATE ON SCHEMA public FROM {x};",
            )
            .act("COMMENT ON EXTENSION citext IS 'mine'; SELECT 'done'", "done")
            .found(&["can_regain ownership orders - | {x} owns extension citext in database orders*"])
            .remove("REASSIGN OWNED BY {x} TO app"),
        // s08: whoever may execute it acts with the leaver's rights.
        Channel::new("definer")
            .setup(
                "CREATE FUNCTION f_{x}() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text';
                 ALTER FUNCTION f_{x}() OWNER TO {x};",
            )
            .act("\\connect - y\nSELECT f_{x}()", "{x}")
            .found(&["* ownership orders - | *{x}*f_{x}()*"])
            .remove("ALTER FUNCTION f_{x}() OWNER TO app"),
        // Default privileges that it made for what it will own.
        Channel::new("default_privileges")
            .setup("ALTER DEFAULT PRIVILEGES FOR ROLE {x} GRANT SELECT ON TABLES TO y;")
            .found(&[
                "latent default_privilege orders - | {x} has default privileges of its own for new tables of {x} in database orders",
            ])
            .remove("DROP OWNED BY {x}"),
        // s09: DROP OWNED knows only its own database.
        Channel::new("other_database")
            .setup(
                "GRANT SELECT ON secret TO {x};
                 \\connect billing
                 CREATE TABLE t_{x} (a int); ALTER TABLE t_{x} OWNER TO app; GRANT SELECT ON t_{x} TO {x};
                 \\connect orders
                 DROP OWNED BY {x};",
            )
            .act("\\connect billing\nSELECT count(*) FROM t_{x}", "0")
            .found(&[
                "latent privilege billing app | {x} has SELECT on table public.t_{x} in database billing; granted by app",
            ])
            .remove("\\connect billing\nREVOKE SELECT ON t_{x} FROM {x}"),
    ]
}
