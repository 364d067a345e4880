//! `revoked campaign`: rotation campaigns, and who still uses an old credential.

mod sweep;

use super::client::{Reach, Where};
use super::output;
use super::output::{Output, Rows, print_table, shown};
use super::{exit, values};
use crate::domain::campaign::Standing;
use crate::domain::time::UtcTime;
use crate::http::campaigns::{CampaignView, ConsumerView};
use crate::intake::campaign::Claim;
use anyhow::{Error, Result, anyhow};

/// Rotation campaigns: list, show, confirm a consumer, sweep
///
/// A campaign is in the configuration (`chaser`). The agent reminds teams whose consumers are not on
/// the new credential after the deadline, until they are seen to use it.
///
/// Exit status: 0 nothing is overdue, or done; 2 consumers are overdue (list, show); 1 refused, or the agent cannot be
/// reached.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    List(List),
    Show(Show),
    Confirm(Confirm),
    Sweep(sweep::Arguments),
}

/// List campaigns, and how their consumers stand
///
/// Exit status: 0 nothing is overdue; 2 some consumers are, or a list could not be read; 1 the agent cannot be reached.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    at: Where,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Show a campaign's consumers
///
/// STATE is one of these:
///   pending   nobody said or saw that it uses the new credential
///   reopened  it used the old one after it was claimed or closed
///   claimed   somebody says that it uses the new one; nobody saw it
///   closed    it was seen to use the new one, and not the old one since
///   unlisted  it is in the list no more, and was never seen to use the new one
///
/// Exit status: 0 nothing is overdue; 2 some consumers are, or the list could not be read; 1 there is no such campaign, or
/// the agent cannot be reached.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Show {
    #[command(flatten)]
    at: Where,

    /// Name of the campaign
    #[arg(value_parser = values::text)]
    campaign: String,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Say that a consumer uses the new credential
///
/// It is not chased any more. It is closed once it is seen to use the new credential; use of the old one opens it again.
/// With --withdraw that is taken back, whoever said it, and it is chased again.
///
/// Exit status: 0 said, or taken back, and that is in the log; 1 there is no such campaign or consumer, or the agent cannot be reached.
#[derive(Debug, clap::Args)]
pub(super) struct Confirm {
    #[command(flatten)]
    at: Where,

    /// Name of the campaign
    #[arg(value_parser = values::text)]
    campaign: String,

    /// The consumer, as the list of the campaign calls it
    #[arg(value_parser = values::text)]
    consumer: String,

    /// It does not: the claim is taken back
    #[arg(long)]
    withdraw: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<u8> {
    match command {
        Command::List(arguments) => list(arguments).await,
        Command::Show(arguments) => show(arguments).await,
        Command::Confirm(arguments) => confirm(arguments).await,
        Command::Sweep(arguments) => sweep::run(arguments).await,
    }
}

fn status(late: bool) -> u8 {
    if late { exit::RESIDUAL } else { exit::OK }
}

async fn list(arguments: List) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let all = reach.campaigns().await;
    reach.leave().await?;
    let all = all?;
    arguments.output.print(&all, || campaign_rows(&all), || print_campaigns(&all))?;
    Ok(status(all.iter().any(|one| one.overdue > 0 || !one.list_error.is_empty())))
}

async fn show(arguments: Show) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let found = match reach.campaign(&arguments.campaign).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(none(&reach, &arguments.campaign, None).await),
        Err(error) => Err(error),
    };
    reach.leave().await?;
    let found = found?;
    let consumers = &found.consumers;
    arguments.output.print(
        &found,
        || consumer_rows(consumers),
        || {
            print_campaigns(std::slice::from_ref(&found.campaign));
            for (team, known) in &found.campaign.acknowledged {
                output::print_line(&format!("team {}: ", shown(team)), &shown(&known.sentence()));
            }
            println!();
            print_consumers(consumers);
        },
    )?;
    let campaign = &found.campaign;
    Ok(status(campaign.overdue > 0 || !campaign.list_error.is_empty()))
}

async fn confirm(arguments: Confirm) -> Result<u8> {
    let Confirm { at, campaign, consumer, withdraw, output } = arguments;
    let body = serde_json::to_vec(&Claim { consumer: consumer.clone(), withdraw })?;
    let reach = at.reach().await?;
    let found = match reach.confirm_consumer(&campaign, body).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(none(&reach, &campaign, Some(&consumer)).await),
        Err(error) => Err(error),
    };
    reach.leave().await?;
    let found = found?;
    let all = std::slice::from_ref(&found);
    output.print(
        &found,
        || consumer_rows(all),
        || {
            println!("{}: {}", shown(&found.consumer), found.state);
            match (found.state, withdraw) {
                (Standing::Claimed, _) => {
                    println!("it is closed once it is seen to use the new credential");
                }
                (Standing::Unlisted, _) => println!("the list of the campaign names it no more"),
                (Standing::Closed, true) => {
                    println!("it was seen to use the new credential: that is nobody's word");
                }
                (Standing::Pending | Standing::Reopened, true) => {
                    println!("nobody's word stands for it: its team is reminded once it is late");
                }
                (Standing::Pending | Standing::Reopened | Standing::Closed, false) => {}
            }
        },
    )?;
    Ok(exit::OK)
}

