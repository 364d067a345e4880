//! The real agent and its commands, with a real server.

use crate::common::agent::{Agent, TOKEN};
use crate::common::cluster;
use crate::common::endpoint::{Endpoint, Event, PATH, SECRET};
use crate::common::http::prepared;
use crate::common::slack::Fault;
use crate::common::sql;
use crate::common::telling::{ran, until_state};
use crate::office::section;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use revoked::domain::hex::hex;
use revoked::throwaway::Cluster;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::process::{Command, Stdio};

fn agent_of(cluster: &Cluster, endpoint: &Endpoint, more: &str) -> Agent {
    let agent = prepared(cluster, &section(endpoint, more));
    endpoint.write_files(&agent.dir());
    agent
}

/// What a shell would make of it: the key in hex, `openssl dgst`, base64.
fn by_hand(event: &Event) -> String {
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let hex = hex(&key);
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", &format!("hexkey:{hex}"), "-binary"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut signed = format!("{}.{}.", event.id, event.timestamp).into_bytes();
    signed.extend(&event.raw);
    openssl.stdin.take().unwrap().write_all(&signed).unwrap();
    let tag = openssl.wait_with_output().unwrap().stdout;
    format!("v1,{}", STANDARD.encode(tag))
}

/// The line of a record in the log, and its hash as docs/audit-log.md has it.
fn line_of(agent: &Agent, id: &str) -> (u64, String) {
    for file in agent.log_files() {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let parsed: Value = serde_json::from_str(line).unwrap();
            if parsed["what"]["id"] == id {
                let hash = Sha256::new().chain_update([0]).chain_update(line).finalize();
                return (parsed["seq"].as_u64().unwrap(), hex(&hash));
            }
        }
    }
    panic!("{id} is not in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_from_its_notice_to_its_proof() {
    let (cluster, endpoint) = (cluster(), Endpoint::start().await);
    let make = "CREATE ROLE app_jd LOGIN; CREATE TABLE t (); GRANT SELECT ON t TO app_jd;";
    sql(&cluster, "postgres", "postgres", make);
    let mut agent = agent_of(&cluster, &endpoint, "");
    agent.start();
    let id = agent.expect("mustermann", &["--account", "main/app_jd", "--ticket", "SEC-193"]);
    let all = endpoint.until(2).await;
    let kinds = |all: &[Event]| all.iter().map(|one| one.kind().to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds(&all), ["revocation.opened", "revocation.residual"]);
    let found = &all[1].body["data"]["revocation"];
    assert_eq!(
        (&found["id"], &found["ticket"], &found["state"]),
        (&id.as_str().into(), &"SEC-193".into(), &"open".into())
    );
    assert_eq!(found["roles"][0]["role"], "app_jd");
    assert!(
        found["findings"].as_u64().unwrap() > 0 && found["targets"] == serde_json::json!(["main"]),
        "{found:#}"
    );
    let take = "REVOKE ALL ON t FROM app_jd; DROP ROLE app_jd;";
    sql(&cluster, "postgres", "postgres", take);
    let all = endpoint.until(3).await;
    assert_eq!(
        (all[2].kind(), all[2].body["data"]["revocation"]["findings"].as_u64()),
        ("revocation.verified", Some(0))
    );
    until_state(&agent, "sent", "").await;
    for event in &all {
        assert_eq!(event.signatures, [by_hand(event)], "openssl says the same");
        let record = &event.body["data"]["record"];
        let (seq, sha256) = line_of(&agent, record["id"].as_str().unwrap());
        assert_eq!((&record["seq"], &record["sha256"]), (&seq.into(), &sha256.into()));
        let text = String::from_utf8(event.raw.clone()).unwrap();
        assert!(!text.contains("mustermann"), "no person is named: {text}");
    }

    // What the operator has at hand.
    let delivery = all[0].body["data"]["delivery"].as_str().unwrap().to_owned();
    let (code, out, err) = ran(&agent, &["outbox", "list", "-o", "csv"]).await;
    assert!(code == 0 && out.contains(&delivery), "{out}{err}");
    let (code, out, err) = ran(&agent, &["outbox", "retry", &delivery, "--dry-run"]).await;
    let would: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code} {out}{err}"));
    assert_eq!(would["headers"]["webhook-id"], all[0].id.as_str(), "the same id for ever");
    assert_eq!(endpoint.events().len(), 3, "nothing is sent");
    let (code, out, err) = ran(&agent, &["outbox", "test", "tickets"]).await;
    assert!(code == 0 && out.contains("tickets took the test event msg_"), "{code} {out}{err}");
    assert_eq!(endpoint.events()[3].kind(), "test");
    let (_, out, _) = ran(&agent, &["doctor"]).await;
    assert!(out.contains("somebody answers there (http_405)"), "{out}");
    endpoint.always(Some(Fault::Status(401, Vec::new())));
    let (code, _, err) = ran(&agent, &["outbox", "test", "tickets"]).await;
    assert!(
        code == 1 && err.contains("refuses the signature or the headers (http_401)"),
        "{code} {err}"
    );
    let (code, _, err) = ran(&agent, &["outbox", "test", "nobody"]).await;
    assert!(
        code == 1 && err.contains("nobody is not under webhooks_out; there are: tickets"),
        "{err}"
    );
    agent.stop();
    let (code, said) = agent.verify();
    assert_eq!(code, 0, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_killed_sends_the_same_event_again() {
    let (cluster, endpoint) = (cluster(), Endpoint::start().await);
    let mut agent = agent_of(&cluster, &endpoint, ", events: [opened]");
    endpoint.fail([Fault::HangAfter]);
    agent.start();
    agent.expect("john", &["--account", "john"]);
    endpoint.until(1).await;
    agent.kill();
    agent.start();
    until_state(&agent, "sent", "").await;
    let all = endpoint.events();
    assert_eq!(all.len(), 2, "{all:#?}");
    assert_eq!(
        (&all[0].id, &all[0].body["data"]["record"]),
        (&all[1].id, &all[1].body["data"]["record"])
    );
    agent.stop();
    let told: Vec<_> =
        agent.log().into_iter().filter(|line| line["type"] == "notification_sent").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["what"]["possible_duplicate"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_anything_that_is_said_or_kept() {
    let (cluster, endpoint) = (cluster(), Endpoint::start().await);
    let mut agent = agent_of(&cluster, &endpoint, "");
    endpoint.fail([Fault::Status(500, Vec::new()), Fault::Status(422, Vec::new()), Fault::Reset]);
    let mut command = agent.command(&["serve"]);
    command.env("REVOKED_LOG", "debug");
    agent.spawn_as(command);
    agent.until_ready();
    agent.expect("john", &["--account", "john"]);
    endpoint.until(1).await;
    until_state(&agent, "sent", "").await;
    let mut said = vec![agent.get("/metrics").unwrap()];
    assert!(said[0].contains("receiver=\"webhook:tickets\""), "{}", said[0]);
    for arguments in [
        &["config", "check"][..],
        &["outbox", "list", "-o", "json"],
        &["outbox", "test", "tickets"],
        &["doctor"],
        &["doctor", "-o", "json"],
        &["log", "tail"],
    ] {
        let (_, out, err) = ran(&agent, arguments).await;
        said.extend([out, err]);
    }
    agent.stop();
    said.push(agent.stderr());
    for (file, wrong) in [
        (format!("hook-{}.url", endpoint.port), format!("http://tickets.example{PATH}")),
        (format!("hook-{}.url", endpoint.port), format!("https://[{PATH}")),
        ("hook.secret".to_owned(), format!("{SECRET}*")),
        ("hook.key".to_owned(), "hush7f3aheader\u{7}".to_owned()),
    ] {
        std::fs::write(agent.dir().join(file), wrong).unwrap();
        for arguments in
            [&["config", "check"][..], &["doctor"], &["serve"], &["outbox", "test", "tickets"]]
        {
            let (code, out, err) = ran(&agent, arguments).await;
            assert_ne!(code, 0, "{arguments:?}: {out}{err}");
            said.extend([out, err]);
        }
        endpoint.write_files(&agent.dir());
    }
    said.push(agent.log().iter().map(ToString::to_string).collect());
    for entry in std::fs::read_dir(agent.dir().join("state")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            said.push(String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned());
        }
    }
    for text in &said {
        for secret in ["hush7f3a", "aHVzaDdmM2E", TOKEN] {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
    }
}
