//! `revoked expect amend`, `withdraw` and `approve`: changing what is expected.

use super::add::unseen_of;
use crate::cli::client::{Changed, Where};
use crate::cli::exit;
use crate::cli::output::{Format, in_options};
use crate::cli::values;
use crate::intake::amend::{Amendment, Withdrawal};
use crate::intake::submission::OneOrMany;
use anyhow::Result;

/// Change an expected revocation
///
/// What asks for more, or earlier, is done at once. A later time, a later deadline, and that there is no account
/// keep access, so they wait until a second person approves (`revoked expect approve`).
///
/// Exit status: 0 changed, or waiting for a second person; 1 it was refused, or there is no such revocation.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(
    ["effective", "deadline", "account", "role", "permissions", "ticket", "no_account"]
))]
pub(in crate::cli) struct Amend {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…
    #[arg(value_name = "rev_ID", value_parser = values::revocation)]
    id: String,

    /// When access has to end: 2026-03-05T17:00:00+01:00, 2026-03-05T17:00 or 2026-03-05
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    effective: Option<String>,

    /// Zone in which that is meant, as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = values::zone)]
    time_zone: Option<String>,

    /// By when everything must be gone: a time, or a duration such as 15m
    #[arg(long, value_name = "TIME", value_parser = values::deadline)]
    deadline: Option<String>,

    /// One more database role of the subject, as ROLE or TARGET/ROLE; repeatable
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    account: Vec<String>,

    /// One more role that must no longer be held, for a partial revocation; repeatable
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    role: Vec<String>,

    /// More permissions that must be gone, for a partial revocation
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = values::name)]
    permissions: Vec<String>,

    /// Another ticket
    #[arg(long, value_parser = values::text)]
    ticket: Option<String>,

    /// The subject has no account on any target
    #[arg(long)]
    no_account: bool,

    /// Why; kept in the store, never in the log
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    why: Option<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Ask that nothing is expected any more
///
/// Waits until a second person approves (`revoked expect approve`). The revocation stays in the log, and so
/// does who asked and who approved.
///
/// Exit status: 0 withdrawn, or waiting for a second person; 1 it was refused, or there is no such revocation.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Withdraw {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…
    #[arg(value_name = "rev_ID", value_parser = values::revocation)]
    id: String,

    /// It should never have been expected: access was taken away by mistake, and is given back. Counts as a false
    /// revocation
    #[arg(long)]
    erroneous: bool,

    /// Why; kept in the store, never in the log
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    why: Option<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Approve what somebody else asked for
///
/// You are known by your token, or by your user id on this machine; whoever asked cannot approve. What waits is
/// in `revoked expect show ID`.
///
/// Exit status: 0 approved; 1 it was refused: you asked for it yourself, it waits no more, or there is none.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Approve {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…
    #[arg(value_name = "rev_ID", value_parser = values::revocation)]
    id: String,

    /// The request that you looked at, req_…
    #[arg(long, value_name = "req_ID", value_parser = values::request)]
    request: String,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

fn many(list: Vec<String>) -> Option<OneOrMany> {
    (!list.is_empty()).then_some(OneOrMany::Many(list))
}

pub(in crate::cli) async fn amend(arguments: Amend) -> Result<u8> {
    let named: Vec<String> = arguments.account.iter().chain(&arguments.role).cloned().collect();
    let amendment = Amendment {
        effective_at: arguments.effective,
        time_zone: arguments.time_zone,
        deadline: arguments.deadline,
        account: many(arguments.account),
        roles: many(arguments.role),
        permissions: many(arguments.permissions),
        ticket: arguments.ticket,
        no_account: arguments.no_account,
        why: arguments.why,
        ..Amendment::default()
    };
    let reach = arguments.at.reach().await?;
    let changed = reach.change(&arguments.id, serde_json::to_vec(&amendment)?).await;
    let changed = changed.map_err(in_options)?;
    let notes = unseen_of(&reach, &named).await;
    reach.leave().await?;
    let exit = print(&arguments.id, changed, "amended", arguments.output)?;
    for note in notes {
        eprintln!("revoked: note: {note}");
    }
    Ok(exit)
}

pub(in crate::cli) async fn withdraw(arguments: Withdraw) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let withdrawal = Withdrawal { why: arguments.why.as_deref(), erroneous: arguments.erroneous };
    let changed = reach.withdraw(&arguments.id, withdrawal).await?;
    reach.leave().await?;
    print(&arguments.id, changed, "withdrawn", arguments.output)
}

pub(in crate::cli) async fn approve(arguments: Approve) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let changed = reach.approve(&arguments.id, &arguments.request).await?;
    reach.leave().await?;
    print(&arguments.id, changed, "approved", arguments.output)
}

pub(super) fn print(id: &str, changed: Option<Changed>, done: &str, output: Format) -> Result<u8> {
    let Some(changed) = changed else { return Err(super::unknown(id)) };
    if output == Format::Json {
        println!("{}", serde_json::to_string(&changed)?);
        return Ok(exit::OK);
    }
    if changed.amended {
        println!("{done}: {}", changed.id);
    }
    match changed.pending {
        Some(request) => {
            println!("waits for a second person: {} ({})", request.id, request.asks);
            println!(
                "  somebody else runs: revoked expect approve {} --request {}",
                changed.id, request.id
            );
        }
        None if !changed.amended => println!("nothing to change: {}", changed.id),
        None => {}
    }
    Ok(exit::OK)
}
