//! Files that follow one another, whatever ends them.

use super::super::dir::{name_of, segments};
use super::*;
use crate::audit::verify::{Outcome, Report, Verifier, Vkey};
use serde_json::Value;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use zeroize::Zeroizing;

const NOW: &str = "2026-03-05T09:00:00.000000Z";
const LATER: &str = "2026-03-06T09:00:00.000000Z";
const SMALL: Limits = Limits { bytes: 4_000, age: Duration::MAX };

fn key() -> LogKey {
    LogKey::from_seed("test/log", &Zeroizing::new([7; 32]))
}

fn entry(n: usize) -> Entry {
    Entry::of("observation", json!({"id": format!("rev_1.{n}"), "n": n, "text": "x".repeat(300)}))
}

fn fresh() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path(), &key(), "next", NOW).unwrap();
    dir
}

fn open(dir: &Path) -> LogFile {
    LogFile::open(dir, key(), NOW).unwrap().with_limits(SMALL)
}

fn paths(dir: &Path) -> Vec<PathBuf> {
    segments(dir).unwrap().into_iter().map(|name| name.path).collect()
}

fn verify(dir: &Path) -> Report {
    let key = Vkey::parse(&key().vkey()).unwrap();
    let mut verifier = Verifier::new(Some(key)).all_signatures(true);
    for path in paths(dir) {
        verifier.begin_file(&path.display().to_string());
        verifier.push_bytes(&std::fs::read(path).unwrap());
    }
    verifier.finish()
}

fn assert_sound(dir: &Path, wanted: &[usize]) {
    let report = verify(dir);
    assert_eq!(report.outcome, Outcome::Verified, "{report}");
    let log = LogFile::open(dir, key(), NOW).unwrap();
    let found = log.since(0).unwrap().next(usize::MAX).unwrap();
    let found: Vec<String> = found.into_iter().filter_map(|found| found.id).collect();
    let wanted: Vec<String> = wanted.iter().map(|n| format!("rev_1.{n}")).collect();
    assert_eq!(found, wanted);
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for path in paths(from) {
        std::fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}

#[test]
fn a_long_file_is_followed_by_the_next() {
    let dir = fresh();
    let mut log = open(dir.path());
    for n in 0..100 {
        if n == 50 {
            // Touched, as by a backup: it is read again, and is as it was.
            std::thread::sleep(Duration::from_millis(50));
            std::fs::hard_link(paths(dir.path()).pop().unwrap(), dir.path().join("link")).unwrap();
        }
        log.append(&[entry(n)], NOW).unwrap();
    }
    drop(log);
    let paths = paths(dir.path());
    assert!(paths.len() > 10, "{}", paths.len());
    assert_sound(dir.path(), &(0..100).collect::<Vec<_>>());
    for (n, path) in paths.iter().enumerate() {
        let mode = std::fs::metadata(path).unwrap().mode() & 0o777;
        let last = n + 1 == paths.len();
        assert_eq!(mode, if last { 0o640 } else { 0o440 }, "{}", path.display());
        let lines = lines(path);
        assert_eq!(lines.last().unwrap()["type"], "checkpoint");
        if n == 0 {
            continue;
        }
        let first = &lines[0];
        assert_eq!(first["type"], "segment");
        assert_eq!(first["what"]["first_seq"], first["seq"]);
        let size = first["seq"].as_u64().unwrap() - 1;
        let peaks = first["what"]["frontier"].as_array().unwrap().len();
        assert_eq!(peaks, usize::try_from(size.count_ones()).unwrap());
        assert_eq!(first["what"]["next"], commitment("next"));
    }
}

#[test]
fn an_old_file_is_followed_by_the_next() {
    let dir = fresh();
    let limits = Limits { age: Duration::from_secs(86_400), ..Limits::default() };
    let mut log = LogFile::open(dir.path(), key(), NOW).unwrap().with_limits(limits);
    log.append(&[entry(0)], "2026-03-06T08:59:59.999999Z").unwrap();
    assert_eq!(paths(dir.path()).len(), 1);
    log.append(&[entry(1)], LATER).unwrap();
    log.append(&[entry(2)], LATER).unwrap();
    assert_eq!(paths(dir.path()).len(), 2);
    drop(log);
    // How old it is is known after a restart, too.
    let mut log = LogFile::open(dir.path(), key(), LATER).unwrap().with_limits(limits);
    log.append(&[entry(3)], "2026-03-07T08:00:00.000000Z").unwrap();
    assert_eq!(paths(dir.path()).len(), 2);
    log.append(&[entry(4)], "2026-03-07T09:00:00.000000Z").unwrap();
    assert_eq!(paths(dir.path()).len(), 3);
    drop(log);
    assert_sound(dir.path(), &[0, 1, 2, 3, 4]);
}

#[test]
fn a_clock_set_back_where_a_file_begins_is_said() {
    let (dir, newest, _) = just_begun();
    let mut log = open(dir.path());
    let mut n = 11;
    while paths(dir.path()).last() == Some(&newest) {
        log.append(&[entry(n)], if n < 15 { NOW } else { "2026-03-05T08:00:00.000000Z" }).unwrap();
        n += 1;
    }
    drop(log);
    assert_eq!(
        n, 16,
        "the record with which the file begins is the one at which the clock was set"
    );
    let first = lines(&paths(dir.path())[3]);
    assert_eq!((&first[0]["time"], &first[1]["type"]), (&NOW.into(), &"clock".into()));
    assert_eq!(first[1]["what"]["old"], NOW);
    let report = verify(dir.path());
    assert_eq!((report.outcome, report.warnings.len()), (Outcome::Verified, 0), "{report}");
}

/// A log of some files whose newest has one commit, and that commit's bytes.
fn just_begun() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let dir = fresh();
    let mut log = open(dir.path());
    let mut n = 0;
    while paths(dir.path()).len() < 3 {
        log.append(&[entry(n)], NOW).unwrap();
        n += 1;
    }
    drop(log);
    assert_eq!(n, 11, "records");
    let newest = paths(dir.path()).pop().unwrap();
    let bytes = std::fs::read(&newest).unwrap();
    (dir, newest, bytes)
}

