//! Records in the order of the log, and what they tell of a period.

use super::track::{Body, Track, time, word, yes};
use super::{Exceptions, Period, Unseen};
use crate::domain::delivery::RecordKind;
use crate::domain::milestone::PerMilestone;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A record of the log.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its type.
    pub kind: &'a str,
    /// What it says.
    pub body: &'a Body,
    /// Its line.
    pub seq: u64,
    /// How its revocation stands after it, where the store knows that. No record tells all of it: access that is seen again
    /// before anything was verified is in the look alone.
    pub stood: Option<&'a Stood>,
}

/// How a revocation stands after a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Stood {
    /// Its state.
    pub state: State,
    /// When each milestone was first missed.
    pub missed: PerMilestone<Option<UtcTime>>,
    /// When each was met; none where access was seen again.
    pub met: PerMilestone<Option<UtcTime>>,
    /// First clean look since anything was last seen.
    pub first_clean_at: Option<UtcTime>,
}

/// An exception, as its records tell it.
#[derive(Clone, Debug, Default)]
pub(super) struct Permit {
    pub(super) in_force: bool,
    pub(super) until: Option<UtcTime>,
    /// A review is wanted by then, and was not made.
    pub(super) review_at: Option<UtcTime>,
}

/// What the records told so far.
#[derive(Clone, Debug)]
pub struct Replay {
    period: Period,
    pub(super) tracks: BTreeMap<String, Track>,
    pub(super) permits: BTreeMap<String, Permit>,
    pub(super) exceptions: Exceptions,
    pub(super) targets: BTreeMap<String, Unseen>,
    pub(super) counts: Counts,
}

/// What happened in the period.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) verified: u64,
    pub(super) withdrawn: u64,
    pub(super) erroneous: u64,
    pub(super) regressions: u64,
    pub(super) uses: u64,
    pub(super) break_glass_uses: u64,
    pub(super) doubted: u64,
    pub(super) blind_deadlines: u64,
    pub(super) blind_us: u64,
    pub(super) config_changes: u64,
}

