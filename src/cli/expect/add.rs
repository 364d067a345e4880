//! `revoked expect add`.

use super::super::client::{Reach, Where};
use super::super::output::{Format, in_options, shown};
use super::super::values;
use super::super::{Usage, doctor, exit};
use super::{extend, import};
use crate::clock;
use crate::config::Config;
use crate::domain::revocation::{Kind, Reason, Revocation};
use crate::domain::time::UtcTime;
use crate::intake::submission::{OneOrMany, Submission};
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// Expect a revocation
///
/// Returns once the record of it is in the signed log. The same subject and kind again joins the revocation
/// that is not finished; more accounts, roles or an earlier time tighten it.
///
/// With --extend: that a contract goes on, which a second person approves. With --check-db: what `revoked doctor
/// --check-db` says.
///
/// Exit status: 0 expected, already expected, or (--dry-run) it could be; 1 it was refused, or the agent cannot be
/// reached; 64 options that do not fit each other. With --batch those of `revoked expect import`, with --check-db those of `revoked doctor`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    #[command(flatten)]
    notice: Notice,

    /// Rows of a CSV file instead of one revocation: the same as `revoked expect import FILE`
    #[arg(long, value_name = "FILE", conflicts_with = "Notice")]
    batch: Option<PathBuf>,

    /// Only check and show what would be expected
    #[arg(long)]
    dry_run: bool,

    /// Only try the connections to the targets, and what may be read there; nothing is expected
    #[arg(
        long,
        visible_alias = "check-permissions",
        overrides_with = "check_db",
        conflicts_with = "Notice"
    )]
    check_db: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What is expected.
#[derive(Debug, clap::Args)]
struct Notice {
    /// Who lost access: a stable id of the person, vendor or service
    #[arg(
        long,
        value_name = "SUBJECT",
        required_unless_present_any = ["batch", "check_db"],
        value_parser = values::text
    )]
    user: Option<String>,

    /// Stable id of the person, where --user is a name that can change: this is the subject then
    #[arg(long, value_name = "ID", value_parser = values::text)]
    employee_id: Option<String>,

    /// Their database role, as ROLE or TARGET/ROLE; repeatable; without it, a role called like --user
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    account: Vec<String>,

    /// What must be gone: full, suspend, partial (with --role or --permissions), rotation: the old password of
    /// --account, and every session that it opened, or transfer: --account gets a new owner and a new password
    #[arg(long, value_name = "KIND", value_parser = values::kind)]
    kind: Option<String>,

    /// Role that must no longer be held (makes it a partial revocation); repeatable
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    role: Vec<String>,

    /// Permissions that must no longer be held (makes it a partial revocation), separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::name)]
    permissions: Vec<String>,

    /// Role that must still be held afterwards (makes it a partial revocation); repeatable
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    require: Vec<String>,

    /// Permissions that must still be held afterwards (makes it a partial revocation), separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::name)]
    require_permissions: Vec<String>,

    /// For a transfer: who owns the account from now on
    #[arg(long, value_name = "SUBJECT", value_parser = values::text)]
    new_owner: Option<String>,

    /// E-mail address of the subject, for probes that ask by it; repeatable
    #[arg(long, value_name = "ADDRESS", value_parser = values::name)]
    email: Vec<String>,

    /// Why: terminated, role_change, contract_expired, inactive, policy_violation, vendor_offboarded,
    /// credential_rotation, or free text that is mapped to one of these
    #[arg(
        long,
        required_unless_present_any = ["batch", "check_db", "force"],
        value_parser = values::text
    )]
    reason: Option<String>,

    /// When access has to end: an instant such as 2026-03-05T17:00:00+01:00, a local time or a date; now, if
    /// not given
    #[arg(long, value_name = "TIME", visible_alias = "schedule", value_parser = values::moment)]
    effective: Option<String>,

    /// At once, whatever is not done yet: nobody is waited for. Somebody else approves it afterwards, within
    /// `emergency_approval` of the configuration (4h): revoked expect approve
    #[arg(long, conflicts_with_all = ["effective", "extend"])]
    emergency: bool,

    /// The contract goes on: its end date moves by this, such as 30d, from where it stands, once somebody else
    /// approves; --reason says why
    #[arg(long, value_name = "TIME", value_parser = values::length, conflicts_with_all = [
        "account", "kind", "role", "permissions", "require", "require_permissions", "new_owner", "email",
        "effective", "time_zone", "deadline", "preserve_data", "ticket", "event_id", "dry_run",
    ])]
    extend: Option<String>,

    /// There is nothing to force here: says what to do instead
    #[arg(long, hide = true)]
    force: bool,

    /// Where the subject works, such as Europe/Berlin: local times and dates are meant there
    #[arg(long, value_name = "ZONE", value_parser = values::zone)]
    time_zone: Option<String>,

    /// By when everything must be gone: a time, or a duration such as 15m
    #[arg(long, value_name = "TIME", value_parser = values::deadline)]
    deadline: Option<String>,

    /// Keep the subject's data; never weakens what is expected of access
    #[arg(long)]
    preserve_data: bool,

    /// Ticket
    #[arg(long, value_parser = values::text)]
    ticket: Option<String>,

    /// Your id of this event: the same id again does nothing
    #[arg(long, value_name = "ID", value_parser = values::event_id)]
    event_id: Option<String>,
}

