//! What was there before: kept from the first look, given back by psql as it was, and never to somebody else.

mod common;

use common::agent::Agent;
use common::http::{Api, REVOCATIONS};
use common::scenario::{check, start};
use common::{psql, sql, versions};
use revoked::throwaway::Cluster;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A leaver who has something of every kind that SQL gives back.
const SHARED: &str = "
    ALTER ROLE x CREATEDB BYPASSRLS;
    ALTER ROLE x SET work_mem = '8MB';
    CREATE ROLE top; GRANT top TO g;
    GRANT g TO x WITH ADMIN OPTION;
    GRANT team TO boss WITH ADMIN OPTION;
    SET ROLE boss; GRANT team TO x; RESET ROLE;
    GRANT CONNECT, TEMPORARY ON DATABASE orders TO x;
    GRANT CREATE ON DATABASE billing TO x WITH GRANT OPTION;
    GRANT SET ON PARAMETER log_statement TO x;
    CREATE DATABASE \"x's\" OWNER x;
";

const ORDERS: &str = "
    GRANT SELECT, INSERT ON sales.orders TO x;
    GRANT UPDATE (id) ON sales.orders TO x WITH GRANT OPTION;
    SET ROLE x; GRANT UPDATE (id) ON sales.orders TO y; RESET ROLE;
    CREATE SCHEMA inner_place AUTHORIZATION app; CREATE TABLE inner_place.t (a int);
    ALTER TABLE inner_place.t OWNER TO app;
    GRANT USAGE ON SCHEMA inner_place TO x, boss;
    GRANT SELECT ON inner_place.t TO boss WITH GRANT OPTION;
    SET ROLE boss; GRANT SELECT ON inner_place.t TO x WITH GRANT OPTION; RESET ROLE;
    REVOKE USAGE ON SCHEMA inner_place FROM boss;
    CREATE TABLE sales.mine (id serial PRIMARY KEY, \"a b\" int); ALTER TABLE sales.mine OWNER TO x;
    CREATE SEQUENCE sales.numbers; ALTER SEQUENCE sales.numbers OWNER TO x;
    CREATE VIEW sales.seen AS SELECT 1 AS a; ALTER VIEW sales.seen OWNER TO x;
    CREATE MATERIALIZED VIEW sales.kept AS SELECT 1 AS a; ALTER MATERIALIZED VIEW sales.kept OWNER TO x;
    CREATE FUNCTION sales.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION sales.f(int) OWNER TO x;
    CREATE FUNCTION sales.g() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION sales.g() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION sales.g() TO x;
    CREATE TYPE sales.mood AS ENUM ('a'); ALTER TYPE sales.mood OWNER TO x;
    CREATE DOMAIN sales.small AS int; ALTER DOMAIN sales.small OWNER TO x; CREATE DOMAIN sales.other AS int;
    GRANT USAGE ON TYPE sales.other TO x;
    CREATE SCHEMA \"x's place\" AUTHORIZATION x;
    SELECT lo_create(424242); ALTER LARGE OBJECT 424242 OWNER TO x;
    SELECT lo_create(424243); GRANT SELECT ON LARGE OBJECT 424243 TO x;
    ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA sales GRANT SELECT, INSERT ON TABLES TO x WITH GRANT OPTION;
    ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT EXECUTE ON FUNCTIONS TO x;
    CREATE POLICY bots ON sales.orders TO x, y USING (true);
    CREATE POLICY \"x alone\" ON sales.orders TO x USING (true);
    CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;
    GRANT USAGE ON FOREIGN DATA WRAPPER w TO x; GRANT USAGE ON FOREIGN SERVER far TO x;
    CREATE USER MAPPING FOR x SERVER far;
    \\connect billing
    CREATE TABLE notes (a int); ALTER TABLE notes OWNER TO x;
    CREATE TABLE theirs (a int); GRANT ALL ON theirs TO x;
";

/// What only a comment tells.
const TOLD: [&str; 2] = ["user_mapping", "role_setting"];

/// What x has itself: what tells one finding from another.
fn direct(cluster: &Cluster) -> BTreeSet<String> {
    let keys = [
        "kind",
        "database",
        "class",
        "object_type",
        "object",
        "sub_object",
        "privilege",
        "grantor",
        "grantable",
    ];
    let report = check(cluster, "x").1;
    let all = report["residual"].as_array().unwrap().iter();
    let own = all.filter(|found| found["via"] == json!([]));
    own.map(|found| keys.map(|key| found[key].to_string()).join(" ")).collect()
}

fn run_script(cluster: &Cluster, script: &str) -> String {
    let output = psql(cluster, "postgres", "postgres", script);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "PostgreSQL {}: {errors}\n{script}", cluster.major());
    errors
}

