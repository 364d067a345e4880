//! The log as it is read while it is written.

use super::*;
use crate::audit::file::{Entry, Limits, create};
use crate::audit::format::FIRST_SEGMENT;
use crate::audit::key::LogKey;
use serde_json::json;
use std::io::Write as _;
use std::path::Path;
use zeroize::Zeroizing;

const NOW: &str = "2026-03-05T09:00:00.000000Z";

fn key() -> LogKey {
    LogKey::from_seed("test/log", &Zeroizing::new([7; 32]))
}

fn entries(count: usize, size: usize) -> Vec<Entry> {
    let what = |n| json!({"id": format!("rev_1.{n}"), "text": "x".repeat(size)});
    (0..count).map(|n| Entry::of("observation", what(n))).collect()
}

fn begun(dir: &Path) -> LogFile {
    create(dir, &key(), "next", NOW).unwrap();
    LogFile::open(dir, key(), NOW).unwrap()
}

fn bytes(dir: &Path) -> Vec<u8> {
    std::fs::read(dir.join(FIRST_SEGMENT)).unwrap()
}

/// Every page from line `from` on, and how many there were.
async fn all(reader: &LogReader, from: u64, limit: usize) -> (Vec<u8>, usize) {
    let (mut bytes, mut pages, mut from) = (Vec::new(), 0, from);
    loop {
        let page = reader.lines(from, limit).await.unwrap();
        let lines = page.bytes.split_inclusive(|byte| *byte == b'\n').count();
        assert!(lines <= limit && page.bytes.len() <= PAGE);
        assert!(page.bytes.is_empty() || page.bytes.ends_with(b"\n"));
        pages += 1;
        bytes.extend(page.bytes);
        match page.next {
            None => return (bytes, pages),
            Some(next) => {
                assert_eq!(next, from + lines as u64);
                from = next;
            }
        }
    }
}

#[tokio::test]
async fn pages_together_are_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = begun(dir.path());
    for count in [1, 700, 3] {
        log.append(&entries(count, 300), NOW).unwrap();
    }
    let file = bytes(dir.path());
    // 2 of the beginning, 704 records, 3 checkpoints.
    for (limit, pages) in [(1_000, 1), (709, 1), (708, 2), (100, 8)] {
        let (reader, _tell) = log.reader();
        let read = all(&reader, 0, limit).await;
        assert!(read.0 == file, "limit {limit}");
        assert_eq!(read.1, pages, "limit {limit}");
    }
    // In any order, with and without places known.
    let (reader, _tell) = log.reader();
    for from in [600_u64, 0, 300, 255, 256, 257, 708, 709, 512, 1] {
        let begins = file.split_inclusive(|b| *b == b'\n').take(usize::try_from(from).unwrap());
        let begins: usize = begins.map(<[u8]>::len).sum();
        assert!(all(&reader, from, 50).await.0 == file[begins..], "from {from}");
    }
    assert!(matches!(reader.lines(710, 1).await, Err(ReadError::Beyond { lines: 709 })));
}

#[tokio::test]
async fn pages_go_over_the_ends_of_files() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { bytes: 20_000, ..Limits::default() };
    let mut log = begun(dir.path()).with_limits(limits);
    let (reader, tell) = log.reader();
    for count in [1, 90, 3, 40, 400, 2, 2] {
        log.append(&entries(count, 300), NOW).unwrap();
        tell.send_replace(log.sealed());
    }
    let names = segments(dir.path()).unwrap();
    assert!(names.len() > 3, "{} files", names.len());
    let whole: Vec<u8> = names.iter().flat_map(|n| std::fs::read(&n.path).unwrap()).collect();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for limit in [1_000, 7, 1] {
        assert!(all(&reader, 0, limit).await.0 == whole, "limit {limit}");
    }
    for from in [500, 3, names[2].first, names[1].first - 1, 256, 0, 300] {
        let from = usize::try_from(from).unwrap();
        assert!(all(&reader, from as u64, 50).await.0 == lines[from..].concat(), "from {from}");
    }
    // A file that was moved away leaves the others.
    std::fs::rename(&names[0].path, dir.path().join("archived")).unwrap();
    assert!(matches!(reader.lines(0, 5).await, Err(ReadError::Damaged(_))));
    let first = usize::try_from(names[1].first).unwrap();
    assert!(all(&reader, names[1].first, 9).await.0 == lines[first..].concat());
}

#[tokio::test]
async fn a_page_has_a_bounded_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = begun(dir.path());
    log.append(&entries(9, 1_000_000), NOW).unwrap();
    let (reader, _tell) = log.reader();
    let (read, pages) = all(&reader, 0, MOST).await;
    assert!(read == bytes(dir.path()));
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn nothing_after_the_newest_checkpoint_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = begun(dir.path());
    let (reader, tell) = log.reader();
    let before = bytes(dir.path());
    assert_eq!(reader.checkpoint().await.unwrap().size, 1);
    log.append(&entries(2, 10), NOW).unwrap();
    assert!(all(&reader, 0, 10).await.0 == before, "written, and nobody said that it is durable");
    tell.send_replace(log.sealed());
    let after = bytes(dir.path());
    assert!(all(&reader, 0, 10).await.0 == after);
    let mut file = std::fs::File::options().append(true).open(dir.path().join(FIRST_SEGMENT));
    file.as_mut().unwrap().write_all(b"{\"torn\":").unwrap();
    assert!(all(&reader, 0, 10).await.0 == after);
    let checkpoint = reader.checkpoint().await.unwrap();
    let head = (checkpoint.origin.as_str(), checkpoint.size, checkpoint.time.as_str());
    assert_eq!(head, ("test/log", 4, NOW));
    let last = String::from_utf8(after).unwrap();
    let last: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!(last["what"]["note"], checkpoint.note.as_str());
    assert!(checkpoint.note.contains(&checkpoint.root));
}

#[tokio::test]
async fn a_file_that_was_cut_is_not_taken_for_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = begun(dir.path());
    log.append(&entries(20, 10), NOW).unwrap();
    let (reader, _tell) = log.reader();
    let path = dir.path().join(FIRST_SEGMENT);
    std::fs::File::options().write(true).open(path).unwrap().set_len(300).unwrap();
    assert!(matches!(reader.lines(0, 5).await, Err(ReadError::Damaged(_))));
    assert!(matches!(reader.checkpoint().await, Err(ReadError::Damaged(_))));
}
