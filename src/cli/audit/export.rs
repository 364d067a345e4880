//! `revoked log export`: a directory that an auditor can take away.

use crate::audit::keys::in_force;
use crate::audit::prove::Prover;
use crate::audit::verify::{Outcome, Report, Verifier, Vkey};
use crate::cli::exit;
use crate::cli::values;
use crate::cli::verify::files;
use crate::config::Config;
use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The verifier for browsers, which every bundle has.
const PAGE: &str = include_str!("../../audit/verify.html");

/// What the proof of a revocation is called.
const PROOF: &str = "revocation.tlog-proof";

/// Make a directory of evidence for an auditor
///
/// It has the log up to its newest checkpoint, the public key, that checkpoint, a page that checks all of it in a
/// browser, and a text that says how. What does not verify is not written. Who is meant is not in it, but for
/// what names of database roles tell: who may know that gets `revoked log subjects` beside it. Reads the log's directory, beside a running agent too.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    file: crate::cli::client::ConfigFile,

    /// Directory to make
    dir: PathBuf,

    /// Add the proof of this revocation, for somebody who is not to see the rest
    #[arg(long, value_name = "rev_ID", value_parser = values::revocation)]
    revocation: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8> {
    let dir = &arguments.dir;
    if dir.exists() {
        bail!("{} is there already; name a directory to make", dir.display());
    }
    let log_dir = Config::read(&arguments.file.config)?.log_dir;
    let name = dir.file_name().context("it has no name that a directory can have")?;
    let part = dir.with_file_name(format!(".{}.part", name.to_string_lossy()));
    std::fs::create_dir(&part).with_context(|| {
        format!("making {} (remove it if an export was cut off)", part.display())
    })?;
    let mut report = write(&log_dir, &part);
    if let Some(id) = &arguments.revocation
        && matches!(&report, Ok(report) if report.outcome == Outcome::Verified)
        && let Err(error) = prove(&part, id)
    {
        report = Err(error);
    }
    if !matches!(&report, Ok(report) if report.outcome == Outcome::Verified) {
        std::fs::remove_dir_all(&part).with_context(|| format!("removing {}", part.display()))?;
    }
    let report = report?;
    if report.outcome != Outcome::Verified {
        eprintln!("{}", report.to_string().trim_end());
        eprintln!("revoked: the log does not verify, so nothing was written");
        return Ok(report.exit_code);
    }
    std::fs::rename(&part, dir).with_context(|| format!("making {}", dir.display()))?;
    println!("made {}", dir.display());
    println!(
        "  {} lines, checked under the key {}",
        report.records,
        report.key.unwrap_or_default()
    );
    println!("  give the auditor that key by another way than these files");
    Ok(exit::OK)
}

/// Copies the log and verifies what is copied.
fn write(log_dir: &Path, dir: &Path) -> Result<Report> {
    let log = in_force(log_dir)?;
    let (newest, sealed) = &log.newest;
    std::fs::create_dir(dir.join("log")).context("making the directory of the log")?;
    let mut verifier = Verifier::new(Some(Vkey::parse(&log.vkey)?));
    for path in files(&[log_dir.to_owned()])? {
        let name = path.file_name().unwrap_or_default();
        // A file begun since then has nothing that the checkpoint is about.
        if path > *newest {
            break;
        }
        let length = if path == *newest { *sealed } else { u64::MAX };
        verifier.begin_file(&name.to_string_lossy());
        copy(&path, length, &dir.join("log").join(name), &mut verifier)
            .with_context(|| format!("copying {}", path.display()))?;
    }
    let report = verifier.finish();
    let note = report.last_checkpoint.as_ref().map(|good| good.note.clone()).unwrap_or_default();
    let cp1 = format!("cp1.{}", URL_SAFE_NO_PAD.encode(&note));
    let readme = readme(&report, &log.vkey, &cp1);
    for (name, text) in [
        ("README.txt", readme.as_str()),
        ("log.vkey", &format!("{}\n", log.vkey)),
        ("checkpoint.txt", &note),
        ("checkpoint.cp1", &format!("{cp1}\n")),
        ("verify.html", PAGE),
    ] {
        std::fs::write(dir.join(name), text).with_context(|| format!("writing {name}"))?;
    }
    Ok(report)
}

/// Puts the proof of a revocation beside the log that was copied.
fn prove(dir: &Path, id: &str) -> Result<()> {
    let prover = Prover::new(&dir.join("log"));
    let bundle = prover.bundle(&prover.head()?, id)?;
    std::fs::write(dir.join(PROOF), bundle).with_context(|| format!("writing {PROOF}"))
}

fn copy(from: &Path, length: u64, to: &Path, verifier: &mut Verifier) -> std::io::Result<()> {
    let mut from = File::open(from)?.take(length);
    let mut to = File::create_new(to)?;
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let count = from.read(&mut buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return to.flush();
        }
        verifier.push_bytes(bytes);
        to.write_all(bytes)?;
    }
}

fn readme(report: &Report, vkey: &str, cp1: &str) -> String {
    let origin = report.origin.as_deref().unwrap_or_default();
    let time = report.last_time.as_deref().unwrap_or("an unknown time");
    let first = report.keys.first().filter(|first| first.key != vkey);
    let earlier = first.map_or(String::new(), |first| {
        format!(
            "\nThe key was changed since the log began. The first one was\n\n    {}\n\nand does as well.\n",
            first.key
        )
    });
    format!(
        "\
EVIDENCE FROM THE AUDIT LOG {origin}
{lines} lines, up to {time}

log/             the log, byte for byte, up to its newest checkpoint
log.vkey         the public key under which it verifies
checkpoint.txt   the newest checkpoint, signed; checkpoint.cp1 is the same in one line
verify.html      a page that checks all of this in a browser, without a network
README.txt       this text
revocation.tlog-proof, where there is one: the records of one revocation with their proofs, which
                 can be given on without the log, and is checked by `revoked verify --proof`

THE KEY. Do not trust log.vkey because it lies here: whoever could forge the log could put another
key beside it. Get the key by another way from the people who run the agent, and compare:

    {vkey}
{earlier}
TO CHECK IT with the program `revoked` (nothing is installed or configured, there is no network):

    revoked verify log --key 'THE KEY THAT YOU GOT'

or open verify.html in a browser, drop the directory log on it, and paste the key. Take the page
from the program's release if you do not trust this copy. The two were written separately and
must agree. With other tools: docs/audit-log.md of the program has the whole format, and a check
with sha256sum, jq and openssl.

WHAT IT PROVES: that no line was changed, removed or moved since it was signed. WHAT IT DOES NOT
PROVE: that the holder of the key did not write another log, or cut off its end. For that,
compare with a checkpoint that somebody else kept (a witness, a time stamp, a message):

    revoked verify log --key … --anchor FILE-OR-LINE

Keep this line yourself; with it a later log that contradicts this one is found out:

{cp1}

PEOPLE. A person is an id with a commitment here, but for what the names of database roles tell.
If you may know who they are, you were given a file of disclosures beside this directory: --subjects FILE checks it.
",
        lines = report.records,
    )
}
