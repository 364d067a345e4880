//! The log under everything that happens to files.

use super::*;
use crate::audit::format::FIRST_SEGMENT;
use crate::audit::line;
use crate::audit::verify::{Outcome, Verifier, Vkey};
use crate::domain::hex::hex;
use serde_json::{Map, Value};
use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use zeroize::Zeroizing;

const NOW: &str = "2026-03-05T09:00:00.000000Z";

fn key() -> LogKey {
    LogKey::from_seed("test/log", &Zeroizing::new([7; 32]))
}

fn what(n: u32) -> Map<String, Value> {
    json!({"id": format!("rev_1.{n}"), "n": n}).as_object().unwrap().clone()
}

fn entry(n: u32) -> Entry {
    Entry::new("observation", &what(n))
}

fn fresh() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path(), &key(), "next", NOW).unwrap();
    dir
}

fn open(dir: &Path) -> Result<LogFile, LogError> {
    LogFile::open(dir, key(), NOW)
}

/// Ids of the records from the beginning on.
fn ids(log: &LogFile) -> Vec<String> {
    let found = log.since(0).unwrap().next(usize::MAX).unwrap();
    found.into_iter().filter_map(|found| found.id).collect()
}

fn bytes(dir: &Path) -> Vec<u8> {
    std::fs::read(dir.join(FIRST_SEGMENT)).unwrap()
}

fn verdict(dir: &Path) -> Outcome {
    let mut verifier =
        Verifier::new(Some(Vkey::parse(&key().vkey()).unwrap())).all_signatures(true);
    verifier.begin_file("log");
    verifier.push_bytes(&bytes(dir));
    verifier.finish().outcome
}

#[test]
fn what_is_written_verifies_and_is_found_again() {
    let dir = fresh();
    let mut log = open(dir.path()).unwrap();
    assert_eq!(log.since(0).unwrap().next(9).unwrap().len(), 1, "the genesis");
    let landed = log.append(&[entry(1), entry(2)], NOW).unwrap();
    assert_eq!(landed.iter().map(|l| l.seq).collect::<Vec<_>>(), [2, 3]);
    log.append(&[entry(3)], NOW).unwrap();
    drop(log);
    assert_eq!(verdict(dir.path()), Outcome::Verified);
    assert_eq!(ids(&open(dir.path()).unwrap()), ["rev_1.1", "rev_1.2", "rev_1.3"]);
}

#[test]
fn every_cut_of_the_last_commit_is_recovered_and_nothing_before_it_is_lost() {
    let dir = fresh();
    let mut log = open(dir.path()).unwrap();
    log.append(&[entry(1)], NOW).unwrap();
    let sealed = bytes(dir.path()).len();
    log.append(&[entry(2)], NOW).unwrap();
    drop(log);
    let whole = bytes(dir.path());
    for cut in sealed + 1..whole.len() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FIRST_SEGMENT), &whole[..cut]).unwrap();
        assert_eq!(ids(&open(dir.path()).unwrap()), ["rev_1.1"]);
        assert_eq!(verdict(dir.path()), Outcome::Verified, "cut at {cut}");
        let kept: Vec<_> = std::fs::read_dir(dir.path().join("quarantine")).unwrap().collect();
        assert_eq!(kept.len(), 1);
        assert!(String::from_utf8(bytes(dir.path())).unwrap().contains("\"type\":\"recovery\""));
    }
}

#[test]
fn forged_lines_at_the_end_are_quarantined_and_never_signed() {
    let dir = fresh();
    let mut log = open(dir.path()).unwrap();
    log.append(&[entry(1)], NOW).unwrap();
    let (prev, seq) = (hex(&log.state.prev), log.state.seq);
    drop(log);
    let mut forged = line::record(&prev, seq, NOW, "access_revoked", &what(9)).unwrap();
    forged.push(b'\n');
    let mut all = bytes(dir.path());
    all.extend(&forged);
    std::fs::write(dir.path().join(FIRST_SEGMENT), &all).unwrap();
    assert_eq!(ids(&open(dir.path()).unwrap()), ["rev_1.1"]);
    assert!(!String::from_utf8(bytes(dir.path())).unwrap().contains("access_revoked"));
}

#[test]
fn damage_in_what_was_signed_is_refused() {
    let dir = fresh();
    let mut log = open(dir.path()).unwrap();
    log.append(&[entry(1)], NOW).unwrap();
    let early = bytes(dir.path()).len();
    log.append(&[entry(2)], NOW).unwrap();
    drop(log);
    let whole = bytes(dir.path());
    for at in (0..early).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(dir.path().join(FIRST_SEGMENT), &damaged).unwrap();
        let refused = open(dir.path()).err().map(|error| error.to_string());
        assert!(refused.is_some(), "byte {at}");
        assert_eq!(bytes(dir.path()), damaged, "left as evidence");
    }
}

