//! `revoked expect link` and `unlink`: whose a role is.

use super::add::unseen_of;
use super::change::print;
use super::show::several;
use crate::cli::client::{Changed, Found, Reach, Where};
use crate::cli::exit;
use crate::cli::output::{Format, in_options, shown};
use crate::cli::values;
use crate::http::view::View;
use crate::intake::amend::Amendment;
use crate::intake::links::Unlinking;
use anyhow::Result;

/// Say that a role is the subject's
///
/// The answer where two people fit one role, or one id came with two names: what nobody knows is not judged. Your word is
/// taken at once, and recorded; the role is linked by the next look that finds it, and the answer says whether it is.
///
/// Exit status: 0 taken; 1 it was refused, or there is no such revocation; 64 the subject has several.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Link {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…, or that of its subject
    #[arg(value_name = "rev_ID|SUBJECT", value_parser = values::text)]
    id: String,

    /// The role, as ROLE or TARGET/ROLE
    #[arg(value_name = "ROLE", value_parser = values::name)]
    account: String,

    /// Why; kept in the store, never in the log
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
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
/// A role that was named and that no target ever had is taken back at once.
///
/// Exit status: 0 unlinked, taken back, or waiting for a second person; 1 it was refused, or there is no such revocation; 64 the
/// subject has several.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Unlink {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…, or that of its subject
    #[arg(value_name = "rev_ID|SUBJECT", value_parser = values::text)]
    id: String,

    /// The role, as ROLE or TARGET/ROLE
    #[arg(value_name = "ROLE", value_parser = values::name)]
    account: String,

    /// Its OID, where several roles bear or bore the name
    #[arg(long, value_name = "N")]
    oid: Option<u32>,

    /// The system identifier of its cluster, where several clusters were at the target
    #[arg(long, value_name = "ID")]
    cluster: Option<u64>,

    /// Why; kept in the store, never in the log
    #[arg(long, value_name = "TEXT", value_parser = values::text)]
    why: Option<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) async fn link(arguments: Link) -> Result<u8> {
    let Link { at, id, account, why, output } = arguments;
    let asked = Amendment { link: Some(account.clone()), why, ..Amendment::default() };
    let Some(done) = ask(&at, &id, &asked, &account).await? else { return Ok(exit::USAGE) };
    let id = &done.changed.id;
    if output == Format::Json {
        println!("{}", serde_json::to_string(&done.changed)?);
    } else {
        let role = shown(&account);
        match (done.linked_now, done.changed.amended) {
            (true, true) => println!("linked: {id} has {role}"),
            (true, false) => println!("nothing to change: {id} has {role} already"),
            // A look links it: whether there is such a role, and which it is, only that knows.
            (false, _) => {
                println!("noted: {role} is theirs; the next look that finds it links it: {id}");
            }
        }
    }
    for note in done.notes {
        eprintln!("revoked: note: {note} If not: revoked expect unlink {id} {}", shown(&account));
    }
    Ok(exit::OK)
}

pub(super) async fn unlink(arguments: Unlink) -> Result<u8> {
    let Unlink { at, id, account, oid, cluster, why, output } = arguments;
    let cluster = cluster.map(|cluster| cluster.to_string());
    let unlink = Some(Unlinking { account: account.clone(), oid, cluster });
    let asked = Amendment { unlink, why, ..Amendment::default() };
    let Some(done) = ask(&at, &id, &asked, &account).await? else { return Ok(exit::USAGE) };
    let (id, role) = (done.changed.id.clone(), shown(&account));
    if output == Format::Table && done.changed.amended && !done.linked_before {
        println!(
            "taken back: nobody says any more that {role}, which was never linked, is theirs: {id}"
        );
        return Ok(exit::OK);
    }
    if output == Format::Table && done.changed.pending.is_some() {
        println!("asked for: that {role} is linked no more: {id}");
    }
    print(&id, Some(done.changed), "unlinked", output)
}

/// What came of it.
struct Done {
    changed: Changed,
    /// The role was among the accounts when it was asked for, and is now.
    linked_before: bool,
    linked_now: bool,
    notes: Vec<String>,
}

/// `None`: the subject has several revocations, which were listed.
async fn ask(at: &Where, id: &str, asked: &Amendment, role: &str) -> Result<Option<Done>> {
    let reach = at.reach().await?;
    let done = asked_of(&reach, id, asked, role).await;
    reach.leave().await?;
    done
}

async fn asked_of(reach: &Reach, id: &str, asked: &Amendment, role: &str) -> Result<Option<Done>> {
    let before = match reach.find(id).await? {
        Found::One(view) => view,
        Found::Several(views) => {
            several(id, &views);
            return Ok(None);
        }
        Found::None => return Err(super::nobody(id)),
    };
    let changed = reach.change(&before.id, serde_json::to_vec(asked)?).await.map_err(in_options)?;
    let Some(changed) = changed else { return Err(super::unknown(&before.id)) };
    let now = reach.show(&before.id).await?;
    let named: Vec<String> = asked.link.iter().cloned().collect();
    Ok(Some(Done {
        changed,
        linked_before: has(&before, role),
        linked_now: now.is_some_and(|view| has(&view, role)),
        notes: unseen_of(reach, &named).await,
    }))
}

/// Whether a role, as `ROLE` or `TARGET/ROLE`, is among the accounts.
fn has(view: &View, role: &str) -> bool {
    view.accounts.iter().any(|account| {
        let place = format!("{}/", account.target);
        let rest = role.strip_prefix(&place);
        account.called().any(|name| name == role || rest == Some(name))
    })
}
