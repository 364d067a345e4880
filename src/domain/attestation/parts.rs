//! What is counted of a period.

use super::Met;
use crate::domain::milestone::Milestone;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// What a source told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedFromSource)]
pub struct FromSource {
    /// Revocations that were opened in the period.
    #[schema(minimum = 0)]
    pub revocations: u64,
    /// Different subjects among them.
    #[schema(minimum = 0)]
    pub subjects: u64,
    /// Those of which we were told after access had to end.
    #[schema(minimum = 0)]
    pub told_late: u64,
}

/// Which revocations the period is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedPopulation)]
pub struct Population {
    /// Accepted in the period.
    #[schema(minimum = 0)]
    pub opened: u64,
    /// Accepted before, and at its begin neither verified nor withdrawn.
    #[schema(minimum = 0)]
    pub carried: u64,
    /// Verified at its begin, and open again at some time in it.
    #[schema(minimum = 0)]
    pub came_back: u64,
    /// Different subjects of those that were opened.
    #[schema(minimum = 0)]
    pub subjects: u64,
    /// Those that were opened, by kind.
    pub by_kind: BTreeMap<String, u64>,
    /// Those that were opened, by class of reason.
    pub by_reason: BTreeMap<String, u64>,
    /// Those that were opened, by who told us.
    pub by_source: BTreeMap<String, FromSource>,
}

impl Population {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.opened + self.carried + self.came_back
    }
}

/// Deadlines of one kind that fell into the period, each counted once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedTimeliness)]
pub struct Timeliness {
    /// Which.
    pub milestone: Milestone,
    /// How many fell into the period.
    #[schema(minimum = 0)]
    pub due: u64,
    /// What became of them, by the end of the period.
    pub met: BTreeMap<String, u64>,
    /// Of those that were met, the time from when it counts to the look that saw it, in microseconds: the middle one, of
    /// an even number the shorter of the two.
    pub median_us: Option<u64>,
    /// The longest.
    pub worst_us: Option<u64>,
    /// Overdue at the begin of the period already.
    #[schema(minimum = 0)]
    pub overdue_before: u64,
    /// Of these, not overdue any more at its end.
    #[schema(minimum = 0)]
    pub settled: u64,
}

impl Timeliness {
    /// Whether of some deadline nobody knows what became of it.
    #[must_use]
    pub fn is_not_all_known(&self) -> bool {
        self.met.get(Met::NotKnown.as_str()).is_some_and(|count| *count > 0)
    }
}

/// How the revocations of the period stand at its end, and what happened in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedOutcome)]
pub struct Outcome {
    /// Revocations of the period, by where they stand at its end. They add up to the population.
    pub at_end: BTreeMap<String, u64>,
    /// Of these, with a deadline that is missed and not met.
    #[schema(minimum = 0)]
    pub overdue: u64,
    /// Verifications in the period.
    #[schema(minimum = 0)]
    pub verified: u64,
    /// Withdrawals in the period.
    #[schema(minimum = 0)]
    pub withdrawn: u64,
    /// Of these, of what should never have been expected.
    #[schema(minimum = 0)]
    pub erroneous: u64,
    /// Every verified revocation that the log knows of at the end of the period, whenever it was opened.
    #[schema(minimum = 0)]
    pub verified_in_all: u64,
}

/// Access that came back, and was used, in the period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedRelapses)]
pub struct Relapses {
    /// Times that access came back after it was verified.
    #[schema(minimum = 0)]
    pub regressions: u64,
    /// Of the revocations of which it did, those that are verified again at the end.
    #[schema(minimum = 0)]
    pub verified_again: u64,
    /// Sessions that began after access had ended.
    #[schema(minimum = 0)]
    pub uses: u64,
    /// Sessions of a break-glass role that nobody had permitted.
    #[schema(minimum = 0)]
    pub break_glass_uses: u64,
    /// Verifications that were taken back without access being seen: a missed canary, a role that became known.
    #[schema(minimum = 0)]
    pub doubted: u64,
}

/// Permission to keep access, in the period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedExceptions)]
pub struct Exceptions {
    /// Asked for.
    #[schema(minimum = 0)]
    pub requested: u64,
    /// Granted, by kind.
    pub granted: BTreeMap<String, u64>,
    /// Granted by the one who had asked.
    #[schema(minimum = 0)]
    pub self_approved: u64,
    /// Granted after access had been kept without permission.
    #[schema(minimum = 0)]
    pub uncovered: u64,
    /// Ended, by how.
    pub ended: BTreeMap<String, u64>,
    /// In force at the end of the period.
    #[schema(minimum = 0)]
    pub in_force: u64,
    /// Of these, beyond the end that they were granted for.
    #[schema(minimum = 0)]
    pub over_limit: u64,
    /// Reviewed in the period.
    #[schema(minimum = 0)]
    pub reviewed: u64,
    /// At the end of the period a review is overdue.
    #[schema(minimum = 0)]
    pub unreviewed: u64,
    /// Emergencies that nobody approved in time.
    #[schema(minimum = 0)]
    pub emergencies_unapproved: u64,
}

/// What could not be seen on a target, in the period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedUnseen)]
pub struct Unseen {
    /// Missed deadlines at which something could not be read there.
    #[schema(minimum = 0)]
    pub deadlines: u64,
    /// What could not be read.
    pub surfaces: BTreeSet<String>,
    /// Times that its canary was missed.
    #[schema(minimum = 0)]
    pub canary_missed: u64,
    /// Its canary is missed at the end of the period.
    pub canary_missing: bool,
}

/// What nobody could tell, in the period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedBlindness)]
pub struct Blindness {
    /// Deadlines that passed while nobody could tell.
    #[schema(minimum = 0)]
    pub deadlines: u64,
    /// Of what was verified in the period: time between the first clean look and its confirmation in which nothing could
    /// be told, in microseconds, of all together.
    #[schema(minimum = 0)]
    pub blind_us: u64,
    /// Targets of which the log says that something could not be seen.
    pub targets: BTreeMap<String, Unseen>,
    /// When this was made: open revocations whose newest look could not tell.
    #[schema(minimum = 0)]
    pub open_now: u64,
}
