//! `revoked webhook retry` and `dismiss`: deciding about a notice that is held.

use super::super::client::Where;
use super::super::exit;
use super::super::output::Format;
use super::super::values;
use anyhow::{Result, bail};

/// Try a held notice once more
///
/// After the mapping or the configuration was put right, or with --same-person. A notice that a newer one superseded
/// can be had accepted all the same.
///
/// Exit status: 0 accepted now; 1 it cannot be used still, is not held, or the agent cannot be reached.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Retry {
    #[command(flatten)]
    at: Where,

    /// Notice, as `webhook journal` lists it (ntc_…)
    #[arg(value_name = "ntc_ID", value_parser = values::notice)]
    id: String,

    /// It is about the same person, though it calls them otherwise than notices before it
    #[arg(long)]
    same_person: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Decide that nothing follows from a held notice
///
/// Whoever sent it cannot. What it said is deleted; that it came, who decided and why stays.
///
/// Exit status: 0 done; 1 refused, or the agent cannot be reached.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Dismiss {
    #[command(flatten)]
    at: Where,

    /// Notice, as `webhook journal` lists it (ntc_…)
    #[arg(value_name = "ntc_ID", value_parser = values::notice)]
    id: String,

    /// Why; it stays in the store
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    reason: String,
}

/// Runs `retry`.
pub(super) async fn retry(arguments: Retry) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let taken = reach.retry(&arguments.id, arguments.same_person).await;
    reach.leave().await?;
    let Some(taken) = taken? else { bail!("there is no notice {}", arguments.id) };
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&taken)?),
        Format::Table => {
            println!("{} is accepted", arguments.id);
            for revocation in &taken.revocations {
                println!("  revocation  {revocation}");
            }
            if let Some(checklist) = &taken.checklist {
                println!("  checklist   {checklist}");
            }
        }
    }
    Ok(exit::OK)
}

/// Runs `dismiss`.
pub(super) async fn dismiss(arguments: Dismiss) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let kept = reach.dismiss(&arguments.id, &arguments.reason).await;
    reach.leave().await?;
    if kept?.is_none() {
        bail!("there is no notice {}", arguments.id);
    }
    println!("{} is dismissed, and what it said is deleted", arguments.id);
    Ok(exit::OK)
}
