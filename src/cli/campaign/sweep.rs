//! `revoked campaign sweep`: going through a campaign now, or saying what that would tell.

use super::super::client::{Sweep, Where};
use super::super::doctor::store::open_read_only;
use super::super::output::{Output, Rows, shown};
use super::super::status::in_words;
use super::super::{exit, values};
use super::{campaign_rows, minute, none, none_but, print_campaigns};
use crate::clock;
use crate::config::Config;
use crate::domain::campaign::{Hearer, Kept, Nudge, Tone};
use crate::domain::time::UtcTime;
use crate::http::campaigns::CampaignView;
use crate::reconcile::{Preview, preview};
use anyhow::{Context as _, Result};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use std::collections::BTreeMap;

/// Sweep a campaign now, rather than at its next time
///
/// The agent reads the list, moves every consumer to where it stands, and reminds teams that are late, each at most one step
/// firmer than before; who has quiet hours is reminded when they are over. The record of it says who asked.
///
/// With --dry-run nothing is told, counted or written: this command reads the list by itself, and the agent's state beside a
/// running agent, and prints who would be told what. Run it as the agent's user.
///
/// Exit status: 0 swept, or printed; 3 the list could not be read, or the sweep was asked for and is not made yet; 1 there is no
/// such campaign, or no agent.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// Name of the campaign
    #[arg(value_parser = values::text)]
    campaign: String,

    /// Only say who would be told what
    #[arg(long)]
    dry_run: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    if arguments.dry_run {
        return Box::pin(dry_run(arguments)).await;
    }
    let name = &arguments.campaign;
    let reach = arguments.at.reach().await?;
    let swept = match reach.sweep(name).await {
        Ok(Some(swept)) => Ok(swept),
        Ok(None) => Err(none(&reach, name, None).await),
        Err(error) => Err(error),
    };
    reach.leave().await?;
    match swept? {
        Sweep::Asked(at) => {
            eprintln!(
                "asked for at {at}, and not made yet; `revoked campaign show {}` tells when it was",
                shown(name)
            );
            Ok(exit::INCONCLUSIVE)
        }
        Sweep::Made(view) => {
            let all: &[CampaignView] = std::slice::from_ref(&view);
            arguments.output.print(&view, || campaign_rows(all), || print_campaigns(all))?;
            Ok(if view.list_error.is_empty() { exit::OK } else { exit::INCONCLUSIVE })
        }
    }
}

/// The contract of `--dry-run -o json`.
#[derive(Debug, Serialize)]
struct Report {
    campaign: String,
    as_of: UtcTime,
    /// Why the list cannot be read; null where it can.
    list_error: Option<String>,
    reminders: Vec<Reminder>,
    standing: BTreeMap<&'static str, u64>,
    late: BTreeMap<&'static str, u64>,
    total: u64,
    /// Channel of the digest; null where nobody is told.
    digest: Option<String>,
}

#[derive(Debug, Serialize)]
struct Reminder {
    team: String,
    tone: Tone,
    /// Channels: the team's, its lead's, security's; none where nobody is told.
    channels: Vec<String>,
    /// The team has quiet hours: it would hear it when they are over.
    quiet: bool,
    /// Somebody has these in hand: only who is told later than they would hear it.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_hand: Option<Hearer>,
    consumers: Vec<Late>,
}

#[derive(Debug, Serialize)]
struct Late {
    consumer: String,
    deadline: UtcTime,
    nudges: u32,
}

async fn dry_run(arguments: Arguments) -> Result<u8> {
    let config = Config::read(&arguments.at.file.config).context(
        "--dry-run reads the list by itself: run it as the agent's user, on the agent's machine",
    )?;
    let name = &arguments.campaign;
    let chaser = config.chaser.as_ref();
    let found = chaser.and_then(|chaser| Some((chaser, chaser.campaign(name)?)));
    let Some((chaser, campaign)) = found else {
        let known = chaser.into_iter().flat_map(|chaser| &chaser.campaigns);
        let known: Vec<&str> = known.map(|one| one.name.as_str()).collect();
        return Err(none_but(name, &known));
    };
    let now = clock::now();
    let store = open_read_only(config.store.expose_secret()).await.context("reading the store")?;
    let told = preview(&store, &config, (chaser, campaign), now).await;
    store.close().await;
    let report = Report::of(name, &config, told.context("reading the store")?, now);
    arguments.output.print(&report, || report.rows(), || report.print())?;
    Ok(if report.list_error.is_none() { exit::OK } else { exit::INCONCLUSIVE })
}

