//! Security event tokens against the real agent: what each event opens, forged tokens of every class, and keys that
//! change or cannot be read.

mod common;

use common::agent::Agent;
use common::cluster;
use common::http::{Answer, Api, ask, prepared};
use common::issuer::{AUD, ISS, Key, Server, claims, of, part};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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

    // Nothing follows from these, and they are counted.
    for (jti, event, body) in [
        ("v", format!("{SSF}verification"), json!({"state": "x"})),
        ("s", format!("{SSF}stream-updated"), json!({"status": "paused"})),
        ("r", format!("{RISC}identifier-recycled"), json!({})),
        ("e", format!("{RISC}account-enabled"), json!({})),
        ("c", format!("{CAEP}credential-change"), json!({"change_type": "create"})),
        ("o", "urn:example:event".to_owned(), json!({})),
    ] {
        let told = claims(jti, &of("u9"), &event, &body);
        assert_taken(&push(&api, rsa.token("r1", &told)).await);
    }
    let unnamed = json!({"iss": ISS, "aud": [AUD, "https://else.example"], "jti": "v2",
        "iat": revoked::clock::now().micros() / 1_000_000,
        "sub_id": {"format": "opaque", "id": "stream"}, "events": {format!("{SSF}verification"): {}}});
    assert_taken(&push(&api, rsa.token("r1", &unnamed)).await);
    assert_eq!(revocations(&agent).len(), 7);
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
    assert!(agent.stop().success());
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    let triggered =
        agent.log().iter().filter(|line| line["type"] == "revocation_triggered").count();
    assert_eq!(triggered, 7, "each once");
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

/// What is refused whatever its claims are.
fn badly_signed(
    good: &Value,
    known: &Key,
    rsa: &Key,
    other: &Key,
) -> Vec<(&'static str, String, &'static str)> {
    let text = good.to_string();
    let with = |key: &Key, header: Value| key.token_with(&header, &text);
    let header = |alg: &str, kid: &str| json!({"typ": "secevent+jwt", "alg": alg, "kid": kid});
    let unsigned = format!("{}.{}.", part(header("none", "e1").to_string()), part(&text));
    let fine = known.token("e1", good);
    let (signed, signature) = fine.rsplit_once('.').unwrap();
    let others = good.to_string().replace("victim", "somebody");
    let swapped = format!("{}.{}.{signature}", signed.split('.').next().unwrap(), part(others));
    let mut own = header("ES256", "e1");
    own["jwk"] = other.jwk("e1");
    let mut elsewhere = header("ES256", "e1");
    elsewhere["jku"] = json!("http://127.0.0.1:1/keys");
    elsewhere["x5u"] = json!("http://127.0.0.1:1/chain");
    let mut critical = header("ES256", "e1");
    critical["crit"] = json!(["exp"]);
    vec![
        ("no signature", unsigned, "invalid_key"),
        ("an empty signature", format!("{signed}."), "authentication_failed"),
        ("a cut signature", format!("{signed}.{}", &signature[..40]), "authentication_failed"),
        ("a signature of zeros", format!("{signed}.{}", part([0; 64])), "authentication_failed"),
        ("other claims under it", swapped, "authentication_failed"),
        ("another key", with(other, header("ES256", "e1")), "authentication_failed"),
        ("its own key in the header", with(other, own), "authentication_failed"),
        ("its own key elsewhere", with(other, elsewhere), "authentication_failed"),
        ("the algorithm of a secret", with(known, header("HS256", "e1")), "invalid_key"),
        ("an algorithm that is not taken", with(known, header("ES384", "e1")), "invalid_key"),
        ("a key of another algorithm", with(rsa, header("RS256", "e1")), "invalid_key"),
        ("crit", with(known, critical), "invalid_request"),
        (
            "another type",
            with(known, json!({"typ": "JWT", "alg": "ES256", "kid": "e1"})),
            "invalid_request",
        ),
        ("no type", with(known, json!({"alg": "ES256", "kid": "e1"})), "invalid_request"),
        ("an encrypted one", "a.b.c.d.e".to_owned(), "invalid_request"),
        ("no token", "{}".to_owned(), "invalid_request"),
        ("nothing", String::new(), "invalid_request"),
    ]
}