fn many(list: Vec<String>) -> Option<OneOrMany> {
    (!list.is_empty()).then_some(OneOrMany::Many(list))
}

impl Notice {
    /// As it is sent; its id goes beside it.
    fn submission(self) -> Submission {
        Submission {
            username: self.user.unwrap_or_default(),
            employee_id: self.employee_id,
            account: many(self.account),
            reason: self.reason.unwrap_or_default(),
            revocation_type: self.kind,
            roles: many(self.role),
            permissions: many(self.permissions),
            required_roles: many(self.require),
            required_permissions: many(self.require_permissions),
            new_owner: self.new_owner,
            email: many(self.email),
            effective_at: self.effective,
            time_zone: self.time_zone,
            deadline: self.deadline,
            preserve_data: self.preserve_data,
            emergency: self.emergency,
            ticket: self.ticket,
            ..Submission::default()
        }
    }
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let Arguments { at, notice, batch, dry_run, check_db, output } = arguments;
    if check_db {
        return doctor::run(doctor::Arguments::of_targets(at.file, output)).await;
    }
    if notice.force {
        return Ok(nothing_to_force(notice.user.as_deref().unwrap_or_default()));
    }
    if let Some(file) = batch {
        return import::run(import::Arguments::of(at, file, dry_run, output)).await;
    }
    if let Some(by) = notice.extend {
        let subject = notice.employee_id.or(notice.user).unwrap_or_default();
        return extend::run(&at, &subject, by, notice.reason.unwrap_or_default(), output).await;
    }
    let event_id = notice.event_id.clone();
    let submission = notice.submission();
    // Options that do not fit each other: nobody has to be asked for that.
    submission.kind().map_err(|error| Usage(format!("{:#}", in_options(error.into()))))?;
    let body = serde_json::to_vec(&submission)?;
    if dry_run {
        let config = Config::read(&at.file.config).context("--dry-run needs the configuration")?;
        let asked = crate::intake::check(&config, &body, "cli", clock::now())
            .map_err(|error| in_options(error.into()))?;
        for note in
            unseen_by_agent(&at, &submission).await.into_iter().chain(notes(&submission, "rev_…"))
        {
            eprintln!("revoked: note: {note}");
        }
        return print_asked(&asked, output);
    }
    let reach = at.reach().await?;
    let submitted = reach.landing(reach.submit(body, event_id.as_deref())).await?;
    let submitted = submitted.map_err(|error| in_options(error.into()))?;
    for note in
        unseen(&reach, &submission).await.into_iter().chain(notes(&submission, &submitted.id))
    {
        eprintln!("revoked: note: {note}");
    }
    match output {
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
            let subject = submission.employee_id.as_deref().unwrap_or(&submission.username);
            println!("{what}: {}  {}", submitted.id, shown(subject));
        }
    }
    reach.leave().await?;
    Ok(exit::OK)
}