#[test]
fn the_fence_stops_at_the_next_commit() {
    type Attack = fn(&Path);
    let attacks: [(&str, Attack); 4] = [
        ("deleted", |path| std::fs::remove_file(path).unwrap()),
        ("renamed", |path| std::fs::rename(path, path.with_extension("old")).unwrap()),
        ("bytes", |path| {
            OpenOptions::new().write(true).open(path).unwrap().set_len(10).unwrap();
        }),
        ("in its place", |path| {
            let copy = path.with_extension("copy");
            std::fs::copy(path, &copy).unwrap();
            std::fs::hard_link(path, path.with_extension("kept")).unwrap();
            std::fs::rename(copy, path).unwrap();
        }),
    ];
    for (says, attack) in attacks {
        let dir = fresh();
        let mut log = open(dir.path()).unwrap();
        attack(&dir.path().join(FIRST_SEGMENT));
        let error = log.append(&[entry(1)], NOW).unwrap_err();
        assert!(matches!(error, LogError::Fence { .. }), "{says}: {error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

#[test]
fn a_byte_changed_in_place_stops_it_and_a_touch_does_not() {
    let dir = fresh();
    let path = dir.path().join(FIRST_SEGMENT);
    let mut log = open(dir.path()).unwrap();
    log.append(&[entry(0)], NOW).unwrap();
    // Longer than a tick of the clock that files have.
    let pause = || std::thread::sleep(std::time::Duration::from_millis(50));
    let touches: [fn(&Path); 3] = [
        |path| {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        },
        |path| std::fs::hard_link(path, path.with_extension("backup")).unwrap(),
        |path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap(),
    ];
    for (n, touch) in (1..).zip(touches) {
        pause();
        touch(&path);
        log.append(&[entry(n)], NOW).unwrap();
    }
    pause();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let meta = file.metadata().unwrap();
    file.write_all_at(b"X", 300).unwrap();
    // Who changes it may set the time back.
    file.set_modified(meta.modified().unwrap()).unwrap();
    let error = log.append(&[entry(4)], NOW).unwrap_err();
    assert!(matches!(error, LogError::Fence { .. }), "{error}");
    assert!(error.to_string().contains("changed in place"), "{error}");
}

fn in_quarantine(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir.join("quarantine")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Bytes and offset in each `recovery` record.
fn recoveries(dir: &Path) -> Vec<(u64, u64)> {
    let text = String::from_utf8(bytes(dir)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = lines.filter(|line| line["type"] == "recovery").map(|line| line["what"].clone());
    found.map(|what| (what["bytes"].as_u64().unwrap(), what["offset"].as_u64().unwrap())).collect()
}

#[test]
fn killed_before_the_log_says_what_was_moved_away() {
    let dir = fresh();
    let dir = dir.path();
    let mut log = open(dir).unwrap();
    log.append(&[entry(1)], NOW).unwrap();
    drop(log);
    let sealed = bytes(dir);
    let with = |tail: &str| {
        std::fs::write(dir.join(FIRST_SEGMENT), [&sealed, tail.as_bytes()].concat()).unwrap();
    };
    let killed_after_the_cut = || {
        let lock = super::super::dir::Dir::lock(dir).unwrap();
        drop(super::super::open::open(&lock, &key(), None).unwrap());
        assert_eq!(bytes(dir), sealed);
    };
    let at = sealed.len() as u64;
    let copy = |n: u32, end: &str| format!("{FIRST_SEGMENT}.{at}.{n}.{end}");
    with("torn");
    killed_after_the_cut();
    assert_eq!(in_quarantine(dir), [copy(0, "untold")]);
    // Killed once more, between keeping and cutting: the bytes are still there, or again.
    with("torn");
    killed_after_the_cut();
    assert_eq!(in_quarantine(dir), [copy(0, "untold")]);
    with("others");
    killed_after_the_cut();
    assert_eq!(recoveries(dir), []);
    std::fs::write(dir.join("quarantine").join(format!("{FIRST_SEGMENT}.{at}.part")), "to")
        .unwrap();
    drop(open(dir).unwrap());
    assert_eq!(recoveries(dir), [(4, at), (6, at)]);
    assert_eq!(in_quarantine(dir)[..2], [copy(0, "bin"), copy(1, "bin")]);
    // Killed after that, and before the copy was renamed.
    let place = |n, end| dir.join("quarantine").join(copy(n, end));
    std::fs::rename(place(1, "bin"), place(1, "untold")).unwrap();
    drop(open(dir).unwrap());
    assert_eq!(recoveries(dir), [(4, at), (6, at)], "once");
    assert_eq!(in_quarantine(dir)[..2], [copy(0, "bin"), copy(1, "bin")]);
    assert_eq!(verdict(dir), Outcome::Verified);
}

#[test]
fn one_process_at_a_time() {
    let dir = fresh();
    let _log = open(dir.path()).unwrap();
    assert!(matches!(open(dir.path()), Err(LogError::Locked { .. })));
}

#[test]
fn no_log_and_foreign_keys_are_refused() {
    let empty = tempfile::tempdir().unwrap();
    assert!(origin(empty.path()).unwrap_err().to_string().contains("revoked init"));
    let dir = fresh();
    let other = LogKey::from_seed("test/log", &Zeroizing::new([8; 32]));
    let error = LogFile::open(dir.path(), other, NOW).err().unwrap().to_string();
    assert!(error.contains("another key"), "{error}");
    assert!(create(dir.path(), &key(), "next", NOW).is_err(), "never over an existing log");
}

#[test]
fn a_clock_that_goes_back_is_said() {
    let dir = fresh();
    let mut log = open(dir.path()).unwrap();
    log.append(&[entry(1)], "2026-03-05T09:00:10.000000Z").unwrap();
    log.append(&[entry(2)], "2026-03-05T09:00:05.000000Z").unwrap();
    drop(log);
    assert!(String::from_utf8(bytes(dir.path())).unwrap().contains("\"type\":\"clock\""));
    assert_eq!(verdict(dir.path()), Outcome::Verified);
}
