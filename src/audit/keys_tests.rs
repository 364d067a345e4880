//! Changes of key, and what a crash leaves of them.

use super::*;
use crate::audit::file::create;
use crate::audit::verify::{Outcome, Report, Verifier, Vkey};
use std::time::Duration;
use zeroize::Zeroizing;

const NOW: &str = "2026-11-21T21:00:00.000000Z";

fn key(seed: u8) -> LogKey {
    LogKey::from_seed("test/log", &Zeroizing::new([seed; 32]))
}

fn log() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path(), &key(1), &key(2).vkey(), NOW).unwrap();
    dir
}

fn entry(n: u64) -> Entry {
    Entry::of("observation", json!({"id": format!("r{n}")}))
}

fn verify(dir: &Path, pinned: &LogKey) -> Report {
    let key = Vkey::parse(&pinned.vkey()).unwrap();
    let mut verifier = Verifier::new(Some(key)).all_signatures(true);
    for name in segments(dir).unwrap() {
        verifier.begin_file(&name.path.display().to_string());
        verifier.push_bytes(&std::fs::read(&name.path).unwrap());
    }
    verifier.finish()
}

#[test]
fn of_a_damaged_log_nothing_older_is_taken_for_what_is_in_force() {
    let dir = log();
    let mut file = LogFile::open(dir.path(), key(1), NOW).unwrap();
    for n in 0..3 {
        file.append(&[entry(n)], NOW).unwrap();
    }
    drop(file);
    let path = segments(dir.path()).unwrap().pop().unwrap().path;
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{{\"prev\":\"00")).unwrap();
    assert_eq!(in_force(dir.path()).unwrap().lines, 8, "a torn line is no damage");
    std::fs::write(&path, text.replace("\"r1\"", "\"rx\"")).unwrap();
    let error = in_force(dir.path()).unwrap_err().to_string();
    assert!(error.contains("it is damaged at byte"), "{error}");
    std::fs::write(&path, text.replace("genesis", "genesus")).unwrap();
    assert!(in_force(dir.path()).is_err());
}

#[test]
fn a_key_changes_and_the_log_goes_on_under_the_new_one() {
    let dir = log();
    let mut file = LogFile::open(dir.path(), key(1), NOW).unwrap();
    file.append(&[entry(1)], NOW).unwrap();
    let wrong = file.change_key(key(3), &key(4).vkey(), Reason::Scheduled, NOW).unwrap_err();
    assert!(wrong.to_string().contains("is not the next key"), "{wrong}");
    let same = file.change_key(key(2), &key(2).vkey(), Reason::Scheduled, NOW).unwrap_err();
    assert!(same.to_string().contains("must be a new one"), "{same}");
    let landed = file.change_key(key(2), &key(3).vkey(), Reason::Scheduled, NOW).unwrap();
    file.append(&[entry(2)], NOW).unwrap();
    assert_eq!((file.vkey(), file.next_key()), (key(2).vkey(), &*commitment(&key(3).vkey())));
    drop(file);
    let now = in_force(dir.path()).unwrap();
    assert_eq!((now.vkey, now.next), (key(2).vkey(), commitment(&key(3).vkey())));
    assert_eq!((now.since, now.lines), (landed.seq, 8));
    // The first key vouches for the second, and the second for what came before it.
    for pinned in [key(1), key(2)] {
        let report = verify(dir.path(), &pinned);
        assert_eq!(report.outcome, Outcome::Verified, "{report}");
        assert_eq!(report.keys.len(), 2);
    }
    let stale = LogFile::open(dir.path(), key(1), NOW).err().unwrap().to_string();
    assert!(stale.contains("still holds the one before"), "{stale}");
    let early = LogFile::open(dir.path(), key(3), NOW).err().unwrap().to_string();
    assert!(early.contains("holds the next one"), "{early}");
    let foreign = LogFile::open(dir.path(), key(9), NOW).err().unwrap().to_string();
    assert!(foreign.contains("begun with another key"), "{foreign}");
    LogFile::open(dir.path(), key(2), NOW).unwrap();
}

#[test]
fn segments_and_changes_of_key_go_together() {
    let dir = log();
    let each = super::super::file::Limits { bytes: 1, age: Duration::MAX };
    let mut file = LogFile::open(dir.path(), key(1), NOW).unwrap().with_limits(each);
    for round in 0..3 {
        file.append(&[entry(round)], NOW).unwrap();
        let next = u8::try_from(round).unwrap() + 2;
        file.change_key(key(next), &key(next + 1).vkey(), Reason::Compromised, NOW).unwrap();
    }
    file.append(&[entry(9)], NOW).unwrap();
    let all: Vec<_> = {
        let mut since = file.since(0).unwrap();
        since.next(100).unwrap().into_iter().filter_map(|found| found.id).collect()
    };
    assert_eq!(all, ["r0", "r1", "r2", "r9"]);
    drop(file);
    assert!(segments(dir.path()).unwrap().len() > 6);
    let report = verify(dir.path(), &key(1));
    assert_eq!(report.outcome, Outcome::Verified, "{report}");
    assert_eq!(report.keys.len(), 4);
    assert_eq!(in_force(dir.path()).unwrap().since, report.keys[3].from_seq);
    // The newest file begins after the change: its first line names the key.
    let file = LogFile::open(dir.path(), key(4), NOW).unwrap();
    assert_eq!(file.next_key(), commitment(&key(5).vkey()));
}

#[test]
fn a_change_cut_off_anywhere_is_no_change() {
    let dir = log();
    let path = dir.path().join(super::super::format::FIRST_SEGMENT);
    let before = std::fs::read(&path).unwrap();
    let mut file = LogFile::open(dir.path(), key(1), NOW).unwrap();
    file.change_key(key(2), &key(3).vkey(), Reason::Scheduled, NOW).unwrap();
    drop(file);
    let after = std::fs::read(&path).unwrap();
    for end in (before.len()..after.len()).step_by(7).chain([after.len() - 1]) {
        std::fs::write(&path, &after[..end]).unwrap();
        assert_eq!(in_force(dir.path()).unwrap().vkey, key(1).vkey(), "{end}");
        let mut file = LogFile::open(dir.path(), key(1), NOW).unwrap();
        file.change_key(key(2), &key(3).vkey(), Reason::Scheduled, NOW).unwrap();
        drop(file);
        assert_eq!(verify(dir.path(), &key(1)).outcome, Outcome::Verified, "{end}");
    }
}

#[test]
fn a_key_file_is_replaced_at_one_stroke() {
    let dir = tempfile::tempdir().unwrap();
    let (path, elsewhere) = (dir.path().join("log.key"), Path::new("/nonexistent"));
    place(&key(1), &path, elsewhere).unwrap();
    assert!(place(&key(2), &path, elsewhere).is_err(), "never over another");
    let inside = place(&key(2), &dir.path().join("new"), dir.path()).unwrap_err();
    assert!(inside.to_string().contains("log's directory"), "{inside}");
    // What a kill left behind is in nobody's way.
    std::fs::write(dir.path().join("log.key.part"), "half").unwrap();
    let kept = replace(&path, "0011", &key(2)).unwrap().unwrap();
    replace(&path, "0011", &key(2)).unwrap();
    let vkey = |path: &Path| LogKey::read(path, "test/log", elsewhere).unwrap().vkey();
    assert_eq!((vkey(&path), vkey(&kept)), (key(2).vkey(), key(1).vkey()));
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
