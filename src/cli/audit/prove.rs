//! `revoked log prove`: the proof that a line, or all of a revocation, is in the log.

use super::source::Place;
use crate::audit::signed::decimal;
use crate::cli::exit;
use crate::journal::Asked;
use anyhow::Result;
use std::path::PathBuf;

/// Prove that a line, or all records of a revocation, are in the log
///
/// The proof holds the lines themselves and the newest checkpoint, and is checked with `revoked verify --proof`, without
/// the log. Of a line it is one C2SP tlog-proof; of a revocation one after the other: line 0 and every change of key,
/// its records, and the record of its subject. It does not show that there are no others: only the log does.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// A line, counted from 0, or the id of a revocation
    #[arg(value_name = "SEQ|REVOCATION")]
    what: String,

    /// Write the proof to this file, such as case.tlog-proof
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    at: Place,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let asked = match decimal(&arguments.what) {
        Some(seq) => Asked::Line(seq),
        None => Asked::Revocation(arguments.what),
    };
    let proof = arguments.at.find().await?.prove(&asked).await?;
    super::write(arguments.output.as_deref(), &proof)?;
    Ok(exit::OK)
}
