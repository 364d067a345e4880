//! Access that survives what people call a revocation, on real servers of every version found. Each ends
//! with the printed plan, run by psql, after which nothing must remain.

mod common;

use common::{LiveSession, psql, revoked, run, sql, versions};
use revoked::throwaway::Cluster;
use serde_json::Value;

/// A leaver `x`, a group, two bosses, tables in two databases, and an agent without privileges.
const PRELUDE: &str = "
    CREATE ROLE agent LOGIN;
    CREATE ROLE app; CREATE ROLE g; CREATE ROLE team; CREATE ROLE boss; CREATE ROLE boss2; CREATE ROLE y;
    CREATE ROLE x LOGIN PASSWORD 'secret';
    CREATE DATABASE orders OWNER app; CREATE DATABASE billing OWNER app;
    \\connect orders
    CREATE SCHEMA sales AUTHORIZATION app;
    CREATE TABLE sales.orders (id int); ALTER TABLE sales.orders OWNER TO app;
    GRANT USAGE ON SCHEMA sales TO PUBLIC;
    GRANT SELECT, INSERT ON sales.orders TO g;
";

fn start(binaries: &revoked::throwaway::Binaries) -> Cluster {
    let cluster = common::cluster_of(binaries);
    sql(&cluster, "postgres", "postgres", PRELUDE);
    cluster
}

fn check(cluster: &Cluster, role: &str) -> (i32, Value) {
    check_as(cluster, "agent", role)
}

fn check_as(cluster: &Cluster, agent: &str, role: &str) -> (i32, Value) {
    let url = cluster.url(agent, "postgres");
    let (code, out, err) = run(revoked().args(["check", "-o", "json", "--target", &url, role]));
    assert!(!out.is_empty(), "no output: {err}");
    (code, serde_json::from_str(&out).unwrap())
}

/// Kinds of residual with what tells them apart, in the order given.
fn found(report: &Value) -> Vec<String> {
    report["residual"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            let text = |key: &str| r[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {}",
                text("kind"),
                text("privilege"),
                text("database"),
                text("grantor")
            )
        })
        .collect()
}

fn has(report: &Value, wanted: &str) -> bool {
    found(report).iter().any(|line| line.starts_with(wanted))
}

/// Prints the plan, runs it with psql, and looks again.
fn plan_and_check(cluster: &Cluster, role: &str) {
    let url = cluster.url("agent", "postgres");
    let (code, script, err) = run(revoked().args(["plan", "--target", &url, role]));
    assert_eq!(code, 0, "{err}\n{script}");
    let output = psql(cluster, "postgres", "postgres", &script);
    assert!(
        output.status.success(),
        "PostgreSQL {}: {}\n{script}",
        cluster.major(),
        String::from_utf8_lossy(&output.stderr)
    );
    // Before 14 pg_terminate_backend does not wait for the end.
    let mut last = check(cluster, role);
    for _ in 0..50 {
        if last.0 == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        last = check(cluster, role);
    }
    assert_eq!(last.0, 0, "PostgreSQL {}: {:#}\n{script}", cluster.major(), last.1["residual"]);
    assert_eq!(last.1["verdict"], "revoked");
}

#[test]
fn member_through_two_levels() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "postgres",
            "ALTER ROLE x NOLOGIN; GRANT g TO team; GRANT team TO x;",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        assert!(has(&report, "membership team"), "{:?}", found(&report));
        let through =
            report["residual"].as_array().unwrap().iter().find(|r| r["privilege"] == "g").unwrap();
        assert_eq!(through["via"], serde_json::json!(["team"]));
        assert_eq!(through["sentence"], "x reaches g through team");
        plan_and_check(&cluster, "x");
    }
}

#[test]
fn a_grant_by_another_survives_the_owners_revoke() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN;
             GRANT SELECT ON sales.orders TO boss WITH GRANT OPTION;
             SET ROLE boss; GRANT SELECT ON sales.orders TO x; RESET ROLE;
             SET ROLE app; REVOKE ALL ON sales.orders FROM x; RESET ROLE;",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        assert_eq!(found(&report), ["privilege SELECT orders boss"]);
        assert_eq!(report["residual"][0]["object"], "sales.orders");
        assert_eq!(report["residual"][0]["tampered"], false);
        plan_and_check(&cluster, "x");
    }
}

#[test]
fn what_others_hold_through_the_leaver_is_kept() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "GRANT SELECT ON sales.orders TO x WITH GRANT OPTION;
             SET ROLE x; GRANT SELECT ON sales.orders TO y; RESET ROLE;
             GRANT g TO x WITH ADMIN OPTION;
             SET ROLE x; GRANT g TO boss; RESET ROLE;",
        );
        plan_and_check(&cluster, "x");
        let kept = sql(
            &cluster,
            "postgres",
            "orders",
            "SELECT has_table_privilege('y', 'sales.orders', 'SELECT'), pg_has_role('boss', 'g', 'MEMBER')",
        );
        assert_eq!(kept.trim(), "t|t", "PostgreSQL {}", cluster.major());
    }
}