impl Report {
    fn of(name: &str, config: &Config, told: Preview, now: UtcTime) -> Self {
        let Preview { list_error, consumers, nudges, tally } = told;
        let channel =
            |route: String| config.slack.as_ref().map(|slack| slack.channel_of(&route).to_owned());
        let reminder = |(nudge, quiet): (Nudge, bool)| {
            let route = |who: &Hearer| match who {
                Hearer::Team => format!("team:{}", nudge.team),
                Hearer::Lead => format!("lead:{}", nudge.team),
                Hearer::Security => "security".to_owned(),
            };
            let routes = Hearer::ALL.iter().filter(|who| nudge.is_for(**who)).map(route);
            let of = |id: &String| consumers.iter().find(|one| one.id == *id);
            let late = |one: &Kept| Late {
                consumer: one.consumer.name.clone(),
                deadline: one.consumer.deadline,
                nudges: one.consumer.nudges,
            };
            Reminder {
                channels: routes.filter_map(channel).collect(),
                in_hand: nudge.in_hand,
                consumers: nudge.consumers.iter().filter_map(of).map(late).collect(),
                team: nudge.team,
                tone: nudge.tone,
                quiet,
            }
        };
        Self {
            campaign: name.to_owned(),
            as_of: now,
            list_error,
            reminders: nudges.into_iter().map(reminder).collect(),
            standing: tally.standing,
            late: tally.late,
            total: tally.total,
            digest: channel("security".to_owned()),
        }
    }

    fn rows(&self) -> Rows {
        let of = |one: &Reminder| -> Vec<Vec<String>> {
            let row = |late: &Late| {
                vec![
                    one.team.clone(),
                    one.tone.to_string(),
                    one.channels.join(" "),
                    one.quiet.to_string(),
                    late.consumer.clone(),
                    late.deadline.to_string(),
                    late.nudges.to_string(),
                ]
            };
            one.consumers.iter().map(row).collect()
        };
        Rows {
            header: &["team", "tone", "channels", "quiet", "consumer", "deadline", "nudges"],
            rows: self.reminders.iter().flat_map(of).collect(),
        }
    }

    fn print(&self) {
        if let Some(error) = &self.list_error {
            println!("its list cannot be read, so nobody would be reminded: {}", shown(error));
        }
        for one in &self.reminders {
            let place = one.channels.join(", ");
            let place = if place.is_empty() { String::new() } else { format!(" in {place}") };
            let when = if one.quiet { ", once its quiet hours are over" } else { "" };
            let (team, tone) = (&one.team, one.tone);
            let whom = match one.in_hand {
                None => format!("team {team}"),
                Some(_) => format!("of what is in hand of team {team} others"),
            };
            println!("{whom} would be told{place}, {tone}{when}:");
            for late in &one.consumers {
                println!(
                    "  {}  due {}, late by {}, reminded {} before",
                    shown(&late.consumer),
                    minute(Some(late.deadline)),
                    in_words(self.as_of.since(late.deadline)),
                    times(late.nudges)
                );
            }
        }
        if self.reminders.is_empty() && self.list_error.is_none() {
            println!("no team would be reminded");
        }
        let counts = |of: &BTreeMap<&'static str, u64>| {
            let some = of.iter().filter(|(_, count)| **count > 0);
            some.map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
        };
        let place = self.digest.as_ref().map_or_else(String::new, |id| format!(" in {id}"));
        println!(
            "security would be told{place}: of {} consumers {}",
            self.total,
            counts(&self.standing)
        );
        if self.digest.is_none() {
            println!("nobody is told anything: the configuration has no section for Slack");
        }
        println!("nothing was told, counted or written");
    }
}

fn times(count: u32) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}
