//! `revoked expect link` and `unlink`: whose a role is.

use super::add::unseen_of;
use super::change::print;
use super::show::several;
use crate::cli::client::{Found, Where};
use crate::cli::exit;
use crate::cli::output::{Format, in_options, shown};
use crate::intake::amend::Amendment;
use crate::intake::links::Unlinking;
use anyhow::{Result, bail};

/// Say that a role is the subject's
///
/// The answer where two people fit one role, or one id came with two names: what nobody knows is not judged. Done at
/// once, and recorded with who said it.
///
/// Exit status: 0 linked; 1 it was refused, or there is no such revocation; 64 the subject has several.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Link {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…, or that of its subject
    #[arg(value_name = "rev_ID|SUBJECT")]
    id: String,

    /// The role, as ROLE or TARGET/ROLE
    #[arg(value_name = "ROLE")]
    account: String,

    /// Why; kept in the store, never in the log
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Ask that a role is linked no more, since it is not the subject's
///
/// Waits until a second person approves (`revoked expect approve`). It is not linked by its name again; where another
/// cluster is at the target now, only that link is forgotten.
///
/// Exit status: 0 unlinked, or waiting for a second person; 1 it was refused, or there is no such revocation; 64 the
/// subject has several.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Unlink {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…, or that of its subject
    #[arg(value_name = "rev_ID|SUBJECT")]
    id: String,

    /// The role, as ROLE or TARGET/ROLE
    #[arg(value_name = "ROLE")]
    account: String,

    /// Its OID, where several roles bear or bore the name
    #[arg(long, value_name = "N")]
    oid: Option<u32>,

    /// The system identifier of its cluster, where several clusters were at the target
    #[arg(long, value_name = "ID")]
    cluster: Option<String>,

    /// Why; kept in the store, never in the log
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) async fn link(arguments: Link) -> Result<u8> {
    let Link { at, id, account, why, output } = arguments;
    let asked = Amendment { link: Some(account), why, ..Amendment::default() };
    ask(&at, &id, &asked, "linked", output).await
}

pub(super) async fn unlink(arguments: Unlink) -> Result<u8> {
    let Unlink { at, id, account, oid, cluster, why, output } = arguments;
    let unlink = Some(Unlinking { account, oid, cluster });
    let asked = Amendment { unlink, why, ..Amendment::default() };
    ask(&at, &id, &asked, "unlinked", output).await
}

async fn ask(at: &Where, id: &str, asked: &Amendment, done: &str, output: Format) -> Result<u8> {
    let reach = at.reach().await?;
    let id = match reach.find(id).await? {
        Found::One(view) => view.id,
        Found::Several(views) => {
            reach.leave().await?;
            several(id, &views);
            return Ok(exit::USAGE);
        }
        Found::None => bail!(
            "there is no revocation {0}, and no subject {0} has one; `revoked expect list` lists all",
            shown(id)
        ),
    };
    let changed = reach.change(&id, serde_json::to_vec(asked)?).await.map_err(in_options)?;
    let named: Vec<String> = asked.link.iter().cloned().collect();
    let notes = unseen_of(&reach, &named).await;
    reach.leave().await?;
    let exit = print(&id, changed, done, output)?;
    for note in notes {
        eprintln!("note: {note} If not: revoked expect unlink {id} ROLE");
    }
    Ok(exit)
}