/// There is no such campaign, or no such consumer in it; and what there is.
async fn none(reach: &Reach, campaign: &str, consumer: Option<&str>) -> Error {
    let known = reach.campaigns().await.unwrap_or_default();
    let names: Vec<&str> = known.iter().map(|one| one.name.as_str()).collect();
    let name = shown(campaign);
    match consumer.filter(|_| names.contains(&campaign)) {
        Some(consumer) => anyhow!(
            "campaign {name} has no consumer {}; `revoked campaign show {name}` lists them",
            shown(consumer)
        ),
        None => none_but(campaign, &names),
    }
}

/// There is no campaign of this name, but others.
fn none_but(campaign: &str, others: &[&str]) -> Error {
    let name = shown(campaign);
    if others.is_empty() {
        return anyhow!(
            "there is no campaign {name}: chaser.campaigns of the configuration has none"
        );
    }
    anyhow!("there is no campaign {name}; there are: {}", others.join(", "))
}

fn at(time: Option<UtcTime>) -> String {
    time.map(|at| at.to_string()).unwrap_or_default()
}

/// To the minute, as people read it, in UTC.
fn minute(time: Option<UtcTime>) -> String {
    let Some(time) = time else { return "-".to_owned() };
    let text = time.to_string();
    text.get(..16).map_or_else(|| text.clone(), |minute| minute.replace('T', " ") + "Z")
}

fn campaign_rows(all: &[CampaignView]) -> Rows {
    let row = |one: &CampaignView| {
        let count = |state: Standing| one.consumers.get(state.as_str()).copied().unwrap_or(0);
        let mut row = vec![one.name.clone(), one.old.clone(), one.new.clone()];
        row.extend([one.deadline.to_string(), at(one.swept_at), one.list_error.clone()]);
        row.extend(Standing::ALL.iter().map(|state| count(*state).to_string()));
        row.push(one.overdue.to_string());
        row
    };
    Rows {
        header: &[
            "name",
            "old",
            "new",
            "deadline",
            "swept_at",
            "list_error",
            "pending",
            "reopened",
            "claimed",
            "closed",
            "unlisted",
            "overdue",
        ],
        rows: all.iter().map(row).collect(),
    }
}

fn consumer_rows(all: &[ConsumerView]) -> Rows {
    let row = |one: &ConsumerView| {
        vec![
            one.consumer.clone(),
            one.id.clone(),
            one.team.clone(),
            one.deadline.to_string(),
            one.state.to_string(),
            one.bucket.map(|bucket| bucket.to_string()).unwrap_or_default(),
            one.nudges.to_string(),
            at(one.nudged_at),
            at(one.claimed_at),
            at(one.closed_at),
            at(one.old_used_at),
            at(one.new_used_at),
        ]
    };
    Rows {
        header: &[
            "consumer",
            "id",
            "team",
            "deadline",
            "state",
            "bucket",
            "nudges",
            "nudged_at",
            "claimed_at",
            "closed_at",
            "old_used_at",
            "new_used_at",
        ],
        rows: all.iter().map(row).collect(),
    }
}

fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    print_table(&table);
}

fn print_campaigns(all: &[CampaignView]) {
    if all.is_empty() {
        println!("no campaigns");
        return;
    }
    let rows = all.iter().map(|one| {
        let count = |state: Standing| one.consumers.get(state.as_str()).copied().unwrap_or(0);
        let open = count(Standing::Pending) + count(Standing::Reopened);
        let total: u64 = one.consumers.values().sum();
        vec![
            one.name.clone(),
            minute(Some(one.deadline)),
            open.to_string(),
            one.overdue.to_string(),
            count(Standing::Claimed).to_string(),
            format!("{}/{total}", count(Standing::Closed)),
            count(Standing::Unlisted).to_string(),
            minute(one.swept_at),
        ]
    });
    let header =
        ["CAMPAIGN", "DEADLINE", "OPEN", "OVERDUE", "CLAIMED", "CLOSED", "UNLISTED", "SWEPT"];
    table(&header, rows);
    for one in all.iter().filter(|one| !one.list_error.is_empty()) {
        println!("{}: its list cannot be read: {}", one.name, shown(&one.list_error));
    }
}

fn print_consumers(all: &[ConsumerView]) {
    let rows = all.iter().map(|one| {
        vec![
            shown(&one.consumer),
            one.team.clone(),
            one.state.to_string(),
            minute(Some(one.deadline)),
            one.bucket.map_or_else(|| "-".to_owned(), |bucket| bucket.to_string()),
            one.nudges.to_string(),
            minute(one.old_used_at),
            minute(one.new_used_at),
        ]
    });
    let header =
        ["CONSUMER", "TEAM", "STATE", "DEADLINE", "LATE", "REMINDERS", "OLD SEEN", "NEW SEEN"];
    table(&header, rows);
}
