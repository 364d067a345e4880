//! `revoked expect`: say what should be gone, and ask how it stands.

mod add;
mod attest;
mod change;
mod erase;
mod extend;
mod import;
mod link;
mod list;
mod paper;
mod recheck;
mod reconcile;
mod show;

pub(super) use show::several;

use super::output::shown;
use anyhow::{Error, Result, anyhow};

/// Expected revocations: add, import, list, show, amend, withdraw, link, unlink, approve, attest, recheck,
/// reconcile with HR, erase a person
///
/// Exit status: 0 done; 1 refused, or the agent cannot be reached; recheck, import and reconcile have more (see there).
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Add(Box<add::Arguments>),
    Import(import::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    Amend(change::Amend),
    Withdraw(change::Withdraw),
    Link(link::Link),
    Unlink(link::Unlink),
    Approve(change::Approve),
    Attest(attest::Arguments),
    Recheck(recheck::Arguments),
    Reconcile(reconcile::Arguments),
    Erase(erase::Arguments),
}

/// There is no revocation of this id.
pub(super) fn unknown(id: &str) -> Error {
    anyhow!("there is no revocation {}; `revoked expect list` lists all", shown(id))
}

/// There is neither a revocation of this id nor a subject of this name.
fn nobody(id: &str) -> Error {
    anyhow!(
        "there is no revocation {0}, and no subject {0} has one; `revoked expect list` lists all",
        shown(id)
    )
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<u8> {
    match command {
        Command::Add(arguments) => add::run(*arguments).await,
        Command::Import(arguments) => import::run(arguments).await,
        Command::List(arguments) => list::run(arguments).await,
        Command::Show(arguments) => show::run(arguments).await,
        Command::Amend(arguments) => Box::pin(change::amend(arguments)).await,
        Command::Withdraw(arguments) => Box::pin(change::withdraw(arguments)).await,
        Command::Link(arguments) => Box::pin(link::link(arguments)).await,
        Command::Unlink(arguments) => Box::pin(link::unlink(arguments)).await,
        Command::Approve(arguments) => Box::pin(change::approve(arguments)).await,
        Command::Attest(arguments) => Box::pin(attest::run(arguments)).await,
        Command::Recheck(arguments) => recheck::run(arguments).await,
        Command::Reconcile(arguments) => Box::pin(reconcile::run(arguments)).await,
        Command::Erase(arguments) => Box::pin(erase::run(arguments)).await,
    }
}
