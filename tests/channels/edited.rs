//! System catalogs edited by hand, as a superuser can: `pg_shdepend` says that there is nothing.

use crate::harness::{Channel, run};

const TABLE: &str = "CREATE TABLE t_{x} AS SELECT 1 AS a; ALTER TABLE t_{x} OWNER TO app;";
const READS: &str = "SELECT a FROM t_{x}";

#[test]
fn catalogs_edited_by_hand() {
    run(&[lists(), owners(), forgotten(), roles()].into_iter().flatten().collect::<Vec<_>>());
}

fn edited(name: &str, setup: &str) -> Channel {
    Channel::new(name)
        .setup(&format!("{setup};").replace("EDIT", "SET allow_system_table_mods = on; UPDATE"))
}

fn lists() -> Vec<Channel> {
    let entry = |object: &str, privilege: &str| {
        format!(
            "latent privilege orders app | TAMPERED {{x}} has {privilege} on {object} in database orders; granted by app; *"
        )
    };
    vec![
        // s13
        edited(
            "list_of_table",
            &format!("{TABLE} EDIT pg_class SET relacl = '{{{{x}}=r/app}}' WHERE relname = 't_{{x}}'"),
        )
        .act(READS, "1")
        .found(&[&entry("table public.t_{x}", "SELECT")])
        .remove("REVOKE SELECT ON t_{x} FROM {x}"),
        edited(
            "list_of_column",
            &format!(
                "{TABLE} EDIT pg_attribute SET attacl = '{{{{x}}=r/app}}' WHERE attrelid = 't_{{x}}'::regclass AND attname = 'a'"
            ),
        )
        .act(READS, "1")
        .found(&[&entry("column a of table public.t_{x}", "SELECT")])
        .remove("REVOKE SELECT (a) ON t_{x} FROM {x}"),
        edited(
            "list_of_function",
            "CREATE FUNCTION f_{x}() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f_{x}() OWNER TO app;
             EDIT pg_proc SET proacl = '{{x}=X/app}' WHERE proname = 'f_{x}'",
        )
        .act("SELECT f_{x}()", "1")
        .found(&[&entry("function public.f_{x}()", "EXECUTE")])
        .remove("REVOKE EXECUTE ON FUNCTION f_{x}() FROM {x}"),
        edited(
            "list_of_schema",
            "CREATE SCHEMA s_{x} AUTHORIZATION app; EDIT pg_namespace SET nspacl = '{{x}=UC/app}' WHERE nspname = 's_{x}'",
        )
        .act("BEGIN; CREATE TYPE s_{x}.mine AS ENUM ('a'); SELECT 'done'; ROLLBACK;", "done")
        .found(&[&entry("schema s_{x}", "USAGE"), &entry("schema s_{x}", "CREATE")])
        .remove("REVOKE ALL ON SCHEMA s_{x} FROM {x}"),
        edited(
            "list_of_database",
            "EDIT pg_database SET datacl = array_append(coalesce(datacl, acldefault('d', datdba)), '{x}=C/app') WHERE datname = 'orders'",
        )
        .act("BEGIN; CREATE SCHEMA mine; SELECT 'done'; ROLLBACK;", "done")
        .found(&["latent privilege - app | TAMPERED {x} has CREATE on database orders; granted by app; *"])
        .remove("REVOKE CREATE ON DATABASE orders FROM {x}"),
        // The list of a system catalog is left out of no look.
        edited(
            "list_of_catalog",
            "EDIT pg_class SET relacl = array_append(relacl, '{x}=r/postgres') WHERE relname = 'pg_authid'",
        )
        .act("SELECT count(*) > 0 FROM pg_authid", "t")
        .found(&["latent privilege orders postgres | TAMPERED {x} has SELECT on table pg_catalog.pg_authid in database orders; *"])
        .remove("REVOKE SELECT ON pg_authid FROM {x}"),
        edited(
            "list_of_large_object",
            "SELECT lo_from_bytea(4714, 'abc'); ALTER LARGE OBJECT 4714 OWNER TO app;
             EDIT pg_largeobject_metadata SET lomacl = '{{x}=r/app}' WHERE oid = 4714",
        )
        .act("SELECT convert_from(lo_get(4714), 'UTF8')", "abc")
        .found(&[&entry("large object 4714", "SELECT")])
        .remove("REVOKE SELECT ON LARGE OBJECT 4714 FROM {x}"),
    ]
}

