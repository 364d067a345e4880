//! `chaser`: rotation campaigns, and who is reminded of them.

mod campaigns;

pub use campaigns::{Campaign, ConsumerList, Tracker};

use super::check::Reader;
use super::slack::is_channel;
use super::{ConfigError, TargetConfig};
use crate::domain::campaign::{Day, Quiet, Schedule};
use jiff::civil::Time;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const DAY: u64 = 86_400;
/// A second, to try it out, to a week.
const EVERY: (u64, u64) = (1, 7 * DAY);
/// Days of the week as the file names them, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// How the route of the digest is called, and of what is told to security.
const SECURITY: &str = "security";

/// Rotation campaigns: consumers of an old credential are reminded until they are seen to use the new one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChaserFile {
    /// Time between two sweeps, 1s to 7d; 1d without it. From one day on, whole days.
    every: Option<String>,
    /// Time of day of the sweep, as 09:00; that without it.
    at: Option<String>,
    /// Zone of that time, and of teams without one of their own (IANA name); time_zone of the file without it.
    time_zone: Option<String>,
    /// Where the second, third and fourth bucket of what is overdue begin; [1d, 3d, 7d] without it.
    buckets: Option<Vec<String>>,
    /// Hours in which no team is reminded, as 18:00-08:00, in its zone; none without it.
    quiet_hours: Option<String>,
    /// Days on which no team is reminded, such as [sat, sun]; none without it.
    #[serde(default)]
    quiet_days: Vec<String>,
    /// Id of the Slack channel of the security lead: the digest of each sweep, and what is most overdue.
    security: Option<String>,
    /// How teams are told, by name.
    #[serde(default)]
    teams: BTreeMap<String, TeamFile>,
    /// Campaigns, by name.
    campaigns: BTreeMap<String, campaigns::CampaignFile>,
}

/// How a team is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TeamFile {
    /// Id of its Slack channel; slack.channel without it.
    channel: Option<String>,
    /// Id of the Slack channel, or member, who leads it; that of the team without it.
    lead: Option<String>,
    /// Zone in which its hours and times are meant (IANA name).
    time_zone: Option<String>,
    /// Its own quiet hours.
    quiet_hours: Option<String>,
    /// Its own quiet days.
    quiet_days: Option<Vec<String>>,
}

/// Campaigns, and who is told of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chaser {
    /// When sweeps are due.
    pub schedule: Schedule,
    /// Where the second, third and fourth bucket begin.
    pub bounds: [Duration; 3],
    /// When no team is reminded that has no hours of its own.
    pub quiet: Quiet,
    /// Channel of the security lead.
    pub security: Option<String>,
    /// How teams are told.
    pub teams: BTreeMap<String, Team>,
    /// Campaigns.
    pub campaigns: Vec<Campaign>,
}

/// How a team is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its channel.
    pub channel: Option<String>,
    /// That of its lead.
    pub lead: Option<String>,
    /// Its zone.
    pub zone: String,
    /// When it is not reminded.
    pub quiet: Quiet,
}

impl Chaser {
    /// The campaign called `name`.
    #[must_use]
    pub fn campaign(&self, name: &str) -> Option<&Campaign> {
        self.campaigns.iter().find(|campaign| campaign.name == name)
    }

    /// Zone of a team.
    #[must_use]
    pub fn zone_of(&self, team: &str) -> &str {
        self.teams.get(team).map_or(&self.schedule.zone, |team| &team.zone)
    }

    /// Whether a team is not to be disturbed at `now`.
    #[must_use]
    pub fn is_quiet(&self, team: &str, now: crate::domain::time::UtcTime) -> bool {
        let quiet = self.teams.get(team).map_or(&self.quiet, |team| &team.quiet);
        quiet.holds(self.zone_of(team), now)
    }

    /// Channels by what is told there: `team:NAME`, `lead:NAME` and `security`. What is not here goes where everything
    /// goes.
    pub(super) fn routes(&self) -> BTreeMap<String, String> {
        let mut routes = BTreeMap::new();
        for (name, team) in &self.teams {
            let lead = team.lead.as_ref().or(team.channel.as_ref());
            for (kind, channel) in [("team", team.channel.as_ref()), ("lead", lead)] {
                routes.extend(channel.map(|id| (format!("{kind}:{name}"), id.clone())));
            }
        }
        routes.extend(self.security.as_ref().map(|id| (SECURITY.to_owned(), id.clone())));
        routes
    }
}

