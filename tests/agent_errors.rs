//! How the agent starts, refuses to start, and stops.

mod common;

use common::agent::{Agent, TOKEN};
use common::http::{Api, REVOCATIONS, prepared, started};
use common::{cluster, sql};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// The agent ends within ten seconds; the rest is for a machine under load.
const STOPPED: Duration = Duration::from_secs(20);

const NOTICE: &str = r#"{"username":"john","reason":"terminated"}"#;

/// Asserts that the agent stops in order, in time, with nothing missing.
fn assert_stops(agent: &mut Agent) {
    let begun = Instant::now();
    let status = agent.stop();
    let took = begun.elapsed();
    assert_eq!(status.code(), Some(0), "{}", agent.stderr());
    assert!(took < STOPPED, "{took:?}");
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    let last = agent.log().into_iter().rev().nth(1).unwrap();
    assert_eq!(last["type"], "stop", "the last but its checkpoint");
}

/// Asserts that the agent does not start, and says each of `parts`.
fn assert_refused(agent: &mut Agent, parts: &[&str]) {
    agent.spawn();
    let status = agent.wait();
    let says = agent.stderr();
    assert_eq!(status.code(), Some(1), "{says}");
    let last = says.lines().last().unwrap_or_default();
    for part in parts {
        assert!(last.contains(part), "{part} is not in: {last}");
    }
}

