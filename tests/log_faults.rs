//! What befalls the log's files and its key, with the real agent: it goes on as it should, or stops with a sentence
//! that says what to do, and what was acknowledged is in the verified log.

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::agent::{Agent, lines};
use common::http::Api;
use common::vectors::small_order;
use serde_json::Value;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::ExitStatus;

/// Nobody listens there: nothing of this needs a target.
const NOWHERE: &str = "postgres://agent@127.0.0.1:1/postgres";

fn agent(more: &str) -> Agent {
    Agent::init(&[("main", NOWHERE)], more)
}

async fn notice(api: &Api, who: &str) -> u16 {
    let body = serde_json::json!({"username": who, "account": "x", "reason": "terminated"});
    api.post(body.to_string(), Some(who)).await.status
}

/// Sends a notice to an agent that may end meanwhile: whether it was accepted.
async fn accepted(api: &Api, who: &str) -> bool {
    let body = serde_json::json!({"username": who, "account": "x", "reason": "terminated"});
    let request = api.request(reqwest::Method::POST, common::http::REVOCATIONS);
    let answer = request.header("idempotency-key", who).body(body.to_string()).send().await;
    answer.is_ok_and(|answer| answer.status() == 202)
}

/// An agent that accepted a notice and stopped.
async fn used() -> Agent {
    let mut agent = agent("");
    agent.start();
    assert_eq!(notice(&Api::of(&agent), "first").await, 202);
    assert!(agent.stop().success(), "{}", agent.stderr());
    agent
}

fn triggered(log: &[Value]) -> usize {
    log.iter().filter(|line| line["type"] == "revocation_triggered").count()
}

fn assert_says(agent: &Agent, status: ExitStatus, parts: &[&str]) {
    let says = agent.stderr();
    assert_eq!(status.code(), Some(1), "{says}");
    let last = says.lines().last().unwrap_or_default();
    for part in parts {
        assert!(last.contains(part), "`{part}` is not in: {last}");
    }
}

/// Asserts that it does not start and says each of `parts`.
fn assert_refused(agent: &mut Agent, parts: &[&str]) {
    agent.spawn();
    let status = agent.wait();
    assert_says(agent, status, parts);
}

