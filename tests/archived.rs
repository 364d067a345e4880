//! A log whose older files were moved to an archive, off the machine: the agent goes on, and what is lost of the rest
//! can be given up.

mod common;

use common::agent::Agent;
use common::http::Api;
use common::{revoked, run};
use revoked::audit::file::{Entry, Limits, LogFile};
use revoked::audit::key::LogKey;
use revoked::clock;
use serde_json::Map;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

/// Nobody listens there: nothing of this needs a target.
const NOWHERE: &str = "postgres://agent@127.0.0.1:1/postgres";

/// An agent that accepted a notice and stopped, with a log in four files.
async fn stopped() -> Agent {
    let mut agent = Agent::init(&[("main", NOWHERE)], "");
    agent.start();
    let body = serde_json::json!({"username": "john", "account": "x", "reason": "terminated"});
    assert_eq!(Api::of(&agent).post(body.to_string(), Some("1")).await.status, 202);
    assert!(agent.stop().success(), "{}", agent.stderr());
    let (dir, keys) = (agent.dir().join("state/log"), agent.dir().join("state/keys/log.key"));
    let origin = agent.log()[0]["what"]["origin"].as_str().unwrap().to_owned();
    let key = LogKey::read(&keys, &origin, &dir).unwrap();
    let limits = Limits { bytes: 1, age: Duration::MAX };
    let mut log = LogFile::open(&dir, key, clock::now()).unwrap().with_limits(limits);
    for _ in 0..3 {
        let heartbeat = Entry::new("heartbeat", &Map::new());
        log.append(&[heartbeat], clock::now()).unwrap();
    }
    drop(log);
    // What the store knows to be the newest line is in the newest file again.
    agent.start();
    assert!(agent.stop().success(), "{}", agent.stderr());
    assert_eq!(agent.log_files().len(), 4);
    agent
}

fn flip(path: &Path, at: usize) {
    std::fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_loss_after_what_was_archived_is_accepted() {
    let mut agent = stopped().await;
    let archive = agent.dir().join("archive");
    std::fs::create_dir(&archive).unwrap();
    let log = agent.log();
    let mut notes = log.iter().rev().filter_map(|line| line["what"]["note"].as_str());
    let last_good = notes.nth(1).unwrap().to_owned();
    let size = last_good.lines().nth(1).unwrap();
    let files = agent.log_files();
    // The archive has the first two files.
    for file in &files[..2] {
        std::fs::rename(file, archive.join(file.file_name().unwrap())).unwrap();
    }
    let next = agent.dir().join("next.key");
    let accept = ["log", "accept-loss", "--yes", "--new-next", next.to_str().unwrap()];
    let shown = |wanted: &[&str]| {
        let (code, out, err) = agent.run(&["log", "accept-loss"]);
        assert_eq!(code, 0, "{out}{err}");
        for part in wanted {
            assert!(out.contains(part), "`{part}` is not in: {out}");
        }
    };
    // As the first of the files at hand is named.
    let first = files[2].file_stem().unwrap().to_str().unwrap();
    let first: u64 = first.strip_prefix("revlog-").unwrap().parse().unwrap();
    let unseen = format!("not looked at: the {first} lines before, whose files are not in");
    let (_, said, _) = agent.run(&["doctor"]);
    let note = format!("the {first} lines before were not looked at");
    assert!(said.contains("verified: ") && said.contains(&note), "{said}");
    let (code, _, err) = agent.run(&accept);
    assert!(code == 1 && err.contains("the log is sound"), "nothing is lost: {code} {err}");

    let newest = files[3].clone();
    let length = std::fs::metadata(&newest).unwrap().len();
    let at = usize::try_from(length).unwrap() - 20;
    flip(&newest, at);
    shown(&["it is damaged", &format!("over {size} lines"), &unseen]);
    flip(&newest, at);
    flip(&files[2], 30);
    shown(&["it is damaged", "last good checkpoint: none", &unseen]);
    flip(&files[2], 30);
    flip(&newest, at);
    let (code, out, err) = agent.run(&accept);
    assert!(code == 0 && out.contains(&unseen), "{code}: {out}{err}");
    agent.start();
    assert!(agent.stop().success(), "{}", agent.stderr());
    let key = agent.json(&["key", "show", "-o", "json"])["vkey"].as_str().unwrap().to_owned();
    let log = agent.dir().join("state/log");
    let (code, said, err) = run(revoked().arg("verify").arg(&log).args(["--key", &key]));
    assert_eq!(code, 0, "{said}{err}");
    let log = agent.log();
    assert_eq!(log[0]["what"]["continues"], last_good);
    // The subject, the notice and what it asked for lie in the archive.
    assert_eq!(log[1]["what"]["unrecorded"], 0, "{}", log[1]);
}
