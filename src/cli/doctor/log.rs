//! The log: who holds it, who may touch it, whether it is sound. Nothing is locked and nothing written.

use super::section::{Level, Section};
use crate::audit::file;
use crate::audit::key::{KeyError, LogKey};
use crate::audit::verify::{Options, Outcome, Report, Vkey};
use crate::cli::verify::{check, files};
use crate::config::Config;
use crate::domain::time::UtcTime;
use anyhow::{Context as _, Result};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What to do about a log that is not what was signed.
const DAMAGED: &str = "stop the agent and keep the files as they are, they are evidence; put back the newest backup of \
                       log and store, both of one moment; without one, `revoked log accept-loss` shows what would be \
                       lost (docs/running.md)";

/// A log up to this size is verified as a whole.
const SMALL: u64 = 50 * 1024 * 1024;

/// Looks at log and key. `landed` is the last sequence that the store knows to be in the log.
pub(super) fn section(config: &Config, landed: Option<u64>, now: UtcTime) -> Section {
    let mut section = Section::new("log", config.log_dir.display().to_string());
    let origin = match file::origin(&config.log_dir) {
        Ok(origin) => origin,
        Err(error) => {
            let denied = std::fs::read_dir(&config.log_dir)
                .is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
            if denied {
                let text = format!("uid {} may not read {}", uid(), config.log_dir.display());
                section.advise(Level::Unchecked, text, "run doctor as the agent's user");
            } else {
                section.advise(Level::Broken, error.to_string(), DAMAGED);
            }
            return section;
        }
    };
    section.fact("origin", origin.as_str());
    section.say(Level::Ok, format!("it is the log {origin}"));
    lock(&mut section, &config.log_dir);
    let key = key(&mut section, config, &origin);
    if let Err(error) = sound(&mut section, config, key.as_ref(), landed, now) {
        section.say(Level::Broken, format!("it cannot be read: {error:#}"));
    }
    section
}

/// Whose lock it is, as the kernel lists it. Trying to take it could keep an agent from starting.
fn lock(section: &mut Section, dir: &Path) {
    let holder = std::fs::metadata(dir).and_then(|meta| {
        let locks = std::fs::read_to_string("/proc/locks")?;
        Ok(locks.lines().find_map(|line| holder_of(line, meta.ino())))
    });
    match holder {
        Ok(Some(pid)) => {
            section.fact("lock", "held");
            section.say(Level::Ok, format!("its lock is held by process {pid}: {}", program(pid)));
        }
        Ok(None) => {
            section.fact("lock", "free");
            section
                .say(Level::Note, "its lock is free: no agent that this process can see holds it");
        }
        Err(_) => section.say(Level::Note, "whether somebody holds its lock cannot be seen here"),
    }
}

/// `1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`
fn holder_of(line: &str, inode: u64) -> Option<i64> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let flock = fields.get(1) == Some(&"FLOCK") && fields.get(3) == Some(&"WRITE");
    let here = fields.get(5)?.rsplit(':').next()?.parse() == Ok(inode);
    (flock && here).then(|| fields.get(4)?.parse().ok()).flatten()
}

fn program(pid: i64) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
    name.map_or_else(|_| "its name cannot be seen".to_owned(), |name| name.trim().to_owned())
}

fn uid() -> u32 {
    std::fs::metadata("/proc/self").map_or(u32::MAX, |meta| meta.uid())
}