#[test]
fn owned_objects_in_another_database() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "billing",
            "ALTER ROLE x NOLOGIN; CREATE TABLE notes (a int); ALTER TABLE notes OWNER TO x;
             CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() OWNER TO x;",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        assert_eq!(found(&report), ["ownership - billing -", "ownership - billing -"]);
        plan_and_check(&cluster, "x");
        let owner = sql(
            &cluster,
            "postgres",
            "billing",
            "SELECT tableowner FROM pg_tables WHERE tablename='notes'",
        );
        assert_eq!(owner.trim(), "app");
    }
}

#[test]
fn a_session_open_after_nologin() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let _session = LiveSession::open(&cluster, "x", "orders", "SELECT 1;");
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN PASSWORD NULL;");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        assert_eq!(found(&report), ["session - orders -"]);
        assert_eq!(report["residual"][0]["strength"], "acts_now");
        plan_and_check(&cluster, "x");
    }
}

#[test]
fn a_session_of_a_dropped_role_may_be_that_of_an_unknown_name() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let _session = LiveSession::open(&cluster, "x", "orders", "SELECT 1;");
        sql(&cluster, "postgres", "postgres", "DROP ROLE x;");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 3, "{report:#}");
        assert_eq!(report["verdict"], "inconclusive");
        assert_eq!(report["possibly"][0]["kind"], "vanished_session");
        assert!(report["gaps"][0]["reason"].as_str().unwrap().contains("no role is called x"));
    }
}

#[test]
fn a_renamed_role_is_not_found_by_its_old_name_and_that_is_no_proof() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x RENAME TO x_old;");
        let (code, report) = check(&cluster, "x");
        assert_eq!((code, report["verdict"].as_str().unwrap()), (3, "inconclusive"));
        assert_eq!(check(&cluster, "x_old").0, 2);
    }
}

#[test]
fn a_prepared_grant() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "CREATE TABLE xt (a int); ALTER TABLE xt OWNER TO x; ALTER ROLE x NOLOGIN;
             SET SESSION AUTHORIZATION x; BEGIN; GRANT SELECT ON xt TO y; PREPARE TRANSACTION 'x''s bomb';",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        assert!(has(&report, "prepared_transaction - orders"), "{:?}", found(&report));
        plan_and_check(&cluster, "x");
    }
}

#[test]
fn a_grant_prepared_by_another_role_is_about_its_grantee() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN; GRANT SELECT ON sales.orders TO g WITH GRANT OPTION;
             SET ROLE g; BEGIN; GRANT SELECT ON sales.orders TO x; PREPARE TRANSACTION 'later';",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2, "PostgreSQL {}", cluster.major());
        assert_eq!(found(&report), ["prepared_transaction - orders -"]);
        plan_and_check(&cluster, "x");
    }
}

#[test]
fn a_prepared_change_of_roles_is_a_gap_for_everybody() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN; BEGIN; GRANT g TO x; PREPARE TRANSACTION 'later';",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 3, "PostgreSQL {}: {report:#}", cluster.major());
        assert_eq!(report["gaps"][0]["surface"], "prepared_transaction");
    }
}

#[test]
fn a_prepared_alter_role_does_not_hold_up_the_plan() {
    let cluster = start(&versions()[0]);
    sql(
        &cluster,
        "postgres",
        "orders",
        "SET SESSION AUTHORIZATION x; BEGIN; ALTER ROLE x PASSWORD 'b'; PREPARE TRANSACTION 'p';",
    );
    plan_and_check(&cluster, "x");
}

#[test]
fn a_session_of_a_former_role_of_that_name_is_no_proof() {
    let cluster = start(&versions()[0]);
    let _session = LiveSession::open(&cluster, "x", "orders", "SELECT 1;");
    sql(&cluster, "postgres", "postgres", "DROP ROLE x; CREATE ROLE x;");
    let (code, report) = check(&cluster, "x");
    assert_eq!(code, 3, "{report:#}");
    assert_eq!(report["possibly"][0]["kind"], "vanished_session");
}

