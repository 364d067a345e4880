//! What a sweep says: a reminder for each team, and how many stand where.

use super::{Consumer, Standing, Tone};
use crate::domain::time::UtcTime;
use std::collections::BTreeMap;
use std::time::Duration;

/// A consumer, and its id in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// What is known of it.
    pub consumer: Consumer,
}

/// One message to one team about all of its consumers that are late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nudge {
    /// Whose they are.
    pub team: String,
    /// How it is said, and who hears it: as the worst of them asks for.
    pub tone: Tone,
    /// Ids of the consumers, the latest first.
    pub consumers: Vec<String>,
}

/// The reminders of a sweep at `now` for those teams of which `due` says so.
#[must_use]
pub fn nudges(
    all: &[Kept],
    bounds: [Duration; 3],
    now: UtcTime,
    due: impl Fn(&str) -> bool,
) -> Vec<Nudge> {
    let mut teams: BTreeMap<&str, Vec<(Duration, Tone, &str)>> = BTreeMap::new();
    for one in all {
        let Some(overdue) = one.consumer.overdue(now) else { continue };
        let tone = Tone::of(overdue, bounds).after(one.consumer.nudges);
        teams.entry(&one.consumer.team).or_default().push((overdue, tone, &one.id));
    }
    let late = teams.into_iter().filter(|(team, _)| due(team));
    late.map(|(team, mut consumers)| {
        consumers.sort_by(|a, b| b.cmp(a));
        Nudge {
            team: team.to_owned(),
            tone: consumers.iter().map(|(_, tone, _)| *tone).max().unwrap_or(Tone::Polite),
            consumers: consumers.into_iter().map(|(_, _, id)| id.to_owned()).collect(),
        }
    })
    .collect()
}

/// How many stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By standing.
    pub standing: BTreeMap<&'static str, u64>,
    /// Of those that somebody has to act upon, the late ones by bucket.
    pub late: BTreeMap<&'static str, u64>,
    /// All of them.
    pub total: u64,
}

/// Counts `all`, by the standing that `shown` says of each.
#[must_use]
pub fn tally<'a>(
    all: impl IntoIterator<Item = (&'a Consumer, Standing)>,
    bounds: [Duration; 3],
    now: UtcTime,
) -> Tally {
    let mut tally = Tally::default();
    tally.standing.extend(Standing::ALL.iter().map(|one| (one.as_str(), 0)));
    tally.late.extend(Tone::ALL.iter().map(|one| (one.as_str(), 0)));
    for (consumer, standing) in all {
        tally.total += 1;
        *tally.standing.entry(standing.as_str()).or_default() += 1;
        if standing.is_outstanding() && now > consumer.deadline {
            let bucket = Tone::of(now.since(consumer.deadline), bounds);
            *tally.late.entry(bucket.as_str()).or_default() += 1;
        }
    }
    tally
}