/// Asserts that it starts, accepts what it accepted before, and verifies.
async fn assert_goes_on(agent: &mut Agent, accepted: usize) {
    agent.start();
    let api = Api::of(agent);
    assert_eq!(notice(&api, "first").await, 202);
    assert_eq!(notice(&api, "another").await, 202);
    assert!(agent.stop().success(), "{}", agent.stderr());
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    assert_eq!(triggered(&agent.log()), accepted + 1);
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn the_log_is_touched_under_the_agent() {
    type Act = fn(&Path);
    fn swap(path: &Path) {
        let copy = path.with_extension("copy");
        std::fs::copy(path, &copy).unwrap();
        std::fs::rename(path, path.with_extension("kept")).unwrap();
        std::fs::rename(copy, path).unwrap();
    }
    fn back(path: &Path) {
        std::fs::rename(path.with_extension("kept"), path).unwrap();
    }
    fn moved(path: &Path) -> std::path::PathBuf {
        path.parent().unwrap().with_file_name("moved")
    }
    fn nothing(_: &Path) {}
    fn flip(path: &Path) {
        // Longer than a tick of the clock that files have.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, 300).unwrap();
        file.write_all_at(&[byte[0] ^ 1], 300).unwrap();
    }
    // What is done, what is said of it, and how it is put back; without that acknowledged lines are gone.
    let cases: [(Act, &str, Option<Act>); 8] = [
        (|path| std::fs::remove_file(path).unwrap(), "the file was deleted", None),
        (
            |path| std::fs::rename(path, path.with_extension("kept")).unwrap(),
            "the file was renamed or moved",
            Some(back),
        ),
        (swap, "another file was put in its place", Some(back)),
        (
            |path| std::fs::File::options().write(true).open(path).unwrap().set_len(700).unwrap(),
            "the file has 700 bytes",
            None,
        ),
        // As `copytruncate` of logrotate does.
        (
            |path| {
                std::fs::copy(path, path.with_extension("kept")).unwrap();
                std::fs::File::create(path).unwrap();
            },
            "the file has 0 bytes",
            Some(back),
        ),
        (
            |path| {
                let mut file = std::fs::File::options().append(true).open(path).unwrap();
                file.write_all(b"{\"prev\":\"\"}\n").unwrap();
            },
            "bytes, but",
            Some(nothing),
        ),
        (flip, "bytes of the file were changed in place", Some(flip)),
        (
            |path| std::fs::rename(path.parent().unwrap(), moved(path)).unwrap(),
            "its directory was deleted, renamed or moved",
            Some(|path| std::fs::rename(moved(path), path.parent().unwrap()).unwrap()),
        ),
    ];
    for (act, says, undo) in cases {
        let mut agent = agent("");
        agent.start();
        let api = Api::of(&agent);
        assert_eq!(notice(&api, "first").await, 202);
        let log = agent.log_file();
        act(&log);
        assert!(!accepted(&api, "second").await, "{says}");
        let status = agent.wait();
        assert_says(&agent, status, &["audit log", says, "Find out who did this"]);
        if let Some(undo) = undo {
            undo(&log);
            // The second was queued: it lands now.
            assert_goes_on(&mut agent, 2).await;
        } else {
            agent.spawn();
            let status = agent.wait();
            assert_eq!(status.code(), Some(1), "{}", agent.stderr());
        }
    }
}

/// What the store knows to be in the log was acknowledged: a commit of it that lost its checkpoint is damaged, not cut off
/// by a crash, and nothing is signed over it.
#[tokio::test]
async fn what_was_acknowledged_is_never_moved_away() {
    let damages: [fn(&mut Vec<u8>); 3] = [
        // In the last record; in the signature of the last checkpoint; and without that line.
        |bytes| bytes.truncate(bytes.len() - 800),
        |bytes| {
            let at = bytes.len() - 30;
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        },
        |bytes| {
            let end = bytes.len() - 1;
            let begin = bytes[..end].iter().rposition(|byte| *byte == b'\n').unwrap();
            bytes.truncate(begin + 1);
        },
    ];
    for damage in damages {
        let mut agent = agent("");
        agent.start();
        assert_eq!(notice(&Api::of(&agent), "first").await, 202);
        agent.kill();
        edit(&agent.log_file(), damage);
        let before = std::fs::read(agent.log_file()).unwrap();
        let media = agent.dir().join("media");
        std::fs::create_dir(&media).unwrap();
        let next = media.join("next.key");
        std::fs::rename(agent.dir().join("state/keys/next.key"), &next).unwrap();
        let (next, after) = (next.to_str().unwrap(), media.join("after.key"));
        let rotate = ["key", "rotate", "--next-key", next, "--new-next", after.to_str().unwrap()];
        let (code, out, err) = agent.run(&rotate);
        assert_eq!(code, 1, "{out}{err}");
        assert!(err.contains("nothing was changed"), "{err}");
        assert_eq!(std::fs::read(agent.log_file()).unwrap(), before, "{out}{err}");
        assert_refused(&mut agent, &["damaged at byte", "restore the log from a backup"]);
        assert_eq!(std::fs::read(agent.log_file()).unwrap(), before);
        assert!(!agent.dir().join("state/log/quarantine").exists());
    }
}

#[tokio::test]
async fn what_lies_after_the_last_checkpoint_is_never_signed() {
    let tails: [fn(&mut Vec<u8>); 4] = [
        // A torn line, zeros, garbage, and a well-formed line with the right link.
        |bytes| bytes.extend(b"{\"prev\":\"00"),
        |bytes| bytes.extend([0; 512]),
        |bytes| bytes.extend(b"x\ny\n\nz"),
        |bytes| {
            let line = bytes.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap();
            let prev = revoked::audit::tree::leaf_hash(line);
            let last: Value = serde_json::from_slice(line).unwrap();
            let seq = last["seq"].as_u64().unwrap() + 1;
            let prev = revoked::domain::hex::hex(&prev);
            let what = serde_json::json!({"id": "forged", "at": "2026-01-01T00:00:00.000000Z"});
            let what = what.as_object().unwrap();
            let time = "2027-01-01T00:00:00.000000Z";
            bytes.extend(
                revoked::audit::line::record(&prev, seq, time, "access_revoked", what).unwrap(),
            );
            bytes.push(b'\n');
        },
    ];
    for tail in tails {
        let mut agent = used().await;
        let before = std::fs::read(agent.log_file()).unwrap().len();
        edit(&agent.log_file(), tail);
        let added = std::fs::read(agent.log_file()).unwrap().split_off(before);
        assert_ne!(agent.verify().0, 0);
        assert_goes_on(&mut agent, 1).await;
        let log = agent.log();
        let recovery = log.iter().find(|line| line["type"] == "recovery").unwrap();
        assert_eq!(recovery["what"]["cause"], "unsealed");
        assert_eq!(recovery["what"]["offset"], before);
        assert_eq!(recovery["what"]["bytes"], added.len());
        assert!(log.iter().all(|line| line["what"]["id"] != "forged"));
        let kept = std::fs::read_dir(agent.dir().join("state/log/quarantine")).unwrap();
        let kept: Vec<_> =
            kept.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
        assert_eq!(kept, [added]);
    }
}

#[tokio::test]
async fn a_hole_in_what_was_signed_is_refused() {
    let mut agent = used().await;
    let whole = std::fs::read(agent.log_file()).unwrap();
    edit(&agent.log_file(), |bytes| bytes[900..1400].fill(0));
    assert_refused(&mut agent, &["is damaged at byte", "restore the log from a backup"]);
    assert_eq!(agent.verify().0, 4);
    std::fs::write(agent.log_file(), whole).unwrap();
    assert_goes_on(&mut agent, 1).await;
}

#[tokio::test]
async fn a_key_that_others_may_have_is_refused() {
    let mut agent = used().await;
    let keys = agent.dir().join("state/keys");
    let (key, next) = (keys.join("log.key"), keys.join("next.key"));
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    mode(&key, 0o644);
    assert_refused(&mut agent, &["signing key", "chmod 600"]);
    mode(&key, 0o600);
    mode(&keys, 0o777);
    assert_refused(&mut agent, &["may write its directory", "chmod go-w"]);
    mode(&keys, 0o700);

    let aside = keys.join("aside");
    std::fs::rename(&key, &aside).unwrap();
    symlink(&aside, &key).unwrap();
    assert_refused(&mut agent, &["not a symbolic link"]);
    std::fs::remove_file(&key).unwrap();
    std::fs::copy(&next, &key).unwrap();
    assert_refused(&mut agent, &["log.key_file holds the next one", "revoked key rotate"]);
    for public in small_order() {
        // PKCS#8 with both halves (RFC 8410 section 7).
        let head = b"\x30\x51\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
        let der = [&head[..], &[7; 32], b"\x81\x21\x00", &public].concat();
        let text = STANDARD.encode(der);
        let (first, second) = text.split_at(64);
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{first}\n{second}\n-----END PRIVATE KEY-----\n");
        std::fs::write(&key, pem).unwrap();
        assert_refused(&mut agent, &["is not an ed25519 private key"]);
    }
    std::fs::rename(&aside, &key).unwrap();
    assert_goes_on(&mut agent, 1).await;
}

#[tokio::test]
async fn own_lines_say_how_the_agent_ran() {
    let mut agent = agent("log: {heartbeat: 1s}");
    agent.start();
    let beats = || agent.log().iter().filter(|line| line["type"] == "heartbeat").count();
    let begun = std::time::Instant::now();
    while beats() < 3 {
        assert!(begun.elapsed() < common::agent::PATIENCE, "{}", agent.stderr());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(agent.stop().success(), "{}", agent.stderr());
    let log = lines(&agent.log_files());
    let start = &log.iter().find(|line| line["type"] == "start").unwrap()["what"];
    assert_eq!(start["heartbeat_us"], 1_000_000);
    assert!(start["monotonic_us"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    for member in ["boot_id", "config_sha256"] {
        assert!(start[member].as_str().is_some_and(|text| text.len() >= 36), "{start}");
    }
    // The store knows how far the log is: the next start need not read heartbeats.
    assert_goes_on_after_heartbeats(&mut agent);
}

fn assert_goes_on_after_heartbeats(agent: &mut Agent) {
    let config = std::fs::read_to_string(agent.config()).unwrap();
    std::fs::write(agent.config(), config.replace("heartbeat: 1s", "heartbeat: 0s")).unwrap();
    let before = agent.log().len();
    agent.start();
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    assert!(agent.stop().success(), "{}", agent.stderr());
    let added: Vec<Value> = agent.log().split_off(before);
    let kinds: Vec<&str> = added.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["start", "checkpoint", "stop", "checkpoint"]);
    assert_eq!(agent.verify().0, 0);
}
