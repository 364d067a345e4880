//! `revoked expect show`.

use super::super::check::{findings, kept_by};
use super::super::client::{Found, Where};
use super::super::covered;
use super::super::exception::shown::print_under;
use super::super::exit;
use super::super::output::{self, Format, shown};
use super::super::status::{after, asks};
use super::super::values;
use super::paper;
use crate::domain::account::{Account, LinkRule};
use crate::domain::credential::{Change, Standing};
use crate::domain::emergency;
use crate::domain::request::Request;
use crate::domain::revocation::State;
use crate::domain::verdict::Verdict;
use crate::http::list::Filter;
use crate::http::view::View;
use anyhow::Result;
use std::collections::BTreeSet;

/// How ids of checklists begin.
const CHECKLIST: &str = "chk_";

/// Show one revocation with what remains of it
///
/// Of a subject that has one revocation, that one; of one that has several, their ids are listed on stderr.
///
/// With --before-sql: a script for psql that gives back what was there before access was taken away. It is evidence, and
/// no advice: access that is given back without an approved withdrawal is a regression.
///
/// With --closure: the text that closes a ticket, once it is verified or withdrawn: what was proved, when, by which record,
/// and how to check that. With --checklist: a checklist in Markdown, of one revocation or of a vendor's offboarding
/// (chk_ID); what looks saw stands apart from what people attested. Neither names the person.
///
/// Exit status: 0 shown, whatever its verdict (`revoked expect recheck` tells by its status); 1 there is none, or the
/// agent cannot be reached, or (--before-sql) no look has found anything; 2 (--closure) it is neither verified nor
/// withdrawn; 64 the subject has several.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// Its id, rev_…, or that of its subject; with --checklist also that of an offboarding, chk_…
    #[arg(value_name = "rev_ID|SUBJECT|chk_ID", value_parser = values::text)]
    id: String,

    /// Print the SQL that gives back what was found before anything was taken away; with -o json what was found, too
    #[arg(long)]
    before_sql: bool,

    /// Print the text that closes its ticket
    #[arg(long, conflicts_with_all = ["before_sql", "output"])]
    closure: bool,

    /// Print a checklist in Markdown
    #[arg(long, conflicts_with_all = ["before_sql", "closure", "output"])]
    checklist: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    if arguments.checklist && arguments.id.starts_with(CHECKLIST) {
        let filter = Filter { checklist: Some(arguments.id.clone()), ..Filter::default() };
        let views = reach.listed(filter).await;
        reach.leave().await?;
        return paper::print_checklist(&arguments.id, views?);
    }
    let found = reach.find(&arguments.id).await?;
    if let (Found::One(view), true) = (&found, arguments.closure) {
        let done = paper::print_closure(&reach, view).await;
        reach.leave().await?;
        return done;
    }
    let before = match &found {
        Found::One(view) if arguments.before_sql => Some(reach.before(&view.id).await),
        Found::One(_) | Found::Several(_) | Found::None => None,
    };
    reach.leave().await?;
    let view = match found {
        Found::One(view) => view,
        Found::Several(views) => {
            several(&arguments.id, &views);
            return Ok(exit::USAGE);
        }
        Found::None => return Err(super::nobody(&arguments.id)),
    };
    if arguments.checklist {
        let title = view.id.clone();
        return paper::print_checklist(&title, vec![*view]);
    }
    match (arguments.output, before.transpose()?) {
        (Format::Json, Some(before)) => println!("{}", serde_json::to_string_pretty(&before)?),
        (Format::Table, Some(before)) => print!("{}", before.script),
        (Format::Json, None) => println!("{}", serde_json::to_string_pretty(&*view)?),
        (Format::Table, None) => print_view(&view),
    }
    Ok(exit::OK)
}

/// Says which there are to choose from.
pub(in crate::cli) fn several(subject: &str, views: &[View]) {
    eprintln!("revoked: {} has {} revocations; name one by its id:", shown(subject), views.len());
    for view in views {
        let (id, kind, state, reason) = (&view.id, view.kind, view.state, view.reason);
        eprintln!("  {id}  {kind}, {state}, {reason}, received {}", view.received_at);
    }
}