/// The key, if this user may use it.
fn key(section: &mut Section, config: &Config, origin: &str) -> Option<LogKey> {
    let path = &config.key_file;
    let next = path.with_file_name("next.key");
    if next.exists() {
        section.advise(
            Level::Warn,
            format!("the next key lies beside the present one: {}", next.display()),
            "move it away, offline: whoever takes both can forge the log",
        );
    }
    let foreign = std::fs::symlink_metadata(path)
        .is_ok_and(|meta| meta.uid() != uid() && (meta.mode() & 0o777).trailing_zeros() >= 6);
    match LogKey::read(path, origin, &config.log_dir) {
        Ok(key) => {
            section
                .say(Level::Ok, format!("key {} can be read by this user alone", path.display()));
            return Some(key);
        }
        Err(KeyError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => section
            .advise(
                Level::Unchecked,
                format!("uid {} may not read the key {}", uid(), path.display()),
                "run doctor as the agent's user; that others cannot read it is as it should be",
            ),
        Err(_) if foreign => {
            section.say(
                Level::Note,
                format!("the key {} belongs to another user and was not opened", path.display()),
            );
        }
        Err(error) => section.advise(
            Level::Broken,
            error.to_string(),
            "restore the key, with mode 0600 and owned by the agent's user",
        ),
    }
    None
}

fn sound(
    section: &mut Section,
    config: &Config,
    key: Option<&LogKey>,
    landed: Option<u64>,
    now: UtcTime,
) -> Result<()> {
    let segments = files(std::slice::from_ref(&config.log_dir))?;
    let mut size = 0;
    for path in &segments {
        let meta = std::fs::symlink_metadata(path).with_context(|| path.display().to_string())?;
        size += meta.len();
        let mode = meta.mode() & 0o777;
        let text = format!("{}: mode {mode:04o}, uid {}", path.display(), meta.uid());
        if mode & 0o022 == 0 {
            section.say(Level::Ok, text);
        } else {
            let fix = format!("chmod go-w {}", path.display());
            section.advise(Level::Warn, format!("{text}: others may write it"), fix);
        }
    }
    section.fact("bytes", size);
    if size > SMALL {
        section.say(
            Level::Note,
            format!("not verified here, since it has {} MB: run revoked verify", size / 1_000_000),
        );
        return Ok(());
    }
    let report = verify(&segments, key)?;
    section.fact("outcome", serde_json::to_value(report.outcome)?);
    section.fact("records", report.records);
    told(section, &report, key.is_some());
    // Of a log that was changed, the records that can still be read say nothing of where it ends.
    let whole = report.outcome != Outcome::Tampered;
    if let (true, Some(landed), Some(last)) = (whole, landed, report.last_seq)
        && landed > last
    {
        section.advise(
            Level::Broken,
            format!("the store knows record {landed}, but the log ends at {last}"),
            "one of the two was restored from a backup: restore the other of the same time",
        );
    }
    if let Some(time) = report.last_time.as_ref().and_then(|text| text.parse::<UtcTime>().ok()) {
        let age = now.since(time);
        section.fact("last_checkpoint_age_seconds", age.as_secs());
        let age = crate::cli::status::in_words(age);
        section.say(Level::Ok, format!("its last checkpoint is {age} old"));
    }
    Ok(())
}

fn verify(segments: &[PathBuf], key: Option<&LogKey>) -> Result<Report> {
    let key = key.map(|key| Vkey::parse(&key.vkey())).transpose()?;
    check(segments, &Options { key, ..Options::default() })
}

fn told(section: &mut Section, report: &Report, pinned: bool) {
    let records = report.records;
    match report.outcome {
        Outcome::Verified => {
            section
                .say(Level::Ok, format!("verified: {records} records, and the key is this log's"));
        }
        Outcome::NotProved if !pinned => section.say(
            Level::Note,
            format!("sound: {records} records, under the key that it names itself"),
        ),
        Outcome::Incomplete => section.advise(
            Level::Warn,
            format!(
                "{records} records are sealed, {} bytes after them are not",
                report.unsealed_bytes
            ),
            "the next start of the agent moves them to quarantine",
        ),
        Outcome::NotProved | Outcome::Error | Outcome::Tampered | Outcome::HistoryDiffers => {
            let why = report.fault.as_ref().map_or_else(String::new, |fault| {
                format!(": {} line {}: {}", fault.file, fault.line, fault.sentence)
            });
            let good = match report.last_seq {
                Some(last) => {
                    format!("records {} to {last} are good", report.first_seq.unwrap_or(0))
                }
                None => {
                    "`revoked verify` with your auditors' key tells how far it is good".to_owned()
                }
            };
            section.advise(
                Level::Broken,
                format!("{}{why} ({good})", report.outcome.word()),
                DAMAGED,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_in_the_kernels_list() {
        let line = "3: FLOCK  ADVISORY  WRITE 4711 fe:00:5678 0 EOF";
        assert_eq!(holder_of(line, 5678), Some(4711));
        assert_eq!(holder_of(line, 5679), None);
        assert_eq!(holder_of("3: POSIX  ADVISORY  WRITE 4711 fe:00:5678 0 EOF", 5678), None);
        assert_eq!(holder_of("", 5678), None);
    }
}
