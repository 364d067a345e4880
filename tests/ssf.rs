//! Security event tokens against the real agent: what each event opens, forged tokens of every class, and keys that
//! change or cannot be read.

mod common;
#[path = "ssf/forged.rs"]
mod forged;
#[path = "ssf/keys.rs"]
mod keys;

use common::agent::Agent;
use common::cluster;
use common::http::{Answer, Api, ask, prepared};
use common::issuer::{AUD, ISS, Key, Server, claims, of};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/ssf/events";
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";

async fn push(api: &Api, token: impl Into<reqwest::Body>) -> Answer {
    let request = api.anonymous(Method::POST, PATH);
    ask(request.header("content-type", "application/secevent+jwt").body(token)).await
}

/// The code of a refusal, and what is said beside it.
fn refused(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json", "{answer:?}");
    let told = answer.json();
    let text = |key: &str| told[key].as_str().unwrap().to_owned();
    (text("err"), text("description"))
}

fn assert_taken(answer: &Answer) {
    assert_eq!((answer.status, answer.text.as_str()), (202, ""), "{answer:?}");
}

fn revocations(agent: &Agent) -> Vec<Value> {
    agent.json(&["expect", "list", "-o", "json"]).as_array().unwrap().clone()
}

/// Subject, kind, reason and source of the only revocation about `subject`.
fn about(agent: &Agent, subject: &str) -> (Value, Value, Value) {
    let all = revocations(agent);
    let own: Vec<_> = all.iter().filter(|one| one["subject"] == subject).collect();
    assert_eq!(own.len(), 1, "{subject}: {all:#?}");
    let id = own[0]["id"].as_str().unwrap();
    let view = agent.json(&["expect", "show", id, "-o", "json"]);
    (view["kind"].clone(), view["reason"].clone(), view["source"].clone())
}

fn started(server: &Server, more: &str) -> (revoked::throwaway::Cluster, Agent, Api) {
    let cluster = cluster();
    let mut agent = prepared(&cluster, &server.section(more));
    agent.start();
    let api = Api::of(&agent);
    (cluster, agent, api)
}

#[tokio::test]
async fn each_event_opens_what_it_says_once() {
    let (rsa, p256) = (Key::rsa(2048), Key::p256());
    let server = Server::start(vec![rsa.jwk("r1"), p256.jwk("e1")]).await;
    let (_cluster, mut agent, api) = started(&server, "");
    let scim = "urn:ietf:params:scim:event:prov:";
    let draft = "urn:ietf:params:SCIM:event:prov:";
    for (subject, event, body, kind, reason) in [
        ("u1", format!("{RISC}account-disabled"), json!({}), "suspend", "other"),
        (
            "u2",
            format!("{RISC}account-disabled"),
            json!({"reason": "hijacking"}),
            "suspend",
            "policy_violation",
        ),
        ("u3", format!("{RISC}account-purged"), json!({}), "full", "other"),
        (
            "u4",
            format!("{RISC}credential-compromise"),
            json!({"credential_type": "password"}),
            "suspend",
            "policy_violation",
        ),
        (
            "svc_app",
            format!("{RISC}credential-compromise"),
            json!({"credential_type": "password"}),
            "rotation",
            "policy_violation",
        ),
        ("u5", format!("{scim}deactivate"), json!({}), "full", "other"),
        ("u6", format!("{draft}delete"), json!({}), "full", "other"),
    ] {
        let told = claims(&format!("jti-{subject}"), &of(subject), &event, &body);
        assert_taken(&push(&api, rsa.token("r1", &told)).await);
        // Sent again, and signed anew by another key: the same token.
        assert_taken(&push(&api, p256.token("e1", &told)).await);
        assert_taken(&push(&api, p256.token("e1", &told)).await);
        let told = about(&agent, subject);
        assert_eq!(told, (kind.into(), reason.into(), "ssf:idp".into()), "{subject}");
    }
    assert_eq!(server.asked(), 1, "the keys were asked for once");
    assert_eq!(revocations(&agent).len(), 7);

    nothing_follows(&agent, &api, &rsa).await;
    assert_counted(&agent);
    assert!(agent.stop().success());
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    let triggered =
        agent.log().iter().filter(|line| line["type"] == "revocation_triggered").count();
    assert_eq!(triggered, 7, "each once");
}