fn before_sql(agent: &Agent, id: &str) -> String {
    let (code, script, err) = agent.run(&["expect", "show", id, "--before-sql"]);
    assert_eq!(code, 0, "{err}");
    script
}

fn play(cluster: &Cluster) {
    sql(cluster, "postgres", "postgres", SHARED);
    sql(cluster, "postgres", "orders", ORDERS);
    let mut agent = Agent::init(&[("main", &cluster.url("agent", "postgres"))], "");
    agent.start();
    let had = direct(cluster);
    let id = agent.expect("EMP-1", &["--account", "x"]);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    let script = before_sql(&agent, &id);

    let (code, plan, err) = agent.run(&["plan", &id, "--reassign-to", "app"]);
    assert_eq!(code, 0, "{err}");
    run_script(cluster, &plan);
    agent.until_state(&id, "verified");
    assert_eq!(direct(cluster), BTreeSet::new());
    assert_eq!(before_sql(&agent, &id), script, "it stays what it was");
    let answer = agent.json(&["expect", "show", "EMP-1", "--before-sql", "-o", "json"]);
    assert_eq!(answer["accounts"][0]["residual"], view["residual"]);
    assert_eq!(answer["script"].as_str(), Some(script.as_str()));

    let told: BTreeSet<String> =
        had.iter().filter(|one| TOLD.iter().any(|kind| one.contains(kind))).cloned().collect();
    assert_eq!(told.len(), TOLD.len(), "{had:#?}");
    for kind in TOLD {
        let about = answer["accounts"][0]["residual"].as_array().unwrap();
        let sentence = about.iter().find(|found| found["kind"] == kind).unwrap();
        let sentence = sentence["sentence"].as_str().unwrap();
        let line = format!("-- NOT GIVEN BACK: {sentence}: ");
        assert!(script.contains(&line), "{line}\n{script}");
    }
    for _ in 0..2 {
        let said = run_script(cluster, &script);
        assert!(!said.contains("WARNING"), "{said}\n{script}");
        let back = direct(cluster);
        let expected: BTreeSet<String> = had.difference(&told).cloned().collect();
        assert_eq!(back, expected, "PostgreSQL {}\n{script}", cluster.major());
    }
    // Nobody approved that.
    agent.until_state(&id, "regressed");
    assert_eq!(before_sql(&agent, &id), script);

    // Somebody else is called so by now.
    sql(cluster, "postgres", "postgres", "ALTER ROLE x RENAME TO x_then; CREATE ROLE x;");
    let said = run_script(cluster, &script);
    assert!(said.contains("skipped on main: not every role is there as it was then"), "{said}");
    assert_eq!(check(cluster, "x").1["residual"], json!([]));
    agent.kill();
}

#[test]
fn what_was_there_is_given_back_as_it_was() {
    let versions = versions();
    std::thread::scope(|threads| {
        for binaries in versions.into_iter().filter(|binaries| binaries.major >= 15) {
            threads.spawn(move || play(&start(&binaries)));
        }
    });
}

#[tokio::test]
async fn where_no_look_has_found_anything_there_is_nothing() {
    let cluster = common::cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE harmless NOLOGIN;");
    let agent = common::http::started(&cluster);
    let api = Api::of(&agent);
    let id = agent.expect("EMP-2", &["--account", "harmless"]);
    agent.until_state(&id, "verified");
    let answer = api.get(&format!("{REVOCATIONS}/{id}/before")).await;
    assert!(answer.problem(404).starts_with("nothing is kept of what was there before: "));
    let (code, out, err) = agent.run(&["expect", "show", &id, "--before-sql"]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("nothing is kept of what was there before"), "{err}");
    let answer = api.get(&format!("{REVOCATIONS}/rev_none/before")).await;
    assert_eq!(answer.problem(404), "there is no such revocation");

    // What it gets after that is no state before.
    sql(&cluster, "postgres", "postgres", "ALTER ROLE harmless LOGIN;");
    agent.until_state(&id, "regressed");
    let answer = api.get(&format!("{REVOCATIONS}/{id}/before")).await;
    answer.problem(404);
}

#[tokio::test]
async fn it_is_told_to_programs() {
    let cluster = common::cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let agent = common::http::started(&cluster);
    let id = agent.expect("EMP-3", &["--account", "john"]);
    agent.until(&id, |view| view["verdict"] == "residual");
    let answer = Api::of(&agent).get(&format!("{REVOCATIONS}/{id}/before")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told: Value = answer.json();
    assert_eq!(told["id"], id.as_str());
    let account = &told["accounts"][0];
    assert_eq!(account["target"], "main");
    assert_eq!(account["residual"][0]["kind"], "login");
    assert!(account["system_identifier"].is_string() && account["seen_at"].is_string());
    assert!(told["script"].as_str().unwrap().contains("ALTER ROLE \"john\" LOGIN;"), "{told:#}");
}
