//! `revoked verify`: check an audit log, offline.

use crate::audit::verify::{Verifier, Vkey};
use anyhow::{Context as _, Result, bail};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Check an audit log, offline
///
/// Needs the log's files and the public key, nothing else: no configuration, no agent, no network.
///
/// Exit status: 0 verified; 1 it could not be read; 3 incomplete (torn or unsealed end, or empty);
/// 4 tampered; 5 history differs; 6 not proved (no --key).
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The log's files in order, or its directory
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The public key you were given, as text or as a file that holds it
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,

    /// Check every signature, not only those that prove the rest
    #[arg(long)]
    all_signatures: bool,

    /// The report as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<u8> {
    let key = arguments.key.as_deref().map(key).transpose()?;
    let mut verifier = Verifier::new(key).all_signatures(arguments.all_signatures);
    for path in files(&arguments.files)? {
        read(&mut verifier, &path).with_context(|| format!("reading {}", path.display()))?;
    }
    let report = verifier.finish();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", report.to_string().trim_end());
    }
    Ok(report.outcome.exit_code())
}

fn key(text: &str) -> Result<Vkey> {
    if Path::new(text).is_file() {
        let read =
            std::fs::read_to_string(text).with_context(|| format!("--key: reading {text}"))?;
        return Vkey::parse(read.trim()).with_context(|| format!("--key: {text}"));
    }
    Vkey::parse(text).context("--key is neither a file nor a public key (<origin>+<id>+<base64>)")
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
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("revlog-") && name.ends_with(".jsonl") {
                segments.push(entry.path());
            }
        }
        if segments.is_empty() {
            bail!("{} holds no revlog-*.jsonl", path.display());
        }
        segments.sort();
        files.extend(segments);
    }
    Ok(files)
}

/// Feeds one file to the verifier.
pub(super) fn read(verifier: &mut Verifier, path: &Path) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    verifier.begin_file(&path.display().to_string());
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        verifier.push_bytes(buffer.get(..count).unwrap_or_default());
    }
}
