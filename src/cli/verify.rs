//! `revoked verify`: check an audit log, or a proof, offline.

mod given;
mod reading;

use super::values;
use crate::audit::format::SEGMENT;
use crate::audit::verify::{Anchor, Options, Outcome, Report, proof};
use anyhow::{Context as _, Result, bail};
use reading::{Files, first_line};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A log may be written while it is read: a loose end is looked at so often.
const TRIES: u32 = 3;
/// The wait in between.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest proof file.
const MAX_PROOF: u64 = 64 << 20;

/// Check an audit log, offline
///
/// Needs the log's files and the public key, nothing else: no configuration, no agent, no network. The report says what
/// is proved, and what is not.
///
/// Exit status: 0 verified; 1 it could not be read; 3 incomplete (torn or unsealed end, or empty);
/// 4 tampered; 5 history differs (a note kept elsewhere contradicts the log); 6 not proved (no --key, or what was asked
/// for is not so); 64 wrong arguments.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "revoked verify --key VKEY [OPTIONS] FILE…\n       revoked verify --key VKEY --proof FILE [OPTIONS]"
)]
pub(super) struct Arguments {
    /// The log's files in order, or its directory
    #[arg(required_unless_present = "proof", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The public key you were given, as text or as a file that holds it
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,

    /// A note that somebody else kept: any text that holds it (a page, a chat, a mail), or cp1.…
    #[arg(long, value_name = "FILE|cp1.…")]
    anchor: Vec<String>,

    /// Public key of a witness you trust, as text or as a file that holds it
    #[arg(long, value_name = "VKEY")]
    witness: Vec<String>,

    /// Not proved unless an anchor fits
    #[arg(long)]
    require_anchor: bool,

    /// Not proved if the newest line is older than this, as 15m
    #[arg(long, value_name = "TIME", conflicts_with = "proof", value_parser = values::duration)]
    max_age: Option<Duration>,

    /// A note you verified before: the files may begin with a later segment of the log, and must go on from it
    #[arg(long, value_name = "FILE|cp1.…", conflicts_with = "proof")]
    since: Option<String>,

    /// Who the persons in the log are: a file of disclosures
    #[arg(long, value_name = "FILE", conflicts_with = "proof")]
    subjects: Option<PathBuf>,

    /// Check every root and signature, not only those that prove the rest
    #[arg(long, conflicts_with = "proof")]
    all_signatures: bool,

    /// A proof instead of a log: of some lines, or that a later checkpoint continues an earlier one (with --anchor)
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    proof: Option<PathBuf>,

    /// The report as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<u8> {
    if let Some(path) = &arguments.proof {
        let bytes = given::bounded(path, MAX_PROOF)?;
        let options = given::options(arguments, None)?;
        let report = proof::check(&bytes, &path.display().to_string(), &options);
        print(&report, arguments.json)?;
        return Ok(report.exit_code);
    }
    let files = files(&arguments.files)?;
    // Before the first byte is read: opening a pipe waits for somebody who writes into it.
    Files::measure(&files)?;
    let first = first_line(&files)?;
    let options = given::options(arguments, first.as_deref())?;
    let report = check(&files, &options)?;
    print(&report, arguments.json)?;
    Ok(report.exit_code)
}

/// Verifies the log in `files`, and where something is wrong once more, so that the first bad line is named.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn check(files: &[PathBuf], options: &Options) -> Result<Report> {
    let mut tries = 0;
    loop {
        let before = Files::measure(files)?;
        let mut report = reading::whole(files, &before, options)?;
        if let Some(again) = report.again() {
            let again = Some(again.clone());
            let options = Options { all_signatures: true, again, ..options.clone() };
            let second = reading::whole(files, &before, &options)?;
            // The first answer stands if the files changed meanwhile and look good now.
            if second.fault.is_some() {
                report = second;
            }
        }
        tries += 1;
        // A commit may be half written at the moment of reading.
        let is_loose = report.outcome == Outcome::Incomplete && tries < TRIES;
        if !is_loose || Files::measure(files)? == before {
            return Ok(report);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Where older files of a log were moved away: the note with which the first one of `files` begins. It proves nothing of
/// them; but `files` are sound if they go on from it.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn goes_on_from(files: &[PathBuf], origin: &str) -> Result<Option<Anchor>> {
    let line = first_line(files)?.unwrap_or_default();
    let line: Value = serde_json::from_slice(&line).unwrap_or_default();
    let note = line.pointer("/what/note").and_then(Value::as_str);
    let note = note.filter(|_| line.get("type").is_some_and(|kind| kind == SEGMENT));
    Ok(note.and_then(|note| Anchor::find("the first line", note.as_bytes(), origin).pop()))
}

fn print<T: Serialize + Display>(report: &T, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        println!("{}", report.to_string().trim_end());
    }
    Ok(())
}

/// Every segment of the directories in `given`, in order; files as they are.
pub(super) fn files(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries =
            std::fs::read_dir(path).with_context(|| format!("reading {}", path.display()))?;
        let mut segments = Vec::new();
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {}", path.display()))?;
            if is_segment(&entry) {
                segments.push(entry.path());
            }
        }
        if segments.is_empty() {
            let inner = ["log", "state/log"].map(|part| path.join(part));
            let hint = inner.iter().find(|inner| holds_segments(inner)).map_or_else(
                || "give the directory log of an export, or that of the agent".to_owned(),
                |inner| format!("{} does: give that", inner.display()),
            );
            bail!("{} holds no revlog-*.jsonl; {hint}", path.display());
        }
        segments.sort();
        files.extend(segments);
    }
    Ok(files)
}

fn is_segment(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    name.starts_with("revlog-")
        && Path::new(name.as_ref()).extension().is_some_and(|e| e == "jsonl")
}

fn holds_segments(path: &Path) -> bool {
    let entries = std::fs::read_dir(path).into_iter().flatten();
    entries.flatten().any(|entry| is_segment(&entry))
}
