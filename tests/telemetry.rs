//! Metrics and probes of the real agent, as Prometheus meets them.

mod common;

use common::agent::Agent;
use common::http::{Api, ask, prepared, started};
use common::issuer::{Key, Server, claims, of};
use common::{assert_clean_metrics, cluster, sql};
use reqwest::Method;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The families that the source document names.
const NAMED: [&str; 5] = [
    "access_revocations_total",
    "access_revocation_duration_seconds",
    "access_revocations_in_progress",
    "access_revocation_verification_success_rate",
    "access_revocation_verification_failed_total",
];

/// Families of a scrape.
fn families(page: &str) -> BTreeSet<&str> {
    page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

/// Lines with values: series and value.
fn series(page: &str) -> Vec<(&str, f64)> {
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series, value.parse().unwrap())
        })
        .collect()
}

/// Asserts what holds of every scrape.
fn assert_sound(page: &str) {
    assert_clean_metrics(page);
    assert!(page.ends_with('\n'));
    let mut seen = BTreeSet::new();
    for (series, value) in series(page) {
        assert!(seen.insert(series), "{series} is there twice");
        assert!(value.is_finite() && value >= 0.0 || series.contains("skew"), "{series} {value}");
    }
}

/// Waits until the agent looked at its target.
fn looked(agent: &Agent) -> String {
    let begun = std::time::Instant::now();
    loop {
        let page = agent.get("/metrics").unwrap();
        if page.contains("access_revocation_target_up") {
            return page;
        }
        assert!(begun.elapsed() < common::agent::PATIENCE, "no look: {}", agent.stderr());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// Families in the tables of docs/metrics.md, and whether each is there from the first scrape on.
fn documented() -> BTreeMap<String, bool> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let first = line.trim_start_matches("| ").split(" | ").next().unwrap();
        let absent = line.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let at_once = !absent.starts_with("before ") && !absent.starts_with("while ");
        for name in first.split(' ').map(|name| name.trim_matches('`')) {
            if name.starts_with("access_revocation") || name.starts_with("process_") {
                found.insert(name.to_owned(), at_once);
            }
        }
    }
    assert!(found.len() > 30, "the tables of docs/metrics.md were not found: {found:?}");
    found
}

#[tokio::test]
async fn every_family_is_there_from_the_first_scrape_on() {
    let mut cluster = cluster();
    // A witness that nobody runs, an identity provider, and a folder.
    let key = Key::p256();
    let provider = Server::start(vec![key.jwk("k")]).await;
    let more = format!(
        "log: {{witnesses: [{{name: nobody, url: 'http://127.0.0.1:1', key: \
         'w.example/a+ab8689d6+BKwQSBz7kXsPs/XwRMPJHPZxF8Y9RUvjt2u/G0OhQz4I'}}]}}\n{}\n\
         inbox: {{dir: drop, source: hr}}\n\
         exceptions: {{break_glass_roles: [main/glass]}}\nsources: {{hr: {{expect_every: 1d}}}}\n\
         slack: {{token_file: slack.token, channel: C01, base_url: 'http://127.0.0.1:1/', acknowledge: {{signing_secret_file: slack.token}}}}\n\
         chaser: {{campaigns: {{app: {{old: a, new: b, deadline: '2026-01-05', consumers_file: consumers.csv}}}}}}\n\
         confluence: {{base_url: 'http://127.0.0.1:1/wiki', space: OPS, edition: data_center, token_file: slack.token}}\n\
         attestations: [{{name: quarterly, schedule: quarterly}}]",
        provider.section("")
    );
    let mut agent = prepared(&cluster, &more);
    std::fs::create_dir(agent.dir().join("drop")).unwrap();
    std::fs::write(agent.dir().join("consumers.csv"), "consumer,team\nbilling,pay\n").unwrap();
    let token = agent.dir().join("slack.token");
    std::fs::write(&token, "xoxb-a-token-of-nobody\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE revoked_canary NOLOGIN; CREATE TABLE planted (); GRANT SELECT ON planted TO revoked_canary;",
    );
    agent.plant("revoked_canary");
    // Down, so that no look gets an answer before the first scrape.
    cluster.stop();
    agent.start();
    let page = agent.get("/metrics").unwrap();
    assert_sound(&page);
    for name in NAMED {
        assert!(families(&page).contains(name), "{name} is named by the source document");
    }
    let documented = documented();
    for (name, _) in documented.iter().filter(|(_, at_once)| **at_once) {
        assert!(families(&page).contains(name.as_str()), "{name} is not in the first scrape");
    }
    let values: BTreeMap<_, _> = series(&page).into_iter().collect();
    for reason in revoked::domain::revocation::Reason::ALL {
        let total = format!("access_revocations_total{{reason=\"{reason}\"}}");
        assert_eq!(values.get(total.as_str()), Some(&0.0), "{total}");
        for kind in ["full", "suspend", "partial"] {
            let open =
                format!("access_revocations_in_progress{{reason=\"{reason}\",type=\"{kind}\"}}");
            assert_eq!(values.get(open.as_str()), Some(&0.0), "{open}");
        }
    }
    assert_eq!(values.get("access_revocation_verification_success_rate"), Some(&1.0));

    let down = looked(&agent);
    assert!(down.contains("access_revocation_target_up{target=\"main\"} 0\n"), "{down}");
    assert!(!families(&down).contains("access_revocation_target_clock_skew_seconds"), "no answer");
    assert_sound(&down);

    cluster.restart().unwrap();
    agent.until_metrics(&[
        "access_revocation_target_up{target=\"main\"} 1",
        "access_revocation_canary_missing{target=\"main\"} 0",
        "access_revocation_inbox_readable 1",
        "access_revocation_audit_chain_valid 1",
        "access_revocation_agent_store_up 1",
        "access_revocation_filed_pages{finding=\"filed\"} 0",
        "access_revocation_intake_expected_interval_seconds{source=\"hr\"} 86400",
    ]);
    agent.expect("john", &[]);
    // An exception with an end.
    let notice = r#"{"username":"jane","reason":"contract_expired"}"#;
    assert_eq!(Api::of(&agent).post(notice, None).await.status, 202);
    let asked = r#"{"kind":"grace","subject":"jane","for":"1h","why":"hands over"}"#;
    let api = Api::of(&agent);
    let asked = ask(api.request(reqwest::Method::POST, "/api/v1/exceptions").body(asked)).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let exception = asked.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(agent.run(&["exception", "approve", &exception]).0, 0);
    agent.until_metrics(&["access_revocation_exceptions_active{kind=\"grace\"} 1"]);
    let event = "https://schemas.openid.net/secevent/ssf/event-type/verification";
    let token = key.token("k", &claims("v", &of("stream"), event, &serde_json::json!({})));
    let request = Api::of(&agent).anonymous(reqwest::Method::POST, "/api/v1/ssf/events");
    let request = request.header("content-type", "application/secevent+jwt").body(token);
    assert_eq!(ask(request).await.status, 202);
    let page = agent.get("/metrics").unwrap();
    assert_sound(&page);
    let documented: BTreeSet<&str> = documented.keys().map(String::as_str).collect();
    assert_eq!(families(&page), documented, "what docs/metrics.md lists is what there is");
}

