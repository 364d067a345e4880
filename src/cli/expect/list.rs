//! `revoked expect list`.

use super::super::client::Where;
use super::super::output::Output;
use super::super::{exit, status};
use crate::clock;
use anyhow::Result;

/// List revocations, newest first
///
/// Exit status: 0 listed; 1 the agent cannot be reached, or its state not be read.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let views = reach.list(false).await?;
    reach.leave().await?;
    let rows = || status::rows(&views, clock::now());
    arguments.output.print(&views, rows, || status::print_table(&views))?;
    Ok(exit::OK)
}