impl Replay {
    /// Of this period.
    #[must_use]
    pub fn new(period: Period) -> Self {
        Self {
            period,
            tracks: BTreeMap::new(),
            permits: BTreeMap::new(),
            exceptions: Exceptions::default(),
            targets: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// The period.
    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// Takes the next record. What is later than the period is left out.
    pub fn push(&mut self, entry: &Entry<'_>) {
        let Some(kind) = RecordKind::from_word(entry.kind) else { return };
        let Some(at) = time(entry.body, "at").filter(|at| *at < self.period.to) else { return };
        let inside = at >= self.period.from;
        if let Some(id) = word(entry.body, "revocation") {
            self.of_one(id, kind, entry, at);
        }
        if inside {
            self.count(kind, entry.body);
        }
        self.permit(kind, entry.body);
        self.target(kind, entry.body, inside);
    }

    fn of_one(&mut self, id: &str, kind: RecordKind, entry: &Entry<'_>, at: UtcTime) {
        if kind == RecordKind::Triggered {
            let Some(track) = Track::begin(entry.body, at, entry.seq) else { return };
            self.tracks.entry(id.to_owned()).or_insert(track).stand(entry.stood);
            return;
        }
        let Some(track) = self.tracks.get_mut(id) else { return };
        let period = self.period;
        let inside = at >= period.from;
        if inside {
            track.reach(&period);
        }
        let was = track.state(at);
        track.take(kind, entry.body, at, entry.stood);
        track.last_seq = entry.seq;
        if !inside {
            return;
        }
        let is = track.state(at);
        track.was_open |= super::track::is_open(is);
        if was == State::Verified && is == State::Open {
            self.counts.doubted += 1;
        }
        track.regressions += u64::from(kind == RecordKind::Regressed);
        track.uses += u64::from(kind == RecordKind::Used);
        let granted = kind == RecordKind::ExceptionGranted && !yes(entry.body, "shortened");
        track.exceptions += u64::from(granted);
    }

    fn count(&mut self, kind: RecordKind, body: &Body) {
        use RecordKind as K;
        let (counts, exceptions) = (&mut self.counts, &mut self.exceptions);
        if kind == K::Verified {
            counts.verified += 1;
            let blind = body.get("blind_us").and_then(Value::as_u64).unwrap_or(0);
            counts.blind_us = counts.blind_us.saturating_add(blind);
        } else if kind == K::Withdrawn {
            counts.withdrawn += 1;
            counts.erroneous += u64::from(yes(body, "erroneous"));
        } else if kind == K::Regressed {
            counts.regressions += 1;
        } else if kind == K::Used && word(body, "revocation").is_some() {
            counts.uses += 1;
        } else if kind == K::Used {
            counts.break_glass_uses += 1;
        } else if kind == K::Inconclusive && word(body, "milestone").is_some() {
            counts.blind_deadlines += 1;
        } else if kind == K::ConfigChanged {
            counts.config_changes += 1;
        } else if kind == K::EmergencyUnapproved {
            exceptions.emergencies_unapproved += 1;
        } else if kind == K::ExceptionRequested && word(body, "asks") != Some("release") {
            exceptions.requested += 1;
        } else if kind == K::ExceptionReviewed {
            exceptions.reviewed += 1;
        } else if kind == K::ExceptionGranted && !yes(body, "shortened") {
            let kind = word(body, "exception_kind").unwrap_or_default();
            *exceptions.granted.entry(kind.to_owned()).or_default() += 1;
            exceptions.self_approved += u64::from(yes(body, "self_approved"));
            let uncovered = body.get("uncovered").is_some_and(Value::is_object);
            exceptions.uncovered += u64::from(uncovered);
        } else if kind == K::ExceptionExpired {
            let ending = word(body, "ending").unwrap_or_default();
            *exceptions.ended.entry(ending.to_owned()).or_default() += 1;
        }
    }

    /// Which exceptions are in force, and which want a review.
    fn permit(&mut self, kind: RecordKind, body: &Body) {
        use RecordKind as K;
        let Some(id) = word(body, "exception") else { return };
        let is = word(body, "exception_kind");
        let review_at = time(body, "review_at");
        let permit = self.permits.entry(id.to_owned()).or_default();
        if kind == K::ExceptionGranted {
            permit.in_force = true;
            permit.until = time(body, "until");
            // A hold is looked at while it is in force, a broken glass once it is over.
            permit.review_at = review_at.filter(|_| is == Some("legal_hold"));
        } else if kind == K::ExceptionExpired {
            permit.in_force = false;
            permit.review_at =
                review_at.filter(|_| is == Some("break_glass") && yes(body, "granted"));
        } else if kind == K::ExceptionReviewed {
            permit.review_at = review_at.filter(|_| is == Some("legal_hold") && permit.in_force);
        }
    }

    /// What could not be seen, and where.
    fn target(&mut self, kind: RecordKind, body: &Body, inside: bool) {
        use RecordKind as K;
        if kind == K::CanaryMissed || kind == K::CanaryDetected {
            let Some(target) = word(body, "target").filter(|_| word(body, "revocation").is_none())
            else {
                return;
            };
            let missed = kind == K::CanaryMissed;
            if !missed && !self.targets.contains_key(target) {
                return;
            }
            let unseen = self.targets.entry(target.to_owned()).or_default();
            unseen.canary_missing = missed;
            unseen.canary_missed += u64::from(missed && inside);
        } else if inside && (kind == K::Inconclusive || kind == K::Failed) {
            let gaps = body.get("gaps").and_then(Value::as_array);
            let mut here: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for gap in gaps.into_iter().flatten() {
                let of = |key: &str| gap.get(key).and_then(Value::as_str);
                if let (Some(target), Some(surface)) = (of("target"), of("surface")) {
                    here.entry(target).or_default().push(surface);
                }
            }
            for (target, surfaces) in here {
                let unseen = self.targets.entry(target.to_owned()).or_default();
                unseen.deadlines += 1;
                unseen.surfaces.extend(surfaces.into_iter().map(str::to_owned));
            }
        }
    }
}
