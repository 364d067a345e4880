//! `revoked expect attest`: somebody's word about the checklist.

use crate::cli::client::Where;
use crate::cli::exit;
use crate::cli::output::{Format, in_options, shown};
use crate::cli::values;
use crate::intake::attest::ItemAttestation;
use anyhow::Result;

/// Attest an item of the checklist: devices returned, an archive made
///
/// Counts as your word, by your token or your user id on this machine, and stands apart from what was verified: it
/// never decides a verdict. The items are in `revoked expect show ID`; the configuration declares them.
///
/// Exit status: 0 attested; 1 it was refused, or there is no such revocation.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…
    #[arg(value_name = "rev_ID", value_parser = values::revocation)]
    id: String,

    /// Name of the item
    #[arg(value_parser = values::text)]
    item: String,

    /// What there is to say about it; kept in the store, never in the log
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    note: Option<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let word = ItemAttestation { item: arguments.item, note: arguments.note };
    let reach = arguments.at.reach().await?;
    let taken = reach.attest_item(&arguments.id, serde_json::to_vec(&word)?).await;
    let taken = taken.map_err(in_options)?;
    reach.leave().await?;
    let Some(taken) = taken else {
        return Err(super::unknown(&arguments.id));
    };
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string(&taken)?),
        Format::Table => println!("attested: {} of {}", shown(&taken.item), taken.id),
    }
    Ok(exit::OK)
}
