//! Checkpoints given to a time-stamping authority made with OpenSSL, and to a git repository.

mod common;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::agent::{Agent, PATIENCE};
use common::byhand::{Log, head, inclusions, leads_to, leaf, signer};
use common::cluster;
use common::http::prepared;
use revoked::audit::prove::Prover;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn tool(name: &str, arguments: &[&str], dir: &Path) -> (bool, String) {
    let output = Command::new(name).args(arguments).current_dir(dir).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn must(name: &str, arguments: &[&str], dir: &Path) -> String {
    let (good, text) = tool(name, arguments, dir);
    assert!(good, "{name} {arguments:?}: {text}");
    text
}

const TSA: &str = "
[tsa]
default_tsa = it
[it]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
certs = ca.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
";

/// What the authority does wrong.
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    AnotherHash,
    Refuses,
    Garbage,
    TooLong,
}

struct Authority {
    dir: PathBuf,
    wrong: Mutex<Wrong>,
}

/// A certificate authority, and a time-stamping one under it.
fn make(dir: &Path) {
    std::fs::write(dir.join("tsa.cnf"), TSA).unwrap();
    std::fs::write(dir.join("serial"), "01\n").unwrap();
    let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"];
    must(
        "openssl",
        &[&new[..], &["/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem"]].concat(),
        dir,
    );
    let extensions = [
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-addext",
        "extendedKeyUsage=critical,timeStamping",
        "-addext",
        "basicConstraints=critical,CA:false",
        "-keyout",
        "tsa.key",
        "-out",
        "tsa.pem",
    ];
    must("openssl", &[&new[..], &["/CN=Test TSA"], &extensions].concat(), dir);
}

async fn reply(State(authority): State<Arc<Authority>>, query: Bytes) -> Vec<u8> {
    let wrong = *authority.wrong.lock().unwrap();
    let dir = &authority.dir;
    let mut query = query.to_vec();
    match wrong {
        Wrong::Garbage => return b"<html>busy</html>".to_vec(),
        Wrong::TooLong => return vec![0x30; 100_000],
        Wrong::AnotherHash => query[30] ^= 1,
        // No such algorithm: OpenSSL answers with a rejection.
        Wrong::Refuses => query[19] = 2,
        Wrong::Nothing => {}
    }
    std::fs::write(dir.join("query"), query).unwrap();
    let arguments = ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply"];
    must("openssl", &arguments, dir);
    std::fs::read(dir.join("reply")).unwrap()
}