#[test]
fn killed_while_a_file_is_begun() {
    let (dir, newest, bytes) = just_begun();
    let name = newest.file_name().unwrap();
    for cut in (0..bytes.len()).step_by(3) {
        let dir = copy(dir.path());
        std::fs::write(dir.path().join(name), &bytes[..cut]).unwrap();
        // The file before was not finished yet, or was it.
        let before = &paths(dir.path())[1];
        Segment::reopen(before).unwrap();
        drop(open(dir.path()));
        assert_sound(dir.path(), &(0..10).collect::<Vec<_>>());
        let recovered = lines(before).into_iter().filter(|line| line["type"] == "recovery");
        let recovered: Vec<Value> = recovered.map(|line| line["what"].clone()).collect();
        if cut == 0 {
            assert!(recovered.is_empty(), "there was nothing");
        } else {
            assert_eq!(recovered[0]["bytes"], cut);
            assert_eq!(recovered[0]["file"], name.to_str().unwrap());
            assert_eq!(recovered[0]["cause"], "unsealed");
        }
        let mut log = open(dir.path());
        log.append(&[entry(10)], NOW).unwrap();
        drop(log);
        assert_sound(dir.path(), &(0..11).collect::<Vec<_>>());
    }
}

#[test]
fn a_finished_file_without_the_next_is_refused() {
    let (dir, newest, bytes) = just_begun();
    std::fs::remove_file(&newest).unwrap();
    let error = LogFile::open(dir.path(), key(), NOW).err().unwrap().to_string();
    assert!(error.contains("the file that follows it is missing"), "{error}");
    std::fs::write(&newest, bytes).unwrap();
    assert_sound(dir.path(), &(0..11).collect::<Vec<_>>());
}

