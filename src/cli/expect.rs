//! `revoked expect`: say what should be gone, and ask how it stands.

use super::client::Where;
use super::exit;
use super::output::{self, Format, shown};
use crate::clock;
use crate::config::Config;
use crate::http::view::View;
use crate::intake::submission::{OneOrMany, Submission};
use crate::intake::terms_of;
use anyhow::{Context as _, Result, bail};

/// Expected revocations: add, list, show, recheck
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Add(Add),
    List(List),
    Show(Show),
    Recheck(super::expect_recheck::Arguments),
}

/// Expect a revocation
///
/// Returns once the record of it is in the signed log. The same subject and kind again joins the revocation
/// that is not finished; more accounts, roles or an earlier time tighten it.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    #[command(flatten)]
    at: Where,

    /// Who lost access: a stable id of the person, vendor or service
    #[arg(long, value_name = "SUBJECT")]
    user: String,

    /// Their database role, as ROLE or TARGET/ROLE; repeatable; without it, a role called like the subject
    #[arg(long, value_name = "ROLE")]
    account: Vec<String>,

    /// What must be gone: full, suspend, or partial (with --role)
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,

    /// Role that must no longer be held (makes it a partial revocation); repeatable
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,

    /// Why: terminated, role_change, contract_expired, inactive, policy_violation, vendor_offboarded,
    /// credential_rotation, or free text that is mapped to one of these
    #[arg(long)]
    reason: String,

    /// When access has to end, as 2026-03-05T17:00:00+01:00; now, if not given
    #[arg(long, value_name = "TIME")]
    effective: Option<String>,

    /// By when everything must be gone: a time, or a duration such as 15m
    #[arg(long, value_name = "TIME")]
    deadline: Option<String>,

    /// Keep the subject's data; never weakens what is expected of access
    #[arg(long)]
    preserve_data: bool,

    /// Ticket
    #[arg(long)]
    ticket: Option<String>,

    /// Your id of this event: the same id again does nothing
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,

    /// Only check and show what would be expected
    #[arg(long)]
    dry_run: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// List revocations, newest first
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    at: Where,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Show one revocation with what remains of it
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…
    id: String,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<u8> {
    match command {
        Command::Add(arguments) => Box::pin(add(arguments)).await,
        Command::List(arguments) => list(arguments).await,
        Command::Show(arguments) => show(arguments).await,
        Command::Recheck(arguments) => super::expect_recheck::run(arguments).await,
    }
}

fn many(list: &[String]) -> Option<OneOrMany> {
    (!list.is_empty()).then(|| OneOrMany::Many(list.to_vec()))
}

async fn add(arguments: Add) -> Result<u8> {
    let submission = Submission {
        username: arguments.user.clone(),
        account: many(&arguments.account),
        reason: arguments.reason.clone(),
        revocation_type: arguments.kind.clone(),
        roles: many(&arguments.role),
        effective_at: arguments.effective.clone(),
        deadline: arguments.deadline.clone(),
        preserve_data: arguments.preserve_data,
        ticket: arguments.ticket.clone(),
        ..Submission::default()
    };
    let body = serde_json::to_vec(&submission)?;
    if arguments.dry_run {
        return dry_run(&arguments, &body);
    }
    let reach = arguments.at.reach().await?;
    let submitted = reach.submit(body, arguments.event_id.as_deref()).await?;
    match arguments.output {
        Format::Json => println!(
            "{}",
            serde_json::json!({
                "id": submitted.id, "known": submitted.known, "amended": submitted.amended,
            })
        ),
        Format::Table => {
            let what = match (submitted.known, submitted.amended) {
                (true, _) => "already expected",
                (false, true) => "tightened",
                (false, false) => "expected",
            };
            println!("{what}: {}  {}", submitted.id, shown(&arguments.user));
        }
    }
    reach.leave().await?;
    Ok(exit::OK)
}

fn dry_run(arguments: &Add, body: &[u8]) -> Result<u8> {
    let config =
        Config::read(&arguments.at.file.config).context("--dry-run needs the configuration")?;
    let terms = terms_of(&config, "cli", "cli");
    let asked = Submission::parse(body)?.revocation("cli", clock::now(), &terms)?;
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&asked)?),
        Format::Table => {
            println!(
                "would expect: {} revocation of {}, reason {}",
                asked.kind,
                shown(&asked.subject),
                asked.reason
            );
            println!("  effective    {}", asked.effective_at);
            for (name, deadline) in
                [("login by", asked.deadlines.login), ("all gone by", asked.deadlines.access)]
            {
                if let Some(deadline) = deadline {
                    println!("  {name:<12} {deadline}");
                }
            }
        }
    }
    Ok(exit::OK)
}

async fn list(arguments: List) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let views = reach.list(false).await?;
    reach.leave().await?;
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&views)?),
        Format::Table => super::status::print_table(&views),
    }
    Ok(exit::OK)
}

async fn show(arguments: Show) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let view = reach.show(&arguments.id).await?;
    reach.leave().await?;
    let Some(view) = view else { bail!("there is no revocation {}", shown(&arguments.id)) };
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&view)?),
        Format::Table => print_view(&view),
    }
    Ok(exit::OK)
}

pub(super) fn print_view(view: &View) {
    let overdue: Vec<_> = view.overdue.iter().map(|milestone| milestone.as_str()).collect();
    let overdue = if overdue.is_empty() {
        String::new()
    } else {
        format!(", overdue: {}", overdue.join(" and "))
    };
    println!("{}  {}", view.id, shown(&view.subject));
    println!("  state        {}{overdue}", view.state);
    println!("  expected     {} revocation, reason {}", view.kind, view.reason);
    println!("  told by      {} at {}", shown(&view.source), view.received_at);
    println!("  effective    {}", view.effective_at);
    for (name, time) in [
        ("login by", view.deadlines.login),
        ("all gone by", view.deadlines.access),
        ("first seen", view.first_residual_at),
        ("first clean", view.first_clean_at),
        ("verified", view.verified_at),
    ] {
        if let Some(time) = time {
            println!("  {name:<12} {time}");
        }
    }
    for account in &view.accounts {
        println!(
            "  account      {}/{} (OID {})",
            account.target,
            shown(&account.role),
            account.oid
        );
    }
    if !view.roles.is_empty() {
        println!("  must be gone {}", shown(&view.roles.join(", ")));
    }
    if view.accounts.is_empty() {
        let names: Vec<_> = view.searched.iter().map(|name| name.role.as_str()).collect();
        println!("  searched     {}", shown(&names.join(", ")));
    }
    if let (Some(verdict), Some(as_of)) = (view.verdict, view.as_of) {
        println!("{} since the look of {as_of}", output::headline(verdict));
    }
    output::print_residual(&view.residual);
    output::print_gaps(&view.gaps);
    for skipped in &view.not_covered {
        println!("  not covered: {}: {}", shown(&skipped.surface), shown(&skipped.reason));
    }
}