#[tokio::test]
async fn forged_tokens_of_every_class_open_nothing() {
    let (rsa, known, other) = (Key::rsa(2048), Key::p256(), Key::p256());
    let server = Server::start(vec![rsa.jwk("r1"), known.jwk("e1")]).await;
    let (_cluster, agent, api) = started(&server, "");
    let event = format!("{RISC}account-purged");
    let good = claims("forged", &of("victim"), &event, &json!({}));
    let mut asked = 0;
    for (what, token, err) in badly_signed(&good, &known, &rsa, &other) {
        let answer = push(&api, token).await;
        // A key of another algorithm is one that is not known: the issuer is asked, and not at once again.
        if answer.status == 503 {
            asked += 1;
            assert_eq!(what, "a key of another algorithm");
            continue;
        }
        assert_eq!(refused(&answer).0, err, "{what}: {answer:?}");
    }
    assert!(asked <= 1);
    let now = revoked::clock::now().micros() / 1_000_000;
    for (key, value, err) in [
        ("iss", json!("https://idp.example.com"), "invalid_issuer"),
        ("aud", json!("https://revoked.example"), "invalid_audience"),
        ("aud", json!([]), "invalid_audience"),
        ("exp", json!(now + 3600), "invalid_request"),
        ("sub", json!("victim"), "invalid_request"),
        ("iat", json!(now + 3600), "invalid_request"),
        ("iat", json!(1), "invalid_request"),
        ("jti", json!(""), "invalid_request"),
        ("events", json!({}), "invalid_request"),
        ("events", json!({&event: "x"}), "invalid_request"),
        ("sub_id", json!(null), "invalid_request"),
    ] {
        let mut changed = good.clone();
        changed[key] = value;
        let answer = push(&api, known.token("e1", &changed)).await;
        assert_eq!(refused(&answer).0, err, "{key}: {changed}");
    }
    let token = known.token("e1", &good);
    for kind in ["application/json", "application/jwt", ""] {
        let request = api.anonymous(Method::POST, PATH).header("content-type", kind);
        assert_eq!(refused(&ask(request.body(token.clone())).await).0, "invalid_request", "{kind}");
    }
    let large = known.token("e1", &json!({"iss": ISS, "more": "x".repeat(70_000)}));
    assert_eq!(refused(&push(&api, large).await).0, "invalid_request");
    let query = api.anonymous(Method::POST, &format!("{PATH}?x=1"));
    assert_eq!(refused(&ask(query.body(token.clone())).await).0, "invalid_request");
    assert!(revocations(&agent).is_empty());
    assert!(server.asked() <= 2, "{}", server.asked());
    assert!(!agent.log().iter().any(|line| line["type"] == "revocation_triggered"));
    // The same claims by the right key are taken: nothing else was wrong with them.
    assert_taken(&push(&api, token).await);
    assert_eq!(about(&agent, "victim").0, "full");
}

#[tokio::test]
async fn a_short_rsa_key_is_no_key() {
    let (short, good) = (Key::rsa(2048), Key::p256());
    let mut weak = short.jwk("weak");
    weak["n"] = json!(part([0xc5; 128]));
    let server = Server::start(vec![weak, good.jwk("e1")]).await;
    let (_cluster, agent, api) = started(&server, "");
    let told = claims("w", &of("a"), &format!("{RISC}account-purged"), &json!({}));
    assert_eq!(refused(&push(&api, short.token("weak", &told)).await).0, "authentication_failed");
    assert!(revocations(&agent).is_empty());
}

