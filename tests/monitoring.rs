//! Prometheus and Alertmanager as they are, with an agent whose revocation hangs: who is told, and when it is over.

mod common;
#[path = "monitoring/rules.rs"]
mod rules;
#[path = "monitoring/stack.rs"]
mod stack;

use common::agent::Agent;
use common::confluence::{self, Confluence};
use common::http::{Api, ask, prepared};
use common::issuer::{Key, Server, claims, of};
use common::slack::{self, Slack};
use common::{assert_clean_metrics, cluster, psql, sql};
use reqwest::Method;
use serde_json::{Value, json};
use stack::Stack;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Rules and panels of which nothing can be asked here, and why.
const MAY_BE_EMPTY: &[(&str, &str)] = &[("RevocationAgentAbsent", "an agent is there")];

/// What is asked of Prometheus: every panel, what every rule records, and whether there is anything that the alerts
/// compare.
fn questions() -> BTreeMap<String, String> {
    let mut questions = rules::panels();
    for (name, file) in rules::faster(rules::rules()) {
        for (number, rule) in rules::each(&file).enumerate() {
            let expression = rule["expr"].as_str().unwrap();
            let (what, expression) = match (&rule["alert"], &rule["record"]) {
                (Value::String(alert), _) => (alert, rules::asked(expression)),
                (_, Value::String(record)) => (record, expression.to_owned()),
                _ => panic!("a rule that is neither: {rule}"),
            };
            questions.insert(format!("{name}/{what}#{number}"), expression);
        }
    }
    assert!(questions.len() > 100, "{questions:?}");
    questions
}

/// Whether an answer shows anything.
fn shows(series: &[Value]) -> bool {
    series.iter().any(|one| one["value"][1].as_str().is_some_and(|value| value != "NaN"))
}

/// Asks what nobody answered so far, and takes out what is answered now.
async fn ask_all(stack: &Stack, open: &mut BTreeMap<String, String>) {
    let mut answered = BTreeSet::new();
    for (place, expression) in open.iter() {
        let series = stack.query(expression).await;
        let series = series.unwrap_or_else(|error| panic!("{place}: {expression}: {error}"));
        if shows(&series) {
            answered.insert(place.clone());
        }
    }
    open.retain(|place, _| !answered.contains(place));
}

/// What is left has to be on the list, and what is on the list has to be left.
fn assert_answered(open: &BTreeMap<String, String>) {
    let listed = |place: &str| MAY_BE_EMPTY.iter().any(|(listed, _)| place.contains(listed));
    let silent: Vec<_> = open.iter().filter(|(place, _)| !listed(place)).collect();
    assert!(silent.is_empty(), "these give nothing: {silent:#?}");
    for (listed, why) in MAY_BE_EMPTY {
        let is_left = open.keys().any(|place| place.contains(listed));
        assert!(is_left, "{listed} may be empty ({why}), and is not");
    }
}

const OVERDUE: (&str, &str) = ("security-page", "RevocationOverdue");
/// The alerts on a target that cannot be seen, and on an agent that is gone.
const BLIND: (&str, &str) = ("platform-page", "RevocationVerificationStale");
const DOWN: (&str, &str) = ("platform-page", "RevocationAgentDown");

/// An agent with something of everything that the panels show.
fn watching(
    cluster: &revoked::throwaway::Cluster,
    issuer: &str,
    (slack, wiki): (&Slack, &Confluence),
) -> Agent {
    sql(
        cluster,
        "postgres",
        "postgres",
        "CREATE ROLE john LOGIN; CREATE ROLE jane LOGIN; CREATE ROLE glass LOGIN;
         CREATE TABLE kept (); GRANT SELECT ON kept TO john;
         CREATE ROLE revoked_canary NOLOGIN; GRANT SELECT ON kept TO revoked_canary;",
    );
    // A witness that nobody runs, a folder, periods of ten seconds, a role for emergencies, a source that should speak, and
    // somebody who still uses an old credential.
    let more = format!(
        "log: {{witnesses: [{{name: nobody, url: 'http://127.0.0.1:1', key: \
         'w.example/a+ab8689d6+BKwQSBz7kXsPs/XwRMPJHPZxF8Y9RUvjt2u/G0OhQz4I'}}]}}\n\
         inbox: {{dir: drop, source: hr}}\n\
         attestations: [{{name: often, schedule: '*/10 * * * * *'}}]\n\
         exceptions: {{break_glass_roles: [main/glass]}}\nsources: {{hr: {{expect_every: 1d}}}}\n\
         chaser: {{security: {channel}, campaigns: {{app: {{old: a, new: b, deadline: '2026-01-05', \
         consumers_file: consumers.csv}}}}}}\n{issuer}\n{}{}",
        slack.config(""),
        wiki.config(""),
        channel = slack::OTHER,
    );
    let mut agent = prepared(cluster, &more);
    std::fs::write(agent.dir().join("consumers.csv"), "consumer,team\nbilling,pay\n").unwrap();
    std::fs::create_dir(agent.dir().join("drop")).unwrap();
    std::fs::write(agent.dir().join("slack.token"), slack::BOT).unwrap();
    std::fs::write(agent.dir().join("wiki.token"), confluence::TOKEN).unwrap();
    agent.plant("revoked_canary");
    agent.start();
    agent
}

