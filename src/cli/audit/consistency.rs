//! `revoked log consistency`: that the log goes on from where somebody knew it.

use super::point::Point;
use super::source::{Place, Source};
use crate::audit::prove::{Head, continues};
use crate::cli::exit;
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::PathBuf;

/// Prove that a later state of the log continues an earlier one
///
/// Prints the proof (RFC 6962) and the later checkpoint in the form in which witnesses are asked, and says in words on
/// stderr what it shows.
///
/// Exit status: 0 it does; 5 the history differs: a note that this log signed is not about it any more; 6 a note is not
/// signed by this log, or there is none in the file.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The earlier state: a number of lines, a note as cp1.…, or any text that holds one (a page, a chat, a mail), of
    /// which the largest note of this log is taken
    #[arg(value_name = "A")]
    old: String,

    /// The later state, which has to be that of a checkpoint; the newest without it
    #[arg(value_name = "B")]
    new: Option<String>,

    /// Write the proof to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    at: Place,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let source = arguments.at.find().await?;
    let newest = source.head().await?;
    let point = |argument: &str| Point::read(argument, &newest.origin);
    let old = point(&arguments.old).context("A")?;
    let new = arguments.new.as_deref().map(point).transpose().context("B")?;
    let new_size = new.as_ref().map_or(Some(newest.size), Point::size);
    let (Some(old_size), Some(new_size)) = (old.size(), new_size) else {
        let nothing = [Some(&old), new.as_ref()].into_iter().flatten();
        for from in nothing.filter_map(|point| match point {
            Point::Nothing(from) => Some(from),
            Point::Size(_) | Point::Note(..) => None,
        }) {
            eprintln!("revoked: NOT PROVED: {from} has no note of the log {}", newest.origin);
        }
        return Ok(exit::NOT_PROVED);
    };
    // Of a note that is larger than the newest checkpoint is said below what that means.
    let cut = new.is_none() && matches!(old, Point::Note(..));
    if old_size > new_size && !cut {
        eprintln!("revoked: A has {old_size} lines and B {new_size}; give the earlier one first");
        return Ok(exit::USAGE);
    }
    for point in [Some(&old), new.as_ref()].into_iter().flatten() {
        if let Point::Note(note, from) = point
            && let Some((code, why)) = holds(&source, note, from, &newest).await?
        {
            eprintln!("revoked: {why}");
            return Ok(code);
        }
    }
    let new = if new_size == newest.size { newest } else { source.checkpoint(new_size).await? };
    let proof = source.consistency(old_size, &new).await?;
    let fits = continues(proof.old, &proof.old_root, new.size, &new.root, &proof.path);
    if !fits || proof.new.root != new.root {
        eprintln!(
            "revoked: HISTORY DIFFERS: the proof does not lead to the root of the later checkpoint"
        );
        return Ok(exit::DIFFERS);
    }
    super::write(arguments.output.as_deref(), &proof.to_string())?;
    eprintln!(
        "The checkpoint of size {} continues the tree of size {}, whose root is {}: none of its lines was changed, \
         removed, added or moved.",
        new.size,
        proof.old,
        STANDARD.encode(proof.old_root)
    );
    Ok(exit::OK)
}

/// What is wrong with a note kept elsewhere, if anything is.
async fn holds(
    source: &Source,
    note: &Head,
    from: &str,
    newest: &Head,
) -> Result<Option<(u8, String)>> {
    if note.origin != newest.origin || !source.signed(&note.note, newest).await? {
        return Ok(Some((
            exit::NOT_PROVED,
            format!(
                "NOT PROVED: {from} is not signed by the log {}, so it says nothing",
                newest.origin
            ),
        )));
    }
    if note.size > newest.size {
        return Ok(Some((
            exit::DIFFERS,
            format!(
                "HISTORY DIFFERS: {from} speaks of {} lines, the newest checkpoint here of {}: the log was cut, or an \
                 older copy was put back",
                note.size, newest.size
            ),
        )));
    }
    let proof = source.consistency(note.size, newest).await?;
    if continues(note.size, &note.root, newest.size, &newest.root, &proof.path) {
        return Ok(None);
    }
    Ok(Some((
        exit::DIFFERS,
        format!(
            "HISTORY DIFFERS: {from} and this log have other lines among the first {}, and both are signed",
            note.size
        ),
    )))
}
