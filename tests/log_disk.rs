//! A disk that is full or fails, under the log: what was acknowledged is in the verified log whatever call fails, and
//! the writer goes on by itself or says what to do.

mod common;

use common::agent::{Agent, lines, segments};
use common::http::Api;
use revoked::audit::file::{Entry, Limits, LogFile, create};
use revoked::audit::key::LogKey;
use revoked::audit::verify::{Outcome, Verifier, Vkey};
use revoked::audit::writer::LogWriter;
use revoked::clock;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Records that the child writes.
const RECORDS: usize = 8;
const PLACE: &str = "REVOKED_TEST_LOG";
/// Set where all of them are given to the writer's thread at once.
const AHEAD: &str = "REVOKED_TEST_AHEAD";

fn key() -> LogKey {
    LogKey::from_seed("test/disk", &Zeroizing::new([7; 32]))
}

/// Not a test: the process whose calls fail. Tells by datagrams which records were acknowledged, since those calls do
/// not fail.
#[test]
#[ignore = "run by the tests of this file"]
fn child() {
    let dir = PathBuf::from(std::env::var_os(PLACE).expect("run by the tests of this file"));
    let tell = UnixDatagram::unbound().unwrap();
    let say = |text: String| {
        let _ = tell.send_to(text.as_bytes(), dir.join("acks"));
    };
    let limits = Limits { bytes: 2_500, age: Duration::MAX };
    let log = LogFile::open(&dir.join("log"), key(), clock::now());
    let mut log = match log {
        Ok(log) => log.with_limits(limits),
        Err(error) => return say(format!("end {:#}", anyhow::Error::new(error))),
    };
    if std::env::var_os(AHEAD).is_some() {
        return all_at_once(log, say);
    }
    for n in 0..RECORDS {
        match log.append(&[record(n)], clock::now()) {
            Ok(_) => say(n.to_string()),
            Err(error) => return say(format!("end {:#}", anyhow::Error::new(error))),
        }
    }
    say("done".to_owned());
}

fn record(n: usize) -> Entry {
    let what = json!({"id": n.to_string(), "text": "x".repeat(400)});
    Entry::new("observation", what.as_object().unwrap())
}

/// All wait from the beginning, so that commits are built while those before them are written. What asks for room in
/// between is never joined: each record is a commit.
fn all_at_once(log: LogFile, say: impl Fn(String)) {
    // Without a driver: what wakes one is a write, which is to fail for the log alone.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let writer = LogWriter::start(log).unwrap();
    runtime.block_on(async {
        let mut sent = Vec::new();
        for n in 0..RECORDS {
            sent.push(writer.send_behind(vec![record(n)], clock::now().into()).await);
            let _ = writer.send_behind(Vec::new(), clock::now().into()).await;
        }
        let mut failed = false;
        for (n, sent) in sent.into_iter().enumerate() {
            let answer = match sent {
                Ok(mut sent) => sent.answer().await.map(drop),
                Err(error) => Err(error),
            };
            match answer {
                Ok(()) => say(n.to_string()),
                Err(error) if !failed => {
                    failed = true;
                    say(format!("end {:#}", anyhow::Error::new(error)));
                }
                Err(_) => {}
            }
        }
        if !failed {
            say("done".to_owned());
        }
    });
}

/// What a child that met a fault has said.
#[derive(Debug, Default)]
struct Told {
    acknowledged: BTreeSet<String>,
    end: Option<String>,
    done: bool,
}

/// Runs the child in a fresh place under `strace -e inject=…`. Gives the place, what it said, and whether a call was
/// made to fail.
fn run(inject: &str, ahead: bool) -> (tempfile::TempDir, Told, bool) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("log");
    std::fs::create_dir(&dir).unwrap();
    create(&dir, &key(), "next", clock::now()).unwrap();
    let acks = UnixDatagram::bind(home.path().join("acks")).unwrap();
    acks.set_nonblocking(true).unwrap();
    let trace = home.path().join("trace");
    let calls = inject.split(':').next().unwrap();
    let mut strace = Command::new("strace");
    if ahead {
        strace.env(AHEAD, "");
    }
    let status = strace
        .args([
            "-f",
            "-qq",
            "-e",
            &format!("trace={calls}"),
            "-e",
            &format!("inject={inject}"),
            "-o",
        ])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--test-threads=1"])
        .env(PLACE, home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("strace is missing; run scripts/setup test");
    let mut told = Told::default();
    let mut buffer = [0; 4096];
    while let Ok(count) = acks.recv(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
        match text.strip_prefix("end ") {
            Some(why) => told.end = Some(why.to_owned()),
            None if text == "done" => told.done = true,
            None => drop(told.acknowledged.insert(text)),
        }
    }
    let trace = std::fs::read_to_string(trace).unwrap_or_default();
    assert!(!trace.contains("ptrace"), "strace may not trace here: {trace}");
    assert!(status.code().is_some(), "{inject}: the child was killed: {status}");
    (home, told, trace.contains("(INJECTED)"))
}

