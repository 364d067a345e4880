//! `revoked exception`: permission to keep access, asked for by one person and approved by another.

pub(super) mod shown;

use super::client::{Doing, Where};
use super::exit;
use super::output::{Output, in_options, shown as plain};
use super::values;
use crate::clock;
use crate::domain::exception::{ExceptionKind, Phase};
use crate::http::exceptions::{ExceptionView, Filter};
use crate::intake::exceptions::Wish;
use crate::intake::submission::OneOrMany;
use anyhow::{Result, bail};

/// Permission to keep access: request, approve, revoke, list, review
///
/// An exception ends by itself, and access is due again from then on. Who asks and who approves are two persons, known
/// by token or by user id. The records of it are in the signed log; why somebody asked is not.
///
/// Exit status: 0 done; 1 refused, or the agent cannot be reached; list has more (see there).
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Request(Box<Request>),
    Approve(Approve),
    Revoke(Revoke),
    List(List),
    Review(Review),
}

/// Ask that access is kept for some time
///
/// KIND is one of these:
///   grace        after the end of a contract: 7 days at the most, counted from the end date
///   extension    the contract goes on; the end date that HR gave is kept beside it
///   temporary    for some days: 7 if you do not say how many, 30 at the most
///   break_glass  in an emergency: 4 hours if you do not say how many, 24 at the most
///   legal_hold   data and ownership stay; login, sessions and memberships go all the same
///   transition   after a role change, old access beside new: 4 hours at the most
///
/// It is in force once a second person approves (`revoked exception approve`). Of a subject of
/// whom nothing is expected, temporary and break_glass open a revocation that is due at their
/// end: of everything, or of --role and --permissions. A break_glass is reviewed afterwards, a
/// legal_hold from time to time.
///
/// Exit status: 0 granted, or waiting for a second person; 1 refused, or no such revocation.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Request {
    #[command(flatten)]
    at: Where,

    /// What is kept
    #[arg(value_name = "KIND", value_parser = kind)]
    kind: ExceptionKind,

    /// Who it is for: the subject as the notices call it, or the revocation, rev_…
    #[arg(value_name = "SUBJECT|rev_ID", value_parser = values::text)]
    who: String,

    /// Until when: 2026-03-12T17:00:00+01:00, 2026-03-12T17:00 or 2026-03-12
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    until: Option<String>,

    /// Or for how long, from now on, such as 4h or 7d
    #[arg(
        long = "for",
        value_name = "TIME",
        alias = "duration",
        conflicts_with = "until",
        value_parser = values::length
    )]
    lasts: Option<String>,

    /// Zone in which --until and --review-at are meant, as Europe/Berlin
    #[arg(long, value_name = "ZONE", value_parser = values::zone)]
    time_zone: Option<String>,

    /// For a legal hold: when somebody has to look at it again; 90 days after its approval, if not given
    #[arg(long, value_name = "TIME", value_parser = values::moment)]
    review_at: Option<String>,

    /// Why; kept in the store, never in the log
    #[arg(long, value_name = "TEXT", alias = "reason", value_parser = values::text)]
    why: String,

    /// Where nothing is expected yet: the subject's database role, as ROLE or TARGET/ROLE; repeatable
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    account: Vec<String>,

    /// Where nothing is expected yet: role that is given for that time; repeatable
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    role: Vec<String>,

    /// Where nothing is expected yet: permissions that are given for that time, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::name)]
    permissions: Vec<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Approve an exception that somebody else asked for
///
/// You are known by your token, or by your user id on this machine; whoever asked cannot approve, and whoever approved a
/// break_glass cannot approve the next one within 24 hours. Of a legal hold in force of which somebody asks that it
/// ends: that it does.
///
/// Exit status: 0 approved; 1 it was refused, it waits no more, or there is none.
#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    #[command(flatten)]
    of: Which,
}

/// Take an exception back, before its end
///
/// At once and by one person, since that removes access: what it permitted is due from now on. Only a legal hold in force
/// waits for a second person, since nobody brings back what is destroyed without it.
///
/// Exit status: 0 taken back, or waiting for a second person; 1 it is over already, or there is none.
#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    of: Which,
}

/// Say that you looked at what an exception was used for
///
/// A break_glass is to be reviewed when it is over, and a legal hold from time to time, by somebody other than who asked
/// for it.
///
/// Exit status: 0 reviewed; 1 there is nothing to review, you asked for it yourself, or there is none.
#[derive(Debug, clap::Args)]
pub(super) struct Review {
    #[command(flatten)]
    of: Which,
}

