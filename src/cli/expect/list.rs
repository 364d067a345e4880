//! `revoked expect list`.

use super::super::client::Where;
use super::super::output::Format;
use super::super::{exit, status};
use anyhow::Result;

/// List revocations, newest first
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let (views, truncated) = reach.list(false).await?;
    reach.leave().await?;
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&views)?),
        Format::Table => {
            status::print_table(&views);
            if truncated {
                println!("only the newest {} are shown", views.len());
            }
        }
    }
    Ok(exit::OK)
}