#[tokio::test]
async fn sigterm_ends_it_in_order() {
    let cluster = cluster();
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    assert_eq!(api.post(NOTICE, None).await.status, 202);
    // The client keeps its connection for the next request.
    assert_stops(&mut agent);
    let kinds: Vec<_> =
        agent.log().iter().map(|line| line["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds[..3], ["genesis", "checkpoint", "start"]);
}

#[test]
fn sigterm_before_the_target_answers_ends_it_in_order() {
    let mut cluster = cluster();
    let mut agent = prepared(&cluster, "");
    cluster.stop();
    agent.start();
    assert_stops(&mut agent);
}

#[test]
fn sigterm_ends_it_whatever_clients_leave_unfinished() {
    let cluster = cluster();
    let mut agent = started(&cluster);
    let half = format!(
        "POST {REVOCATIONS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 90\r\n\r\n{{"
    );
    let socket = agent.dir().join("state/revoked.sock");
    let mut held = Vec::new();
    for text in ["", "GET", "GET /metrics HTTP/1.1\r\nHost: x\r\n", &half] {
        for port in [agent.api, agent.metrics] {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
            held.push(stream);
        }
    }
    let mut command = std::os::unix::net::UnixStream::connect(socket).unwrap();
    command.write_all(half.as_bytes()).unwrap();
    // One more round trip, so that the agent has taken them all.
    assert!(agent.get("/-/healthy").is_some());
    assert_stops(&mut agent);
    drop((held, command));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_flight_when_it_stops_is_answered_or_refused() {
    let cluster = cluster();
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let mut answers = tokio::task::JoinSet::new();
    for n in 0..50 {
        let notice = format!(r#"{{"username":"person {n}","reason":"terminated"}}"#);
        answers.spawn(api.request(reqwest::Method::POST, REVOCATIONS).body(notice).send());
    }
    let first = answers.join_next().await.unwrap().unwrap();
    assert_eq!(first.unwrap().status(), 202);
    assert_stops(&mut agent);
    let mut acknowledged = 1;
    while let Some(answer) = answers.join_next().await {
        acknowledged += usize::from(answer.unwrap().is_ok_and(|answer| answer.status() == 202));
    }
    let triggered =
        agent.log().iter().filter(|line| line["type"] == "revocation_triggered").count();
    assert!(
        triggered >= acknowledged,
        "{acknowledged} were acknowledged, {triggered} are recorded"
    );
}

#[tokio::test]
async fn a_second_agent_on_the_same_directory_is_refused() {
    let cluster = cluster();
    let agent = started(&cluster);
    let (code, _, err) = agent.run(&["serve"]);
    assert_eq!(code, 1, "{err}");
    for part in ["another process holds it", "If the agent runs", "revoked.sock or REVOKED_URL"] {
        assert!(err.contains(part), "{err}");
    }
    assert_eq!(Api::of(&agent).post(NOTICE, None).await.status, 202, "the first goes on");
}

#[test]
fn a_port_that_is_taken_is_named_by_its_key() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    for (key, port) in [("listen.metrics", agent.metrics), ("listen.api", agent.api)] {
        let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let address = format!("127.0.0.1:{port}");
        assert_refused(&mut agent, &[&format!("{key}: listening on {address}"), "another port"]);
        drop(taken);
    }
    agent.start();
    assert_stops(&mut agent);
}

/// Puts the store into a database of `cluster`, and `more` into the target's part of the configuration.
fn store_on(cluster: &revoked::throwaway::Cluster, more: &str) -> Agent {
    sql(
        cluster,
        "postgres",
        "postgres",
        "CREATE ROLE keeper LOGIN; CREATE DATABASE state OWNER keeper;",
    );
    let url = cluster.url("keeper", "state");
    let agent = prepared(cluster, &format!("store: {{url: '{url}'}}"));
    let text = std::fs::read_to_string(agent.config()).unwrap();
    assert!(text.contains("\n  main:\n"), "{text}");
    let text = text.replace("\n  main:\n", &format!("\n  main:\n{more}"));
    std::fs::write(agent.config(), text).unwrap();
    agent
}

#[test]
fn a_store_on_a_target_is_refused() {
    let cluster = cluster();
    let mut agent = store_on(&cluster, "");
    assert_refused(
        &mut agent,
        &["it lies on the target main", "targets.main.store_on_target: true", "another database"],
    );
    // It starts, looks, and stops: the log says so and is sound.
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
}

#[tokio::test]
async fn a_store_on_a_target_may_be_allowed() {
    let cluster = cluster();
    let mut agent = store_on(&cluster, "    store_on_target: true\n");
    agent.start();
    let api = Api::of(&agent);
    let accepted = api.post(NOTICE, Some("1")).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    agent.until(&id, |view| !view["verdict"].is_null());
    for id in ["%00", "rev_%00", "%ff", &"x".repeat(10_000)] {
        api.get(&format!("{REVOCATIONS}/{id}")).await.problem(404);
    }
    agent.kill();
    agent.start();
    assert_eq!(Api::of(&agent).post(NOTICE, Some("1")).await.json()["id"], id.as_str());
    assert_stops(&mut agent);
}

#[test]
fn what_is_missing_or_foreign_is_named() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    let config = std::fs::read_to_string(agent.config()).unwrap();
    let (log, key) = (agent.log_file(), agent.dir().join("state/keys/log.key"));
    let move_away = |path: &std::path::Path| std::fs::rename(path, path.with_extension("away"));
    let move_back = |path: &std::path::Path| std::fs::rename(path.with_extension("away"), path);

    std::fs::write(agent.config(), format!("{config}colour: red\n")).unwrap();
    assert_refused(&mut agent, &["revoked.yaml", "there is no key `colour` here"]);
    std::fs::write(agent.config(), config.replace("url:", "urll:")).unwrap();
    assert_refused(&mut agent, &["revoked.yaml", "targets.main.urll"]);
    std::fs::write(agent.config(), &config).unwrap();

    move_away(&log).unwrap();
    assert_refused(&mut agent, &["there is no log; make one with `revoked init`"]);
    move_back(&log).unwrap();

    move_away(&key).unwrap();
    assert_refused(&mut agent, &["signing key", "log.key", "opening"]);
    std::fs::copy(agent.dir().join("state/keys/next.key"), &key).unwrap();
    assert_refused(&mut agent, &["is signed by the key", "log.key_file holds the next one"]);
    std::fs::remove_file(&key).unwrap();
    move_back(&key).unwrap();

    let token = agent.dir().join("hr.token");
    std::fs::write(&token, "short").unwrap();
    assert_refused(&mut agent, &["tokens.hr.token_file", "at least 32 characters"]);
    std::fs::remove_file(&token).unwrap();
    assert_refused(&mut agent, &["tokens.hr.token_file", "hr.token"]);
    std::fs::write(&token, TOKEN).unwrap();

    agent.start();
    assert_stops(&mut agent);
}

#[tokio::test]
async fn notices_that_add_up_cannot_break_the_log() {
    let cluster = cluster();
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    // Each is about as large as a notice may be and names other roles; together they are longer than a line.
    for n in 0..20 {
        let names: Vec<_> = (0..60).map(|m| format!("{n}-{m}-{}", "x".repeat(980))).collect();
        let notice =
            serde_json::json!({"username": "john", "reason": "terminated", "account": names});
        let answer = api.post(notice.to_string(), None).await;
        if answer.status != 202 {
            answer.problem(422);
        }
    }
    assert_stops(&mut agent);
    agent.start();
    assert_stops(&mut agent);
}
