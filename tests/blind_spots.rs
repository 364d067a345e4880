//! Where a look could be led astray: prepared transactions, other people's grants to the same role, edited
//! catalogs, surfaces that cannot be read.

mod common;

use common::scenario::{check, check_as, found, has, plan_and_check, start};
use common::{LiveSession, psql, revoked, run, sql, versions};

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
        let sentence = report["residual"][0]["sentence"].as_str().unwrap();
        assert!(
            sentence.starts_with("prepared transaction later, prepared by g, is about x "),
            "{sentence}"
        );
        // What is somebody else's is not rolled back without a word.
        let url = cluster.url("agent", "postgres");
        let (_, script, _) = run(revoked().args(["plan", "--target", &url, "x"]));
        let says =
            "ROLLBACK PREPARED 'later'; -- prepared by g, whose work in it is lost: ask first\n";
        assert!(script.contains(says), "{script}");
        let (_, tried, _) = run(revoked().args(["plan", "--simulate", "--target", &url, "x"]));
        assert!(tried.contains("g loses prepared transaction later"), "{tried}");
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
        let reason = report["gaps"][0]["reason"].as_str().unwrap();
        let (who, when) = reason.split_once(" at 2").unwrap();
        assert_eq!(who, "prepared transaction later, prepared by postgres in database orders");
        assert!(when.ends_with("Z, has changed roles; nobody can see which"), "{reason}");
        let fix = report["gaps"][0]["fix"].as_str().unwrap();
        assert!(fix.contains("ask postgres") && fix.contains("in database orders: "), "{fix}");
        let (_, undo) = fix.split_once("in database orders: ").unwrap();
        let (undo, _) = undo.split_once(';').unwrap();
        sql(&cluster, "postgres", "orders", undo);
        assert_eq!(check(&cluster, "x").0, 0, "PostgreSQL {}", cluster.major());
    }
}

/// Who is looked at besides takes nothing from what is not known of the others.
#[test]
fn a_prepared_change_of_roles_is_a_gap_beside_whoever_prepared_it() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let later =
            "CREATE ROLE chief SUPERUSER; ALTER ROLE x NOLOGIN; SET SESSION AUTHORIZATION chief;
                     BEGIN; ALTER ROLE x LOGIN; PREPARE TRANSACTION 'later';";
        sql(&cluster, "postgres", "orders", later);
        let url = cluster.url("agent", "postgres");
        let beside = |other: &str| {
            let asked = ["check", "--target", &url, "-o", "json", "chief", other];
            let (_, out, err) = run(revoked().args(asked));
            let report: serde_json::Value = serde_json::from_str(&out).expect(&err);
            let mut subjects = report["subjects"].as_array().unwrap().iter();
            let x = subjects.find(|one| one["subject"] == other).unwrap();
            (x["verdict"].clone(), report["gaps"].to_string())
        };
        // Also of one who has no role yet.
        for other in ["x", "nobody_yet"] {
            let (verdict, gaps) = beside(other);
            assert_eq!(verdict, "inconclusive", "PostgreSQL {}: {gaps}", cluster.major());
            assert!(gaps.contains("prepared transaction later, prepared by chief"), "{gaps}");
        }
        sql(&cluster, "postgres", "orders", "ROLLBACK PREPARED 'later';");
        assert_eq!(beside("x").0, "revoked");
    }
}

/// From 16 on the server refuses to take SUPERUSER from it.
#[test]
fn the_first_superuser_owns_the_catalogs_whatever_is_taken_from_it() {
    for binaries in versions().into_iter().filter(|binaries| binaries.major < 16) {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "CREATE ROLE chief SUPERUSER LOGIN;");
        let taken = "ALTER ROLE postgres NOSUPERUSER NOLOGIN NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS;";
        sql(&cluster, "chief", "postgres", taken);
        let (code, report) = check(&cluster, "postgres");
        assert_eq!(code, 2, "{report:#}");
        let owns = "postgres owns the system catalogs of every database";
        assert!(report["residual"].to_string().contains(owns), "{report:#}");
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
fn what_has_no_name_without_entering_its_database_has_its_kind() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let script = "ALTER ROLE x NOLOGIN; GRANT USAGE ON SCHEMA sales TO x; GRANT SELECT ON sales.orders TO x";
        sql(&cluster, "postgres", "orders", script);
        let url = cluster.url("agent", "postgres");
        let (_, out, _) =
            run(revoked().args(["check", "--target", &url, "--shdepend-only", "orders", "x"]));
        for says in ["on the schema with OID ", "on the table, view or sequence with OID "] {
            assert!(out.contains(says), "{out}");
        }
    }
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
fn an_owner_without_its_dependency_is_tampered_whatever_the_type() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER ROLE x NOLOGIN; CREATE DOMAIN many AS int[]; ALTER DOMAIN many OWNER TO x;
             SET allow_system_table_mods = on;
             DELETE FROM pg_shdepend WHERE refobjid = 'x'::regrole AND deptype = 'o';",
        );
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2, "PostgreSQL {}: {report:#}", cluster.major());
        assert_eq!(report["residual"][0]["tampered"], true);
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
    let (code, _, err) = run(revoked().args(["check", "--config", "/nonexistent.yaml", "x"]));
    assert_eq!(code, 1);
    assert!(err.contains("--target") && err.contains("/nonexistent.yaml"), "{err}");
}

#[test]
fn a_reader_that_closes_the_pipe_ends_it_quietly() {
    let cluster = start(&versions()[0]);
    let url = cluster.url("agent", "postgres");
    let mut child = revoked()
        .args(["check", "--target", &url, "x"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn what_only_a_superuser_may_own_does_not_stop_the_plan() {
    let cluster = start(&versions()[0]);
    sql(
        &cluster,
        "postgres",
        "orders",
        "CREATE TABLE mine (a int); ALTER TABLE mine OWNER TO x; GRANT SELECT ON sales.orders TO x;
         ALTER ROLE x SUPERUSER;
         CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
         CREATE EVENT TRIGGER fires ON ddl_command_end EXECUTE FUNCTION e();
         ALTER EVENT TRIGGER fires OWNER TO x;",
    );
    let url = cluster.url("agent", "postgres");
    let (_, script, _) = run(revoked().args(["plan", "--target", &url, "x"]));
    let output = psql(&cluster, "postgres", "postgres", &script);
    assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
    let (code, report) = check(&cluster, "x");
    assert_eq!(code, 2);
    assert!(found(&report).iter().all(|line| line.starts_with("ownership")), "{report:#}");
    assert!(script.contains("NOT REMOVED BY THIS SCRIPT: x owns event trigger fires"), "{script}");
}

#[test]
fn a_standby_proves_no_absence() {
    for binaries in versions() {
        let mut cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
        assert_eq!(check(&cluster, "x").0, 0);
        cluster.stop();
        std::fs::write(cluster.socket_dir().join("data/standby.signal"), "").unwrap();
        cluster.restart().unwrap();
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 3, "PostgreSQL {}", cluster.major());
        assert_eq!(report["targets"][0]["in_recovery"], true);
        let gaps = report["gaps"].as_array().unwrap();
        for surface in ["login", "membership", "session", "prepared_transaction"] {
            let standby = |gap: &serde_json::Value| {
                gap["surface"] == surface && gap["reason"].as_str().unwrap().contains("standby")
            };
            assert!(gaps.iter().any(standby), "{surface}: {gaps:?}");
        }
    }
}