/// Asserts that the log in `dir` verifies, once it was opened, and has every record that was acknowledged.
fn assert_kept(dir: &Path, acknowledged: &BTreeSet<String>, what: &str) -> Vec<Value> {
    let opened = LogFile::open(dir, key(), clock::now());
    let log = opened.unwrap_or_else(|error| panic!("{what}: {:#}", anyhow::Error::new(error)));
    drop(log);
    let files = segments(dir);
    let mut verifier =
        Verifier::new(Some(Vkey::parse(&key().vkey()).unwrap())).all_signatures(true);
    for file in &files {
        verifier.begin_file(&file.display().to_string());
        verifier.push_bytes(&std::fs::read(file).unwrap());
    }
    let report = verifier.finish();
    assert_eq!(report.outcome, Outcome::Verified, "{what}: {report}");
    let log = lines(&files);
    let found: Vec<&str> = log.iter().filter_map(|line| line["what"]["id"].as_str()).collect();
    let once: BTreeSet<String> = found.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(once.len(), found.len(), "{what}: a record landed twice: {found:?}");
    assert!(acknowledged.is_subset(&once), "{what}: {acknowledged:?} of {once:?}");
    let in_order: Vec<String> = (0..found.len()).map(|n| n.to_string()).collect();
    assert_eq!(found, in_order, "{what}: one landed without those before it");
    log
}

/// Every call of a short run fails once, and from some call on always; with one commit at a time, and with the next
/// one built ahead.
fn every_call_fails(call: &str, error: &str) {
    let (mut went_on, mut stopped) = (0, 0);
    for (lasting, ahead) in [(false, false), (true, false), (false, true), (true, true)] {
        for number in 1.. {
            let inject =
                format!("{call}:error={error}:when={number}{}", if lasting { "+" } else { "" });
            let (home, told, injected) = run(&inject, ahead);
            if !injected {
                assert!(told.done && told.acknowledged.len() == RECORDS, "{inject}: {told:?}");
                break;
            }
            assert_kept(&home.path().join("log"), &told.acknowledged, &inject);
            if let Some(why) = &told.end {
                let what_to_do = ["Look after the disk", "Free some", "audit log"];
                assert!(what_to_do.iter().any(|part| why.contains(part)), "{inject}: {why}");
                stopped += 1;
            }
            went_on += usize::from(told.done);
        }
    }
    println!("{call} {error}: went on {went_on} times, stopped {stopped} times");
    assert!(went_on + stopped > 0, "{call} was never made");
}

#[test]
fn a_write_that_fails() {
    every_call_fails("write", "EIO");
}

#[test]
fn a_sync_of_data_that_fails() {
    every_call_fails("fdatasync", "EIO");
}

#[test]
fn a_sync_that_fails() {
    every_call_fails("fsync", "EIO");
}

#[test]
fn truncating_what_has_no_room_fails() {
    // A second fault is needed for the first to matter: nothing is truncated otherwise.
    for number in 1..=12 {
        let inject = format!("write:error=ENOSPC:when={number}");
        let (home, told, injected) = run(&inject, number % 2 == 0);
        assert_kept(&home.path().join("log"), &told.acknowledged, &inject);
        assert!(injected || told.done, "{inject}: {told:?}");
    }
    every_call_fails("write,ftruncate", "EIO");
}

/// An agent whose log lies on a small disk, which only it can see, at `small`.
fn on_a_small_disk(size: &str) -> (Agent, PathBuf) {
    let more = "log: {dir: small, heartbeat: 1s}";
    let mut agent = Agent::init(&[("main", "postgres://agent@127.0.0.1:1/postgres")], more);
    let (log, small) = (agent.dir().join("state/log"), agent.dir().join("small"));
    std::fs::create_dir(&small).unwrap();
    let root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0;
    let flags = if root { "-m" } else { "-Urm" };
    let (log, there) = (log.display(), small.display());
    let mount = format!("mount -t tmpfs -o size={size},mode=0700 small '{there}'");
    let tried = Command::new("unshare").args([flags, "sh", "-c", &mount]).output();
    let tried = tried.expect("this test needs the program unshare (Debian: util-linux)");
    assert!(
        tried.status.success(),
        "this test needs to mount a file system: run it as root, or where users may make namespaces \
         (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces). It said: {}",
        String::from_utf8_lossy(&tried.stderr)
    );
    let script = format!("{mount} && cp -p '{log}'/* '{there}' && exec \"$@\"");
    agent.starter = ["unshare", flags, "sh", "-c", &script, "sh"].map(str::to_owned).to_vec();
    (agent, small)
}

