//! `revoked expect list`.

use super::super::client::Where;
use super::super::output::{self, Output};
use super::super::{exit, status, values};
use crate::clock;
use crate::http::list::Filter;
use anyhow::Result;

/// List revocations, newest first
///
/// Exit status: 0 listed; 1 the agent cannot be reached, or its state not be read.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// Only those that a notice about this vendor opened or joined
    #[arg(long, value_name = "ID", value_parser = values::text)]
    vendor: Option<String>,

    /// Only those of this checklist
    #[arg(long, value_name = "chk_ID", value_parser = values::checklist)]
    checklist: Option<String>,

    /// Only those of which something waits for a second person: a change, an emergency, or an exception. What approves
    /// it stands below the table
    #[arg(long)]
    pending: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let Arguments { vendor, checklist, pending, .. } = &arguments;
    let filter = Filter {
        vendor: vendor.clone(),
        checklist: checklist.clone(),
        pending: pending.then_some(true),
        ..Filter::default()
    };
    let views = reach.listed(filter).await?;
    reach.leave().await?;
    let rows = || status::rows(&views, clock::now());
    arguments.output.print(&views, rows, || {
        status::print_table(&views);
        for line in status::waiting(&views, clock::now()).iter().filter(|_| arguments.pending) {
            output::print_line("", line);
        }
    })?;
    Ok(exit::OK)
}