/// Events of which nothing follows, and which are counted.
async fn nothing_follows(agent: &Agent, api: &Api, key: &Key) {
    for (jti, event, body) in [
        ("v", format!("{SSF}verification"), json!({"state": "x"})),
        ("s", format!("{SSF}stream-updated"), json!({"status": "paused"})),
        ("r", format!("{RISC}identifier-recycled"), json!({})),
        ("e", format!("{RISC}account-enabled"), json!({})),
        ("c", format!("{CAEP}credential-change"), json!({"change_type": "create"})),
        ("o", "urn:example:event".to_owned(), json!({})),
    ] {
        let told = claims(jti, &of("u9"), &event, &body);
        assert_taken(&push(api, key.token("r1", &told)).await);
    }
    let unnamed = json!({"iss": ISS, "aud": [AUD, "https://else.example"], "jti": "v2",
        "iat": revoked::clock::now().micros() / 1_000_000,
        "sub_id": {"format": "opaque", "id": "stream"}, "events": {format!("{SSF}verification"): {}}});
    assert_taken(&push(api, key.token("r1", &unnamed)).await);
    assert_eq!(revocations(agent).len(), 7);
}

fn assert_counted(agent: &Agent) {
    let line = |event: &str, outcome: &str, count: u32| {
        format!(
            "access_revocation_ssf_events_total{{event=\"{event}\",issuer=\"idp\",outcome=\"{outcome}\"}} {count}"
        )
    };
    let lines = [
        line("account_disabled", "accepted", 2),
        line("account_disabled", "known", 4),
        line("deleted", "accepted", 1),
        line("verification", "ignored", 2),
        line("stream_updated", "ignored", 1),
        line("identifier_recycled", "ignored", 1),
        line("credential_change", "ignored", 1),
        line("other", "ignored", 2),
    ];
    agent.until_metrics(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let metrics = agent.get("/metrics").unwrap();
    for name in ["last_token", "last_verification", "keys"] {
        let shown = format!("access_revocation_ssf_{name}_timestamp_seconds{{issuer=\"idp\"}} 1");
        assert!(metrics.contains(&shown), "{name}: {metrics}");
    }
    let said = agent.stderr();
    assert!(
        said.contains("an identifier was recycled") && said.contains("stops its stream"),
        "{said}"
    );
}

#[tokio::test]
async fn the_same_id_with_other_claims_is_refused_and_counted() {
    let key = Key::p256();
    let server = Server::start(vec![key.jwk("k")]).await;
    let (_cluster, agent, api) = started(&server, "");
    let event = format!("{RISC}account-purged");
    assert_taken(&push(&api, key.token("k", &claims("one", &of("a"), &event, &json!({})))).await);
    let other = push(&api, key.token("k", &claims("one", &of("b"), &event, &json!({})))).await;
    let (err, description) = refused(&other);
    assert_eq!(err, "invalid_request");
    assert!(description.contains("came before with other claims"), "{description}");
    assert_eq!(revocations(&agent).len(), 1);
    agent.until_metrics(&[
        "access_revocation_ssf_events_total{event=\"account_purged\",issuer=\"idp\",outcome=\"conflict\"} 1",
        "access_revocation_ssf_refused_total{err=\"invalid_request\",issuer=\"idp\"} 1",
    ]);
}

#[tokio::test]
async fn one_token_about_several_names_opens_each_and_only_once() {
    let key = Key::p256();
    let server = Server::start(vec![key.jwk("k")]).await;
    let (_cluster, agent, api) = started(&server, ", subject: email, reason: terminated");
    let aliases = json!({"format": "aliases", "identifiers": [
        {"format": "email", "email": "ann@example.com"}, {"format": "email", "email": "anna@example.com"}]});
    let told = claims("two", &aliases, &format!("{RISC}account-purged"), &json!({}));
    for _ in 0..2 {
        assert_taken(&push(&api, key.token("k", &told)).await);
        for name in ["ann@example.com", "anna@example.com"] {
            assert_eq!(about(&agent, name).1, "terminated", "{name}");
        }
    }
    // What is not named by an address is expected under the name that there is.
    let told = claims("three", &of("00u1"), &format!("{RISC}account-purged"), &json!({}));
    assert_taken(&push(&api, key.token("k", &told)).await);
    assert_eq!(about(&agent, "00u1").0, "full");
    let nobody = json!({"format": "phone_number", "phone_number": "+1 206 555 0123"});
    let told = claims("four", &nobody, &format!("{RISC}account-purged"), &json!({}));
    assert_eq!(refused(&push(&api, key.token("k", &told)).await).0, "invalid_request");
    let foreign = json!({"format": "iss_sub", "iss": "https://else.example/", "sub": "1"});
    let told = claims("five", &foreign, &format!("{RISC}account-purged"), &json!({}));
    assert_eq!(refused(&push(&api, key.token("k", &told)).await).0, "access_denied");
    assert_eq!(revocations(&agent).len(), 3);

    // What was signed and cannot be used is held for a person.
    let listed = agent.json(&["webhook", "journal", "--quarantined", "-o", "json"]);
    let held: Vec<_> = listed["notices"].as_array().unwrap().iter().collect();
    let jti =
        |one: &&Value| one["event_id"].as_str().unwrap().split('/').next().unwrap().to_owned();
    assert_eq!(held.iter().map(jti).collect::<Vec<_>>(), ["five", "four"], "{listed}");
    agent.until_metrics(&["access_revocation_intake_quarantined 2"]);
    assert_eq!(refused(&push(&api, key.token("k", &told)).await).0, "access_denied");
    agent.until_metrics(&["access_revocation_intake_quarantined 2"]);
    let id = held[0]["id"].as_str().unwrap();
    let (code, _, err) = agent.run(&["webhook", "retry", id]);
    assert_eq!(code, 1);
    assert!(err.contains("not taken twice") && err.contains("expect add"), "{err}");
    let (code, _, err) = agent.run(&["webhook", "dismiss", id, "--reason", "a foreign tenant"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn an_ended_session_is_a_reason_to_look() {
    let key = Key::p256();
    let server = Server::start(vec![key.jwk("k")]).await;
    let (_cluster, agent, api) = started(&server, "");
    let event = format!("{CAEP}session-revoked");
    let told = |jti: &str, name: &str| {
        let subject = json!({"format": "complex", "user": of(name),
            "session": {"format": "opaque", "id": "dMTlD|1600802906337.16|16008.16"}});
        key.token("k", &claims(jti, &subject, &event, &json!({"initiating_entity": "policy"})))
    };
    assert_taken(&push(&api, told("none", "jane")).await);
    assert!(revocations(&agent).is_empty(), "no revocation is opened by it");
    let id = agent.expect("jane", &["--account", "nobody_has_it"]);
    let before = agent.json(&["expect", "show", &id, "-o", "json"]);
    let records = agent.log().len();
    let token = told("one", "jane");
    assert_taken(&push(&api, token.clone()).await);
    assert_taken(&push(&api, token).await);
    agent.until(&id, |view| view["looked_at"].as_str() > before["looked_at"].as_str());
    assert_eq!(
        refused(&push(&api, told("one", "john")).await).0,
        "invalid_request",
        "its id is kept"
    );
    agent.until_metrics(&[
        "access_revocation_ssf_events_total{event=\"session_revoked\",issuer=\"idp\",outcome=\"noted\"} 1",
        "access_revocation_ssf_events_total{event=\"session_revoked\",issuer=\"idp\",outcome=\"known\"} 1",
        "access_revocation_ssf_events_total{event=\"session_revoked\",issuer=\"idp\",outcome=\"ignored\"} 1",
        "access_revocation_ssf_events_total{event=\"session_revoked\",issuer=\"idp\",outcome=\"conflict\"} 1",
    ]);
    let after = agent.log();
    let new = after[records.min(after.len())..].iter();
    assert!(
        !new.clone().any(|line| line["type"] == "revocation_amended"),
        "nothing asked for more"
    );
}

#[tokio::test]
async fn without_an_issuer_nothing_is_taken() {
    let cluster = cluster();
    let agent = common::http::started(&cluster);
    let api = Api::of(&agent);
    let told = claims("j", &of("a"), &format!("{RISC}account-purged"), &json!({}));
    let answer = push(&api, Key::p256().token("k", &told)).await;
    assert_eq!(refused(&answer).0, "invalid_issuer");
    assert!(revocations(&agent).is_empty());
    assert!(!agent.get("/metrics").unwrap().contains("ssf_last_token_timestamp_seconds{"));
}
