//! Bytes that nobody sealed are kept apart: they were never acknowledged, so no promise is lost; and they are not
//! signed after the fact, because anybody could have put them there.
//!
//! A copy is called `….untold` until the log says what was moved away. Killed in between, the next start says it.

use super::dir::{Dir, Name};
use super::entry::Entry;
use super::error::{LogError, io};
use super::format::RECOVERY;
use super::lines::{Lines, Next};
use crate::domain::hex::hex;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Where they are kept, in the log's directory.
pub(super) const QUARANTINE: &str = "quarantine";
/// Endings of a copy: of which the log says nothing yet, and of which it does.
const UNTOLD: &str = "untold";
const TOLD: &str = "bin";

/// What a copy holds.
#[derive(PartialEq, Eq)]
struct Content {
    bytes: u64,
    complete_lines: u64,
    hash: [u8; 32],
}

impl Content {
    /// Of what `file` has from byte `at` on, which is written to `copy`, too.
    fn read(file: &File, at: u64, copy: &mut impl Write) -> std::io::Result<Self> {
        let (mut bytes, mut complete_lines) = (0, 0);
        let mut hash = Sha256::new();
        let mut lines = Lines::of(file, at)?;
        loop {
            let (part, end) = match lines.next()? {
                Next::Line(line) => (line, &b"\n"[..]),
                Next::Torn(part) => (part, &b""[..]),
                Next::End => break,
            };
            complete_lines += end.len() as u64;
            for part in [part, end] {
                bytes += part.len() as u64;
                hash.update(part);
                copy.write_all(part)?;
            }
        }
        Ok(Self { bytes, complete_lines, hash: hash.finalize().into() })
    }
}

/// Copies what `file`, called `name`, has from byte `at` on to a file under `quarantine/`, durably. The log has to say
/// so: [`untold`] tells what.
pub(super) fn keep(dir: &Dir, file: &File, name: &Path, at: u64) -> Result<(), LogError> {
    let place = dir.path.join(QUARANTINE);
    std::fs::create_dir_all(&place).map_err(io(&place, "making the directory"))?;
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    let doing = "keeping the unsealed bytes";
    // A copy that was cut off is made anew.
    let part = place.join(format!("{name}.{at}.part"));
    let mut copy = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o640)
        .open(&part)
        .map_err(io(&part, doing))?;
    let content = Content::read(file, at, &mut copy).map_err(io(&part, doing))?;
    copy.sync_all().map_err(io(&part, doing))?;
    // One offset may have more than one copy; and this one may be there: killed between keeping and cutting.
    let of = |n: u32, end: &str| place.join(format!("{name}.{at}.{n}.{end}"));
    let free = |n: &u32| !of(*n, UNTOLD).exists() && !of(*n, TOLD).exists();
    let n = (0..10_000).find(free).unwrap_or(10_000);
    let kept = (0..n).find(|n| {
        let copied = File::open(of(*n, UNTOLD))
            .and_then(|file| Content::read(&file, 0, &mut std::io::sink()));
        copied.is_ok_and(|copied| copied == content)
    });
    match kept {
        Some(_) => std::fs::remove_file(&part).map_err(io(&part, doing))?,
        None => std::fs::rename(&part, of(n, UNTOLD)).map_err(io(&part, doing))?,
    }
    sync(&place)?;
    tracing::warn!(
        offset = at,
        bytes = content.bytes,
        file = of(kept.unwrap_or(n), TOLD).display().to_string(),
        "unsealed bytes at the end of the audit log were moved away"
    );
    Ok(())
}

fn sync(place: &Path) -> Result<(), LogError> {
    File::open(place).and_then(|dir| dir.sync_all()).map_err(io(place, "syncing the directory"))
}

/// A copy, and of what it is one.
struct Copy {
    path: PathBuf,
    /// File of the log, as it was called.
    file: String,
    offset: u64,
}

impl Copy {
    fn of(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let mut parts = name.strip_suffix(UNTOLD)?.strip_suffix('.')?.rsplitn(3, '.');
        let (_, offset, file) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { offset: offset.parse().ok()?, file: file.to_owned(), path })
    }
}

/// The copies of which the log was not seen to say anything, the oldest place first.
fn copies(dir: &Dir) -> Result<Vec<Copy>, LogError> {
    let place = dir.path.join(QUARANTINE);
    let entries = match std::fs::read_dir(&place) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io(&place, "reading the directory"))?,
    };
    let paths = entries.collect::<Result<Vec<_>, _>>();
    let paths = paths.map_err(io(&place, "reading the directory"))?;
    let mut copies: Vec<Copy> =
        paths.into_iter().filter_map(|entry| Copy::of(entry.path())).collect();
    copies.sort_by(|a, b| (&a.file, a.offset, &a.path).cmp(&(&b.file, b.offset, &b.path)));
    Ok(copies)
}

/// The records that are missing: of copies about which the log, in its files `names`, says nothing.
pub(super) fn untold(dir: &Dir, names: &[Name]) -> Result<Vec<Entry>, LogError> {
    let mut missing: Vec<Entry> = Vec::new();
    for Copy { path, file, offset } in copies(dir)? {
        let content = File::open(&path)
            .and_then(|file| Content::read(&file, 0, &mut std::io::sink()))
            .map_err(io(&path, "reading"))?;
        let Content { bytes, complete_lines, hash } = content;
        let entry = recovery("unsealed", &file, offset, &hash, (bytes, complete_lines));
        if !missing.contains(&entry) && !says(names, &file, &entry)? {
            missing.push(entry);
        }
    }
    Ok(missing)
}

/// Whether the log has this record about its file of the name `file`: it stands there, in the file before or in a
/// later one.
fn says(names: &[Name], file: &str, entry: &Entry) -> Result<bool, LogError> {
    let whose = |name: &Name| name.path.file_name().is_some_and(|name| name.to_str() < Some(file));
    let from = names.iter().rposition(whose).unwrap_or(0);
    for Name { path, .. } in names.get(from..).unwrap_or_default() {
        let open = File::open(path).map_err(io(path, "opening"))?;
        let mut lines = Lines::of(&open, 0).map_err(io(path, "reading"))?;
        while let Next::Line(line) = lines.next().map_err(io(path, "reading"))? {
            if entry.is_line(line) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The log says it of all copies.
pub(super) fn told(dir: &Dir) -> Result<(), LogError> {
    let copies = copies(dir)?;
    for Copy { path, .. } in &copies {
        std::fs::rename(path, path.with_extension(TOLD)).map_err(io(path, "renaming"))?;
    }
    if copies.is_empty() { Ok(()) } else { sync(&dir.path.join(QUARANTINE)) }
}

/// The record about bytes, so many and so many whole lines, that are in the log no more.
pub(super) fn recovery(
    cause: &str,
    file: &str,
    offset: u64,
    hash: &[u8; 32],
    (bytes, complete_lines): (u64, u64),
) -> Entry {
    Entry::of(
        RECOVERY,
        json!({
            "bytes": bytes, "cause": cause, "complete_lines": complete_lines, "file": file,
            "offset": offset, "sha256": hex(hash),
        }),
    )
}