#[test]
fn what_a_failed_commit_left_in_the_file_before_is_moved_away() {
    let (dir, _, _) = just_begun();
    let before = &paths(dir.path())[1];
    Segment::reopen(before).unwrap();
    let sound = std::fs::read(before).unwrap();
    // A whole commit, even: its sync failed, so it was written again elsewhere.
    let mut more = sound.clone();
    let state = {
        let dir = copy(dir.path());
        std::fs::remove_file(paths(dir.path()).pop().unwrap()).unwrap();
        LogFile::open(dir.path(), key(), NOW).unwrap().state
    };
    let mut commit = Commit::after(&state);
    commit.push(&entry(10), &NOW.into()).unwrap();
    more.extend(commit.seal(&[&key()]).unwrap().1);
    std::fs::write(before, &more).unwrap();
    assert_ne!(verify(dir.path()).outcome, Outcome::Verified);
    assert_sound_after_mending(dir.path(), before, &sound);
    more.truncate(sound.len() + 40);
    Segment::reopen(before).unwrap();
    std::fs::write(before, &more).unwrap();
    assert_sound_after_mending(dir.path(), before, &sound);
}

fn assert_sound_after_mending(dir: &Path, mended: &Path, sound: &[u8]) {
    drop(LogFile::open(dir, key(), NOW).unwrap());
    assert!(std::fs::read(mended).unwrap() == sound);
    assert!(Segment::is_finished(mended).unwrap());
    assert_sound(dir, &(0..11).collect::<Vec<_>>());
}

#[test]
fn a_file_that_does_not_follow_the_one_before_is_refused() {
    let (dir, newest, _) = just_begun();
    let before = &paths(dir.path())[1];
    Segment::reopen(before).unwrap();
    let mut bytes = std::fs::read(before).unwrap();
    bytes.truncate(bytes.len() - 400);
    std::fs::write(before, bytes).unwrap();
    let error = LogFile::open(dir.path(), key(), NOW).err().unwrap().to_string();
    assert!(error.contains("not the file that the next one follows"), "{error}");
    // Archived it may be, with those before it.
    for path in paths(dir.path()).into_iter().filter(|path| *path != newest) {
        std::fs::remove_file(path).unwrap();
    }
    let mut log = LogFile::open(dir.path(), key(), NOW).unwrap();
    log.append(&[entry(11)], NOW).unwrap();
    let first = lines(&newest)[0]["seq"].as_u64().unwrap();
    assert!(log.since(first).is_ok());
    assert!(log.since(first - 1).is_err(), "that file is gone");
    assert_eq!(origin(dir.path()).unwrap(), "test/log");
}

#[test]
fn what_a_new_file_says_of_the_log_is_checked() {
    let (dir, newest, bytes) = just_begun();
    let text = String::from_utf8(bytes).unwrap();
    let peak = lines(&newest)[0]["what"]["frontier"][0].as_str().unwrap().to_owned();
    let note = lines(&newest)[0]["what"]["note"].as_str().unwrap().to_owned();
    let root = note.lines().nth(2).unwrap();
    for (what, with) in [
        (peak.as_str(), "0".repeat(64)),
        (root, "A".repeat(43) + "="),
        ("\"first_seq\":", "\"first_seq\":1".to_owned()),
        ("revlog/1", "revlog/2".to_owned()),
        ("\"origin\":\"test/log\"", "\"origin\":\"best/log\"".to_owned()),
    ] {
        std::fs::write(&newest, text.replacen(what, &with, 1)).unwrap();
        let error = LogFile::open(dir.path(), key(), NOW).err().unwrap().to_string();
        assert!(error.contains("damaged at byte 0"), "{what}: {error}");
    }
}

#[test]
fn the_newest_file_alone_is_read_at_the_start() {
    let (dir, _, _) = just_begun();
    // Older ones may hold anything, as long as the one before ends as it should.
    let first = &paths(dir.path())[0];
    Segment::reopen(first).unwrap();
    std::fs::write(first, "nonsense").unwrap();
    let log = LogFile::open(dir.path(), key(), NOW).unwrap();
    let second = lines(&paths(dir.path())[1])[0]["seq"].as_u64().unwrap();
    assert!(log.since(second).unwrap().next(usize::MAX).unwrap().len() > 5);
    assert!(log.since(0).unwrap().next(usize::MAX).is_err());
}

