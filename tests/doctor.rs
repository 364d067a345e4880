//! `revoked doctor`, and what the program says of itself: manual pages and completions.

mod common;

use common::agent::Agent;
use common::{LiveSession, cluster, revoked, run, sql};
use revoked::throwaway::Cluster;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

fn prepared(more: &str) -> (Cluster, Agent) {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE agent LOGIN; CREATE DATABASE orders;");
    let agent = Agent::init(&[("main", &cluster.url("agent", "postgres"))], more);
    (cluster, agent)
}

fn doctor(agent: &Agent, more: &[&str]) -> (i32, Value) {
    let mut arguments = vec!["doctor", "-o", "json"];
    arguments.extend(more);
    let (code, out, err) = agent.run(&arguments);
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
}

fn section<'a>(report: &'a Value, about: &str) -> &'a Value {
    let sections = report["sections"].as_array().unwrap();
    sections.iter().find(|section| section["about"] == about).unwrap()
}

fn levels(section: &Value) -> Vec<&str> {
    let lines = section["lines"].as_array().unwrap();
    lines.iter().map(|line| line["level"].as_str().unwrap()).collect()
}

/// Every file with its time of change.
fn files(dir: &Path, found: &mut BTreeMap<String, SystemTime>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = std::fs::symlink_metadata(&path).unwrap();
        found.insert(path.display().to_string(), meta.modified().unwrap());
        if meta.is_dir() {
            files(&path, found);
        }
    }
}

#[test]
fn a_healthy_installation_running_and_not_and_nothing_is_written() {
    let (_cluster, mut agent) = prepared("");
    let before_first_start = doctor(&agent, &[]);
    assert_eq!(before_first_start.0, 0, "{:#}", before_first_start.1);
    agent.start();
    let (code, report) = doctor(&agent, &[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(section(&report, "agent")["facts"]["ready"], true);
    assert_eq!(section(&report, "log")["facts"]["lock"], "held");
    let target = &section(&report, "target")["facts"];
    assert_eq!((&target["up"], &target["in_recovery"]), (&true.into(), &false.into()));
    let surfaces = target["surfaces"].as_array().unwrap();
    let readable = |surface: &str, database: &str| {
        surfaces.iter().any(|one| {
            one["surface"] == surface && one["database"] == database && one["state"] == "readable"
        })
    };
    assert!(readable("login", "postgres") && readable("privilege", "orders"), "{surfaces:?}");
    // What is optional and cannot be read is said with the GRANT that is missing.
    let text = target.to_string();
    assert!(text.contains("GRANT SELECT ON pg_catalog.pg_hba_file_rules TO agent;"), "{text}");
    assert!(agent.stop().success());

    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    files(&agent.dir(), &mut before);
    let (code, report) = doctor(&agent, &[]);
    files(&agent.dir(), &mut after);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(before, after, "doctor left something behind");
    let log = section(&report, "log");
    assert_eq!(
        (&log["facts"]["lock"], &log["facts"]["outcome"]),
        (&"free".into(), &"verified".into())
    );
    assert!(levels(log).contains(&"warn"), "the next key lies there still: {log:#}");
    assert_eq!(section(&report, "store")["facts"]["queued"], 0);
    assert!(section(&report, "disk")["facts"]["log_free"].as_u64().unwrap() > 0);

    let (_, out, _) = agent.run(&["doctor"]);
    let path = agent.dir().display().to_string();
    for line in out.lines().filter(|line| !line.contains(&path)) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let last = out.lines().last().unwrap();
    assert_eq!(last, "Everything that is required can be seen; 1 thing should be mended.");
}

#[test]
fn what_cannot_be_seen_is_named_with_its_fix() {
    let (mut cluster, agent) = prepared("");
    sql(
        &cluster,
        "postgres",
        "orders",
        "REVOKE CONNECT ON DATABASE orders FROM PUBLIC; ALTER ROLE agent CREATEDB;",
    );
    let (code, report) = doctor(&agent, &["--check-permissions"]);
    assert_eq!(code, 3);
    assert_eq!(report["sections"].as_array().unwrap().len(), 2, "the targets only");
    let target = section(&report, "target");
    let text = target.to_string();
    assert!(text.contains(r#"GRANT CONNECT ON DATABASE \"orders\" TO \"agent\";"#), "{text}");
    assert!(levels(target).contains(&"warn"), "CREATEDB is more than it needs: {target:#}");

    cluster.stop();
    let (code, report) = doctor(&agent, &["--target", "main"]);
    assert_eq!(code, 3);
    assert_eq!(section(&report, "target")["facts"]["up"], false);
    let (code, _, err) = agent.run(&["doctor", "--target", "nosuch"]);
    assert_eq!(code, 1);
    assert!(err.contains("there are: main"), "{err}");
}

#[test]
fn what_the_agent_cannot_work_with_is_status_1() {
    let (cluster, agent) = prepared("");
    let (code, out, _) = run(revoked().args(["doctor", "--config", "/nonexistent.yaml"]));
    assert_eq!(code, 1);
    assert!(out.contains("BROKEN") && out.contains("look at the configuration"), "{out}");

    let text = std::fs::read_to_string(agent.log_file()).unwrap();
    std::fs::write(agent.log_file(), text.replace("\"agent\"", "\"aGent\"")).unwrap();
    let (code, report) = doctor(&agent, &[]);
    assert_eq!(code, 1, "{report:#}");
    assert!(levels(section(&report, "log")).contains(&"broken"));
    std::fs::write(agent.log_file(), text).unwrap();

    // The store on the target itself, and unreachable.
    sql(&cluster, "postgres", "postgres", "CREATE DATABASE state;");
    let config = std::fs::read_to_string(agent.config()).unwrap();
    for (database, says) in [("state", "lies on this target"), ("nosuch", "cannot be read")] {
        let url = cluster.url("postgres", database);
        std::fs::write(agent.config(), format!("{config}store: {{url: '{url}'}}\n")).unwrap();
        // A command alone makes the schema and leaves; only `serve` refuses a store on a target.
        let _ = agent.run(&["status"]);
        let (code, report) = doctor(&agent, &[]);
        assert_eq!(code, 1, "{report:#}");
        assert!(report.to_string().contains(says), "{report:#}");
    }
}

#[test]
fn a_look_disturbs_nobody() {
    let (cluster, mut agent) = prepared("");
    agent.start();
    let _session = LiveSession::open(&cluster, "postgres", "orders", "SELECT 1;");
    for _ in 0..5 {
        assert_eq!(doctor(&agent, &[]).0, 0);
    }
    agent.expect("EMP-1", &[]);
    assert!(agent.stop().success());
    assert_eq!(agent.verify().0, 0);
}

#[test]
fn completions_are_what_the_shells_accept() {
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let (code, script, err) = run(revoked().args(["completions", shell]));
        assert_eq!(code, 0, "{err}");
        assert!(script.contains("doctor"), "{shell}");
        if Command::new(shell).arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("{shell} is not installed: its script was not checked");
            continue;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), script).unwrap();
        let output = Command::new(shell).arg(check).arg(file.path()).output().unwrap();
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for shell in ["elvish", "powershell"] {
        assert_eq!(run(revoked().args(["completions", shell])).0, 0);
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, err) = run(revoked().arg("man").arg(dir.path()));
    assert_eq!(code, 0, "{err}");
    let (_, help, _) = run(revoked().arg("--help"));
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names = commands.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?;
        name.starts_with(|c: char| c.is_ascii_lowercase()).then(|| name.split(' ').next().unwrap())
    });
    let mut count = 0;
    for name in names.filter(|name| *name != "help") {
        let page = dir.path().join(format!("revoked-{name}.1"));
        let text = std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("{name} has none"));
        assert!(text.contains(".SH DESCRIPTION"), "{name}: {text}");
        count += 1;
    }
    assert!(count >= 10, "{help}");
    assert!(dir.path().join("revoked-expect-add.1").is_file());
    let (code, page, _) = run(revoked().arg("man"));
    assert!(code == 0 && page.contains(".TH revoked 1"), "{page}");
}