fn owners() -> Vec<Channel> {
    let owns = |object: &str| {
        format!("can_regain ownership orders - | TAMPERED {{x}} owns {object} in database orders*")
    };
    vec![
        edited(
            "owner_of_table",
            &format!("{TABLE} EDIT pg_class SET relowner = '{{x}}'::regrole WHERE relname = 't_{{x}}'"),
        )
        .act("COMMENT ON TABLE t_{x} IS 'mine'; SELECT 'done'", "done")
        .found(&[&owns("table public.t_{x}")])
        .remove("ALTER TABLE t_{x} OWNER TO app"),
        edited(
            "owner_of_function",
            "CREATE FUNCTION f_{x}() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f_{x}() OWNER TO app;
             EDIT pg_proc SET proowner = '{x}'::regrole WHERE proname = 'f_{x}'",
        )
        .act("COMMENT ON FUNCTION f_{x}() IS 'mine'; SELECT 'done'", "done")
        .found(&[&owns("function public.f_{x}()")])
        .remove("ALTER FUNCTION f_{x}() OWNER TO app"),
        // An index has no owner of its own, so DROP INDEX asks for that of the index all the same.
        edited(
            "owner_of_index",
            &format!(
                "{TABLE} CREATE INDEX i_{{x}} ON t_{{x}} (a); EDIT pg_class SET relowner = '{{x}}'::regrole WHERE relname = 'i_{{x}}'"
            ),
        )
        .act("BEGIN; DROP INDEX i_{x}; SELECT 'done'; ROLLBACK;", "done")
        .found(&[&owns("index public.i_{x}")])
        .remove("SET allow_system_table_mods = on; UPDATE pg_class SET relowner = 'app'::regrole WHERE relname = 'i_{x}'"),
        edited(
            "policy",
            "CREATE TABLE t_{x} AS SELECT 1 AS a; ALTER TABLE t_{x} OWNER TO app;
             ALTER TABLE t_{x} ENABLE ROW LEVEL SECURITY; GRANT SELECT ON t_{x} TO PUBLIC;
             CREATE POLICY p ON t_{x} TO y USING (true);
             EDIT pg_policy SET polroles = ARRAY['{x}'::regrole] WHERE polrelid = 't_{x}'::regclass",
        )
        .act("SELECT count(*) FROM t_{x}", "1")
        .found(&["latent policy orders - | TAMPERED policy p on *public*.*t_{x}* names {x} in database orders; *"])
        .remove("ALTER POLICY p ON t_{x} TO y"),
        edited(
            "user_mapping",
            "CREATE FOREIGN DATA WRAPPER w_{x}; CREATE SERVER s_{x} FOREIGN DATA WRAPPER w_{x};
             GRANT USAGE ON FOREIGN SERVER s_{x} TO PUBLIC; CREATE USER MAPPING FOR y SERVER s_{x} OPTIONS (a 'b');
             EDIT pg_user_mapping SET umuser = '{x}'::regrole",
        )
        .act("SELECT umoptions FROM pg_user_mappings WHERE srvname = 's_{x}'", "{a=b}")
        .found(&["latent user_mapping orders - | TAMPERED {x} has a user mapping, which may hold a password, for server s_{x} in database orders; *"])
        .remove("DROP USER MAPPING FOR {x} SERVER s_{x}"),
        subscription(),
    ]
}

/// The other path to an owner is that of `pg_shdepend` alone on 13, where nobody may read a subscription's OID.
fn subscription() -> Channel {
    edited(
        "subscription",
        "CREATE SUBSCRIPTION s_{x} CONNECTION 'dbname=none' PUBLICATION p
            WITH (connect = false, enabled = false, slot_name = NONE);
         EDIT pg_subscription SET subowner = '{x}'::regrole WHERE subname = 's_{x}'",
    )
    .on(14..=18)
    .act("COMMENT ON SUBSCRIPTION s_{x} IS 'mine'; SELECT 'done'", "done")
    .found(&["can_regain subscription - - | TAMPERED {x} owns subscription s_{x}*"])
    .remove("ALTER SUBSCRIPTION s_{x} OWNER TO postgres")
}

/// Given as it should be, and then taken out of `pg_shdepend`, so that DROP ROLE succeeds too.
fn forgotten() -> Vec<Channel> {
    const FORGET: &str = "SET allow_system_table_mods = on;
        DELETE FROM pg_shdepend WHERE refobjid = '{x}'::regrole;";
    vec![
        Channel::new("forgotten_grant")
            .setup(&format!("{TABLE} GRANT SELECT ON t_{{x}} TO {{x}}; {FORGET}"))
            .act(READS, "1")
            .found(&["latent privilege orders app | TAMPERED {x} has SELECT on table public.t_{x} in database orders; *"])
            .remove("REVOKE SELECT ON t_{x} FROM {x}"),
        Channel::new("forgotten_owner")
            .setup(&format!("CREATE SCHEMA s_{{x}} AUTHORIZATION {{x}}; {FORGET}"))
            .act("BEGIN; CREATE TYPE s_{x}.mine AS ENUM ('a'); SELECT 'done'; ROLLBACK;", "done")
            .found(&["can_regain ownership orders - | TAMPERED {x} owns schema s_{x} in database orders*"])
            .remove("ALTER SCHEMA s_{x} OWNER TO app"),
    ]
}

/// The role catalogs are read themselves; there is no second path to compare with.
fn roles() -> Vec<Channel> {
    let member = |name: &str, columns: &str, values: &str| {
        Channel::new(name)
            .setup(&format!(
                "SET allow_system_table_mods = on;
                 INSERT INTO pg_auth_members (roleid, member, grantor, admin_option{columns})
                 VALUES ('g'::regrole, '{{x}}'::regrole, 10, false{values});"
            ))
            .act("SELECT count(*) FROM secret", "1")
            .found(&["latent membership - postgres | {x} *g*"])
            .remove("REVOKE g FROM {x}")
    };
    vec![
        member("member_13", "", "").on(13..=15),
        member("member_16", ", oid, inherit_option, set_option", ", 99999, true, true").on(16..=18),
        edited("superuser", "EDIT pg_authid SET rolsuper = true WHERE rolname = '{x}'")
            .act("SELECT count(*) > 0 FROM pg_authid", "t")
            .found(&["can_regain attribute - - | {x}*SUPERUSER*"])
            .remove("ALTER ROLE {x} NOSUPERUSER"),
    ]
}
