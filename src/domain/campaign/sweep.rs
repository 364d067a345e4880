//! What a sweep says: a reminder for each team, and how many stand where.

use super::{Consumer, Hand, Hearer, Standing, Tone};
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

/// One message to one team about all of its consumers that are late, or to others about those that it has in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nudge {
    /// Whose they are.
    pub team: String,
    /// How it is said, and who hears it: as the worst of them asks for.
    pub tone: Tone,
    /// Ids of the consumers, the latest first.
    pub consumers: Vec<String>,
    /// Somebody has them in hand: nobody up to these is told.
    pub in_hand: Option<Hearer>,
}

impl Nudge {
    /// Whether it is for them.
    #[must_use]
    pub fn is_for(&self, who: Hearer) -> bool {
        who.hears(self.tone, self.in_hand)
    }
}

/// By how much a consumer is late, how that is said, and its id.
type Late<'a> = (Duration, Tone, &'a str);

/// The reminders of a sweep at `now` for those teams of which `due` says so. `hand` says what somebody has in hand: of that,
/// only who is told later is reminded, once it is late enough.
#[must_use]
pub fn nudges(
    all: &[Kept],
    bounds: [Duration; 3],
    now: UtcTime,
    due: impl Fn(&str) -> bool,
    hand: impl Fn(&str) -> Option<Hand>,
) -> Vec<Nudge> {
    let mut teams: BTreeMap<(&str, Option<Hearer>), Vec<Late<'_>>> = BTreeMap::new();
    for one in all {
        let (consumer, team) = (&one.consumer, one.consumer.team.as_str());
        let Some(overdue) = consumer.overdue(now) else { continue };
        let tone = Tone::of(overdue, bounds).after(consumer.nudges);
        let held = hand(team).filter(|hand| consumer.was_overdue(hand.at));
        let in_hand = held.map(|hand| hand.asked_in);
        if tone.last().hears(tone, in_hand) {
            teams.entry((team, in_hand)).or_default().push((overdue, tone, &one.id));
        }
    }
    let late = teams.into_iter().filter(|((team, _), _)| due(team));
    late.map(|((team, in_hand), mut consumers)| {
        consumers.sort_by(|a, b| b.cmp(a));
        Nudge {
            team: team.to_owned(),
            tone: consumers.iter().map(|(_, tone, _)| *tone).max().unwrap_or(Tone::Polite),
            consumers: consumers.into_iter().map(|(_, _, id)| id.to_owned()).collect(),
            in_hand,
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