#[test]
fn nothing_is_given_to_a_superuser_unless_named() {
    let cluster = start(&versions()[0]);
    sql(
        &cluster,
        "postgres",
        "postgres",
        "ALTER ROLE x NOLOGIN; CREATE TABLE mine (a int); ALTER TABLE mine OWNER TO x;
         ALTER DATABASE billing OWNER TO x;",
    );
    let url = cluster.url("agent", "postgres");
    let (_, script, _) = run(revoked().args(["plan", "--target", &url, "x"]));
    assert!(!script.contains("REASSIGN") && !script.contains("OWNER TO"), "{script}");
    assert_eq!(script.matches("NOT REMOVED BY THIS SCRIPT").count(), 2, "{script}");
    let (_, script, _) =
        run(revoked().args(["plan", "--target", &url, "x", "--reassign-to", "boss"]));
    let output = psql(&cluster, "postgres", "postgres", &script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(check(&cluster, "x").0, 0);
}

#[test]
fn what_all_databases_share_is_seen_without_entering_one() {
    let cluster = start(&versions()[0]);
    sql(
        &cluster,
        "postgres",
        "postgres",
        "ALTER ROLE x NOLOGIN; ALTER DATABASE billing OWNER TO x;",
    );
    let url = cluster.url("agent", "postgres");
    let mut command = revoked();
    command.args(["check", "--target", &url, "x"]);
    for database in ["postgres", "template1", "orders", "billing"] {
        command.args(["--shdepend-only", database]);
    }
    assert_eq!(run(&mut command).0, 2);
}

#[test]
fn two_leavers_who_depend_on_each_other_go_in_one_plan() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN; CREATE ROLE z;
             GRANT SELECT ON sales.orders TO x WITH GRANT OPTION;
             SET ROLE x; GRANT SELECT ON sales.orders TO z; RESET ROLE;
             GRANT g TO x WITH ADMIN OPTION; SET ROLE x; GRANT g TO z; RESET ROLE;
             CREATE POLICY p ON sales.orders TO x, z USING (true);",
        );
        let url = cluster.url("agent", "postgres");
        let (code, script, err) = run(revoked().args(["plan", "--target", &url, "x", "z"]));
        assert_eq!(code, 0, "{err}");
        let output = psql(&cluster, "postgres", "postgres", &script);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "PostgreSQL {}: {errors}\n{script}", cluster.major());
        for role in ["x", "z"] {
            assert_eq!(check(&cluster, role).0, 0, "{role} on {}\n{script}", cluster.major());
        }
    }
}

