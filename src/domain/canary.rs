//! The positive control: a role whose planted residual every honest look must find.
//!
//! A look that is silently blind (a filtered view, a proxy that answers from memory, a bug) sees nothing and
//! reports no gap, which is what proof of absence looks like. Such a look does not find the canary either.

use super::lifecycle::Life;
use super::observation::{Cause, Gap, Observation};
use super::residual::ResidualKind;
use super::revocation::State;
use super::time::UtcTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// Residual that a role without any power can have. What is not here would make the canary a door.
pub const PLANTABLE: &[ResidualKind] = &[
    ResidualKind::Membership,
    ResidualKind::AdminOption,
    ResidualKind::Ownership,
    ResidualKind::Privilege,
    ResidualKind::DefaultPrivilege,
    ResidualKind::Policy,
    ResidualKind::UserMapping,
    ResidualKind::RoleSetting,
];

/// The store learns of a detection when it is older than this part of the time allowed.
const PARTS: u32 = 8;

/// What is planted on a target, and how often it has to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// Exact role name. The role that bears it now is meant: the canary is nobody's account.
    pub role: String,
    /// Longest time between two detections.
    pub every: Duration,
    /// Kinds of residual that must be found.
    pub expect: BTreeSet<ResidualKind>,
}

/// What is remembered of a target's canary between looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Start of the first look that searched for it.
    pub since: UtcTime,
    /// Start of the newest look that found it.
    pub seen_at: Option<UtcTime>,
    /// Start of the newest look that found it and is on record. What was proved later rests on looks that
    /// nothing on record vouches for, until the next one is.
    pub good_at: Option<UtcTime>,
    /// Since when it is missed; `None` while all is well.
    pub missed_at: Option<UtcTime>,
}

/// What one look says of the canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// The look could read where it lies, and found it.
    Detected,
    /// The look could read where it lies, and these kinds were not there.
    Missing(BTreeSet<ResidualKind>),
    /// The look could not tell.
    Unknown,
}

/// What a look adds to the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It was found: for the first time, after a miss, or after the time allowed.
    Detected {
        /// Since when it had been missed.
        missed_at: Option<UtcTime>,
    },
    /// It is missed from now on.
    Missed {
        /// What a complete look did not find; empty when no look could tell for longer than allowed.
        missing: BTreeSet<ResidualKind>,
    },
}

/// What `look` says of the canary. Evidence that an earlier look read does not answer for it: it says no more than
/// that nothing told of a change.
#[must_use]
pub fn sight(canary: &Canary, look: &Observation) -> Sighting {
    // The state of the roles carries everything else.
    let rests_on = |kind| kind == ResidualKind::Login || canary.expect.contains(&kind);
    let could_look = look.server.is_some()
        && look.searched.contains(&canary.role)
        && !look.gaps.iter().any(|gap| rests_on(gap.surface));
    if !could_look {
        return Sighting::Unknown;
    }
    let planted: BTreeSet<ResidualKind> = look
        .roster
        .iter()
        .filter(|role| role.name == canary.role)
        .flat_map(|role| look.residual.iter().filter(|found| found.account.oid == role.oid))
        .map(|found| found.kind)
        .collect();
    let missing: BTreeSet<_> = canary.expect.difference(&planted).copied().collect();
    if !missing.is_empty() {
        Sighting::Missing(missing)
    } else if look.deep_at == look.started_at {
        Sighting::Detected
    } else {
        Sighting::Unknown
    }
}

impl Watch {
    /// The watch that the look begun at `at` begins.
    #[must_use]
    pub fn begun(at: UtcTime) -> Self {
        Self { since: at, seen_at: None, good_at: None, missed_at: None }
    }

    /// Whether a look that reads everything by itself is wanted at `now`. Early enough that some of them may
    /// fail before the time is over.
    #[must_use]
    pub fn due(&self, canary: &Canary, now: UtcTime) -> bool {
        let recent = |at: UtcTime| at <= now && now.since(at) < canary.every / PARTS;
        self.missed_at.is_some() || !self.seen_at.is_some_and(recent)
    }

