//! No look with a withheld permission ever says `revoked` where the surface is required: for each grant left out
//! in turn there is a gap, and doing what the gap says closes it.

mod common;

use common::withheld::{check, check_all, start};
use common::{LiveSession, has_cron, sql, versions};
use revoked::target::statements::STATEMENTS;
use revoked::throwaway::Cluster;
use serde_json::Value;
use std::collections::BTreeSet;

fn gaps(report: &Value) -> Vec<(&str, &str)> {
    let list = report["gaps"].as_array().unwrap();
    list.iter()
        .map(|gap| (gap["surface"].as_str().unwrap(), gap["fix"].as_str().unwrap()))
        .collect()
}

/// Takes something away by `script`, looks, and does what the gaps say; `surface` must be among them.
fn withheld(cluster: &Cluster, script: &str, surface: &str, says: &str) {
    sql(cluster, "postgres", "postgres", script);
    let (code, report) = check_all(cluster, "x");
    let place = format!("PostgreSQL {}: {script}", cluster.major());
    assert_eq!(code, 3, "{place}: {report:#}");
    let found = gaps(&report);
    assert!(
        found.iter().any(|(kind, fix)| *kind == surface && fix.replace('"', "").contains(says)),
        "{place}: {found:?}"
    );
    let grants = found.iter().filter(|(_, fix)| fix.contains("GRANT ") || fix.contains("POLICY"));
    let fixes: BTreeSet<String> = grants.map(|(_, fix)| in_database(fix)).collect();
    sql(cluster, "postgres", "postgres", &fixes.into_iter().collect::<String>());
    let (code, report) = check_all(cluster, "x");
    assert_eq!(code, 0, "{place}: {:#}", report["gaps"]);
}

/// A fix as psql takes it.
fn in_database(fix: &str) -> String {
    match fix.strip_prefix("in database ").and_then(|rest| rest.split_once(": ")) {
        Some((database, fix)) => format!("\\connect {database}\n{fix}\n"),
        None => format!("{fix}\n"),
    }
}

#[test]
fn with_every_grant_there_is_no_gap() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let (code, report) = check_all(&cluster, "x");
        assert_eq!(code, 0, "PostgreSQL {}: {:#}", cluster.major(), report["gaps"]);
        assert_eq!(report["over_privileged"], serde_json::json!([]));
        let left = report["not_covered"].to_string();
        assert!(!left.contains("GRANT"), "{left}");
    }
}

#[test]
fn each_grant_of_the_script_left_out() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let mut left_out = vec![
            ("REVOKE pg_read_all_settings FROM agent", "hba_rule"),
            ("REVOKE SELECT ON pg_hba_file_rules FROM agent", "hba_rule"),
            ("REVOKE EXECUTE ON FUNCTION pg_hba_file_rules() FROM agent", "hba_rule"),
            ("REVOKE EXECUTE ON FUNCTION pg_stat_file(text) FROM agent", "hba_rule"),
            ("REVOKE CONNECT ON DATABASE orders FROM agent", "privilege"),
        ];
        if cluster.major() >= 15 {
            left_out.push(("REVOKE SELECT ON pg_ident_file_mappings FROM agent", "ident_map"));
            left_out.push((
                "REVOKE EXECUTE ON FUNCTION pg_ident_file_mappings() FROM agent",
                "ident_map",
            ));
        }
        for (script, surface) in left_out {
            withheld(&cluster, script, surface, "GRANT ");
        }
        // Without it no session is overlooked; only what is known of it is less.
        sql(&cluster, "postgres", "postgres", "REVOKE pg_read_all_stats FROM agent");
        let (code, report) = check_all(&cluster, "x");
        assert_eq!(code, 0);
        let text = report["not_covered"].to_string();
        assert!(text.contains("GRANT pg_read_all_stats TO agent;"), "{text}");
        // A session without its start and kind is still one.
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x LOGIN");
        common::withheld::write(&cluster, "pg_hba.conf", "local all all trust\n");
        common::withheld::load(&cluster);
        let _session = LiveSession::open(&cluster, "x", "postgres", "SELECT 1;");
        let (code, report) = check_all(&cluster, "x");
        assert_eq!((code, &report["residual"][0]["kind"]), (2, &"session".into()), "{report:#}");
    }
}

/// Relations that the statements name, as this server has them.
fn relations(cluster: &Cluster, required: bool) -> Vec<String> {
    let version = i32::try_from(cluster.major()).unwrap() * 10_000;
    let mut words = BTreeSet::new();
    for statement in STATEMENTS {
        let here = version >= statement.since && version < statement.until;
        if here && statement.needs.is_none() && statement.surfaces.is_empty() != required {
            let parts = statement.sql.split("pg_catalog.").skip(1);
            // A function may have the name of a view.
            let word = |part: &str| {
                let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
                (!part[end..].starts_with('(')).then(|| part[..end].to_owned())
            };
            words.extend(parts.filter_map(word));
        }
    }
    let list: Vec<String> = words.iter().map(|word| format!("('{word}')")).collect();
    let script = format!(
        "SELECT w.name FROM (VALUES {}) AS w (name)
         WHERE to_regclass('pg_catalog.' || w.name) IS NOT NULL AND w.name LIKE 'pg!_%' ESCAPE '!'
         AND has_table_privilege('x', to_regclass('pg_catalog.' || w.name), 'SELECT')",
        list.join(", ")
    );
    sql(cluster, "postgres", "postgres", &script).lines().map(str::to_owned).collect()
}

