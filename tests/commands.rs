//! The commands for people: check, explain, plan and status, over configured targets and by --target.

mod common;

use common::agent::Agent;
use common::scenario::start;
use common::{psql, revoked, run, sql, versions};
use revoked::throwaway::Cluster;
use serde_json::Value;

/// Two clusters with the leaver `x`, and an agent for both that is not started.
fn two() -> (Cluster, Cluster, Agent) {
    let (one, two) = (start(&versions()[0]), start(&versions()[0]));
    let (a, b) = (one.url("agent", "postgres"), two.url("agent", "postgres"));
    let agent = Agent::init(&[("orders", &a), ("reports", &b)], "");
    (one, two, agent)
}

fn remove(cluster: &Cluster, script: &str) {
    let output = psql(cluster, "postgres", "postgres", script);
    assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
}

fn targets(report: &Value) -> Vec<&str> {
    report["targets"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect()
}

#[test]
fn every_configured_target_is_looked_at() {
    let (one, mut other, agent) = two();
    sql(&one, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
    let (code, out, err) = agent.run(&["check", "-o", "json", "x"]);
    assert_eq!(code, 2, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(targets(&report), ["orders", "reports"]);
    assert_eq!(report["subjects"][0]["accounts"].as_array().unwrap().len(), 2);
    assert_eq!(report["residual"].as_array().unwrap().len(), 1);
    assert_eq!(report["residual"][0]["account"]["target"], "reports");
    let (_, out, _) = agent.run(&["check", "x"]);
    assert!(out.contains("reports: x can log in"), "{out}");

    assert_eq!(agent.run(&["check", "orders/x"]).0, 0, "only the named target counts");
    let report = agent.json(&["check", "-o", "json", "orders/x"]);
    assert_eq!(targets(&report), ["orders"]);
    assert_eq!(agent.run(&["check", "orders/x", "reports/x"]).0, 2);

    other.stop();
    let (code, out, _) = agent.run(&["check", "x"]);
    assert_eq!(code, 3, "what is down proves nothing");
    assert!(
        out.contains("not seen in reports") && out.contains("unix_socket_directories"),
        "{out}"
    );
    let (code, out, _) = agent.run(&["check", "-o", "csv", "x"]);
    assert_eq!(code, 3);
    assert!(out.contains("\ngap,") && out.contains("\nverdict,x,"), "{out}");
}

#[test]
fn a_subjects_accounts_are_those_the_agent_knows() {
    let (one, _other, mut agent) = two();
    agent.start();
    let id = agent.expect("EMP-1", &["--account", "x"]);
    agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 2);
    sql(&one, "postgres", "postgres", "ALTER ROLE x RENAME TO kept;");
    for asked in ["EMP-1", id.as_str()] {
        let report = agent.json(&["check", "-o", "json", asked]);
        assert_eq!(report["subjects"][0]["subject"], "EMP-1");
        assert_eq!(report["subjects"][0]["revocation"], id.as_str());
        let sentences = report["residual"].to_string();
        assert!(sentences.contains("kept can log in"), "{sentences}");
    }
    assert!(agent.stop().success());
    let (code, out, err) = agent.run(&["check", "EMP-1"]);
    assert_eq!((code, err.as_str()), (2, ""), "alone, by the store");
    assert!(out.contains("kept can log in"), "{out}");

    let (code, _, err) = agent.run(&["check", "rev_00"]);
    assert_eq!(code, 1);
    assert!(err.contains("there is no revocation rev_00"), "{err}");
}

#[test]
fn a_role_can_be_looked_at_without_the_agents_state() {
    let (one, other, agent) = two();
    for cluster in [&one, &other] {
        sql(cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
    }
    std::fs::remove_dir_all(agent.dir().join("state")).unwrap();
    let report = agent.json(&["check", "-o", "json", "x"]);
    assert_eq!(report["verdict"], "inconclusive", "there may be accounts that nobody named");
    assert_eq!(agent.run(&["check", "orders/x", "reports/x"]).0, 0, "of these two nothing is left");
    assert!(report["not_covered"].to_string().contains("revocations of x"), "{report:#}");
    let (code, _, err) = agent.run(&["check", "rev_00"]);
    assert_eq!(code, 1);
    assert!(err.contains("cannot be looked up"), "{err}");
}

#[test]
fn a_suspension_is_judged_as_one() {
    let (one, other, mut agent) = two();
    for cluster in [&one, &other] {
        sql(cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN; GRANT g TO x;");
    }
    agent.start();
    let id = agent.expect("EMP-2", &["--account", "x", "--kind", "suspend"]);
    agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 2);
    assert_eq!(agent.run(&["check", "EMP-2"]).0, 0);
    assert_eq!(agent.run(&["check", "x"]).0, 2, "the role as such still has something");
}

#[test]
fn explain_says_why_and_how() {
    let cluster = start(&versions()[0]);
    sql(
        &cluster,
        "postgres",
        "orders",
        "GRANT g TO team; GRANT team TO x; GRANT SELECT ON sales.orders TO x WITH GRANT OPTION;",
    );
    let url = cluster.url("agent", "postgres");
    let (code, out, err) = run(revoked().args(["explain", "--target", &url, "-o", "json", "x"]));
    assert_eq!(code, 2, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings[0]["kind"], "login");
    assert_eq!(findings[0]["meaning"], "a new session can be opened");
    assert_eq!(findings[0]["evidence"][0]["statement"], "roles");
    assert_eq!(findings[0]["evidence"][0]["sha256"].as_str().unwrap().len(), 64);
    let of = |kind: &str, privilege: &str| {
        findings.iter().find(|f| f["kind"] == kind && f["privilege"] == privilege).unwrap()
    };
    assert_eq!(of("membership", "g")["path"], serde_json::json!(["x", "team", "g"]));
    let grant = of("privilege", "SELECT");
    assert_eq!(grant["catalogs"], serde_json::json!(["pg_class", "pg_shdepend"]));
    let sql = "REVOKE SELECT ON TABLE sales.orders FROM \"x\";";
    assert_eq!(grant["remove"][0]["sql"], sql);
    assert_eq!(grant["remove"][0]["database"], "orders");

    // Who goes on having what the leaver lent is told why, as in the plan.
    let lent = "CREATE ROLE mia; SET ROLE x; GRANT SELECT ON sales.orders TO mia;";
    common::sql(&cluster, "postgres", "orders", lent);
    let (_, out, _) = run(revoked().args(["explain", "--target", &url, "x"]));
    assert!(out.contains("path        x > team > g"), "{out}");
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("TO \"mia\"; -- held through the leaver until now; stays"), "{out}");
    for line in out.lines().filter(|line| !line.contains("remove") && line.starts_with(' ')) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn explain_of_an_id_is_what_the_agent_found() {
    let (one, _other, mut agent) = two();
    agent.start();
    let id = agent.expect("EMP-3", &["--account", "orders/x"]);
    agent.until(&id, |view| !view["residual"].as_array().unwrap().is_empty());
    let (code, out, _) = agent.run(&["explain", &id]);
    assert_eq!(code, 2);
    assert!(out.contains("as the agent last found it") && out.contains("was first found"), "{out}");
    assert!(agent.stop().success());
    sql(&one, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
    assert_eq!(agent.run(&["explain", &id]).0, 2, "what it found then");
    assert_eq!(agent.run(&["explain", "--now", &id]).0, 0);
}

#[test]
fn one_plan_for_several_clusters_does_nothing_on_the_wrong_one() {
    let (one, other, agent) = two();
    let (code, script, err) = agent.run(&["plan", "x"]);
    assert_eq!(code, 0, "{err}");
    remove(&one, &script);
    assert_eq!(agent.run(&["check", "orders/x"]).0, 0);
    assert_eq!(agent.run(&["check", "reports/x"]).0, 2, "the part for the other was skipped");
    remove(&other, &script);
    assert_eq!(agent.run(&["check", "x"]).0, 0);
}

#[test]
fn a_new_owner_has_to_exist_and_to_stay() {
    let cluster = start(&versions()[0]);
    let url = cluster.url("agent", "postgres");
    for (heir, says) in [("nobody", "no role is called nobody"), ("x", "one of those who leave")] {
        let (code, out, err) =
            run(revoked().args(["plan", "--target", &url, "x", "--reassign-to", heir]));
        assert_eq!((code, out.as_str()), (1, ""), "{heir}");
        assert!(err.contains("--reassign-to") && err.contains(says), "{err}");
    }
}

#[test]
fn nobody_who_leaves_too_is_given_anything() {
    let (_one, _other, mut agent) = two();
    agent.start();
    let id = agent.expect("EMP-7", &["--account", "orders/app"]);
    agent.until(&id, |view| !view["accounts"].as_array().unwrap().is_empty());
    let (code, out, err) = agent.run(&["plan", "orders/x", "--reassign-to", "app"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("app leaves too") && err.contains(&id), "{err}");
}

#[test]
fn the_bootstrap_superuser_is_not_planned_away() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let url = cluster.url("agent", "postgres");
        let (code, script, err) = run(revoked().args(["plan", "--target", &url, "postgres"]));
        assert_eq!(code, 0, "{err}");
        assert!(script.lines().count() < 20, "{script}");
        assert!(script.contains("bootstrap superuser") && script.contains("only superuser"));
        remove(&cluster, &script);
    }
}

#[test]
fn each_cause_has_its_own_advice() {
    let cluster = start(&versions()[0]);
    sql(&cluster, "postgres", "postgres", "CREATE ROLE locked;");
    let urls = [
        (cluster.url("agent", "nosuch"), "database \"nosuch\" does not exist"),
        (cluster.url("nobody", "postgres"), "make the role \"nobody\" with LOGIN"),
        (cluster.url("locked", "postgres"), "pg_hba.conf"),
        ("postgres:///d?host=/nonexistent&user=agent".to_owned(), "unix_socket_directories"),
        ("postgres://agent@127.0.0.1:1/d".to_owned(), "listen_addresses"),
        ("postgres://agent@nosuch.invalid/d".to_owned(), "DNS"),
    ];
    for (url, says) in urls {
        let (code, out, _) = run(revoked().args(["check", "--target", &url, "x"]));
        assert_eq!(code, 3, "{url}");
        assert!(out.contains(says), "{url}: {out}");
    }
}

#[test]
fn status_alone_goes_by_deadlines() {
    let (_one, _other, agent) = two();
    let (code, _, err) =
        agent.run(&["expect", "add", "--user", "y", "--reason", "terminated", "--deadline", "x"]);
    assert_eq!(code, 64);
    assert!(err.contains("'--deadline <TIME>': write a time as 2026-"), "{err}");

    agent.expect("EMP-4", &["--deadline", "1s"]);
    agent.expect("EMP-5", &["--deadline", "2h"]);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let (code, out, _) = agent.run(&["status"]);
    assert_eq!(code, 2);
    let (said, table) = out.split_once("\n\n").unwrap();
    assert!(said.starts_with("NOBODY LOOKS: no agent is running, and none has run yet;"), "{out}");
    assert!(said.replace('\n', " ").contains("1 of 2 is overdue, by "), "{out}");
    assert!(!said.contains(" up"), "who does not look does not know: {out}");
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[1].contains("late") && lines[1].contains("EMP-4"), "{out}");
    assert!(lines[2].starts_with("due in ") && lines[2].contains("EMP-5"), "{out}");

    let json = agent.json(&["status", "-o", "json"]);
    let (_, yaml, _) = agent.run(&["status", "-o", "yaml"]);
    let yaml: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(yaml, json);
    let (_, csv, _) = agent.run(&["status", "-o", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!((rows.len(), &rows[0][1], &rows[0][5]), (2, "EMP-4", "login access"));
}

#[test]
fn status_says_since_when_nobody_looks() {
    let (_one, _other, mut agent) = two();
    agent.start();
    let (code, out, _) = agent.run(&["status"]);
    assert_eq!((code, out.contains("NOBODY")), (0, false), "{out}");
    assert!(agent.stop().success(), "{}", agent.stderr());
    let (code, out, _) = agent.run(&["status"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.starts_with("NOBODY LOOKS: no agent is running since 20"), "{out}");
}

#[test]
fn a_script_says_in_json_too_what_was_not_seen_and_an_unknown_target_is_an_error() {
    let (_one, mut other, agent) = two();
    other.stop();
    let plan = |more: &[&str]| agent.run(&[&["plan", "x"], more].concat());
    let (code, out, _) = plan(&["-o", "json"]);
    assert_eq!(code, 3, "{out}");
    let plan: Value = serde_json::from_str(&out).unwrap();
    let scripts: Vec<&str> =
        plan["targets"].as_array().unwrap().iter().map(|t| t["script"].as_str().unwrap()).collect();
    assert!(
        !scripts[0].contains("NOT SEEN") && scripts[1].contains("-- NOT SEEN: login of reports")
    );
    let (code, _, err) = agent.run(&["plan", "anna/x"]);
    assert_eq!(code, 1);
    assert!(err.contains("no target is called anna; there are: orders, reports"), "{err}");
}

#[test]
fn people_get_lines_that_fit_and_programs_whole_ones() {
    let cluster = start(&versions()[0]);
    sql(&cluster, "postgres", "orders", "GRANT SELECT ON sales.orders TO x;");
    let url = cluster.url("agent", "postgres");
    let check = |columns: Option<&str>| {
        let mut command = revoked();
        command.args(["check", "--target", &url, "x"]);
        columns.map(|columns| command.env("COLUMNS", columns));
        run(&mut command).1
    };
    assert!(check(None).contains("has SELECT on table sales.orders in database orders"));
    // An address or a statement in one word is not cut.
    let narrow = check(Some("70"));
    let long = narrow.lines().filter(|line| line.chars().count() > 70).count();
    assert_eq!(long, 0, "{narrow}");
}

#[test]
fn an_instance_is_asked_in_the_targets_own_database() {
    let target = |url: &str| {
        let target =
            revoked::target::Target::from_url("main", "postgres://agent@a/orders").unwrap();
        target.instance("replica", url).map(|_| ())
    };
    assert!(target("postgres://agent@b").is_ok() && target("postgres://agent@b/orders").is_ok());
    let error = target("postgres://agent@b/postgres").unwrap_err().to_string();
    assert!(error.starts_with("instance replica: its URL names another database"), "{error}");
}

#[test]
fn the_script_of_grants_knows_its_versions() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("a");
    let made = ["init", place.to_str().unwrap(), "--server-version", "14"];
    let (code, out, _) = run(revoked().args(made));
    assert_eq!(code, 0, "{out}");
    let config = place.join("revoked.yaml");
    let next = format!(
        "next: name your clusters in revoked.yaml, run grants.sql, then\n  revoked doctor --config {0}    says what is \
         missing\n  revoked serve --config {0}     begins to look\n",
        config.display()
    );
    assert!(out.ends_with(&next), "{out}");
    let script = std::fs::read_to_string(place.join("grants.sql")).unwrap();
    assert!(script.contains("For PostgreSQL 14."), "{script}");
    let grants =
        |version: &str| run(revoked().args(["init", "--grants-only", "--server-version", version]));
    let (code, out, err) = grants("19");
    assert_eq!(code, 0);
    assert!(out.contains("For PostgreSQL 18.") && err.contains("PostgreSQL 19 is newer"), "{err}");
    assert_eq!(grants("12").0, 64);
}

#[test]
fn usage_is_that_of_the_command_whatever_the_environment_says() {
    let (code, _, err) = run(revoked().args(["expect", "show"]).env("REVOKED_CONFIG", "/x.yaml"));
    assert_eq!(code, 64);
    assert!(err.contains("Usage: revoked expect show [OPTIONS] <rev_ID|SUBJECT|chk_ID>"), "{err}");
}

#[test]
fn a_lock_of_a_foreign_prepared_transaction_is_foreseen() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "orders",
            "ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON sales.orders TO x;
             CREATE TABLE sales.mine (id int); ALTER TABLE sales.mine OWNER TO x; GRANT INSERT ON sales.mine TO app;
             BEGIN; SET ROLE app; INSERT INTO sales.orders VALUES (1); INSERT INTO sales.mine VALUES (1);
             PREPARE TRANSACTION 'stock';",
        );
        let url = cluster.url("agent", "postgres");
        let plan =
            |more: &[&str]| run(revoked().args(["plan", "--target", &url]).args(more).arg("x"));
        let (_, script, _) = plan(&[]);
        for statement in ["ALTER POLICY", "REASSIGN OWNED"] {
            let (before, _) = script.split_once(statement).unwrap();
            let line = before.trim_end().lines().last().unwrap();
            assert!(line.contains("waits for prepared transaction stock of app"), "{script}");
        }
        let (code, said, _) = plan(&["--simulate"]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("the script would stop at ALTER POLICY"), "{said}");
        // So it does.
        let quick = script.replace("'30s'", "'200ms'");
        let output = psql(&cluster, "postgres", "postgres", &quick);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains("lock timeout"), "PostgreSQL {}: {error}", cluster.major());
        sql(&cluster, "postgres", "orders", "COMMIT PREPARED 'stock';");
        assert!(!plan(&[]).1.contains("waits for"));
    }
}
