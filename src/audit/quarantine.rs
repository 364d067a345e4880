//! Bytes that nobody sealed are kept apart: they were never acknowledged, so no promise is lost; and they are not
//! signed after the fact, because anybody could have put them there.

use super::commit::Entry;
use super::dir::Dir;
use super::error::{LogError, io};
use super::format::RECOVERY;
use super::lines::{Lines, Next};
use crate::domain::hex::hex;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Copies what `file`, called `name`, has from byte `at` on to a file under `quarantine/`, durably. Gives the record
/// that says so.
pub(super) fn keep(dir: &Dir, file: &File, name: &Path, at: u64) -> Result<Entry, LogError> {
    let place = dir.path.join("quarantine");
    std::fs::create_dir_all(&place).map_err(io(&place, "making the directory"))?;
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    // Twice at one offset means killed between keeping and cutting; more is not to be expected.
    let path = (0..1_000)
        .map(|n: u32| place.join(format!("{name}.{at}.{n}.bin")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| place.join("tail.bin"));
    let doing = "keeping the unsealed bytes";
    let mut copy = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(&path)
        .map_err(io(&path, doing))?;
    let (mut bytes, mut complete) = (0, 0_u64);
    let mut hash = Sha256::new();
    let mut lines = Lines::of(file, at).map_err(io(&path, doing))?;
    loop {
        let (part, end) = match lines.next().map_err(io(&path, doing))? {
            Next::Line(line) => (line, &b"\n"[..]),
            Next::Torn(part) => (part, &b""[..]),
            Next::End => break,
        };
        complete += end.len() as u64;
        for part in [part, end] {
            bytes += part.len();
            hash.update(part);
            copy.write_all(part).map_err(io(&path, doing))?;
        }
    }
    copy.sync_all().map_err(io(&path, doing))?;
    File::open(&place).and_then(|d| d.sync_all()).map_err(io(&place, "syncing the directory"))?;
    tracing::warn!(
        offset = at,
        bytes,
        file = path.display().to_string(),
        "unsealed bytes at the end of the audit log were moved away"
    );
    let hash: [u8; 32] = hash.finalize().into();
    Ok(recovery("unsealed", &name, at, &hash, (bytes as u64, complete)))
}

/// The record about bytes, so many and so many whole lines, that are in the log no more.
pub(super) fn recovery(
    cause: &str,
    file: &str,
    offset: u64,
    hash: &[u8; 32],
    (bytes, complete_lines): (u64, u64),
) -> Entry {
    Entry::new(
        RECOVERY,
        json!({
            "bytes": bytes, "cause": cause, "complete_lines": complete_lines, "file": file,
            "offset": offset, "sha256": hex(hash),
        }),
    )
}
