//! What waits: default privileges, policies, credentials for other servers.

use crate::harness::{Channel, run};

#[test]
fn what_waits() {
    run(&[received(), policies(), mappings()].into_iter().flatten().collect::<Vec<_>>());
}

/// s10: nothing can be used today. Tomorrow somebody makes something, and the role has it.
struct Default {
    name: &'static str,
    since: u32,
    /// After ALTER DEFAULT PRIVILEGES FOR ROLE.
    granted: &'static str,
    revoked: &'static str,
    make: &'static str,
    act: (&'static str, &'static str),
    drop: &'static str,
    shown: &'static str,
}

const DEFAULTS: &[Default] = &[
    Default {
        name: "tables",
        since: 13,
        granted: "GRANT SELECT ON TABLES TO {x}",
        revoked: "REVOKE SELECT ON TABLES FROM {x}",
        make: "CREATE TABLE s_{x}.made AS SELECT 1 AS a",
        act: ("SELECT a FROM s_{x}.made", "1"),
        drop: "DROP TABLE s_{x}.made",
        shown: "SELECT on new tables of b_{x} in database orders; granted by b_{x}",
    },
    Default {
        name: "tables_in_schema",
        since: 13,
        granted: "IN SCHEMA s_{x} GRANT SELECT ON TABLES TO {x}",
        revoked: "IN SCHEMA s_{x} REVOKE SELECT ON TABLES FROM {x}",
        make: "CREATE TABLE s_{x}.made AS SELECT 1 AS a",
        act: ("SELECT a FROM s_{x}.made", "1"),
        drop: "DROP TABLE s_{x}.made",
        shown: "SELECT on new tables of b_{x} in schema s_{x} in database orders; granted by b_{x}",
    },
    Default {
        name: "sequences",
        since: 13,
        granted: "GRANT USAGE ON SEQUENCES TO {x}",
        revoked: "REVOKE USAGE ON SEQUENCES FROM {x}",
        make: "CREATE SEQUENCE s_{x}.made",
        act: ("SELECT nextval('s_{x}.made')", "1"),
        drop: "DROP SEQUENCE s_{x}.made",
        shown: "USAGE on new sequences of b_{x} in database orders; granted by b_{x}",
    },
    Default {
        name: "functions",
        since: 13,
        granted: "GRANT EXECUTE ON FUNCTIONS TO {x};
                  ALTER DEFAULT PRIVILEGES FOR ROLE b_{x} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        revoked: "REVOKE EXECUTE ON FUNCTIONS FROM {x}",
        make: "CREATE FUNCTION s_{x}.made() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        act: ("SELECT s_{x}.made()", "1"),
        drop: "DROP FUNCTION s_{x}.made()",
        shown: "EXECUTE on new functions of b_{x} in database orders; granted by b_{x}",
    },
    Default {
        name: "types",
        since: 13,
        granted: "GRANT USAGE ON TYPES TO {x};
                  ALTER DEFAULT PRIVILEGES FOR ROLE b_{x} REVOKE USAGE ON TYPES FROM PUBLIC",
        revoked: "REVOKE USAGE ON TYPES FROM {x}",
        make: "CREATE TYPE s_{x}.made AS ENUM ('a')",
        act: ("BEGIN; CREATE TEMP TABLE mine (a s_{x}.made); SELECT 'done'; ROLLBACK", "done"),
        drop: "DROP TYPE s_{x}.made",
        shown: "USAGE on new types of b_{x} in database orders; granted by b_{x}",
    },
    Default {
        name: "schemas",
        since: 13,
        granted: "GRANT CREATE ON SCHEMAS TO {x}",
        revoked: "REVOKE CREATE ON SCHEMAS FROM {x}",
        make: "CREATE SCHEMA made",
        act: ("BEGIN; CREATE TYPE made.t AS ENUM ('a'); SELECT 'done'; ROLLBACK", "done"),
        drop: "DROP SCHEMA made",
        shown: "CREATE on new schemas of b_{x} in database orders; granted by b_{x}",
    },
    Default {
        name: "large_objects",
        since: 18,
        granted: "GRANT SELECT ON LARGE OBJECTS TO {x}",
        revoked: "REVOKE SELECT ON LARGE OBJECTS FROM {x}",
        make: "SELECT lo_from_bytea(4713, 'abc')",
        act: ("SELECT convert_from(lo_get(4713), 'UTF8')", "4713\nabc\n1"),
        drop: "SELECT lo_unlink(4713)",
        shown: "SELECT on new large objects of b_{x} in database orders; granted by b_{x}",
    },
];

