//! The real witness and the real agent: cosigned checkpoints, kills, and logs that were put back or forked.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::agent::{Agent, PATIENCE};
use common::cluster;
use common::http::{Api, client, prepared};
use common::witness::{NAME, Witness};
use ed25519_dalek::{Signature, VerifyingKey};
use reqwest::Method;
use revoked::domain::hex::hex;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// An agent, not started, that asks this witness at `port` every second.
fn watched(cluster: &revoked::throwaway::Cluster, witness: &Witness, port: u16) -> Agent {
    let agent = prepared(cluster, "");
    agent.configure(&asks(witness, port));
    agent
}

fn asks(witness: &Witness, port: u16) -> String {
    format!(
        "log: {{anchor_interval: 1s, witnesses: [{{name: audit, url: 'http://127.0.0.1:{port}/', key: '{}'}}]}}",
        witness.vkey
    )
}

fn vkey(agent: &Agent) -> PathBuf {
    agent.dir().join("log.vkey")
}

/// The note of the checkpoint over `size` lines, as the log has it.
fn note(log: &[Value], size: u64) -> String {
    log[usize::try_from(size).unwrap()]["what"]["note"].as_str().unwrap().to_owned()
}

/// The time of a cosignature, checked without any code of the project.
fn cosigned_at(line: &str, note: &str, vkey: &str) -> u64 {
    let key = STANDARD.decode(vkey.splitn(3, '+').nth(2).unwrap()).unwrap();
    assert_eq!(key[0], 4);
    let key = VerifyingKey::from_bytes(&key[1..].try_into().unwrap()).unwrap();
    let (name, blob) = line.strip_prefix("\u{2014} ").unwrap().trim_end().split_once(' ').unwrap();
    assert_eq!(name, NAME);
    let blob = STANDARD.decode(blob).unwrap();
    let time = u64::from_be_bytes(blob[4..12].try_into().unwrap());
    let body = note.split_once("\n\n").unwrap().0;
    let message = format!("cosignature/v1\ntime {time}\n{body}\n");
    let signature = Signature::from_slice(&blob[12..]).unwrap();
    key.verify_strict(message.as_bytes(), &signature).unwrap();
    time
}