    /// The watch after a look begun at `at`, and what it adds to the record.
    #[must_use]
    pub fn step(&self, canary: &Canary, sighting: Sighting, at: UtcTime) -> (Self, Option<News>) {
        let mut next = self.not_after(at);
        let news = match sighting {
            Sighting::Detected => {
                let stale = next.good_at.is_none_or(|good| at.since(good) >= canary.every);
                next.seen_at = Some(at);
                let missed_at = next.missed_at.take();
                (stale || missed_at.is_some()).then(|| {
                    next.good_at = Some(at);
                    News::Detected { missed_at }
                })
            }
            Sighting::Missing(missing) => next.miss(at, missing),
            Sighting::Unknown => {
                let last = next.seen_at.unwrap_or(next.since);
                (at.since(last) > canary.every).then(|| next.miss(at, BTreeSet::new())).flatten()
            }
        };
        (next, news)
    }

    fn miss(&mut self, at: UtcTime, missing: BTreeSet<ResidualKind>) -> Option<News> {
        let new = self.missed_at.is_none();
        self.missed_at.get_or_insert(at);
        new.then_some(News::Missed { missing })
    }

    /// Without times after `at`. Those are from before the clock was set back, and would put off the end of the
    /// time allowed.
    fn not_after(&self, at: UtcTime) -> Self {
        let earlier = |time: Option<UtcTime>| time.map(|time| time.min(at));
        Self {
            since: self.since.min(at),
            seen_at: earlier(self.seen_at),
            good_at: earlier(self.good_at),
            missed_at: earlier(self.missed_at),
        }
    }

    /// What nothing on record vouches for: whatever was proved after this.
    #[must_use]
    pub fn vouched_until(&self) -> UtcTime {
        self.good_at.unwrap_or(self.since)
    }

    /// What keeps every look at `target` from proving absence while the canary is missed.
    #[must_use]
    pub fn gaps(&self, canary: &Canary, target: &str) -> Vec<Gap> {
        match (self.missed_at, self.seen_at) {
            (None, _) => Vec::new(),
            (Some(_), Some(at)) => canary.gaps(target, &format!("was not found since {at}")),
            (Some(_), None) => canary.gaps(target, "was never found"),
        }
    }
}

impl Canary {
    /// What keeps `look` from proving absence, where nobody remembers other looks.
    #[must_use]
    pub fn gaps_of(&self, look: &Observation) -> Vec<Gap> {
        match sight(self, look) {
            Sighting::Missing(_) => self.gaps(&look.target, "was not found by this look"),
            Sighting::Detected | Sighting::Unknown => Vec::new(),
        }
    }

    fn gaps(&self, target: &str, what: &str) -> Vec<Gap> {
        let gap = |surface: &ResidualKind| Gap {
            surface: *surface,
            target: target.to_owned(),
            database: None,
            reason: format!("the canary of target {target} {what}"),
            fix: format!(
                "find out with revoked doctor --target {target} what hides it, or plant it again as role {} \
                 (docs/canary.md)",
                self.role
            ),
            cause: Cause::CanaryMissed,
        };
        self.expect.iter().map(gap).collect()
    }
}

/// The life of a revocation after the canary of one of its targets is missed, and nothing vouches for what was
/// seen there after `vouched_until`; `None` when it rests on nothing later.
///
/// Milestones that were met stay met: doubt is no access, and its own alert speaks for it. They are missed when
/// a look finds access after the deadline.
#[must_use]
pub fn doubted(life: &Life, vouched_until: UtcTime) -> Option<Life> {
    let later = |time: Option<UtcTime>| time.is_some_and(|at| at > vouched_until);
    let rests = match life.state {
        State::Verified => later(life.verified_at),
        State::Open | State::Regressed => later(life.first_clean_at),
        State::Scheduled | State::Excepted | State::Withdrawn => false,
    };
    let vouched = |time: Option<UtcTime>| time.filter(|at| *at <= vouched_until);
    rests.then(|| Life {
        state: if life.state == State::Verified { State::Open } else { life.state },
        first_clean_at: vouched(life.first_clean_at),
        confirm_from: None,
        verified_at: vouched(life.verified_at),
        disabled_at: vouched(life.disabled_at),
        gone_since: vouched(life.gone_since),
        ..life.clone()
    })
}

#[cfg(test)]
#[path = "canary_tests.rs"]
mod tests;