#[test]
fn the_canary_is_looked_for_and_must_have_no_power() {
    let (cluster, agent) = prepared("");
    agent.plant("revoked_canary");
    let told = |report: &Value| {
        let target = section(report, "target").clone();
        (target["facts"]["canary"]["found"].clone(), target["lines"].to_string())
    };
    let (code, report) = doctor(&agent, &["--check-db"]);
    let (found, lines) = told(&report);
    assert_eq!((code, found), (3, false.into()), "{report:#}");
    assert!(lines.contains("no role is called revoked_canary"), "{lines}");

    sql(
        &cluster,
        "postgres",
        "orders",
        "CREATE ROLE revoked_canary NOLOGIN; CREATE TABLE planted (); GRANT SELECT ON planted TO revoked_canary;",
    );
    let (code, report) = doctor(&agent, &["--check-db"]);
    let (found, lines) = told(&report);
    assert_eq!((code, found), (0, true.into()), "{report:#}");
    assert!(lines.contains("the canary revoked_canary is found: privilege"), "{lines}");
    assert!(!lines.contains("has power"), "{lines}");

    sql(&cluster, "postgres", "orders", "ALTER ROLE revoked_canary LOGIN;");
    let (code, report) = doctor(&agent, &["--check-db"]);
    let (found, lines) = told(&report);
    assert_eq!((code, found), (0, true.into()), "it is found all the same: {report:#}");
    assert!(lines.contains("the canary has power"), "{lines}");

    sql(&cluster, "postgres", "orders", "REVOKE CONNECT ON DATABASE orders FROM PUBLIC;");
    let (code, report) = doctor(&agent, &["--check-db"]);
    let (found, lines) = told(&report);
    assert_eq!((code, found), (3, Value::Null), "{report:#}");
    assert!(lines.contains("cannot be told"), "{lines}");
}

#[test]
fn an_instance_that_is_down_is_named_with_its_own_fix() {
    let (_cluster, agent) = prepared("");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let down = "{replica: {url: 'postgres://agent@127.0.0.1:1/postgres'}}";
    let text = text.replacen("\n  main:\n", &format!("\n  main:\n    instances: {down}\n"), 1);
    std::fs::write(agent.config(), text).unwrap();
    let (code, report) = doctor(&agent, &["--check-db"]);
    assert_eq!(code, 3);
    let target = section(&report, "target");
    assert_eq!(target["facts"]["instances"][0]["name"], "replica");
    assert_eq!(target["facts"]["instances"][0]["up"], false);
    let lines = target["lines"].as_array().unwrap();
    let line = lines.iter().find(|line| line["level"] == "gap").unwrap();
    assert!(line["text"].as_str().unwrap().contains("instance replica: "), "{line}");
    let fix = line["fix"].as_str().unwrap();
    assert!(fix.starts_with("instance replica (targets.main.instances.replica): "), "{fix}");
}