/// Who knows scripts that take access away looks for a way to make them finish.
fn nothing_to_force(user: &str) -> u8 {
    let user = shown(user);
    eprintln!(
        "revoked: --force: this program takes no access away, so there is nothing that it could force. What is left \
         of a revocation and how it is removed: revoked explain {user}, and revoked plan {user} for the SQL. Then \
         look again at once: revoked expect recheck {user}"
    );
    exit::USAGE
}

/// Roles that were named and that no target has: a slip of the pen, perhaps.
async fn unseen(reach: &Reach, submission: &Submission) -> Vec<String> {
    let lists = [&submission.account, &submission.roles, &submission.required_roles];
    let named: Vec<String> = lists
        .into_iter()
        .flatten()
        .flat_map(|list| match list {
            OneOrMany::One(one) => vec![one.clone()],
            OneOrMany::Many(many) => many.clone(),
        })
        .collect();
    unseen_of(reach, &named).await
}

/// The same where only the configuration is read: an agent that runs knows the roles, and nobody is told that none does.
async fn unseen_by_agent(at: &Where, submission: &Submission) -> Vec<String> {
    match at.running().await {
        Ok(Some(reach)) => unseen(&reach, submission).await,
        Ok(None) | Err(_) => Vec::new(),
    }
}

/// Those of `named` that no target has, in words.
pub(super) async fn unseen_of(reach: &Reach, named: &[String]) -> Vec<String> {
    // It is a help, and no reason to fail.
    let unseen = reach.unseen(named).await.unwrap_or_default();
    let note = |name: String| {
        format!("no target has a role `{}`, as last looked at: is that its name?", shown(&name))
    };
    unseen.into_iter().map(note).collect()
}

/// What the sender should know, though the notice was taken. `id` is that of the revocation.
fn notes(submission: &Submission, id: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let reason = &submission.reason;
    if Reason::classify(reason) == Reason::Other && reason != Reason::Other.as_str() {
        let known: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        notes.push(format!(
            "the reason `{}` is none that is known, so it counts as `other`, with the deadlines of that; known are {}",
            shown(reason),
            known.join(", ")
        ));
    }
    let whole_day = |text: &str| format!("{text}T23:59:59Z").parse::<UtcTime>();
    let deadline = submission.deadline.as_deref();
    let past = deadline.and_then(|text| text.parse().or_else(|_| whole_day(text)).ok());
    if past.is_some_and(|at| at < clock::now()) {
        notes.push("the deadline has passed already, so it is overdue at once".to_owned());
    }
    let partial = submission.revocation_type.as_deref() == Some(Kind::Partial.as_str());
    if partial && submission.roles.is_none() && submission.permissions.is_none() {
        notes.push(format!(
            "a partial revocation stays inconclusive until this is answered: which roles or permissions must be gone? \
             revoked expect amend {id} --role ROLE (or --permissions LIST)"
        ));
    }
    if submission.emergency {
        notes.push(format!(
            "an emergency: somebody else has to approve it afterwards; revoked expect show {id} says by when, and by \
             which command"
        ));
    }
    notes
}

fn print_asked(asked: &Revocation, output: Format) -> Result<u8> {
    match output {
        Format::Json => println!("{}", serde_json::to_string_pretty(asked)?),
        Format::Table => {
            println!(
                "would expect: {} revocation of {}, reason {}",
                asked.kind,
                shown(&asked.subject),
                asked.reason
            );
            println!("  effective    {}", asked.effective_at);
            for (name, deadline) in [
                ("login by", asked.deadlines.login),
                ("all gone by", asked.deadlines.access),
                ("rotated by", asked.deadlines.credentials),
            ] {
                if let Some(deadline) = deadline {
                    println!("  {name:<12} {deadline}");
                }
            }
        }
    }
    Ok(exit::OK)
}
