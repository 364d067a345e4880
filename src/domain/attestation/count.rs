//! From what was replayed to numbers.

use super::replay::{Counts, Replay};
use super::track::{Track, is_open};
use super::{
    Blindness, Exceptions, FromSource, Item, LISTED, Met, Outcome, Period, Population, Relapses,
    Timeliness,
};
use crate::domain::milestone::Milestone;
use crate::domain::revocation::{Kind, Reason, State};
use std::collections::{BTreeMap, BTreeSet};

/// The numbers of a period.
pub(super) struct Counted {
    pub(super) population: Population,
    pub(super) timeliness: Vec<Timeliness>,
    pub(super) outcome: Outcome,
    pub(super) relapses: Relapses,
    pub(super) exceptions: Exceptions,
    pub(super) blindness: Blindness,
    pub(super) config_changes: u64,
    period: Period,
    tracks: BTreeMap<String, Track>,
}

/// Counts what the records told.
pub(super) fn count(replay: Replay) -> Counted {
    let period = replay.period();
    let Replay { mut tracks, permits, mut exceptions, targets, counts, .. } = replay;
    let verified = tracks.values().filter(|track| track.state(period.to) == State::Verified);
    let verified_in_all = number(verified.count());
    let all: Vec<&Track> = tracks.values().collect();
    let timeliness = Milestone::ALL.iter().map(|one| timeliness(*one, &all, &period));
    let timeliness = timeliness.filter(|one| one.due > 0 || one.overdue_before > 0).collect();
    tracks.retain(|_, track| track.is_of(&period));
    for permit in permits.values() {
        exceptions.in_force += u64::from(permit.in_force);
        let over = permit.in_force && permit.until.is_some_and(|until| until < period.to);
        exceptions.over_limit += u64::from(over);
        exceptions.unreviewed += u64::from(permit.review_at.is_some_and(|at| at < period.to));
    }
    Counted {
        population: population(&tracks, &period),
        timeliness,
        outcome: outcome(&tracks, &period, &counts, verified_in_all),
        relapses: relapses(&tracks, &period, &counts),
        exceptions,
        blindness: Blindness {
            deadlines: counts.blind_deadlines,
            blind_us: counts.blind_us,
            targets: targets
                .into_iter()
                .filter(|(_, one)| one.deadlines > 0 || one.canary_missed > 0 || one.canary_missing)
                .collect(),
            open_now: 0,
        },
        config_changes: counts.config_changes,
        period,
        tracks,
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn population(tracks: &BTreeMap<String, Track>, period: &Period) -> Population {
    let zeros = |words: Vec<&str>| words.into_iter().map(|word| (word.to_owned(), 0)).collect();
    let mut found = Population {
        by_kind: zeros(Kind::ALL.iter().map(|kind| kind.as_str()).collect()),
        by_reason: zeros(Reason::ALL.iter().map(|reason| reason.as_str()).collect()),
        ..Population::default()
    };
    let mut subjects: BTreeSet<&str> = BTreeSet::new();
    let mut of_source: BTreeMap<&str, (FromSource, BTreeSet<&str>)> = BTreeMap::new();
    for track in tracks.values() {
        match track.begun(period) {
            Some(state) if is_open(state) => found.carried += 1,
            Some(_) => found.came_back += 1,
            None => {
                found.opened += 1;
                subjects.insert(&track.subject);
                *found.by_kind.entry(track.kind.to_string()).or_default() += 1;
                *found.by_reason.entry(track.reason.to_string()).or_default() += 1;
                let (source, known) = of_source.entry(&track.source).or_default();
                source.revocations += 1;
                source.told_late += u64::from(track.received_at > track.effective_at);
                known.insert(&track.subject);
            }
        }
    }
    found.subjects = number(subjects.len());
    found.by_source = of_source
        .into_iter()
        .map(|(name, (source, known))| {
            (name.to_owned(), FromSource { subjects: number(known.len()), ..source })
        })
        .collect();
    found
}

fn timeliness(milestone: Milestone, tracks: &[&Track], period: &Period) -> Timeliness {
    let words = Met::ALL.iter().filter(|met| **met != Met::NotDue);
    let mut met: BTreeMap<String, u64> = words.map(|met| (met.to_string(), 0)).collect();
    let (mut due, mut overdue_before, mut settled) = (0, 0, 0);
    let mut took = Vec::new();
    for track in tracks {
        let (before, after) = track.overdue(milestone, period);
        overdue_before += u64::from(before);
        settled += u64::from(before && !after);
        for (goal, lasted) in track.goals(period) {
            if goal.milestone != milestone || !period.has(goal.deadline) {
                continue;
            }
            due += 1;
            *met.entry(goal.met.to_string()).or_default() += 1;
            if goal.met_at.is_some() {
                took.push(lasted);
            }
        }
    }
    took.sort_unstable();
    let middle = took.len().checked_sub(1).map(|last| last / 2);
    Timeliness {
        milestone,
        due,
        met,
        median_us: middle.and_then(|middle| took.get(middle).copied()),
        worst_us: took.last().copied(),
        overdue_before,
        settled,
    }
}

fn outcome(
    tracks: &BTreeMap<String, Track>,
    period: &Period,
    counts: &Counts,
    verified_in_all: u64,
) -> Outcome {
    let mut at_end: BTreeMap<String, u64> =
        State::ALL.iter().map(|state| (state.to_string(), 0)).collect();
    for track in tracks.values() {
        *at_end.entry(track.state(period.to).to_string()).or_default() += 1;
    }
    Outcome {
        at_end,
        overdue: number(tracks.values().filter(|track| track.is_overdue()).count()),
        verified: counts.verified,
        withdrawn: counts.withdrawn,
        erroneous: counts.erroneous,
        verified_in_all,
    }
}

fn relapses(tracks: &BTreeMap<String, Track>, period: &Period, counts: &Counts) -> Relapses {
    let again = |track: &&Track| track.regressions > 0 && track.state(period.to) == State::Verified;
    Relapses {
        regressions: counts.regressions,
        verified_again: number(tracks.values().filter(again).count()),
        uses: counts.uses,
        break_glass_uses: counts.break_glass_uses,
        doubted: counts.doubted,
    }
}

impl Counted {
    /// The revocations by when they were accepted, and how many are left out.
    pub(super) fn listed(&self) -> (Vec<Item>, u64) {
        let mut all: Vec<(&String, &Track)> = self.tracks.iter().collect();
        all.sort_by_key(|(_, track)| track.first_seq);
        let left = all.len().saturating_sub(LISTED);
        let items = all.into_iter().take(LISTED).map(|(id, track)| track.item(id, &self.period));
        (items.collect(), number(left))
    }
}
