//! Who may send what: tokens and their scopes, signatures, payloads of other forms, and how often.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::agent::{Agent, TOKEN};
use common::cluster;
use common::http::{Answer, Api, REVOCATIONS, ask, prepared};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

const EVENTS: &str = "/api/v1/webhooks/hr-events";
const NEXT: &str = "fedcba9876543210fedcba9876543210";
const READER: &str = "11111111111111111111111111111111";
const VENDORS: &str = "22222222222222222222222222222222";
/// The base64 of 32 bytes.
const SECRET: &str = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAwMDE=";

/// An agent with several senders.
fn agent(cluster: &revoked::throwaway::Cluster) -> Agent {
    let more = "sources:\n\
        \x20 workday:\n\
        \x20   time_zone: Europe/Berlin\n\
        \x20   signature: {scheme: standard, secret_files: [old.secret, workday.secret]}\n\
        \x20   mapping:\n\
        \x20     fields:\n\
        \x20       event_type: /type\n\
        \x20       event_id: /id\n\
        \x20       timestamp: /created\n\
        \x20       employee_id: /worker/number\n\
        \x20       username: /worker/login\n\
        \x20       last_working_day: /worker/last_day\n\
        \x20       ticket: {value: HR-FEED}\n\
        \x20     events: {worker.left: user_terminated, worker.updated: ignored}\n\
        \x20 ci:\n\
        \x20   signature: {scheme: github, secret_files: [ci.secret]}\n\
        \x20 reader: {time_zone: UTC}\n";
    let agent = prepared(cluster, more);
    let write = |name: &str, text: &str| std::fs::write(agent.dir().join(name), text).unwrap();
    write("next.token", NEXT);
    write("reader.token", READER);
    write("vendors.token", VENDORS);
    write("old.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    write("workday.secret", &format!("whsec_{SECRET}\n"));
    write("ci.secret", "It's a Secret to Everybody");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let tokens = "tokens:\n\
        \x20 hr: {token_file: hr.token, next_token_file: next.token, scopes: [hr, read, expect]}\n\
        \x20 reader: {token_file: reader.token, scopes: [read], per_minute: 30}\n\
        \x20 vendors: {token_file: vendors.token, scopes: [vendor]}\n";
    let text = text.replace("tokens: {hr: {token_file: hr.token}}\n", tokens);
    std::fs::write(agent.config(), text).unwrap();
    agent
}

fn mac(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// Signs as Standard Webhooks does, `ago` seconds ago.
fn signed(api: &Api, path: &str, id: &str, body: &str, ago: i64) -> reqwest::RequestBuilder {
    let time = (revoked::clock::now().micros() / 1_000_000 - ago).to_string();
    let secret = STANDARD.decode(SECRET).unwrap();
    let signature = STANDARD
        .encode(mac(&secret, &[id.as_bytes(), b".", time.as_bytes(), b".", body.as_bytes()]));
    api.anonymous(Method::POST, path)
        .header("webhook-id", id)
        .header("webhook-timestamp", time)
        .header("webhook-signature", format!("v1,AAAA v1,{signature}"))
        .header("content-type", "application/json")
        .body(body.to_owned())
}

async fn with(api: &Api, token: &str, method: Method, path: &str, body: &str) -> Answer {
    let request = api.anonymous(method, path).bearer_auth(token);
    ask(request.header("content-type", "application/json").body(body.to_owned())).await
}

fn left(id: &str) -> String {
    json!({
        "type": "worker.left", "id": id, "created": 1_770_129_000,
        "worker": {"number": 4711, "login": "jdoe", "last_day": "2026-02-03"},
    })
    .to_string()
}

#[tokio::test]
async fn a_token_does_what_it_is_for_and_both_of_two_are_good() {
    let cluster = cluster();
    let mut agent = agent(&cluster);
    agent.start();
    let api = Api::of(&agent);
    let test = r#"{"event_type":"test"}"#;
    for token in [TOKEN, NEXT] {
        assert_eq!(with(&api, token, Method::POST, EVENTS, test).await.status, 202);
    }
    agent.until_metrics(&[
        "access_revocation_intake_token_uses_total{generation=\"current\",token=\"hr\"} 1",
        "access_revocation_intake_token_uses_total{generation=\"next\",token=\"hr\"} 1",
        "access_revocation_intake_token_uses_total{generation=\"next\",token=\"reader\"} 0",
    ]);
    let notice = r#"{"username":"jd","reason":"terminated"}"#;
    let vendor = "/api/v1/webhooks/vendor-offboarding";
    for (token, method, path, body, lacks) in [
        (READER, Method::POST, EVENTS, test, "hr"),
        (READER, Method::POST, REVOCATIONS, notice, "expect"),
        (READER, Method::POST, "/api/v1/revocations/rev_1/approve", "{}", "approve"),
        (READER, Method::POST, "/api/v1/revocations/rev_1/recheck", "", "recheck"),
        (TOKEN, Method::POST, vendor, "{}", "vendor"),
        (TOKEN, Method::DELETE, "/api/v1/subjects/x", "{}", "approve"),
        (VENDORS, Method::POST, EVENTS, test, "hr"),
        (VENDORS, Method::GET, REVOCATIONS, "", "read"),
    ] {
        let answer = with(&api, token, method, path, body).await;
        let detail = answer.problem(403);
        assert!(detail.ends_with(&format!("lacks the scope {lacks}")), "{path}: {detail}");
    }
    assert_eq!(with(&api, READER, Method::GET, REVOCATIONS, "").await.status, 200);
    assert_eq!(with(&api, TOKEN, Method::POST, REVOCATIONS, notice).await.status, 202);
    let body = r#"{"vendor_id":"A","event_id":"1"}"#;
    assert_eq!(with(&api, VENDORS, Method::POST, vendor, body).await.status, 202);
    with(&api, "wrong", Method::POST, EVENTS, test).await.problem(401);

    // Thirty in a minute are five at once: some are spent.
    let mut limited = None;
    for _ in 0..6 {
        let answer = with(&api, READER, Method::GET, REVOCATIONS, "").await;
        if answer.status != 200 {
            limited = Some(answer);
            break;
        }
    }
    let limited = limited.expect("it was never too often");
    assert!(limited.problem(429).contains("30 requests in a minute"));
    assert!(limited.header("retry-after").parse::<u64>().unwrap() >= 1, "{limited:?}");
    assert_eq!(
        with(&api, NEXT, Method::GET, REVOCATIONS, "").await.status,
        200,
        "each has its own"
    );
    let journal = with(&api, TOKEN, Method::GET, "/api/v1/notices", "").await.json();
    let refused = journal["refused"].as_array().unwrap();
    assert!(
        refused.iter().any(|one| one["outcome"] == "unauthorized" && one["source"] == "other"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_signs_needs_no_token_and_who_has_a_secret_has_to_sign() {
    let cluster = cluster();
    let mut agent = agent(&cluster);
    agent.start();
    let api = Api::of(&agent);
    let workday = "/api/v1/webhooks/workday";
    let body = left("w1");
    let first = ask(signed(&api, workday, "w1", &body, 0)).await;
    assert_eq!(first.status, 202, "{first:?}");
    let found = api.get(first.header("location")).await.json();
    assert_eq!((&found["subject"], &found["username"]), (&json!("4711"), &json!("jdoe")));
    assert_eq!((&found["source"], &found["ticket"]), (&json!("workday"), &json!("HR-FEED")));
    assert_eq!(found["effective_at"], "2026-02-03T16:00:00.000000Z", "17:00 in Berlin");
    assert_eq!(found["effective"]["zone_from"], "source");
    // The same delivery signed anew is the same event.
    let again = ask(signed(&api, workday, "w1", &body, 60)).await.json();
    assert_eq!(again["duplicate"], true);

    for (request, says) in [
        (signed(&api, workday, "w2", &body, 400), "more than 5 min"),
        (signed(&api, workday, "w2", &body, -400), "more than 5 min"),
        (signed(&api, workday, "w2", &body, 0).body(left("w9")), "not one of its sender"),
        (api.request(Method::POST, workday).body(body.clone()), "sign it"),
        (api.anonymous(Method::POST, workday).body(body.clone()), "sign it"),
        (signed(&api, EVENTS, "w2", &body, 0), "send a token"),
        (signed(&api, workday, "w2", &body, 0).bearer_auth("wrong"), "not one of those configured"),
    ] {
        let detail = ask(request).await.problem(401);
        assert!(detail.contains(says), "{says}: {detail}");
    }
    ask(signed(&api, workday, "w2", &body, 0).bearer_auth(READER)).await.problem(403);
    assert_eq!(ask(signed(&api, workday, "w2", &body, 0).bearer_auth(TOKEN)).await.status, 202);

    let updated = body.replace("worker.left", "worker.updated").replace("w1", "w3");
    assert_eq!(ask(signed(&api, workday, "w3", &updated, 0)).await.json()["outcome"], "ignored");
    let unmapped = body.replace("worker.left", "worker.moved").replace("w1", "w4");
    let held = ask(signed(&api, workday, "w4", &unmapped, 0)).await;
    assert!(held.problem(422).starts_with("/type: no such type"), "in their own words: {held:?}");

    // A mapping that was put right lets what is held in.
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let mended = text.replace(
        "worker.updated: ignored",
        "worker.updated: ignored, worker.moved: user_suspended",
    );
    std::fs::write(agent.config(), mended).unwrap();
    agent.until_metrics(&["access_revocation_agent_config_last_reload_successful 1"]);
    let notice = held.json()["notice"].as_str().unwrap().to_owned();
    let begun = std::time::Instant::now();
    let released = loop {
        let (code, out, err) = agent.run(&["webhook", "retry", &notice, "-o", "json"]);
        if code == 0 {
            break serde_json::from_str::<Value>(&out).unwrap();
        }
        assert!(begun.elapsed() < common::agent::PATIENCE, "{err}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert_eq!(released["outcome"], "released");
    assert_eq!(ask(signed(&api, workday, "w4", &unmapped, 0)).await.json()["outcome"], "released");

    // A source without a mapping sends the documented form.
    let body = r#"{"event_type":"user_suspended","user":{"username":"bot"}}"#;
    let signature = mac(b"It's a Secret to Everybody", &[body.as_bytes()]);
    let hex = revoked::domain::hex::hex(&signature);
    let github = |delivery: &str| {
        api.anonymous(Method::POST, "/api/v1/webhooks/ci")
            .header("x-hub-signature-256", format!("sha256={hex}"))
            .header("x-github-delivery", delivery)
            .body(body)
    };
    assert_eq!(ask(github("1")).await.status, 202);
    let replayed = ask(github("2")).await.json();
    assert_eq!(replayed["duplicate"], true, "a header that nobody signed makes no other event");
    ask(api.request(Method::POST, "/api/v1/webhooks/nobody").body(body)).await.problem(404);
    let other = ask(api.request(Method::POST, "/api/v1/webhooks/reader").body(body)).await;
    assert!(other.problem(403).contains("the name of the source"), "{other:?}");
    assert_eq!(agent.verify().0, 0);
}

#[test]
fn a_payload_is_tried_without_an_agent() {
    let cluster = cluster();
    let agent = agent(&cluster);
    let file = |name: &str, text: &str| {
        let path = agent.dir().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let good = file("good.json", &left("w1"));
    let (code, out, err) = agent.run(&["webhook", "test", &good, "--source", "workday"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("would be accepted") && out.contains("full of 4711, terminated"), "{out}");
    let report = agent.json(&["webhook", "test", &good, "--source", "workday", "-o", "json"]);
    assert_eq!(report["revocations"][0]["effective_at"], "2026-02-03T16:00:00.000000Z");
    assert_eq!(report["address"], "/api/v1/webhooks/workday");

    let bad = file("bad.json", &left("w1").replace("2026-02-03", "someday"));
    let (code, out, _) = agent.run(&["webhook", "test", &bad, "--source", "workday"]);
    assert_eq!(code, 1);
    assert!(out.contains("would be quarantined") && out.contains("/worker/last_day"), "{out}");
    let (code, out, _) = agent.run(&["webhook", "test", &good, "--source", "hr"]);
    assert_eq!(code, 1, "in the documented form there is no event_type: {out}");
    let (code, _, err) = agent.run(&["webhook", "test", &good, "--source", "nobody"]);
    assert_eq!(code, 1);
    assert!(err.contains("neither a source nor a token `nobody`; there are sources: "), "{err}");
    assert!(err.contains("workday") && err.contains("tokens: "), "{err}");
    let vendor = file("vendor.json", r#"{"vendor_id":"ACME","accounts":["a","b"]}"#);
    let report =
        agent.json(&["webhook", "test", &vendor, "--source", "vendors", "--vendor", "-o", "json"]);
    assert_eq!(report["revocations"].as_array().unwrap().len(), 2);

    let text = std::fs::read_to_string(agent.config()).unwrap();
    for (from, to, says) in [
        (
            "employee_id: /worker/number",
            "employee_id: worker",
            "sources.workday.mapping.fields.employee_id: a JSON Pointer",
        ),
        ("event_type: /type", "ticket2: /type", "ticket2"),
        ("ticket: {value: HR-FEED}", "ticket: {header: x}", "only event_id"),
        (
            "scheme: github",
            "scheme: standard",
            "sources.ci.signature.secret_files[0]: a Standard Webhooks secret",
        ),
        (
            "next_token_file: next.token",
            "next_token_file: hr.token",
            "tokens.hr.next_token_file: this token is configured twice",
        ),
        ("scopes: [vendor]", "scopes: []", "tokens.vendors.scopes: a token that may do nothing"),
        ("per_minute: 30", "per_minute: 0", "tokens.reader.per_minute: 1 or more"),
        ("  ci:", "  hr-events:", "is another address"),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(agent.config(), text.replace(from, to)).unwrap();
        let (code, _, err) = agent.run(&["config", "check"]);
        assert_eq!(code, 1, "{to}");
        assert!(err.contains(says), "{to}: {err}");
        assert!(!err.contains(SECRET) && !err.contains(TOKEN), "{err}");
    }
}
