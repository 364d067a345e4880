//! A second opinion: slack_sdk, Slack's own library, reads every kind of message that we send, and signs what Slack sends. It
//! shares no code and no author with the stand-in. `scripts/setup test` installs it.

use crate::common::slack::press::Press;
use crate::common::slack::press::SIGNING;
use serde_json::{Value, json};
use std::io::{Seek as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where `scripts/setup test` puts it.
fn python() -> PathBuf {
    let python = crate::common::tools().join("slack_sdk/bin/python");
    assert!(python.exists(), "slack_sdk is not at {}; run scripts/setup test", python.display());
    python
}

/// What it says of these.
fn read(all: &[Value]) -> (bool, String) {
    let mut lines = tempfile::tempfile().unwrap();
    for one in all {
        writeln!(lines, "{one}").unwrap();
    }
    lines.rewind().unwrap();
    let output = Command::new(python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slack/sdk.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("PYTHONPATH")
        .stdin(Stdio::from(lines))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// Every message of the snapshots: what people see of it stands there beside what Slack gets.
fn messages() -> Vec<Value> {
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/src/deliver/render/snapshots");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(place).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines = text.lines().skip_while(|line| *line != "--- as Slack gets it");
        all.extend(
            lines
                .filter(|line| line.starts_with("{\"blocks\":"))
                .map(|line| serde_json::from_str::<Value>(line).unwrap()),
        );
    }
    all
}

#[test]
fn slacks_own_library_reads_every_message() {
    let all = messages();
    assert!(all.len() >= 45, "{} messages", all.len());
    let has = |kind: &str| all.iter().any(|one| one["blocks"].to_string().contains(kind));
    for kind in ["header", "rich_text", "table", "context", "actions", "user"] {
        assert!(has(&format!("\"type\":\"{kind}\"")), "there is no {kind}");
    }
    let (good, said) = read(&all);
    assert!(good, "{said}");
    assert!(said.starts_with(&format!("{} read, 0 faults", all.len())), "{said}");
}

/// What it would not take is seen.
#[test]
fn slacks_own_library_sees_what_is_wrong() {
    let good = messages().into_iter().find(|one| one["blocks"].to_string().contains("actions"));
    let good = good.unwrap();
    let place = |kind: &str| {
        let blocks = good["blocks"].as_array().unwrap();
        blocks.iter().position(|block| block["type"] == kind).unwrap()
    };
    let (header, actions) = (place("header"), place("actions"));
    for (at, value) in [
        (format!("/blocks/{header}/text/text"), json!("x".repeat(151))),
        (format!("/blocks/{header}/type"), json!("heading")),
        (format!("/blocks/{actions}/elements/0/text/text"), json!("x".repeat(76))),
        (format!("/blocks/{actions}/elements/0/value"), json!("x".repeat(2_001))),
        (format!("/blocks/{actions}/elements/0/action_id"), json!("x".repeat(256))),
        (format!("/blocks/{actions}/elements/0/style"), json!("loud")),
    ] {
        let mut changed = good.clone();
        match changed.pointer_mut(&at) {
            Some(there) => *there = value,
            None => changed["blocks"][actions]["elements"][0]["style"] = value,
        }
        let (good, said) = read(&[changed]);
        assert!(!good && said.contains("1 read"), "{at}: {said}");
    }
}

/// The stand-in signs as Slack does, so the agent that takes its presses takes Slack's.
#[test]
fn slacks_own_library_signs_as_the_stand_in_does() {
    let payload = json!({"type": "block_actions", "text": "a b+c&d=e%f#–\n", "actions": []});
    let press = Press { payload, time: 1_772_701_200, secret: SIGNING };
    let line = json!({
        "secret": press.secret, "form": press.form(), "time": press.time, "signature": press.signature(),
    });
    let (good, said) = read(std::slice::from_ref(&line));
    assert!(good, "{said}");
    let mut other = line;
    other["form"] = format!("{}x", press.form()).into();
    let (good, said) = read(&[other]);
    assert!(!good, "{said}");
}