/// The agent's own view of its small disk.
fn seen(agent: &Agent, small: &Path) -> PathBuf {
    PathBuf::from(format!("/proc/{}/root{}", agent.pid(), small.display()))
}

async fn notice(api: &Api, who: &str) -> common::http::Answer {
    let body = json!({"username": who, "account": "x", "reason": "terminated"});
    api.post(body.to_string(), Some(who)).await
}

fn until(agent: &Agent, what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < common::agent::PATIENCE, "never {what}: {}", agent.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn metric(agent: &Agent, name: &str) -> Option<f64> {
    let page = agent.get("/metrics")?;
    page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// No room: nothing is accepted, told or lost, life goes on; and when there is room, all of it does.
async fn full_and_free_again(size: &str, filler: bool, make_room: impl Fn(&Agent, &Path)) {
    let (mut agent, small) = on_a_small_disk(size);
    agent.start();
    let api = Api::of(&agent);
    let seen = seen(&agent, &small);
    assert_eq!(seen.join("reserve").exists(), filler, "room set aside");
    if filler {
        fill(&seen.join("filler"));
    }
    let mut accepted = Vec::new();
    let refused = loop {
        let who = format!("leaver {}", accepted.len());
        let answer = notice(&api, &who).await;
        match answer.status {
            202 => accepted.push(who),
            _ => break (who, answer),
        }
        assert!(accepted.len() < 500, "it never became full");
    };
    refused.1.problem(503);
    assert!(!refused.1.header("retry-after").is_empty());
    until(&agent, "blocked", || metric(&agent, "access_revocation_audit_blocked") == Some(1.0));
    assert!(agent.get("/-/ready").is_none(), "no notice can be accepted");
    assert_eq!(agent.get("/-/healthy").as_deref(), Some("healthy\n"));
    let attempt =
        "access_revocation_agent_last_reconcile_attempt_timestamp_seconds{target=\"main\"}";
    let before = metric(&agent, attempt);
    until(&agent, "another look", || metric(&agent, attempt) > before);
    assert_eq!(notice(&api, "late").await.status, 503);
    let losses = |log: &[Value]| {
        log.iter()
            .filter(|line| line["type"] == "loss")
            .map(|line| line["what"].clone())
            .collect::<Vec<_>>()
    };
    let told = losses(&lines(&segments(&seen)));
    // A line may fit where more did not.
    assert!(told.len() == 1 || (told.is_empty() && !filler), "one line says so: {told:?}");

    make_room(&agent, &small);
    until(&agent, "ready", || agent.get("/-/ready").is_some());
    assert_eq!(metric(&agent, "access_revocation_audit_blocked"), Some(0.0));
    for who in [refused.0.as_str(), "late"] {
        assert_eq!(notice(&api, who).await.status, 202, "{who}");
    }
    assert!(seen.join("reserve").exists(), "room is set aside again");
    // Its disk goes with the agent.
    let kept = agent.dir().join("state/log");
    for file in segments(&seen) {
        std::fs::copy(&file, kept.join(file.file_name().unwrap())).unwrap();
    }
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    let log = agent.log();
    assert_eq!(losses(&log), [json!({"cause": "disk_full", "unrecorded": 0})]);
    let triggered = log.iter().filter(|line| line["type"] == "revocation_triggered").count();
    assert_eq!(triggered, accepted.len() + 2, "each once");
    common::kills::assert_exactly_once(&log);
    assert!(agent.stop().success(), "{}", agent.stderr());
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path).unwrap();
    while file.write_all(&[b'x'; 4096]).is_ok() {}
}

#[tokio::test]
async fn a_disk_of_64_kib() {
    full_and_free_again("64k", false, |agent, small| {
        let user = if Path::new("/proc/self/uid_map").exists() && !is_root() { "-U" } else { "-m" };
        let resized = Command::new("nsenter")
            .args(["-t", &agent.pid().to_string(), user, "-m", "--preserve-credentials"])
            .args(["mount", "-o", "remount,size=4m"])
            .arg(small)
            .status()
            .expect("this test needs the program nsenter (Debian: util-linux)");
        assert!(resized.success(), "{resized}");
    })
    .await;
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

#[tokio::test]
async fn a_disk_that_others_fill() {
    full_and_free_again("4m", true, |agent, small| {
        std::fs::remove_file(seen(agent, small).join("filler")).unwrap();
    })
    .await;
}