async fn notice(agent: &Agent, body: Value) -> String {
    let accepted = Api::of(agent).post(body.to_string(), None).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    accepted.json()["id"].as_str().unwrap().to_owned()
}

/// Somebody keeps access for some days.
async fn permit(agent: &Agent) {
    let id = notice(agent, json!({"username": "jane", "reason": "contract_expired"})).await;
    let wish = json!({"kind": "grace", "revocation": id, "for": "6d", "why": "hands over"});
    let request = Api::of(agent).request(Method::POST, "/api/v1/exceptions");
    let asked = ask(request.body(wish.to_string())).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let exception = asked.json()["id"].as_str().unwrap().to_owned();
    let (code, _, says) = agent.run(&["exception", "approve", &exception]);
    assert_eq!(code, 0, "{says}");
}

/// The issuer tries whether its stream arrives.
async fn token(agent: &Agent, key: &Key) {
    let event = "https://schemas.openid.net/secevent/ssf/event-type/verification";
    let token = key.token("k", &claims("v", &of("stream"), event, &json!({})));
    let request = Api::of(agent).anonymous(Method::POST, "/api/v1/ssf/events");
    let request = request.header("content-type", "application/secevent+jwt").body(token);
    assert_eq!(ask(request).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_to_act_is_told_and_told_when_it_is_over() {
    let mut cluster = cluster();
    let key = Key::p256();
    let issuer = Server::start(vec![key.jwk("k")]).await;
    let (people, wiki) = (Slack::start().await, Confluence::cloud().await);
    let mut agent = watching(&cluster, &issuer.section(""), (&people, &wiki));
    let stack = Stack::start(agent.metrics, &rules::faster(rules::rules())).await;
    stack.until("up == 1").await;
    let mut open = questions();
    permit(&agent).await;
    token(&agent, &key).await;
    let late = json!({"username": "john", "reason": "terminated", "deadline": "4s"});
    let id = notice(&agent, late).await;

    let told = stack.until_told(OVERDUE, "firing", 0).await;
    assert_eq!((told.label("severity"), told.label("team")), ("critical", "security"));
    // The page does not take it away from the channel.
    stack.until_told(("security", OVERDUE.1), "firing", 0).await;
    for told in stack.told() {
        for name in told.labels.as_object().unwrap().keys() {
            assert!(!["subject", "role", "user"].contains(&name.as_str()), "{told:?}");
        }
        assert!(!told.labels.to_string().contains("john"), "{told:?}");
        let platform = told.label("team") == "platform";
        assert!(platform || told.receiver.starts_with("security"), "{told:?}");
    }
    // It did not come at once.
    let pending =
        r#"count_over_time(ALERTS{alertname="RevocationOverdue",alertstate="pending"}[10m]) > 0"#;
    stack.until(pending).await;
    ask_all(&stack, &mut open).await;
    assert_clean_metrics(&agent.get("/metrics").unwrap());

    let (_, plan, says) = agent.run(&["plan", "john"]);
    let applied = psql(&cluster, "postgres", "postgres", &plan);
    assert!(applied.status.success(), "{plan}\n{says}{}", String::from_utf8_lossy(&applied.stderr));
    agent.until_state(&id, "verified");
    stack.until_told(OVERDUE, "resolved", 0).await;
    ask_all(&stack, &mut open).await;

    let before = stack.told().len();
    cluster.stop();
    let told = stack.until_told(BLIND, "firing", before).await;
    assert_eq!((told.label("severity"), told.label("target")), ("critical", "main"));
    ask_all(&stack, &mut open).await;
    cluster.restart().unwrap();
    stack.until_told(BLIND, "resolved", before).await;

    let before = stack.told().len();
    agent.kill();
    let told = stack.until_told(DOWN, "firing", before).await;
    assert_eq!((told.label("severity"), told.label("team")), ("critical", "platform"));
    agent.start();
    stack.until_told(DOWN, "resolved", before).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    ask_all(&stack, &mut open).await;
    assert_answered(&open);
}
