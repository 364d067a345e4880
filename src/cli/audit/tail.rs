//! `revoked log tail`: the newest lines.

use super::source::{Place, Source};
use crate::cli::exit;
use anyhow::Result;
use std::time::Duration;

/// A log that is followed is asked this often.
const PAUSE: Duration = Duration::from_millis(500);
/// Most lines that are asked for at once.
const PAGE: u64 = 1_000;

/// Print the newest lines of the log, byte for byte
///
/// Up to the newest checkpoint, which is the last line printed.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: u64,

    /// Go on with what comes
    #[arg(short, long)]
    follow: bool,

    #[command(flatten)]
    at: Place,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let source = arguments.at.find().await?;
    // The checkpoint is a line of its own, behind those that it covers.
    let mut end = source.head().await?.size + 1;
    let mut from = end.saturating_sub(arguments.lines);
    loop {
        from = show(&source, from, end).await?;
        if !arguments.follow {
            return Ok(exit::OK);
        }
        tokio::time::sleep(PAUSE).await;
        end = source.head().await?.size + 1;
    }
}

/// Prints lines `from` to `end`, and gives the line to go on with.
async fn show(source: &Source, mut from: u64, end: u64) -> Result<u64> {
    while from < end {
        let bytes = source.lines(from, (end - from).min(PAGE)).await?;
        let count = bytes.split_inclusive(|byte| *byte == b'\n').count() as u64;
        if count == 0 {
            break;
        }
        super::print(&bytes)?;
        from += count;
    }
    Ok(from)
}
