//! Keys that change, that cannot be read, that a file has, and that come from a server which nobody vouches for.

use crate::common::cluster;
use crate::common::http::{Answer, Api, ask, prepared};
use crate::common::issuer::{AUD, ISS, Key, Server, claims, of};
use crate::{PATH, RISC, about, assert_taken, push, refused, revocations, started};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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