impl Reader<'_> {
    /// Checks the section `chaser`. `zone` is the one of the file.
    pub(super) fn chaser(
        &mut self,
        file: Option<ChaserFile>,
        zone: Option<&str>,
        targets: &[TargetConfig],
    ) -> Result<Option<Chaser>, ConfigError> {
        let Some(file) = file else { return Ok(None) };
        let every = self.duration("chaser.every", file.every, Duration::from_secs(DAY), EVERY)?;
        if every.as_secs() > DAY && every.as_secs() % DAY != 0 {
            let why = "from one day on, whole days, such as 1d or 7d";
            return Err(self.wrong("chaser.every", why));
        }
        let at = file.at.unwrap_or_else(|| "09:00".to_owned());
        let at = self.time_of_day("chaser.at", &at)?;
        let own = self.zone("chaser.time_zone", file.time_zone)?;
        let zone = own.as_deref().or(zone).unwrap_or("UTC").to_owned();
        let quiet = Quiet {
            hours: self.hours("chaser.quiet_hours", file.quiet_hours)?,
            days: self.days("chaser.quiet_days", &file.quiet_days)?,
        };
        self.channel("chaser.security", file.security.as_ref())?;
        let mut teams = BTreeMap::new();
        for (name, team) in file.teams {
            teams.insert(
                name.clone(),
                self.team(&format!("chaser.teams.{name}"), team, &zone, &quiet)?,
            );
        }
        let mut campaigns = Vec::new();
        for (name, campaign) in file.campaigns {
            campaigns.push(self.campaign(name, campaign, &zone, targets)?);
        }
        Ok(Some(Chaser {
            schedule: Schedule { every, at, zone },
            bounds: self.bounds(file.buckets)?,
            quiet,
            security: file.security,
            teams,
            campaigns,
        }))
    }

    fn team(
        &self,
        key: &str,
        file: TeamFile,
        zone: &str,
        quiet: &Quiet,
    ) -> Result<Team, ConfigError> {
        self.channel(&format!("{key}.channel"), file.channel.as_ref())?;
        self.channel(&format!("{key}.lead"), file.lead.as_ref())?;
        let own = self.zone(&format!("{key}.time_zone"), file.time_zone)?;
        let hours = self.hours(&format!("{key}.quiet_hours"), file.quiet_hours)?;
        let days = file.quiet_days.map(|days| self.days(&format!("{key}.quiet_days"), &days));
        Ok(Team {
            channel: file.channel,
            lead: file.lead,
            zone: own.unwrap_or_else(|| zone.to_owned()),
            quiet: Quiet {
                hours: hours.or(quiet.hours),
                days: days.transpose()?.unwrap_or_else(|| quiet.days.clone()),
            },
        })
    }

    fn channel(&self, key: &str, id: Option<&String>) -> Result<(), ConfigError> {
        let Some(id) = id.filter(|id| !is_channel(id)) else { return Ok(()) };
        let why = format!(
            "the id of a channel or member, as C0123456789 or U0123456789, not `{id}`; a name may become another's"
        );
        Err(self.wrong(key, why))
    }

    fn time_of_day(&self, key: &str, text: &str) -> Result<Time, ConfigError> {
        time_of_day(text).ok_or_else(|| {
            self.wrong(key, format!("a time of day with two digits each, as 09:00, not `{text}`"))
        })
    }

    fn hours(&self, key: &str, text: Option<String>) -> Result<Option<(Time, Time)>, ConfigError> {
        let Some(text) = text else { return Ok(None) };
        let read = text.split_once('-');
        let read =
            read.and_then(|(from, to)| Some((time_of_day(from.trim())?, time_of_day(to.trim())?)));
        let Some((from, to)) = read else {
            let why = format!(
                "from when to when, as 18:00-08:00 (over midnight, too), with two digits each, not `{text}`"
            );
            return Err(self.wrong(key, why));
        };
        if from == to {
            let why = format!("`{text}` begins when it ends; leave the key out for no quiet hours");
            return Err(self.wrong(key, why));
        }
        Ok(Some((from, to)))
    }

    fn days(&self, key: &str, names: &[String]) -> Result<BTreeSet<Day>, ConfigError> {
        let mut days = BTreeSet::new();
        for name in names {
            let place = DAYS.iter().position(|day| day == name);
            let day = place.and_then(|place| Day::try_from(place + 1).ok());
            let known = || format!("days are {}, as in [sat, sun], not `{name}`", DAYS.join(", "));
            days.insert(day.ok_or_else(|| self.wrong(key, known()))?);
        }
        if days.len() == DAYS.len() {
            return Err(
                self.wrong(key, "every day is quiet, so that nobody would ever be reminded")
            );
        }
        Ok(days)
    }

    fn bounds(&self, texts: Option<Vec<String>>) -> Result<[Duration; 3], ConfigError> {
        const KEY: &str = "chaser.buckets";
        let Some(texts) = texts else {
            return Ok([1, 3, 7].map(|days| Duration::from_secs(days * DAY)));
        };
        let said = texts.join(", ");
        let mut read = Vec::new();
        for text in texts {
            read.push(self.duration(KEY, Some(text), Duration::ZERO, (1, 3_700 * DAY))?);
        }
        let three: Option<[Duration; 3]> = read.try_into().ok();
        let rising = three.filter(|[first, second, third]| first < second && second < third);
        rising.ok_or_else(|| {
            let why = "three times, each later than the one before, as [1d, 3d, 7d]";
            self.wrong(KEY, format!("{why}, not [{said}]"))
        })
    }
}

/// A time of day as 09:00.
fn time_of_day(text: &str) -> Option<Time> {
    let plain = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
#[path = "chaser/tests.rs"]
mod tests;