#[test]
fn each_catalog_hardened() {
    let all = versions();
    // The newest and the oldest have every catalog that those between them have.
    for binaries in [all.first(), all.last()].into_iter().flatten() {
        let cluster = start(binaries);
        let catalogs = relations(&cluster, true);
        assert!(catalogs.len() >= 20, "{catalogs:?}");
        let mut mend = String::new();
        for catalog in &catalogs {
            let script = format!("{mend}REVOKE SELECT ON pg_catalog.{catalog} FROM PUBLIC;");
            sql(&cluster, "postgres", "postgres", &script);
            let (code, report) = check_all(&cluster, "x");
            assert_eq!(code, 3, "PostgreSQL {}: {catalog}: {report:#}", cluster.major());
            mend = format!("GRANT SELECT ON pg_catalog.{catalog} TO agent;");
            let found = gaps(&report);
            assert!(found.iter().any(|(_, fix)| fix.contains(&mend)), "{catalog}: {found:?}");
        }
        sql(&cluster, "postgres", "postgres", &mend);
        let (code, report) = check_all(&cluster, "x");
        assert_eq!(code, 0, "the fixes do not fix: {:#}", report["gaps"]);
    }
}

#[test]
fn each_function_hardened() {
    for binaries in versions() {
        let cluster = start(&binaries);
        for (function, surface) in [
            ("pg_control_system()", "login"),
            ("pg_control_checkpoint()", "login"),
            ("pg_prepared_xact()", "prepared_transaction"),
            ("pg_postmaster_start_time()", "login"),
            ("pg_stat_get_activity(integer)", "session"),
            ("pg_lock_status()", "prepared_transaction"),
            ("aclexplode(aclitem[])", "privilege"),
        ] {
            let script = format!("REVOKE EXECUTE ON FUNCTION pg_catalog.{function} FROM PUBLIC");
            withheld(&cluster, &script, surface, &format!("pg_catalog.{function} TO agent;"));
        }
    }
}

/// With the real pg_cron, where the system has it.
#[test]
fn jobs_are_read_or_a_gap() {
    let Some(binaries) = versions().into_iter().find(has_cron) else {
        eprintln!("pg_cron is not installed: its jobs were not looked at");
        return;
    };
    let cluster = start(&binaries);
    for script in [
        "REVOKE USAGE ON SCHEMA cron FROM agent",
        "REVOKE SELECT ON cron.job FROM PUBLIC, agent",
        "DROP POLICY revoked_reads ON cron.job",
    ] {
        withheld(&cluster, script, "job", " cron");
    }
    // A policy that restricts hides jobs again, whatever another one opens.
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE POLICY narrow ON cron.job AS RESTRICTIVE FOR SELECT USING (username <> 'x')",
    );
    assert_eq!(check_all(&cluster, "x").0, 3);
    sql(
        &cluster,
        "postgres",
        "postgres",
        "DROP POLICY narrow ON cron.job;
         INSERT INTO cron.job (schedule, command, nodeport, username, database, active) VALUES
             ('0 3 * * *', 'SELECT ''hunter2''', 5432, 'x', 'orders', true),
             ('0 4 * * *', 'SELECT ''hunter2''', 5432, 'x', 'postgres', false),
             ('0 5 * * *', 'SELECT ''hunter2''', 5432, 'gone', 'orders', true)",
    );
    let (code, report) = check_all(&cluster, "x");
    assert_eq!(code, 2);
    let found: Vec<_> =
        report["residual"].as_array().unwrap().iter().map(|r| &r["sentence"]).collect();
    assert_eq!(
        found,
        [
            "x has job 1 of pg_cron in database postgres (active, connects to database orders)",
            "x has job 2 of pg_cron in database postgres (inactive, connects to database postgres)",
        ]
    );
    assert_eq!(report["residual"][0]["strength"], "acts_now");
    let text = report.to_string();
    assert!(text.contains("runs as gone, which no role is called"), "{:#}", report["ambient"]);
    assert!(!text.contains("hunter2"), "commands may hold secrets");
}

#[test]
fn slots_in_use_and_idle() {
    let cluster = start(&versions()[0]);
    sql(
        &cluster,
        "postgres",
        "postgres",
        "SELECT pg_create_physical_replication_slot('old_standby')",
    );
    let (code, report) = check_all(&cluster, "x");
    assert_eq!(code, 0, "a slot belongs to nobody");
    let text = report["ambient"].to_string();
    assert!(text.contains("(unattributed): old_standby (physical)"), "{text}");
}

#[test]
fn what_is_never_read_is_a_gap_where_it_is_required() {
    let cluster = start(&versions()[0]);
    for kind in ["credential", "probe"] {
        let (code, report) = check(&cluster, "x", &[kind]);
        assert_eq!((code, report["gaps"][0]["surface"].as_str()), (3, Some(kind)), "{report:#}");
    }
    let url = cluster.url("agent", "postgres");
    let (code, _, err) = common::run(common::revoked().args([
        "check",
        "--target",
        &url,
        "x",
        "--require",
        "session",
    ]));
    assert_eq!(code, 64);
    assert!(err.contains("all other surfaces are always required"), "{err}");
}

#[test]
fn more_than_is_needed_is_named() {
    let cluster = start(&versions()[0]);
    sql(
        &cluster,
        "postgres",
        "postgres",
        "GRANT pg_read_all_data, pg_read_server_files TO agent; ALTER ROLE agent BYPASSRLS",
    );
    let text = check_all(&cluster, "x").1["over_privileged"].to_string();
    for word in ["agent: BYPASSRLS", "member of pg_read_all_data", "member of pg_read_server_files"]
    {
        assert!(text.contains(word), "{text}");
    }
}