/// The exception that is meant.
#[derive(Debug, clap::Args)]
struct Which {
    #[command(flatten)]
    at: Where,

    /// Its id, exc_…
    #[arg(value_name = "exc_ID", value_parser = values::exception)]
    id: String,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// List exceptions, newest first
///
/// Those that wait for approval, are in force, or want a review; with --all also those that are over.
///
/// Exit status: 0 listed; 2 a review is overdue; 1 the agent cannot be reached, or its state not be read.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    at: Where,

    /// Also those that are over
    #[arg(long)]
    all: bool,

    /// Only of this kind
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<ExceptionKind>,

    /// Only for this subject
    #[arg(long, value_name = "SUBJECT", value_parser = values::text)]
    subject: Option<String>,

    /// Only from this revocation
    #[arg(long, value_name = "rev_ID", value_parser = values::revocation)]
    revocation: Option<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

fn kind(word: &str) -> Result<ExceptionKind, String> {
    ExceptionKind::from_word(word).ok_or_else(|| {
        let known: Vec<_> = ExceptionKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("one of {}", known.join(", "))
    })
}

fn many(list: Vec<String>) -> Option<OneOrMany> {
    (!list.is_empty()).then_some(OneOrMany::Many(list))
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<u8> {
    match command {
        Command::Request(arguments) => request(*arguments).await,
        Command::Approve(Approve { of }) => with(of, Doing::Approve).await,
        Command::Revoke(Revoke { of }) => with(of, Doing::Revoke).await,
        Command::Review(Review { of }) => with(of, Doing::Review).await,
        Command::List(arguments) => list(arguments).await,
    }
}

async fn request(arguments: Request) -> Result<u8> {
    let by_id = arguments.who.starts_with("rev_");
    let wish = Wish {
        kind: arguments.kind.as_str().to_owned(),
        revocation: by_id.then(|| arguments.who.clone()),
        subject: (!by_id).then(|| arguments.who.clone()),
        until: arguments.until,
        lasts: arguments.lasts,
        extend_by: None,
        time_zone: arguments.time_zone,
        review_at: arguments.review_at,
        why: arguments.why,
        username: None,
        account: many(arguments.account),
        roles: many(arguments.role),
        permissions: many(arguments.permissions),
    };
    let reach = arguments.at.reach().await?;
    let asked = reach.request_exception(serde_json::to_vec(&wish)?).await.map_err(in_options);
    reach.leave().await?;
    let Some(view) = asked? else {
        bail!("nothing is expected of {}, so there is nothing to except", plain(&arguments.who))
    };
    print(&view, arguments.output)
}

async fn with(of: Which, doing: Doing) -> Result<u8> {
    let reach = of.at.reach().await?;
    let done = reach.with_exception(&of.id, doing).await;
    let after = match (&done, doing, of.output) {
        // What is taken back is due again: by when?
        (Ok(Some(view)), Doing::Revoke, Output::Table) if view.phase == Phase::Over => {
            reach.show(&view.revocation).await.ok().flatten()
        }
        (_, Doing::Approve | Doing::Revoke | Doing::Review, _) => None,
    };
    reach.leave().await?;
    let Some(view) = done? else { bail!("there is no exception {}", plain(&of.id)) };
    let exit = print(&view, of.output)?;
    if let Some(after) = after {
        let by = after.deadlines.access.map_or(String::new(), |at| format!(", all gone by {at}"));
        println!("  {} is {}: effective {}{by}", after.id, after.state, after.effective_at);
    }
    Ok(exit)
}

pub(super) fn print(view: &ExceptionView, output: Output) -> Result<u8> {
    let one = std::slice::from_ref(view);
    output.print(view, || shown::rows(one), || shown::print_one(view))?;
    Ok(exit::OK)
}

async fn list(arguments: List) -> Result<u8> {
    let filter = Filter {
        open: (!arguments.all).then_some(true),
        kind: arguments.kind.map(|kind| kind.as_str().to_owned()),
        subject: arguments.subject,
        revocation: arguments.revocation,
        ..Filter::default()
    };
    let reach = arguments.at.reach().await?;
    let views = reach.exceptions(filter).await;
    reach.leave().await?;
    let views = views?;
    arguments.output.print(
        &views,
        || shown::rows(&views),
        || shown::print_list(&views, clock::now()),
    )?;
    let late = views.iter().any(|view| view.review_overdue);
    Ok(if late { exit::RESIDUAL } else { exit::OK })
}