fn failures(agent: &Agent, kind: &str) -> u64 {
    let metrics = agent.get("/metrics").unwrap();
    let name = format!("access_revocation_audit_anchor_failures_total{{kind=\"{kind}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap()
}

async fn until(what: &str, wanted: impl Fn() -> bool) {
    let begun = Instant::now();
    while !wanted() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn of_kind(agent: &Agent, kind: &str) -> Vec<serde_json::Value> {
    let all = agent.anchors().into_iter();
    all.map(|anchor| anchor["what"].clone()).filter(|what| what["kind"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_stamp_is_kept_that_openssl_verifies() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().to_owned();
    make(&dir);
    let authority = Arc::new(Authority { dir: dir.clone(), wrong: Mutex::new(Wrong::Nothing) });
    let router = axum::Router::new().route("/", post(reply)).with_state(authority.clone());
    let listener = revoked::http::Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let revoked::http::Listener::Tcp(socket) = &listener else { panic!("a port") };
    let port = socket.local_addr().unwrap().port();
    let stop = tokio_util::sync::CancellationToken::new();
    let limits = revoked::http::Limits::default();
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(revoked::http::serve(listener, router, limits, stop, Arc::new(())));
    let cluster = cluster();
    let more = format!(
        "log: {{anchor_interval: 1s, tsa: [{{name: stamps, url: 'http://127.0.0.1:{port}/'}}]}}"
    );
    let mut agent = prepared(&cluster, &more);
    agent.start();
    until("two time stamps", || of_kind(&agent, "tsa").len() >= 2).await;
    let log = agent.log();
    for what in of_kind(&agent, "tsa") {
        assert_eq!(what["name"], "stamps");
        let size = usize::try_from(what["size"].as_u64().unwrap()).unwrap();
        std::fs::write(dir.join("note"), log[size]["what"]["note"].as_str().unwrap()).unwrap();
        let token = STANDARD.decode(what["receipt"].as_str().unwrap()).unwrap();
        std::fs::write(dir.join("token"), token).unwrap();
        let digest = what["note_sha256"].as_str().unwrap();
        let by_digest =
            ["ts", "-verify", "-digest", digest, "-token_in", "-in", "token", "-CAfile", "ca.pem"];
        assert!(must("openssl", &by_digest, &dir).contains("Verification: OK"));
        let by_note =
            ["ts", "-verify", "-data", "note", "-token_in", "-in", "token", "-CAfile", "ca.pem"];
        assert!(must("openssl", &by_note, &dir).contains("Verification: OK"));
        let edited = std::fs::read_to_string(dir.join("note")).unwrap().replacen('\n', "\n1", 1);
        std::fs::write(dir.join("note"), edited).unwrap();
        let (good, text) = tool("openssl", &by_note, &dir);
        assert!(!good && text.contains("FAILED"), "{text}");
    }
    for (wrong, says) in [
        (Wrong::AnotherHash, "its token is about something else"),
        (Wrong::Refuses, "it refused, with status 2"),
        (Wrong::Garbage, "its answer is no time stamp"),
        (Wrong::TooLong, "the answer has more than 65536 bytes"),
    ] {
        *authority.wrong.lock().unwrap() = wrong;
        let before = failures(&agent, "tsa");
        until(says, || failures(&agent, "tsa") > before + 1 && agent.stderr().contains(says)).await;
        let kept = of_kind(&agent, "tsa").len();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(of_kind(&agent, "tsa").len(), kept, "nothing of it is kept");
        assert!(agent.get("/-/ready").is_some(), "an anchor that fails stops nothing");
    }
    *authority.wrong.lock().unwrap() = Wrong::Nothing;
    let kept = of_kind(&agent, "tsa").len();
    until("it works again", || of_kind(&agent, "tsa").len() > kept).await;
    assert!(agent.stop().success());
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_repository_gets_a_line_per_checkpoint_and_runs_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (dir, remote) = (home.path().join("work"), home.path().join("remote.git"));
    must("git", &["init", "--quiet", "--bare", remote.to_str().unwrap()], home.path());
    must("git", &["init", "--quiet", "-b", "main", dir.to_str().unwrap()], home.path());
    must("git", &["remote", "add", "origin", remote.to_str().unwrap()], &dir);
    // What others do in the repository stays theirs.
    std::fs::write(dir.join("theirs.txt"), "not committed\n").unwrap();
    must("git", &["add", "theirs.txt"], &dir);
    must("git", &["config", "commit.gpgSign", "true"], &dir);
    must("git", &["config", "core.fsmonitor", "touch fsmonitor-ran; false"], &dir);
    for hook in ["pre-commit", "commit-msg", "post-commit", "pre-push", "reference-transaction"] {
        let path = dir.join(".git/hooks").join(hook);
        let ran = home.path().join("hook-ran");
        std::fs::write(&path, format!("#!/bin/sh\ntouch {}\nexit 1\n", ran.display())).unwrap();
        must("chmod", &["+x", path.to_str().unwrap()], &dir);
    }
    let cluster = cluster();
    let more =
        format!("log: {{anchor_interval: 1s, git: {{dir: '{}', remote: origin}}}}", dir.display());
    let mut agent = prepared(&cluster, &more);
    agent.start();
    until("three commits", || of_kind(&agent, "git").len() >= 3).await;
    // A remote that is away: nothing is on record, and the line is not written twice.
    std::fs::rename(&remote, home.path().join("away")).unwrap();
    let before = failures(&agent, "git");
    until("it fails", || failures(&agent, "git") > before + 1).await;
    std::fs::rename(home.path().join("away"), &remote).unwrap();
    let kept = of_kind(&agent, "git").len();
    until("it goes on", || of_kind(&agent, "git").len() > kept).await;
    assert!(agent.stop().success());
    let log = agent.log();
    for what in of_kind(&agent, "git") {
        let commit = what["receipt"].as_str().unwrap();
        let text = must("git", &["show", &format!("{commit}:checkpoints.txt")], &remote);
        let line = text.lines().last().unwrap().strip_prefix("cp1.").unwrap();
        let note = String::from_utf8(URL_SAFE_NO_PAD.decode(line).unwrap()).unwrap();
        let size = usize::try_from(what["size"].as_u64().unwrap()).unwrap();
        assert_eq!(log[size]["what"]["note"], note);
        let files = must("git", &["show", "--name-only", "--format=", commit], &remote);
        assert_eq!(files, "checkpoints.txt\n");
    }
    let text = std::fs::read_to_string(dir.join("checkpoints.txt")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let count = lines.len();
    lines.dedup();
    assert_eq!(lines.len(), count);
    assert!(!home.path().join("hook-ran").exists(), "no hook was run");
    assert!(!dir.join("fsmonitor-ran").exists());
    assert!(must("git", &["status", "--porcelain"], &dir).contains("A  theirs.txt"));
    assert_eq!(agent.verify().0, 0);
}

#[test]
fn a_proof_carries_what_witnesses_signed() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new(1);
    log.seal(&[&signer(1)]);
    log.record("subject", json!({"subject": "sub_1", "commit": "y"}));
    log.record(
        "revocation_triggered",
        json!({"id": "rev_1.1", "revocation": "rev_1", "subject": "sub_1"}),
    );
    log.seal(&[&signer(1)]);
    let size = log.leaves().len() - 1;
    let line = |name: &str| format!("\u{2014} {name} {}\n", STANDARD.encode([7; 76]));
    let receipt = |size: usize, receipt: &str| json!({"kind": "witness", "name": "w", "receipt": receipt, "size": size});
    log.record("anchor", receipt(1, &line("too/early")));
    log.record("anchor", receipt(size, &line("w/one")));
    log.record("anchor", receipt(size, &line("w/two")));
    log.record(
        "anchor",
        json!({"kind": "git", "name": "git", "receipt": line("git"), "size": size + 1}),
    );
    log.record("anchor", receipt(size, "two\nlines\n"));
    log.seal(&[&signer(1)]);
    log.write(dir.path(), &[0]);
    let prover = Prover::new(dir.path());
    let newest = prover.head().unwrap();
    let proofs = inclusions(&prover.bundle(&newest, "rev_1").unwrap());
    for proof in &proofs {
        let (covered, root) = head(&proof.note);
        let led = leads_to(leaf(&proof.line), proof.index, covered, &proof.path);
        assert_eq!(led, Some(root), "{proof:?}");
        assert_eq!(covered, size, "not the newest, which nobody cosigned");
        assert!(proof.note.ends_with(&(line("w/one") + &line("w/two"))), "{}", proof.note);
    }
    let late = inclusions(&prover.line(&newest, size as u64 + 1).unwrap());
    assert_eq!(
        u64::try_from(head(&late[0].note).0).unwrap(),
        newest.size,
        "no cosigned tree has it"
    );
    assert_eq!(late[0].note, newest.note);
    // Nobody forges a place by a record that lies about it.
    log.record("anchor", receipt(size + 1, &line("liar")));
    log.seal(&[&signer(1)]);
    log.write(dir.path(), &[0]);
    let newest = prover.head().unwrap();
    let proofs = inclusions(&prover.bundle(&newest, "rev_1").unwrap());
    assert!(proofs.iter().all(|proof| proof.note == newest.note));
}