fn until(what: &str, wanted: impl Fn() -> bool) {
    let begun = Instant::now();
    while !wanted() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[test]
fn every_checkpoint_that_is_given_away_is_cosigned_and_on_record() {
    let cluster = cluster();
    let mut witness = Witness::init();
    let mut agent = watched(&cluster, &witness, witness.port);
    witness.start(&[&vkey(&agent)]);
    agent.start();
    agent.expect("john", &[]);
    let anchors = agent.until_anchors(6);
    let log = agent.log();
    let mut sizes = Vec::new();
    for anchor in &anchors {
        let what = &anchor["what"];
        assert_eq!(
            (what["kind"].as_str(), what["name"].as_str()),
            (Some("witness"), Some("audit"))
        );
        let size = what["size"].as_u64().unwrap();
        let note = note(&log, size);
        cosigned_at(what["receipt"].as_str().unwrap(), &note, &witness.vkey);
        let digest = hex(&<sha2::Sha256 as sha2::Digest>::digest(&note));
        assert_eq!(what["note_sha256"], digest);
        sizes.push(size);
    }
    assert!(sizes.is_sorted_by(|a, b| a < b), "never twice for one size: {sizes:?}");
    agent.until_metrics(&[
        "access_revocation_audit_witness_ahead{anchor=\"audit\"} 0",
        "access_revocation_audit_anchor_interval_seconds 1",
        "access_revocation_audit_anchor_failures_total{kind=\"witness\"} 0",
    ]);
    let metrics = agent.get("/metrics").unwrap();
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(
        value("access_revocation_audit_anchor_age_seconds{anchor=\"audit\",kind=\"witness\"}")
            < 30.0
    );
    assert!(value("access_revocation_audit_witness_lag_records{anchor=\"audit\"}") < 20.0);
    // The same again after a restart, in a log that goes on.
    assert!(agent.stop().success());
    agent.start();
    agent.until_anchors(anchors.len() + 3);
    assert!(agent.stop().success());
    let sizes: Vec<u64> =
        agent.anchors().iter().map(|anchor| anchor["what"]["size"].as_u64().unwrap()).collect();
    assert!(sizes.is_sorted_by(|a, b| a < b), "{sizes:?}");
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    let held = witness.holds();
    let (code, doctor) = doctor(&agent);
    assert_eq!((code, &doctor["facts"]["witness/audit"]), (0, &"behind".into()), "{doctor:#}");
    assert!(
        doctor.to_string().contains(&format!("it holds {held} lines of this log")),
        "{doctor:#}"
    );
    assert!(doctor["facts"]["witness/audit_age_seconds"].as_u64().unwrap() < 60, "{doctor:#}");
    assert_eq!(witness.holds(), held, "whoever looks moves nothing");
    witness.kill();
    let (code, doctor) = self::doctor(&agent);
    assert_eq!(code, 0, "the agent goes on without it: {doctor:#}");
    assert!(doctor.to_string().contains("witness audit: asking it"), "{doctor:#}");
}

/// Exit status of `doctor`, and what it says of the anchors.
fn doctor(agent: &Agent) -> (i32, Value) {
    let (code, out, err) = agent.run(&["doctor", "-o", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}"));
    let sections = report["sections"].as_array().unwrap();
    let anchors = sections.iter().find(|section| section["about"] == "anchors").unwrap();
    (code, anchors.clone())
}

/// Passes requests on, and answers unless it is told to swallow them: then the witness has kept what it answers,
/// and nobody hears of it.
fn proxy(to: u16) -> (u16, Arc<AtomicBool>, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (swallow, swallowed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (wish, done) = (swallow.clone(), swallowed.clone());
    std::thread::Builder::new()
        .spawn(move || {
            for stream in listener.incoming() {
                let mut from = stream.unwrap();
                let Ok(mut to) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let (mut reading, mut writing) =
                    (from.try_clone().unwrap(), to.try_clone().unwrap());
                std::thread::Builder::new()
                    .spawn(move || std::io::copy(&mut reading, &mut writing))
                    .unwrap();
                let (wish, done) = (wish.clone(), done.clone());
                std::thread::Builder::new()
                    .spawn(move || {
                        let mut bytes = [0; 4096];
                        while let Ok(count @ 1..) = to.read(&mut bytes) {
                            let is_receipt = bytes.starts_with(b"HTTP/1.1 200");
                            if is_receipt && wish.load(Ordering::SeqCst) {
                                done.store(true, Ordering::SeqCst);
                                break;
                            }
                            if from.write_all(&bytes[..count]).is_err() {
                                break;
                            }
                        }
                        let _ = from.shutdown(std::net::Shutdown::Both);
                    })
                    .unwrap();
            }
        })
        .unwrap();
    (port, swallow, swallowed)
}

#[test]
fn killed_between_keeping_and_answering_it_goes_on_from_what_it_kept() {
    let cluster = cluster();
    let mut witness = Witness::init();
    let (port, swallow, swallowed) = proxy(witness.port);
    let mut agent = watched(&cluster, &witness, port);
    witness.start(&[&vkey(&agent)]);
    agent.start();
    agent.until_anchors(1);
    for round in 0..4 {
        swallow.store(true, Ordering::SeqCst);
        until("a receipt is lost", || swallowed.load(Ordering::SeqCst));
        witness.kill();
        let held = witness.holds();
        swallow.store(false, Ordering::SeqCst);
        swallowed.store(false, Ordering::SeqCst);
        witness.start(&[&vkey(&agent)]);
        assert_eq!(witness.holds(), held);
        // The agent knows of an older size than the witness, and is told. A receipt that came before one was lost may
        // land first.
        let size = |line: &Value| line["what"]["size"].as_u64().unwrap();
        until(&format!("the agent is told in round {round}"), || {
            agent.anchors().iter().any(|line| size(line) >= held)
        });
        assert!(agent.get("/-/ready").is_some());
    }
    // At any moment, too.
    for wait in [3, 11, 29, 61, 97, 140] {
        std::thread::sleep(Duration::from_millis(900 + wait));
        let before = witness.holds();
        witness.kill();
        assert!(witness.holds() >= before);
        witness.start(&[&vkey(&agent)]);
    }
    agent.until_anchors(agent.anchors().len() + 1);
    agent.until_metrics(&["access_revocation_audit_witness_ahead{anchor=\"audit\"} 0"]);
    assert!(agent.stop().success());
    assert_eq!(agent.verify().0, 0);
}

#[test]
fn a_log_that_was_put_back_is_not_written_on() {
    let cluster = cluster();
    let mut witness = Witness::init();
    let mut agent = watched(&cluster, &witness, witness.port);
    witness.start(&[&vkey(&agent)]);
    agent.start();
    agent.until_anchors(2);
    assert!(agent.stop().success());
    let (state, old) = (agent.dir().join("state"), agent.dir().join("old"));
    copy(&state, &old);
    agent.start();
    agent.expect("john", &[]);
    let count = agent.anchors().len();
    agent.until_anchors(count + 2);
    assert!(agent.stop().success());
    std::fs::rename(&state, agent.dir().join("newest")).unwrap();
    copy(&old, &state);
    let before = std::fs::read(agent.log_file()).unwrap();
    agent.spawn();
    assert_eq!(agent.wait().code(), Some(5));
    let says = agent.stderr();
    let last = says.lines().last().unwrap();
    for part in [
        "HISTORY DIFFERS: the witness audit holds ",
        " lines of this log, which has ",
        "restored from an older copy",
        "Put the newest copy of the state directory back",
        "docs/anchors.md",
    ] {
        assert!(last.contains(part), "{part}: {last}");
    }
    assert_eq!(std::fs::read(agent.log_file()).unwrap(), before, "nothing was written");
    let (code, doctor) = doctor(&agent);
    assert_eq!((code, &doctor["facts"]["witness/audit"]), (5, &"ahead".into()), "{doctor:#}");
    assert!(doctor.to_string().contains("do not start the agent"), "{doctor:#}");
    // While nobody answers it starts, warns, and stops taking notices as soon as the witness is heard of.
    witness.kill();
    agent.start();
    agent.until_metrics(&["access_revocation_audit_witness_ahead{anchor=\"audit\"} 0"]);
    assert!(agent.stderr().contains("a checkpoint was not taken"), "{}", agent.stderr());
    witness.start(&[&vkey(&agent)]);
    until("it is not ready any more", || agent.get("/-/ready").is_none());
    agent.until_metrics(&["access_revocation_audit_witness_ahead{anchor=\"audit\"} 1"]);
    let (code, _, err) = agent.run(&["expect", "add", "--user", "jane", "--reason", "terminated"]);
    assert_eq!(code, 1, "{err}");
    agent.kill();
    // The newest copy is what it has to be.
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::rename(agent.dir().join("newest"), &state).unwrap();
    agent.start();
    agent.until_metrics(&["access_revocation_audit_witness_ahead{anchor=\"audit\"} 0"]);
}

#[test]
fn a_log_that_was_written_in_two_places_is_found_out() {
    let cluster = cluster();
    let mut witness = Witness::init();
    let mut agent = watched(&cluster, &witness, witness.port);
    let config = std::fs::read_to_string(agent.config()).unwrap();
    witness.start(&[&vkey(&agent)]);
    agent.start();
    agent.until_anchors(1);
    assert!(agent.stop().success());
    let (state, copied) = (agent.dir().join("state"), agent.dir().join("copied"));
    copy(&state, &copied);
    let common = agent.log().len() as u64;
    agent.start();
    // What is asked first is about the end of the run before, which both will have.
    witness.until_holds_more_than(common);
    assert!(agent.stop().success());
    // The copy is written on without the witness, and gets longer.
    std::fs::remove_dir_all(&state).unwrap();
    copy(&copied, &state);
    let (alone, _) = config.split_once("log: {").unwrap();
    std::fs::write(agent.config(), alone).unwrap();
    agent.start();
    for n in 0..20 {
        agent.expect(&format!("person{n}"), &[]);
    }
    assert!(agent.stop().success());
    assert!(agent.log().len() as u64 > witness.holds());
    std::fs::write(agent.config(), &config).unwrap();
    agent.spawn();
    assert_eq!(agent.wait().code(), Some(5));
    assert!(agent.stderr().contains("holds other lines among the first "), "{}", agent.stderr());
    assert!(witness.stderr().contains("the proof does not show"), "{}", witness.stderr());
    // Each of the two is a good log in itself.
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_with_the_statuses_of_the_specification() {
    let cluster = cluster();
    let mut witness = Witness::init();
    let mut agent = prepared(&cluster, "");
    agent.start();
    witness.start(&[&vkey(&agent)]);
    let client = client();
    let ask = async |body: String| {
        let answer = client.post(witness.url()).body(body).send().await.unwrap();
        let kind =
            answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        (answer.status().as_u16(), kind.unwrap_or_default(), answer.text().await.unwrap())
    };
    let first = agent.json_note();
    let (status, _, line) = ask(format!("old 0\n\n{first}")).await;
    assert_eq!(status, 200, "{line}");
    let now = cosigned_at(&line, &first, &witness.vkey);
    assert!(now > 1_700_000_000);
    let size: u64 = first.lines().nth(1).unwrap().parse().unwrap();
    agent.expect("john", &[]);
    let api = Api::of(&agent);
    let path = format!("/api/v1/audit/consistency?old={size}");
    let proof = api.get(&path).await.text;
    let note = proof.split_once("\n\n").unwrap().1.to_owned();
    let (status, kind, text) = ask(format!("old 0\n\n{note}")).await;
    assert_eq!((status, kind.as_str(), text), (409, "text/x.tlog.size", format!("{size}\n")));
    assert_eq!(ask(format!("old {size}\n\n{note}")).await.0, 422);
    assert_eq!(ask(format!("old 1\n{note}")).await.0, 400);
    assert_eq!(ask("x".repeat(40_000)).await.0, 413);
    let (origin, rest) = note.split_once('\n').unwrap();
    assert_eq!(ask(format!("old {size}\n\nother/log\n{rest}")).await.0, 404);
    let unsigned = note.split_once("\n\n").unwrap().0;
    let other = format!("\u{2014} {origin} {}", STANDARD.encode([7; 68]));
    assert_eq!(ask(format!("old {size}\n\n{unsigned}\n\n{other}\n")).await.0, 403);
    // The race of the specification, over HTTP: everybody gets a cosignature or a size, and it never goes back.
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..16 {
        let body = if n % 2 == 0 { proof.clone() } else { format!("old {size}\n\n{first}") };
        let request = client.post(witness.url()).body(body);
        asking.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|status| matches!(status, 200 | 409)), "{answers:?}");
    let newest: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(witness.holds(), newest);
    assert_eq!(ask(format!("old {newest}\n\n{note}")).await.0, 200);
    assert_eq!(client.get(witness.url()).send().await.unwrap().status(), 405);
    let request =
        client.request(Method::GET, format!("http://127.0.0.1:{}/-/healthy", witness.port));
    assert_eq!(request.send().await.unwrap().status(), 200);
}

trait Newest {
    fn json_note(&self) -> String;
}

impl Newest for Agent {
    fn json_note(&self) -> String {
        let (code, out, err) = self.run(&["log", "checkpoint"]);
        assert_eq!(code, 0, "{err}");
        out
    }
}