fn received() -> Vec<Channel> {
    let channel = |default: &Default| {
        let Default { name, since, granted, revoked, make, act, drop, shown } = default;
        Channel::new(name)
            .on(*since..=18)
            .setup(&format!(
                "CREATE ROLE b_{{x}}; CREATE SCHEMA s_{{x}} AUTHORIZATION b_{{x}};
                 GRANT USAGE ON SCHEMA s_{{x}} TO PUBLIC; GRANT CREATE ON DATABASE orders TO b_{{x}};
                 ALTER DEFAULT PRIVILEGES FOR ROLE b_{{x}} {granted};
                 REVOKE ALL ON ALL TABLES IN SCHEMA s_{{x}} FROM {{x}};"
            ))
            .act(
                &format!(
                    "\\connect - postgres\nSET ROLE b_{{x}}; {make};
                     \\connect - {{x}}\n{act};
                     \\connect - postgres\n{drop};",
                    act = act.0
                ),
                act.1,
            )
            .found(&[&format!("latent default_privilege orders b_{{x}} | {{x}} will get {shown}")])
            .remove(&format!("ALTER DEFAULT PRIVILEGES FOR ROLE b_{{x}} {revoked}"))
    };
    DEFAULTS.iter().map(channel).collect()
}

/// Everybody may read the table; only whom the policy names sees rows.
fn policies() -> Vec<Channel> {
    let table = "CREATE TABLE t_{x} AS SELECT 1 AS a; ALTER TABLE t_{x} OWNER TO app;
        ALTER TABLE t_{x} ENABLE ROW LEVEL SECURITY; GRANT SELECT ON t_{x} TO PUBLIC;";
    let policy = |name: &str, to: &str, remove: &str| {
        Channel::new(name)
            .setup(&format!("{table} CREATE POLICY p ON t_{{x}} TO {to} USING (true);"))
            .act("SELECT count(*) FROM t_{x}", "1")
            .found(&["latent policy orders - | policy p on *public*.*t_{x}* names {x} in database orders"])
            .remove(remove)
    };
    vec![
        policy("policy", "{x}", "DROP POLICY p ON t_{x}"),
        policy("policy_of_two", "y, {x}", "ALTER POLICY p ON t_{x} TO y"),
    ]
}

/// The other server knows the leaver under another name, and nobody revoked there.
fn mappings() -> Vec<Channel> {
    vec![
        Channel::new("user_mapping")
            .setup(
                "CREATE EXTENSION postgres_fdw;
                 SELECT current_setting('unix_socket_directories') AS dir, current_setting('port') AS port \\gset
                 CREATE SERVER s_{x} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'dir', port :'port', dbname 'billing');
                 CREATE USER MAPPING FOR {x} SERVER s_{x} OPTIONS (user 'y', password_required 'false');
                 CREATE FOREIGN TABLE t_{x} (a int) SERVER s_{x} OPTIONS (table_name 'remote');
                 GRANT SELECT ON t_{x} TO PUBLIC;
                 \\connect billing
                 CREATE TABLE remote AS SELECT 1 AS a; GRANT SELECT ON remote TO y;",
            )
            .act("SELECT a FROM t_{x}", "1")
            .found(&[
                "latent user_mapping orders - | {x} has a user mapping, which may hold a password, for server s_{x} in database orders",
            ])
            .remove("DROP USER MAPPING FOR {x} SERVER s_{x}"),
    ]
}