pub(super) fn print_view(view: &View) {
    print_head(view);
    print_waiting(view);
    if let Some(called) = &view.emergency {
        line("emergency", &emergency(called));
    }
    if let Some(known) = &view.acknowledged {
        line("acknowledged", &known.sentence());
    }
    print_under(&view.exceptions);
    for text in after::told(view) {
        line("after the end", &text);
    }
    if view.state == State::Withdrawn {
        line("withdrawn", &withdrawn(view));
    }
    if let Some(at) = view.rehired_at {
        line("rehired", &format!("{at}: what was granted since may stay"));
    }
    for account in &view.accounts {
        let role = format!("{}/{} (OID {})", account.target, account.role, account.oid);
        let since = account.linked_at.map_or(String::new(), |at| format!(" at {at}"));
        let how = linked_how(account);
        line("account", &format!("{role}, linked to {}{how}{since}", view.subject));
    }
    for standing in &view.credentials {
        print_credential(view, standing);
    }
    print_terms(view);
    if view.accounts.is_empty() {
        let names: Vec<_> = view.searched.iter().map(|name| name.role.as_str()).collect();
        line("searched", &names.join(", "));
    }
    print_found(view);
    output::print_missing(&view.missing);
    output::print_gaps(&view.gaps);
    if !view.kept.is_empty() {
        let text =
            format!("{} (revoked explain {} lists them)", findings(view.kept.len()), view.id);
        let why = kept_by(view.kind, view.held, view.rehired_at);
        output::print_line(&format!("  kept, {why}: "), &text);
    }
    for text in covered::lines(&view.not_covered) {
        output::print_line("  not covered: ", &shown(&text));
    }
    print_attested(view);
}

/// Whose it is, where it stands, and its times.
fn print_head(view: &View) {
    let overdue: Vec<_> = view.overdue.iter().map(|milestone| milestone.as_str()).collect();
    let overdue = if overdue.is_empty() {
        String::new()
    } else {
        format!(", overdue: {}", overdue.join(" and "))
    };
    println!("{}  {}", view.id, shown(&view.subject));
    println!("  state        {}{overdue}", view.state);
    println!("  expected     {} revocation, reason {}", view.kind, view.reason);
    print_told(view);
    for (name, time) in [
        ("login by", view.deadlines.login),
        ("all gone by", view.deadlines.access),
        ("rotated by", view.deadlines.credentials),
        ("first seen", view.first_residual_at),
        ("first clean", view.first_clean_at),
        ("verified", view.verified_at),
    ] {
        if let Some(time) = time {
            println!("  {name:<12} {time}");
        }
    }
}

/// What must be gone, what must stay, and why it is expected.
fn print_terms(view: &View) {
    for (label, names) in [
        ("must be gone", &view.roles),
        ("must be gone", &view.permissions),
        ("must stay", &view.required_roles),
        ("must stay", &view.required_permissions),
    ] {
        if !names.is_empty() {
            line(label, &names.join(", "));
        }
    }
    if let Some(owner) = &view.new_owner {
        line("new owner", owner);
    }
    if let Some(leaver) = &view.because {
        line("because", &format!("the subject of {leaver} knew the secret"));
    }
    if let Some(inactive) = &view.inactive {
        line("inactive", &inactive.sentence());
    }
    for opened in &view.rotations {
        line("rotation", &format!("{} of the secret {}", opened.revocation, opened.secret));
    }
}

/// Who told of it, and by when access has to end as they said it.
fn print_told(view: &View) {
    println!("  told by      {} at {}", shown(&view.source), view.received_at);
    let others: Vec<&str> =
        view.sources.iter().filter(|by| **by != view.source).map(String::as_str).collect();
    if !others.is_empty() {
        line("and by", &others.join(", "));
    }
    println!("  effective    {}", view.effective_at);
    if let Some(how) = &view.effective {
        let zone = how
            .zone
            .as_ref()
            .map_or(String::new(), |zone| format!(", taken in {zone} ({})", how.zone_from));
        line("stated as", &format!("{}{zone}", how.stated));
    }
    if let Some(ticket) = &view.ticket {
        line("ticket", ticket);
    }
}

/// What waits for a second person.
fn print_waiting(view: &View) {
    if let Some(request) = &view.pending {
        let asks = asks(request);
        let (by, at, id) = (&request.requested_by, request.requested_at, &request.id);
        line("waits", &format!("{by} asked to {asks} at {at}: {id}"));
        print_asked(request);
    }
}

/// Who withdrew it, and whether it was right before.
fn withdrawn(view: &View) -> String {
    let by = view.withdrawn.as_ref().map_or_else(
        || "by whom and when the log tells".to_owned(),
        |done| {
            let approved = done.approved_by.as_ref().filter(|by| **by != done.by);
            let approved = approved.map_or(String::new(), |by| format!(", approved by {by}"));
            format!("asked for by {}{approved}, at {}", done.by, done.at)
        },
    );
    let why = if view.erroneous {
        "it should never have been expected"
    } else {
        "nothing is expected any more"
    };
    format!("{by}: {why}")
}