#[tokio::test]
async fn nobody_s_name_is_in_the_metrics() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE \"mallory.o'hara\" LOGIN; CREATE ROLE zz_team; GRANT zz_team TO \"mallory.o'hara\";
         CREATE TABLE zz_secret_table (id int); GRANT SELECT ON zz_secret_table TO \"mallory.o'hara\";",
    );
    agent.start();
    let api = Api::of(&agent);
    let notice = serde_json::json!({
        "username": "mallory.o'hara", "employee_id": "EMP-4711", "reason": "terminated: stole zz_pens",
        "ticket": "TICKET-12", "source": "hr-system", "deadline": "1s",
    });
    let accepted = api.post(notice.to_string(), Some("event-77")).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    agent.until(&id, |view| view["overdue"] == serde_json::json!(["login", "access"]));
    agent.until_metrics(&[
        "access_revocations_overdue{milestone=\"access\",reason=\"terminated\",type=\"full\"} 1",
        "access_revocation_residual_findings{surface=\"login\",target=\"main\"} 1",
        "access_revocation_residual_findings{surface=\"privilege\",target=\"main\"} 1",
    ]);
    let page = agent.get("/metrics").unwrap();
    assert_sound(&page);
    // Any digits may be in a value.
    let named: String =
        page.lines().filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name).collect();
    for name in
        ["mallory", "hara", "EMP", "4711", "zz_", "pens", "TICKET", "hr-system", "event-77", &id]
    {
        assert!(!named.contains(name), "{name} is in\n{page}");
    }
    let roles = sql(&cluster, "postgres", "postgres", "SELECT rolname FROM pg_roles;");
    for role in roles.lines() {
        assert!(!page.contains(&format!("\"{role}\"")), "{role} is in\n{page}");
    }
}

#[tokio::test]
async fn the_content_type_is_the_same_whatever_is_accepted() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    for accept in [
        "",
        "*/*",
        "text/html",
        "application/json",
        "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    ] {
        let scrape = api.telemetry(Method::GET, "/metrics").header("accept", accept);
        let answer = ask(scrape.header("accept-encoding", "gzip")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-type"),
            "text/plain; version=0.0.4; charset=utf-8",
            "{accept}"
        );
        assert!(answer.text.starts_with("# HELP "), "{accept}: {}", answer.text);
    }
    let head = ask(api.telemetry(Method::HEAD, "/metrics")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn probes_answer_whatever_the_target_does() {
    let mut cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    for state in ["up", "down"] {
        for method in [Method::GET, Method::HEAD] {
            for probe in ["/-/healthy", "/-/ready"] {
                let answer = ask(api.telemetry(method.clone(), probe)).await;
                assert_eq!(answer.status, 200, "{method} {probe} with the target {state}");
            }
        }
        cluster.stop();
    }
}

#[tokio::test]
async fn a_log_that_was_touched_ends_the_agent_and_what_it_acknowledged_stays() {
    let cluster = cluster();
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let notice = r#"{"username":"john","reason":"terminated"}"#;
    assert_eq!(api.post(notice, Some("1")).await.status, 202);
    let mut log = std::fs::File::options().append(true).open(agent.log_file()).unwrap();
    log.write_all(b"{}\n").unwrap();
    // Refused or not answered at all, but never acknowledged.
    let other = r#"{"username":"jane","reason":"terminated"}"#;
    let request = api.request(Method::POST, common::http::REVOCATIONS).body(other);
    let refused = request.header("idempotency-key", "2").send().await;
    assert!(!refused.is_ok_and(|answer| answer.status().is_success()));
    assert_eq!(agent.wait().code(), Some(1));
    let says = agent.stderr();
    assert!(says.contains("bytes, but") && says.contains("Nothing more is written"), "{says}");
    let last = says.lines().last().unwrap();
    assert!(last.starts_with("revoked: the journal failed: "), "{last}");

    agent.start();
    let api = Api::of(&agent);
    for (notice, key) in [(notice, "1"), (other, "2")] {
        assert_eq!(api.post(notice, Some(key)).await.status, 202);
    }
    assert!(agent.stop().success(), "{}", agent.stderr());
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
}
