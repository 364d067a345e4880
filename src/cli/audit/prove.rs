//! `revoked log prove`: the proof that a line, or all of a revocation, is in the log.

use super::source::Place;
use crate::audit::signed::decimal;
use crate::cli::client::Found;
use crate::cli::exit;
use crate::cli::expect::several;
use crate::journal::Asked;
use anyhow::Result;
use std::path::PathBuf;

/// Prove that a line, or all records of a revocation, are in the log
///
/// The proof holds the lines themselves and a checkpoint, and is checked with `revoked verify --proof`, without the log:
/// the newest checkpoint that a witness signed, with its signature for `--witness`, if it has them all; else the newest.
/// Of a line it is one C2SP tlog-proof; of a revocation one after the other, all under that checkpoint: line 0, every
/// change of key with the checkpoint after it, its records, and the record of its subject. It does not show that there
/// are no others: only the log does.
///
/// Exit status: 0 printed; 1 there is none, or the log cannot be read; 64 the subject has several revocations.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// A line, counted from 0, or the id of a revocation; while an agent runs also the subject of one, whose name is
    /// not in the log
    #[arg(value_name = "SEQ|REVOCATION|SUBJECT")]
    what: String,

    /// Write the proof to this file, such as case.tlog-proof
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    at: Place,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let source = arguments.at.find().await?;
    let asked = match decimal(&arguments.what) {
        Some(seq) => Asked::Line(seq),
        None => match source.revocation(&arguments.what).await? {
            Found::One(view) => Asked::Revocation(view.id),
            Found::Several(views) => {
                several(&arguments.what, &views);
                return Ok(exit::USAGE);
            }
            // The log may have one that the agent's state does not.
            Found::None => Asked::Revocation(arguments.what),
        },
    };
    let proof = source.prove(&asked).await?;
    super::write(arguments.output.as_deref(), &proof)?;
    Ok(exit::OK)
}