/// What made a link, in words.
fn linked_how(account: &Account) -> String {
    let source = &account.source;
    match account.rule {
        LinkRule::Person if source.is_empty() => " by a person".to_owned(),
        LinkRule::Person => format!(" by {source}"),
        LinkRule::Stated if source.is_empty() => " by the notice".to_owned(),
        LinkRule::Stated => format!(" by a notice of {source}"),
        LinkRule::Mapping => " by the list subjects.accounts".to_owned(),
        LinkRule::MappingFile => " by the mapping file".to_owned(),
        LinkRule::MappingQuery => " by the mapping query".to_owned(),
        LinkRule::Template if source.is_empty() => " by a template".to_owned(),
        LinkRule::Template => format!(" by template {source}"),
        LinkRule::SameName => " since it bears the name of a linked role".to_owned(),
    }
}

/// The newest answer, and what was found.
fn print_found(view: &View) {
    if view.verdict.is_none() {
        println!("not looked at yet");
    }
    if let (Some(verdict), Some(as_of)) = (view.verdict, view.as_of) {
        println!("{} since the look of {as_of}", output::headline(verdict));
        if let Some(newest) = view.looked_at.filter(|newest| *newest > as_of) {
            let found = match verdict {
                Verdict::Revoked | Verdict::Residual => "found the same",
                Verdict::Inconclusive => "could not tell either",
            };
            println!("  the newest look, of {newest}, {found}");
        }
        if verdict == Verdict::Inconclusive && !view.residual.is_empty() {
            println!("  found before that, and maybe there still:");
        }
    }
    if several_targets(view) {
        output::print_residual_of_targets(&view.residual);
    } else {
        output::print_residual(&view.residual);
    }
}

/// Whether the accounts are on more than one target, so that a finding has to say which.
fn several_targets(view: &View) -> bool {
    let of_accounts = view.accounts.iter().map(|account| account.target.as_str());
    let of_findings = view.residual.iter().map(|found| found.account.target.as_str());
    of_accounts.chain(of_findings).collect::<BTreeSet<_>>().len() > 1
}

/// What a second person is asked to agree to.
fn print_asked(request: &Request) {
    let deadlines = request.deadlines.as_ref();
    for (name, time) in [
        ("effective", request.effective_at),
        ("login by", deadlines.and_then(|times| times.login)),
        ("all gone by", deadlines.and_then(|times| times.access)),
        ("rotated by", deadlines.and_then(|times| times.credentials)),
    ] {
        if let Some(time) = time {
            line("", &format!("{name} {time}"));
        }
    }
    if let Some(why) = &request.why {
        line("", &format!("why: {why}"));
    }
}

/// What people attest: below what was verified, and not a part of it.
fn print_attested(view: &View) {
    if !view.attested.is_empty() {
        println!("attested by people, and verified by nobody");
    }
    for item in &view.attested {
        let said = match &item.attested {
            None => format!("nobody has attested it yet; due {}", item.due_at),
            Some(word) => {
                let note = word.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
                format!("by {} at {}{note}", word.by, word.at)
            }
        };
        let text = format!("{} ({}): {said}", shown(&item.what), shown(&item.item));
        output::print_line("  ", &shown(&text));
    }
}

/// Who called an emergency, and who approved it.
fn emergency(called: &emergency::Standing) -> String {
    let (by, due, id) = (&called.requested_by, called.approval_due_at, &called.id);
    match (&called.approved_by, called.approved_at) {
        (Some(approver), Some(at)) if approver == by => {
            format!("called and self-approved by {by} at {at}")
        }
        (Some(approver), Some(at)) => {
            let late = if at >= due { ", too late" } else { "" };
            format!("called by {by}, approved by {approver} at {at}{late}")
        }
        _ if called.overdue => {
            format!("called by {by}; nobody approved it by {due}, which is overdue: {id}")
        }
        _ => format!("called by {by}; somebody else has to approve it by {due}: {id}"),
    }
}

/// A line under the heading.
fn line(label: &str, text: &str) {
    output::print_line(&format!("  {label:<12} "), &shown(text));
}

/// What is known of a shared password, and who tried the old one.
fn print_credential(view: &View, standing: &Standing) {
    let account = view.accounts.iter().find(|account| standing.is_of(account));
    let role =
        account.map_or_else(|| format!("OID {}", standing.oid), |account| account.role.clone());
    let name = format!("{}/{role}", standing.target);
    let since = standing.since;
    let first = standing.first_read_at.unwrap_or(since);
    let said = match standing.change {
        Change::Unread => "whether it changes may not be read".to_owned(),
        Change::Unknown => format!(
            "whether it was changed before {first} is not known, since it could not be read then; not since"
        ),
        Change::Unchanged => format!("not changed since the first look, at {first}"),
        Change::Changed => format!("changed, as seen at {since}"),
    };
    line("password", &format!("{name}: {said}"));
    for probe in &standing.probes {
        let current = if probe.credential == since { "" } else { ", of an earlier password" };
        let (finding, at, by, path) = (probe.finding, probe.at, &probe.by, probe.path.in_words());
        line("old secret", &format!("{finding} at {at}, says {by}{current}: {path}"));
    }
}
