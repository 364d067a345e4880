//! Changing the key of the log, and going on after it was damaged: real commands, a real agent.

mod common;
#[path = "keys/export.rs"]
mod export;

use common::agent::Agent;
use common::http::prepared;
use common::{cluster, revoked, run};
use revoked::clock;
use revoked::store::Store;
use revoked::throwaway::Cluster;
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

fn stopped() -> (Cluster, Agent) {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    agent.start();
    agent.expect("can4ry.person", &["--account", "nobody_here"]);
    agent.stop();
    (cluster, agent)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a command that has to succeed, and gives what it printed.
fn good(agent: &Agent, arguments: &[&str]) -> String {
    let (code, out, err) = agent.run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    out
}

/// Runs a command that has to be refused, and gives why.
fn refused(agent: &Agent, arguments: &[&str]) -> String {
    let (code, out, err) = agent.run(arguments);
    assert_eq!(code, 1, "{arguments:?}: {out}{err}");
    err
}

/// Exit status of `verify` under a key.
fn verify(log: &Path, key: &str) -> (i32, String) {
    let (code, out, err) =
        run(revoked().args(["verify", text(log), "--key", key, "--all-signatures"]));
    (code, out + &err)
}

fn key_of(agent: &Agent) -> String {
    agent.json(&["key", "show", "-o", "json"])["vkey"].as_str().unwrap().to_owned()
}

/// The next key as `init` made it, brought to a place outside the state.
fn moved(agent: &Agent) -> (PathBuf, PathBuf) {
    let media = agent.dir().join("media");
    std::fs::create_dir(&media).unwrap();
    let next = media.join("next.key");
    std::fs::rename(agent.dir().join("state/keys/next.key"), &next).unwrap();
    (next, media.join("after.key"))
}

#[test]
fn a_planned_change_of_key() {
    let (_cluster, mut agent) = stopped();
    let (next, after) = moved(&agent);
    let rotate = ["key", "rotate", "--next-key", text(&next), "--new-next", text(&after)];
    agent.start();
    assert!(refused(&agent, &rotate).contains("the agent is running"));
    agent.stop();
    let before = key_of(&agent);
    let key_file = agent.dir().join("state/keys/log.key");
    let wrong = ["key", "rotate", "--next-key", text(&key_file), "--new-next", text(&after)];
    assert!(good(&agent, &wrong).contains("nothing to do"), "it is the one in force");
    let stray = agent.dir().join("media/stray.key");
    let made = good(&agent, &["key", "generate", text(&stray)]);
    assert!(made.contains("commitment: "), "{made}");
    let wrong = ["key", "rotate", "--next-key", text(&stray), "--new-next", text(&after)];
    assert!(refused(&agent, &wrong).contains("has committed to"));
    let inside = agent.dir().join("state/log/after.key");
    let wrong = ["key", "rotate", "--next-key", text(&next), "--new-next", text(&inside)];
    assert!(refused(&agent, &wrong).contains("log's directory"));
    assert_eq!(key_of(&agent), before, "nothing was changed");

    let said = good(&agent, &rotate);
    assert!(said.contains("MOVE IT AWAY NOW"), "{said}");
    let now = key_of(&agent);
    assert_ne!(now, before);
    assert_eq!(std::fs::metadata(&after).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(good(&agent, &rotate).contains("nothing to do"));
    let shown = good(&agent, &["key", "show", "--file", text(&after)]);
    assert!(shown.contains("It is the next key"), "{shown}");
    agent.start();
    agent.expect("somebody.else", &["--account", "nobody_else"]);
    agent.stop();
    let log = agent.dir().join("state/log");
    for key in [&before, &now] {
        let (code, report) = verify(&log, key);
        assert_eq!(code, 0, "{report}");
    }
    // A second change, of a key that somebody else may have.
    let third = agent.dir().join("media/third.key");
    let again = ["key", "rotate", "--next-key", text(&after), "--new-next", text(&third)];
    good(&agent, &[&again[..], &["--reason", "compromised"]].concat());
    let line = agent.log().into_iter().rfind(|line| line["type"] == "key").unwrap();
    assert_eq!(line["what"]["reason"], "compromised");
    assert_eq!(verify(&log, &before).0, 0);
    let everything = good(&agent, &["key", "show"]);
    assert!(!everything.contains("PRIVATE"), "{everything}");
}

#[test]
fn a_change_of_key_that_was_cut_off_is_finished_by_the_same_command() {
    let (_cluster, mut agent) = stopped();
    let (next, after) = moved(&agent);
    let key_file = agent.dir().join("state/keys/log.key");
    let rotate = ["key", "rotate", "--next-key", text(&next), "--new-next", text(&after)];
    // Killed before the commit: the key after the next one is there already.
    good(&agent, &["key", "generate", text(&after)]);
    let old = std::fs::read(&key_file).unwrap();
    good(&agent, &rotate);
    let now = key_of(&agent);
    // Killed after it: the log names the new key, the key file is the old one.
    std::fs::remove_file(&key_file).unwrap();
    std::fs::write(&key_file, old).unwrap();
    std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    agent.spawn();
    assert!(!agent.wait().success());
    assert!(agent.stderr().contains("still holds the one before"), "{}", agent.stderr());
    let said = good(&agent, &rotate);
    assert!(said.contains("holds the new key"), "{said}");
    assert_eq!(key_of(&agent), now);
    agent.start();
    agent.stop();
    assert_eq!(agent.verify().0, 0);
    // The other way round: somebody put the next key in place without telling the log.
    std::fs::copy(&after, &key_file).unwrap();
    agent.spawn();
    assert!(!agent.wait().success());
    assert!(agent.stderr().contains("holds the next one"), "{}", agent.stderr());
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn place(agent: &Agent) -> PathBuf {
    let log = agent.dir().join("state/log");
    let name = names(&log).into_iter().find(|name| name.starts_with("damaged-")).unwrap();
    log.join(name)
}

/// After the loss was accepted: the agent goes on, and the new log says what happened.
fn goes_on(agent: &mut Agent, continues: bool, unrecorded: &Value) {
    let key = key_of(agent);
    agent.start();
    agent.expect("after.it", &["--account", "nobody_after"]);
    agent.stop();
    let (code, report) = verify(&agent.dir().join("state/log"), &key);
    assert_eq!(code, 0, "{report}");
    let log = agent.log();
    assert_eq!(log[0]["what"]["continues"].is_string(), continues, "{}", log[0]);
    assert_eq!(
        (&log[1]["type"], &log[1]["what"]["cause"]),
        (&"loss".into(), &"log_replaced".into())
    );
    assert_eq!(&log[1]["what"]["unrecorded"], unrecorded, "{}", log[1]);
    // Everybody is committed to in this log, whoever the old one knew too.
    let people = agent.dir().join("people.jsonl");
    good(agent, &["log", "subjects", "-o", text(&people)]);
    let count = std::fs::read_to_string(&people).unwrap().lines().count();
    let dir = agent.dir().join("state/log");
    let report =
        agent.json(&["verify", text(&dir), "--key", &key, "--json", "--subjects", text(&people)]);
    assert!(count >= 2 && report["subjects"]["disclosed"] == count, "{count}: {report:#}");
}

#[tokio::test]
async fn nothing_is_begun_while_somebody_else_holds_the_store() {
    let (_cluster, agent) = stopped();
    std::fs::remove_file(agent.log_file()).unwrap();
    let state = agent.dir().join("state");
    let there = || {
        ["log", "keys"].map(|name| names(&state.join(name)).into_iter().collect::<BTreeSet<_>>())
    };
    let before = there();
    let next = agent.dir().join("again.key");
    let accept = ["log", "accept-loss", "--yes", "--new-next", text(&next)];
    let url = format!("sqlite://{}", state.join("revoked.db").display());
    let store = Store::open(&url).await.unwrap();
    store.claim("elsewhere:1:2", clock::now()).await.unwrap();
    for _ in 0..2 {
        let why = refused(&agent, &accept);
        assert!(why.contains("another agent holds it (elsewhere"), "{why}");
        assert!(there() == before && !next.exists());
    }
    store.release("elsewhere:1:2", clock::now()).await.unwrap();
    store.close().await;
    let (code, _, err) = agent.run(&["log", "accept-loss", "--yes"]);
    assert!(code == 64 && err.contains("--new-next FILE"), "{code}: {err}");
    let open = agent.dir().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let there_too = open.join("next.key");
    let shared = [&accept[..4], &[text(&there_too)]].concat();
    assert!(refused(&agent, &shared).contains("others may write its directory"));
    assert!(there() == before && names(&open).is_empty(), "where no key is used from none is made");
    let key_file = state.join("keys/log.key");
    let same = [&accept[..4], &[text(&key_file)]].concat();
    assert!(refused(&agent, &same).contains("is to be another file"));
    finished_by_whoever_names_the_right_key(&agent, &accept, &next);
}

fn finished_by_whoever_names_the_right_key(agent: &Agent, accept: &[&str], next: &Path) {
    let is_warned = |said: &str, part: &str| {
        assert!(said.contains("MOVE IT AWAY NOW") && said.contains(part), "{said}");
    };
    is_warned(&good(agent, accept), text(next));
    let plan = place(agent);
    let unfinished =
        || std::fs::rename(plan.join("replaced.json"), plan.join("replacing.json")).unwrap();
    unfinished();
    let other = agent.dir().join("other.key");
    let with_other = [&accept[..4], &[text(&other)]].concat();
    for _ in 0..2 {
        let why = refused(agent, &with_other);
        assert!(why.contains("does not hold it") && why.contains(text(next)), "{why}");
        let _ = agent.run(&["key", "generate", text(&other)]);
    }
    assert!(other.exists(), "the second time");
    is_warned(&good(agent, accept), text(next));
    unfinished();
    is_warned(&good(agent, &["log", "accept-loss", "--yes"]), text(next));
    unfinished();
    std::fs::rename(next, agent.dir().join("offline.key")).unwrap();
    is_warned(&good(agent, &["log", "accept-loss", "--yes"]), "is there no more");
}

#[test]
fn a_log_cut_before_its_key_changed_still_has_a_last_note() {
    let (_cluster, mut agent) = stopped();
    let whole = std::fs::read(agent.log_file()).unwrap();
    let (next, after) = moved(&agent);
    good(&agent, &["key", "rotate", "--next-key", text(&next), "--new-next", text(&after)]);
    agent.start();
    agent.expect("somebody.else", &["--account", "nobody_else"]);
    agent.stop();
    let longer = std::fs::read(agent.log_file()).unwrap();
    let shown = |bytes: &[u8]| {
        std::fs::write(agent.log_file(), bytes).unwrap();
        good(&agent, &["log", "accept-loss"])
    };
    let mut bad = longer;
    bad[whole.len() - 20] ^= 1;
    let said = shown(&bad);
    assert!(said.contains("it is damaged") && said.contains("signed by the key"), "{said}");
    let keys = agent.dir().join("state/keys");
    let retired = names(&keys).into_iter().find(|name| name.contains("retired")).unwrap();
    // Cut before the change, whether or not the old key is still there.
    let said = shown(&whole);
    assert!(said.contains("the log ends before") && said.contains("signed by the key"), "{said}");
    assert!(!said.contains("you gave"), "{said}");
    std::fs::remove_file(keys.join(retired)).unwrap();
    assert_eq!(shown(&whole), said);
    let last = agent.log().last().unwrap()["what"]["note"].clone();
    let again = agent.dir().join("again.key");
    good(&agent, &["log", "accept-loss", "--yes", "--new-next", text(&again)]);
    assert_eq!(agent.log()[0]["what"]["continues"], last);
    assert!(agent.log()[1]["what"]["unrecorded"].as_u64().unwrap() > 0);
}

#[test]
fn a_damaged_log_is_replaced_by_one_that_says_so() {
    let (_cluster, mut agent) = stopped();
    let next = agent.dir().join("again.key");
    let accept = ["log", "accept-loss", "--yes", "--new-next", text(&next)];
    assert!(refused(&agent, &accept).contains("nothing was changed"), "nothing is wrong");
    let mut bytes = std::fs::read(agent.log_file()).unwrap();
    let find = |kind: &str| {
        let lines: Vec<usize> = agent
            .log()
            .iter()
            .enumerate()
            .filter(|(_, line)| line["type"] == kind)
            .map(|(n, _)| n)
            .collect();
        lines[0]
    };
    let line = find("revocation_triggered");
    let at = bytes.split_inclusive(|b| *b == b'\n').take(line).map(<[u8]>::len).sum::<usize>() + 8;
    bytes[at + 3] ^= 1;
    std::fs::write(agent.log_file(), &bytes).unwrap();
    agent.spawn();
    assert!(!agent.wait().success(), "the agent refuses it");
    let shown = good(&agent, &["log", "accept-loss"]);
    assert!(shown.contains("it is damaged") && shown.contains("Nothing was changed"), "{shown}");
    assert_eq!(std::fs::read(agent.log_file()).unwrap(), bytes);
    let said = good(&agent, &accept);
    assert!(said.contains("public key: "), "{said}");
    let kept = place(&agent).join("revlog-000000000000.jsonl");
    assert_eq!(std::fs::read(&kept).unwrap(), bytes, "the evidence is as it was");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o222, 0);
    // Subject, triggered and validation were in what is lost, and what looks said of it.
    let lost = agent.log()[1]["what"]["unrecorded"].as_u64().unwrap();
    assert!(lost >= 3, "{lost}");
    let old_keys = names(&agent.dir().join("state/keys"));
    assert!(old_keys.iter().any(|name| name.starts_with("log.key.retired-")), "{old_keys:?}");
    goes_on(&mut agent, true, &lost.into());
    assert!(refused(&agent, &accept).contains("nothing was changed"));

    // Killed before the end was noted, the same again finishes, and the agent does not start before.
    let plan = place(&agent);
    std::fs::rename(plan.join("replaced.json"), plan.join("replacing.json")).unwrap();
    agent.spawn();
    assert!(!agent.wait().success());
    assert!(agent.stderr().contains("begun and not finished"), "{}", agent.stderr());
}

#[test]
fn a_lost_log_is_replaced_after_kills_at_every_step() {
    let (_cluster, mut agent) = stopped();
    let landed = agent.log().iter().filter(|line| line["what"]["id"].is_string()).count();
    std::fs::remove_file(agent.log_file()).unwrap();
    let next = agent.dir().join("again.key");
    let key_file = agent.dir().join("state/keys/log.key");
    let store = agent.dir().join("state/revoked.db");
    let accept = ["log", "accept-loss", "--yes", "--new-next", text(&next)];
    let shown = good(&agent, &["log", "accept-loss"]);
    assert!(shown.contains("no file of the log is left"), "{shown}");
    let (old_key, old_store) = (std::fs::read(&key_file).unwrap(), std::fs::read(&store).unwrap());
    good(&agent, &accept);
    let new_key = std::fs::read(&key_file).unwrap();
    let plan = place(&agent);
    let unfinished =
        || std::fs::rename(plan.join("replaced.json"), plan.join("replacing.json")).unwrap();
    // Killed before the store knew.
    unfinished();
    for name in ["revoked.db-wal", "revoked.db-shm"] {
        let _ = std::fs::remove_file(agent.dir().join("state").join(name));
    }
    std::fs::write(&store, &old_store).unwrap();
    good(&agent, &accept);
    // Killed before the key file was replaced, too.
    unfinished();
    std::fs::rename(&key_file, agent.dir().join("state/keys/log.key.new-log")).unwrap();
    std::fs::write(&key_file, old_key).unwrap();
    std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&store, &old_store).unwrap();
    good(&agent, &accept);
    assert_eq!(std::fs::read(&key_file).unwrap(), new_key);
    goes_on(&mut agent, false, &landed.into());
}
