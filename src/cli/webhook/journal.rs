//! `revoked webhook journal`.

use super::super::client::Where;
use super::super::exit;
use super::super::output::{self, Output, Rows, print_line, shown};
use super::super::values;
use crate::domain::notice::Outcome;
use crate::http::notices::{Filter, NoticePage, NoticeView};
use anyhow::Result;

/// List notices, newest first: what came in, and what became of it
///
/// Accepted and refused ones, by webhook or otherwise, each with its outcome and whom it names; never what they said. Those that were
/// refused without being kept, for want of a token say, are counted since the agent started.
///
/// Exit status: 0 listed; 1 the agent cannot be reached, or its state not be read.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// Only those that are held and wait for a person
    #[arg(long)]
    quarantined: bool,

    /// Only those of this sender
    #[arg(long, value_name = "NAME", value_parser = values::text)]
    source: Option<String>,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let filter = Filter {
        outcome: arguments.quarantined.then(|| Outcome::Quarantined.as_str().to_owned()),
        source: arguments.source.clone(),
        ..Filter::default()
    };
    let page = reach.notices(filter, arguments.limit).await?;
    reach.leave().await?;
    arguments.output.print(&page, || rows(&page), || print_table(&page))?;
    Ok(exit::OK)
}

fn faults(notice: &NoticeView) -> String {
    let said: Vec<String> = notice.errors.iter().map(ToString::to_string).collect();
    said.join("; ")
}

/// The sender's id of the event; what is known by its bytes alone has none.
fn event(notice: &NoticeView) -> String {
    if notice.event_id.starts_with("sha256:") { "-".to_owned() } else { shown(&notice.event_id) }
}

/// Whom it names.
fn who(notice: &NoticeView) -> String {
    let names = [notice.subject.as_str(), notice.username.as_str()];
    let names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).map(shown).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(" ") }
}

/// What followed from it.
fn came_to(notice: &NoticeView) -> Option<&str> {
    notice.revocation.as_deref().or(notice.checklist.as_deref())
}

fn rows(page: &NoticePage) -> Rows {
    let row = |notice: &NoticeView| {
        vec![
            notice.id.clone(),
            notice.received_at.to_string(),
            notice.source.clone(),
            notice.event_id.clone(),
            notice.event_type.clone(),
            notice.subject.clone(),
            notice.username.clone(),
            notice.outcome.to_string(),
            notice.cause.map(|cause| cause.to_string()).unwrap_or_default(),
            faults(notice),
            came_to(notice).unwrap_or_default().to_owned(),
        ]
    };
    Rows {
        header: &[
            "id",
            "received_at",
            "source",
            "event_id",
            "event_type",
            "subject",
            "username",
            "outcome",
            "cause",
            "errors",
            "revocation",
        ],
        rows: page.notices.iter().map(row).collect(),
    }
}

fn print_table(page: &NoticePage) {
    if page.notices.is_empty() {
        println!("no notices");
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "RECEIVED",
        "SOURCE",
        "EVENT",
        "TYPE",
        "SUBJECT",
        "OUTCOME",
        "NOTICE",
        "REVOCATION",
    ]);
    for notice in &page.notices {
        let kind = if notice.event_type.is_empty() { "-" } else { &notice.event_type };
        let received = notice.received_at.to_string();
        table.add_row([
            received.get(..19).unwrap_or(&received),
            &shown(&notice.source),
            &event(notice),
            &shown(kind),
            &who(notice),
            notice.outcome.as_str(),
            &notice.id,
            came_to(notice).unwrap_or("-"),
        ]);
    }
    if !page.notices.is_empty() {
        output::print_table(&table);
    }
    for notice in &page.notices {
        let held = notice.outcome == Outcome::Quarantined;
        for fault in notice.errors.iter().filter(|_| held) {
            print_line(&format!("  {} ", notice.id), &shown(&fault.to_string()));
        }
        if let (Some(by), Some(why)) = (&notice.settled_by, &notice.settled_why) {
            print_line(
                &format!("  {} ", notice.id),
                &shown(&format!("{} by {by}: {why}", notice.outcome)),
            );
        }
    }
    if let Some(held) = page.notices.iter().find(|one| one.outcome == Outcome::Quarantined) {
        print_line(
            "",
            &format!(
                "what is held is decided with: revoked webhook retry {} (once the configuration is right, or with \
                 --same-person), or revoked webhook dismiss {} --reason TEXT",
                held.id, held.id
            ),
        );
    }
    for one in &page.conflicts {
        let times = if one.times == 1 { "once".to_owned() } else { format!("{} times", one.times) };
        let said = format!(
            "event {} of {} came {times} with other content, last at {}",
            one.event_id, one.source, one.last_at
        );
        print_line("  conflict ", &shown(&said));
    }
    for one in &page.refused {
        let said = format!("{} of {} since the agent started", one.count, one.source);
        print_line(&format!("  {} ", one.outcome), &shown(&said));
    }
}
