//! Legal holds and broken glass: what stays while access goes, and who looks at it.

use super::{doing, expect, granted, records, text, wish};
use crate::common::agent::Agent;
use crate::common::http::{Api, REVOCATIONS, ask, prepared, started};
use crate::common::{LiveSession, cluster, psql, sql};
use reqwest::Method;
use revoked::throwaway::Cluster;
use serde_json::{Value, json};
use std::time::Duration;

/// Runs the plan for `who` and gives what it printed.
fn run_plan(agent: &Agent, cluster: &Cluster, who: &[&str]) -> String {
    let (_, script, err) = agent.run(&[&["plan"], who].concat());
    let done = psql(cluster, "postgres", "postgres", &script);
    assert!(done.status.success(), "{}\n{script}{err}", String::from_utf8_lossy(&done.stderr));
    script
}

fn owner(cluster: &Cluster) -> String {
    let asked = "SELECT relowner::regrole FROM pg_class WHERE relname = 'papers';";
    sql(cluster, "postgres", "postgres", asked).trim().to_owned()
}

#[tokio::test]
async fn under_a_legal_hold_data_stay_and_access_goes() {
    let cluster = cluster();
    let script =
        "CREATE ROLE app; CREATE ROLE jd LOGIN; GRANT app TO jd; CREATE TABLE other (i int);
        CREATE TABLE papers (i int); ALTER TABLE papers OWNER TO jd; GRANT SELECT ON other TO jd;";
    sql(&cluster, "postgres", "postgres", script);
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let notice = json!({"username": "john", "account": "jd", "reason": "terminated"});
    let id = expect(&api, &notice).await;
    agent.until(&id, |view| view["accounts"][0]["role"] == "jd");
    let given_away = |plan: &str| plan.contains("OWNER TO") || plan.contains("REASSIGN OWNED");
    let (_, plan, _) = agent.run(&["plan", "main/jd", "--reassign-to", "app"]);
    assert!(given_away(&plan), "without a hold it would be given away: {plan}");

    let asked =
        wish(&api, &json!({"kind": "legal_hold", "subject": "john", "why": "case 7"})).await;
    let hold = asked.json()["id"].as_str().unwrap().to_owned();
    for who in ["john", "main/jd", "jd", &id] {
        let (_, plan, _) = agent.run(&["plan", who, "--reassign-to", "app"]);
        assert!(!given_away(&plan) && !plan.contains("DROP OWNED"), "{who}: {plan}");
        assert!(plan.contains("papers"), "{who}: what is held is named: {plan}");
    }
    run_plan(&agent, &cluster, &["main/jd", "--reassign-to", "app"]);
    assert_eq!(owner(&cluster), "jd");
    let view = agent.until(&id, |view| view["residual"].as_array().unwrap().len() == 1);
    assert_eq!((&view["residual"][0]["kind"], &view["held"]), (&json!("ownership"), &json!(false)));
    let withdraw = ask(api.request(Method::DELETE, &format!("{REVOCATIONS}/{id}"))).await;
    assert!(withdraw.problem(409).contains("released first"), "{withdraw:?}");

    assert_eq!(agent.run(&["exception", "approve", &hold]).0, 0);
    let view = agent.until(&id, |view| view["verdict"] == "revoked");
    assert_eq!(
        (&view["state"], &view["kept"][0]["object"]),
        (&json!("open"), &json!("public.papers"))
    );
    std::thread::sleep(Duration::from_secs(4));
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!((&view["state"], &view["held"]), (&json!("open"), &json!(true)), "never verified");
    assert!(records(&agent, "verification_completed").is_empty());
    assert_eq!(records(&agent, "access_revoked")[0]["kept_by"], "legal_hold");
    let (code, out, _) = agent.run(&["check", "john"]);
    assert!(code == 0 && out.contains("kept, under a legal hold"), "{out}");
    let (code, _, err) = agent.run(&["expect", "erase", "john", "--basis", "gdpr_art_17"]);
    assert!(code == 1 && err.contains("legal hold"), "{err}");

    let (code, out, _) = agent.run(&["exception", "revoke", &hold]);
    assert!(code == 0 && out.contains("waits for a second person"), "{out}");
    assert_eq!(agent.json(&["expect", "show", &id, "-o", "json"])["held"], true);
    assert_eq!(agent.run(&["exception", "approve", &hold]).0, 1, "who asked cannot approve");
    assert_eq!(doing(&api, &hold, "approve").await.status, 200);
    agent.until(&id, |view| view["verdict"] == "residual" && view["held"] == false);
    let plan = run_plan(&agent, &cluster, &["john", "--reassign-to", "app"]);
    assert!(given_away(&plan), "{plan}");
    agent.until_state(&id, "verified");
    // A hold on what is verified takes that back, and says so.
    let asked = json!({"kind": "legal_hold", "subject": "john", "why": "case 8"});
    granted(&agent, &api, &asked).await;
    let view = agent.until_state(&id, "open");
    let last = records(&agent, "exception_granted").pop().unwrap();
    assert_eq!(
        (&last["state_before"], &last["verified_at"]),
        (&json!("verified"), &view["verified_at"])
    );
    agent.stop();
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_broken_glass_is_permitted_looked_at_and_reviewed() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE root_sealed LOGIN;");
    let mut agent = prepared(&cluster, "exceptions: {break_glass_roles: [main/root_sealed]}");
    agent.start();
    let api = Api::of(&agent);
    let unpermitted = |count: i32| {
        format!(r#"access_revocation_break_glass_unpermitted_sessions{{target="main"}} {count}"#)
    };
    agent.until_metrics(&[&unpermitted(0)]);
    let session = LiveSession::open(&cluster, "root_sealed", "postgres", "SELECT 1;");
    agent.until_metrics(&[&unpermitted(1)]);
    agent.until_metrics(&[&unpermitted(1)]);

    let wanted = json!({
        "kind": "break_glass", "subject": "oncall", "account": "main/root_sealed", "for": "1h",
        "why": "disk full",
    });
    let open = granted(&agent, &api, &wanted).await;
    let (id, revocation) = (text(&open, "id"), text(&open, "revocation"));
    assert_eq!(agent.json(&["expect", "show", revocation, "-o", "json"])["state"], "excepted");
    agent.until_metrics(&[
        &unpermitted(0),
        r#"access_revocation_exceptions_active{kind="break_glass"} 1"#,
    ]);
    // One is enough to take it back, and is told what is due then.
    let (code, out, err) = agent.run(&["exception", "revoke", id]);
    assert!(code == 0 && out.contains(&format!("{revocation} is open: effective ")), "{out} {err}");
    agent.until_metrics(&[&unpermitted(1)]);
    let used = records(&agent, "use_after_effective");
    assert_eq!(used.len(), 1, "one session is one record: {used:#?}");
    assert_eq!(used[0]["because"], "no_open_break_glass");
    drop(session);
    agent.until_metrics(&[&unpermitted(0)]);

    // The same person may not approve the next one.
    let again = wish(&api, &wanted).await;
    assert!(again.problem(422).contains(revocation), "it is expected already: {again:?}");
    let wanted = json!({"kind": "break_glass", "subject": "oncall", "for": "1h", "why": "again"});
    let next = wish(&api, &wanted).await.json();
    let (code, _, err) = agent.run(&["exception", "approve", text(&next, "id")]);
    assert!(code == 1 && err.contains("another person"), "{err}");
    let wanted = json!({"kind": "break_glass", "subject": "oncall", "for": "25h", "why": "x"});
    assert!(wish(&api, &wanted).await.problem(422).contains("24 hours"));

    assert!(doing(&api, id, "review").await.problem(403).contains("somebody else"));
    let (code, out, err) = agent.run(&["exception", "review", id, "-o", "json"]);
    assert_eq!(code, 0, "{err}");
    let reviewed: Value = serde_json::from_str(&out).unwrap();
    assert!(text(&reviewed, "reviewed_by").starts_with("uid:"));
    assert!(doing(&api, id, "review").await.problem(409).contains("no review"));
    agent.stop();
    assert_eq!(records(&agent, "exception_reviewed").len(), 1);
    assert_eq!(agent.verify().0, 0);
}