#[test]
fn everything_at_once_under_a_hostile_name() {
    let name = "x\"; DROP TABLE sales.orders; --\n'";
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "CREATE DATABASE \"odd=name 'q'\" OWNER app;");
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let script = "
            ALTER ROLE x RENAME TO @X@;
            ALTER ROLE @X@ SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS;
            ALTER ROLE @X@ SET work_mem = '1MB'; ALTER ROLE @X@ IN DATABASE orders SET jit = off;
            GRANT g TO @X@ WITH ADMIN OPTION;
            GRANT CONNECT, TEMPORARY ON DATABASE billing TO @X@;
            GRANT SELECT (id), UPDATE (id) ON sales.orders TO @X@;
            GRANT USAGE ON SCHEMA sales TO @X@;
            CREATE SEQUENCE sales.s; GRANT USAGE ON SEQUENCE sales.s TO @X@;
            CREATE FUNCTION sales.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
            GRANT EXECUTE ON FUNCTION sales.f(int) TO @X@;
            CREATE PROCEDURE sales.p() LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON PROCEDURE sales.p() TO @X@;
            CREATE AGGREGATE sales.a(int) (SFUNC = int4pl, STYPE = int); GRANT EXECUTE ON FUNCTION sales.a(int) TO @X@;
            CREATE TYPE sales.t AS (a int); GRANT USAGE ON TYPE sales.t TO @X@;
            CREATE DOMAIN sales.d AS int; GRANT USAGE ON DOMAIN sales.d TO @X@;
            GRANT USAGE ON LANGUAGE plpgsql TO @X@;
            SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO @X@;
            CREATE FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN DATA WRAPPER w TO @X@;
            CREATE SERVER s FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN SERVER s TO @X@;
            CREATE USER MAPPING FOR @X@ SERVER s OPTIONS (password 'p');
            ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA sales GRANT SELECT ON TABLES TO @X@;
            ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT EXECUTE ON FUNCTIONS TO @X@;
            ALTER DEFAULT PRIVILEGES FOR ROLE @X@ GRANT SELECT ON TABLES TO y;
            ALTER DEFAULT PRIVILEGES FOR ROLE @X@ REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
            ALTER DEFAULT PRIVILEGES FOR ROLE @X@ IN SCHEMA sales GRANT USAGE ON SEQUENCES TO y;
            ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY;
            CREATE POLICY p1 ON sales.orders TO @X@ USING (true);
            CREATE POLICY p2 ON sales.orders TO @X@, y USING (true);
            CREATE TABLE sales.gone (a int, b int); GRANT SELECT (a) ON sales.gone TO @X@; ALTER TABLE sales.gone DROP a;
            CREATE VIEW sales.v AS SELECT 1; GRANT SELECT ON sales.v TO @X@;
            CREATE TABLE sales.part (a int) PARTITION BY LIST (a); GRANT SELECT ON sales.part TO @X@;
            CREATE TABLE mine (a int); ALTER TABLE mine OWNER TO @X@; CREATE SCHEMA @X@ AUTHORIZATION @X@;
            CREATE PUBLICATION pub; ALTER PUBLICATION pub OWNER TO @X@;
            \\connect -reuse-previous=on 'dbname=''odd=name \\\\''q\\\\'''''
            CREATE TABLE t (a int); GRANT ALL ON t TO @X@;
        "
        .replace("@X@", &quoted);
        sql(&cluster, "postgres", "orders", &script);
        if cluster.major() >= 15 {
            sql(
                &cluster,
                "postgres",
                "postgres",
                &format!("GRANT SET ON PARAMETER log_statement TO {quoted}"),
            );
        }
        let (code, report) = check(&cluster, name);
        assert_eq!(code, 2);
        assert_eq!(report["gaps"], serde_json::json!([]), "PostgreSQL {}", cluster.major());
        for kind in [
            "login",
            "attribute",
            "membership",
            "admin_option",
            "ownership",
            "privilege",
            "default_privilege",
            "policy",
            "user_mapping",
            "role_setting",
        ] {
            assert!(has(&report, kind), "{kind} on {}: {:?}", cluster.major(), found(&report));
        }
        assert!(
            report["residual"].as_array().unwrap().iter().all(|r| r["tampered"] == false),
            "{report:#}"
        );
        plan_and_check(&cluster, name);
        // The server agrees that nothing is left: DROP ROLE refuses while pg_shdepend has a row.
        sql(&cluster, "postgres", "postgres", &format!("DROP ROLE {quoted}"));
    }
}

#[test]
fn a_catalog_edited_by_hand_is_tampered() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN; SET allow_system_table_mods = on;
             UPDATE pg_class SET relacl = relacl || 'x=r/app'::aclitem WHERE relname = 'orders';",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        assert_eq!(report["residual"][0]["tampered"], true);
        plan_and_check(&cluster, "x");
    }
}

#[test]
fn a_dependency_without_its_entry_is_a_gap() {
    let cluster = start(&versions()[0]);
    sql(
        &cluster,
        "postgres",
        "orders",
        "ALTER ROLE x NOLOGIN; GRANT SELECT ON sales.orders TO x; SET allow_system_table_mods = on;
         UPDATE pg_class SET relacl = NULL WHERE relname = 'orders';",
    );
    let (code, report) = check(&cluster, "x");
    assert_eq!(code, 3, "{report:#}");
    assert!(report["gaps"][0]["reason"].as_str().unwrap().contains("pg_shdepend says that x"));
}

#[test]
fn what_may_not_be_read_is_a_gap_with_its_fix() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "billing",
            "ALTER ROLE x NOLOGIN; REVOKE CONNECT ON DATABASE billing FROM PUBLIC;
             REVOKE SELECT ON pg_catalog.pg_db_role_setting FROM PUBLIC;
             \\connect postgres
             REVOKE SELECT ON pg_catalog.pg_db_role_setting FROM PUBLIC;",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 3, "{report:#}");
        let gaps = report["gaps"].as_array().unwrap();
        assert!(gaps.iter().any(|gap| gap["surface"] == "role_setting"));
        assert!(
            gaps.iter()
                .any(|gap| gap["fix"] == "GRANT CONNECT ON DATABASE \"billing\" TO \"agent\";")
        );
    }
}

#[test]
fn an_account_with_nothing_left_is_revoked() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 0, "{report:#}");
        assert_eq!(report["over_privileged"], serde_json::json!([]));
        assert!(report["not_covered"][0]["reason"].as_str().unwrap().contains("template0"));
    }
}

#[test]
fn an_over_privileged_agent_is_named() {
    let cluster = start(&versions()[0]);
    let (code, report) = check_as(&cluster, "postgres", "x");
    assert_eq!(code, 2);
    assert!(report["over_privileged"][0].as_str().unwrap().contains("SUPERUSER"));
}

#[test]
fn a_target_that_is_down_is_a_gap() {
    let mut cluster = start(&versions()[0]);
    cluster.stop();
    let (code, report) = check(&cluster, "x");
    assert_eq!(code, 3);
    assert_eq!(report["verdict"], "inconclusive");
    assert_eq!(report["gaps"][0]["cause"], "unreachable");
}

#[test]
fn a_bad_url_is_an_error_that_does_not_repeat_it() {
    for url in ["mysql://u:hush@h/d", "postgres://u:hush@h:port/d"] {
        let (code, out, err) = run(revoked().args(["check", "--target", url, "x"]));
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("--target") && !err.contains("hush"), "{err}");
    }
    let (code, _, _) = run(revoked().args(["check", "x"]));
    assert_eq!(code, 64);
}