/// Pushes until the answer is not 503, which it has to be at once or within the pause between two questions.
async fn in_the_end(api: &Api, token: &str) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = push(api, token.to_owned()).await;
        if answer.status != 503 {
            return answer;
        }
        assert_eq!(answer.header("retry-after"), "5", "{answer:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn keys_change_and_their_server_goes_away() {
    let (old, new, newest) = (Key::p256(), Key::rsa(2048), Key::p256());
    let server = Server::start(vec![old.jwk("old")]).await;
    let (_cluster, agent, api) = started(&server, "");
    let event = format!("{RISC}account-purged");
    let token = |key: &Key, kid: &str, name: &str| {
        key.token(kid, &claims(&format!("jti-{name}"), &of(name), &event, &json!({})))
    };
    assert_taken(&push(&api, token(&old, "old", "a")).await);
    // A key that is not known is asked for; until it may be asked again, nothing is refused for good.
    server.set(Some(vec![new.jwk("new")]));
    assert_taken(&in_the_end(&api, &token(&new, "new", "b")).await);
    assert_eq!(server.asked(), 2);
    // The old one is gone from the set, and with it what it signs.
    let answer = in_the_end(&api, &token(&old, "old", "c")).await;
    assert_eq!(refused(&answer).0, "invalid_key");
    assert_eq!(server.asked(), 3);

    server.set(None);
    assert_taken(&push(&api, token(&new, "new", "d")).await);
    for number in 0..20 {
        let forged = token(&newest, &format!("kid-{number}"), "e");
        assert_eq!(push(&api, forged).await.status, 503, "nobody knows whose key that is");
    }
    assert!(server.asked() <= 5, "{} questions for 20 tokens", server.asked());
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(push(&api, token(&newest, "newest", "f")).await.status, 503);
    assert_taken(&push(&api, token(&new, "new", "g")).await);
    let metrics = agent.get("/metrics").unwrap();
    assert!(!metrics.contains("ssf_key_failures_total{issuer=\"idp\"} 0"), "{metrics}");
    assert!(agent.stderr().contains("those that are known are kept"), "{}", agent.stderr());
    server.set(Some(vec![newest.jwk("newest")]));
    assert_taken(&in_the_end(&api, &token(&newest, "newest", "f")).await);
    let subjects: Vec<_> =
        revocations(&agent).iter().map(|one| one["subject"].as_str().unwrap().to_owned()).collect();
    assert_eq!(subjects.len(), 5, "{subjects:?}");
    assert!(!subjects.iter().any(|subject| ["c", "e"].contains(&subject.as_str())), "{subjects:?}");
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
async fn keys_of_a_file_and_a_transmitter_that_says_who_it_is() {
    let key = Key::rsa(2048);
    let cluster = cluster();
    let section = format!(
        "ssf: {{issuers: {{idp: {{issuer: '{ISS}', audience: ['{AUD}'], jwks_file: keys.json, \
         token_file: idp.token}}}}}}"
    );
    let mut agent = prepared(&cluster, &section);
    let keys = |keys: &[Value]| {
        std::fs::write(agent.dir().join("keys.json"), json!({"keys": keys}).to_string()).unwrap();
    };
    keys(&[key.jwk("k")]);
    std::fs::write(agent.dir().join("idp.token"), "an-idp-token-of-32-characters-00").unwrap();
    agent.start();
    let api = Api::of(&agent);
    let token =
        key.token("k", &claims("j", &of("a"), &format!("{RISC}account-purged"), &json!({})));
    assert_eq!(refused(&push(&api, token.clone()).await).0, "authentication_failed");
    let with = |secret: &str| {
        let request = api.anonymous(Method::POST, PATH).bearer_auth(secret);
        ask(request.header("content-type", "application/secevent+jwt").body(token.clone()))
    };
    let wrong = with("an-idp-token-of-32-characters-01").await;
    assert_eq!(refused(&wrong).0, "authentication_failed");
    assert!(revocations(&agent).is_empty());
    assert_taken(&with("an-idp-token-of-32-characters-00").await);
    assert_eq!(about(&agent, "a").0, "full");
    let (code, out, err) = agent.run(&["config", "check"]);
    assert!(code == 0 && out.contains("signals        idp"), "{out}{err}");
    std::fs::write(agent.dir().join("keys.json"), "{}").unwrap();
    let (code, _, err) = agent.run(&["config", "check"]);
    assert!(code == 1 && err.contains("ssf.issuers.idp.jwks_file"), "{err}");
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

/// A server of files over TLS, whose certificate an authority of its own signed.
struct Tls(std::process::Child);

impl Tls {
    fn start(dir: &std::path::Path, port: u16) -> Self {
        let openssl = |arguments: &[&str]| {
            let made = Command::new("openssl").args(arguments).current_dir(dir).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        };
        let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"];
        openssl(&[&new[..], &["/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem"]].concat());
        let leaf = [
            "/CN=localhost",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:false",
        ];
        openssl(&[&new[..], &leaf].concat());
        let accept = format!("127.0.0.1:{port}");
        let mut command = Command::new("openssl");
        command.args([
            "s_server", "-accept", &accept, "-cert", "cert.pem", "-key", "key.pem", "-WWW",
            "-quiet",
        ]);
        let child =
            command.current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "s_server does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self(child)
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn keys_from_a_server_that_nobody_vouches_for_are_not_taken() {
    let (key, cluster) = (Key::p256(), cluster());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let section = format!(
        "ssf: {{issuers: {{idp: {{issuer: '{ISS}', audience: '{AUD}', jwks_url: 'https://localhost:{free}/keys'}}}}}}"
    );
    let mut agent = prepared(&cluster, &section);
    let dir = agent.dir();
    std::fs::write(dir.join("keys"), json!({"keys": [key.jwk("k")]}).to_string()).unwrap();
    let _tls = Tls::start(&dir, free);
    agent.start();
    let api = Api::of(&agent);
    let token =
        key.token("k", &claims("j", &of("a"), &format!("{RISC}account-purged"), &json!({})));
    assert_eq!(push(&api, token.clone()).await.status, 503);
    assert!(revocations(&agent).is_empty());
    assert!(agent.stderr().contains("certificate"), "{}", agent.stderr());
    let (_, report, _) = agent.run(&["doctor", "-o", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let sections = report["sections"].as_array().unwrap();
    let signals = sections.iter().find(|one| one["about"] == "signals").unwrap();
    assert_eq!(signals["lines"][0]["level"], "gap", "{signals}");
    assert!(agent.stop().success());
    // With the authority among the system's, the same server is believed.
    let mut command = agent.command(&["serve"]);
    command.env("SSL_CERT_FILE", dir.join("ca.pem"));
    agent.spawn_as(command);
    agent.until_ready();
    let answer = push(&Api::of(&agent), token).await;
    assert_eq!(answer.status, 202, "{answer:?} {}", agent.stderr());
    assert_eq!(about(&agent, "a").0, "full");
}