#[test]
fn a_key_that_changes_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let other = |seed| LogKey::from_seed("test/log", &Zeroizing::new([seed; 32]));
    let (new, thief) = (other(8), other(9));
    create(dir.path(), &key(), &new.vkey(), NOW).unwrap();
    let state = LogFile::open(dir.path(), key(), NOW).unwrap().state;
    let what = json!({"key": new.vkey(), "next": commitment("after"), "reason": "scheduled"});
    let change = |signers: &[&dyn Signer], key: &Value| {
        let mut commit = Commit::after(&state);
        commit.push(&Entry::of("key", key.clone()), &NOW.into()).unwrap();
        commit.seal(signers).unwrap()
    };
    let path = dir.path().join(name_of(0));
    let before = std::fs::read(&path).unwrap();
    let with = |bytes: &[u8]| std::fs::write(&path, [&before, bytes].concat()).unwrap();
    let opened = |signer: LogKey| LogFile::open(dir.path(), signer, NOW);

    // A key that was not named before, or that only one of the two signs, changes nothing.
    let mut stolen = what.clone();
    stolen["key"] = json!(thief.vkey());
    for (signers, key) in [
        (&[&self::key() as &dyn Signer, &thief][..], &stolen),
        (&[&self::key()], &what),
        (&[&new], &what),
        (&[&new, &self::key()], &what),
    ] {
        with(&change(signers, key).1);
        assert!(opened(other(8)).is_err());
        assert!(opened(other(9)).is_err());
    }
    let (state, bytes) = change(&[&self::key(), &new], &what);
    with(&bytes);
    assert!(opened(self::key()).is_err(), "the old key signs no more");
    let mut log = opened(other(8)).unwrap().with_limits(SMALL);
    assert_eq!(log.state.next_key, commitment("after"));
    assert_eq!(log.state.seq, state.seq);
    for n in 0..20 {
        log.append(&[entry(n)], NOW).unwrap();
    }
    drop(log);
    assert!(paths(dir.path()).len() > 2);
    let log = opened(other(8)).unwrap();
    assert_eq!(
        log.since(0).unwrap().next(usize::MAX).unwrap().len(),
        22 + paths(dir.path()).len() - 1
    );
}

/// Sectors of a commit that was not synced reach the disk in any order, or not.
#[test]
fn any_part_of_a_commit_may_be_lost_with_the_power() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    // Syncing is not what is asked here.
    let memory = || tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let source = memory();
    create(source.path(), &key(), "next", NOW).unwrap();
    let mut log = open(source.path());
    let mut acknowledged = 0;
    for _ in 0..40 {
        let told = log.head();
        let before: Vec<(PathBuf, Vec<u8>)> = paths(source.path())
            .into_iter()
            .map(|p| (p.clone(), std::fs::read(p).unwrap()))
            .collect();
        let count = 1 + usize::try_from(next() % 9).unwrap();
        let batch: Vec<Entry> = (acknowledged..acknowledged + count).map(entry).collect();
        log.append(&batch, NOW).unwrap();
        let newest = paths(source.path()).pop().unwrap();
        let name = newest.file_name().unwrap();
        let bytes = std::fs::read(&newest).unwrap();
        let begun = before.iter().find(|(path, _)| *path == newest).map_or(0, |(_, b)| b.len());
        for _ in 0..12 {
            let dir = memory();
            for (path, bytes) in &before {
                std::fs::write(dir.path().join(path.file_name().unwrap()), bytes).unwrap();
            }
            let length = begun + usize::try_from(next()).unwrap() % (bytes.len() - begun + 1);
            let length = if next() % 2 == 0 { bytes.len() } else { length };
            let mut left = bytes[..length].to_vec();
            for sector in (begun..length).step_by(512) {
                if next() % 3 == 0 {
                    left[sector..length.min(sector + 512)].fill(0);
                }
            }
            std::fs::write(dir.path().join(name), &left).unwrap();
            let lock = lock(dir.path()).unwrap();
            drop(LogFile::open_known(lock, key(), Some(told), NOW).unwrap());
            let kept = if left == bytes { acknowledged + count } else { acknowledged };
            assert_sound(dir.path(), &(0..kept).collect::<Vec<_>>());
        }
        acknowledged += count;
    }
    assert!(paths(source.path()).len() > 5);
}
