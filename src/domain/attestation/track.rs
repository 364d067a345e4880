//! What the records of one revocation told so far.

use super::{Goal, Item, Met, Period, Stood};
use crate::domain::delivery::RecordKind;
use crate::domain::expectation::milestones;
use crate::domain::milestone::{Deadlines, Milestone, PerMilestone};
use crate::domain::revocation::{Kind, Reason, State};
use crate::domain::time::UtcTime;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

pub(super) type Body = Map<String, Value>;

pub(super) fn word<'a>(body: &'a Body, key: &str) -> Option<&'a str> {
    body.get(key).and_then(Value::as_str)
}

pub(super) fn time(body: &Body, key: &str) -> Option<UtcTime> {
    word(body, key)?.parse().ok()
}

pub(super) fn yes(body: &Body, key: &str) -> bool {
    body.get(key).and_then(Value::as_bool) == Some(true)
}

/// A revocation, as its records tell it.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) subject: String,
    pub(super) kind: Kind,
    pub(super) reason: Reason,
    pub(super) source: String,
    pub(super) received_at: UtcTime,
    pub(super) effective_at: UtcTime,
    pub(super) opened_at: UtcTime,
    /// From when the time allowed counts: the end of the last exception, if there was one.
    due_from: Option<UtcTime>,
    deadlines: Deadlines,
    missed: PerMilestone<Option<UtcTime>>,
    met: PerMilestone<Option<UtcTime>>,
    /// What became of each deadline, and after how long, at the first verification.
    settled: Option<Vec<(Goal, u64)>>,
    /// Missed, and not met since.
    late: PerMilestone<bool>,
    state: State,
    /// Exceptions in force that keep access.
    kept_by: BTreeSet<String>,
    pub(super) first_clean_at: Option<UtcTime>,
    pub(super) verified_at: Option<UtcTime>,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    /// How it stood when the period began, once that is reached.
    at_begin: Option<(State, PerMilestone<bool>)>,
    /// It was neither verified nor withdrawn at some time in the period.
    pub(super) was_open: bool,
    pub(super) regressions: u64,
    pub(super) uses: u64,
    pub(super) exceptions: u64,
}

impl Track {
    /// Accepted by this record; `None`: it lacks what every one has.
    pub(super) fn begin(body: &Body, at: UtcTime, seq: u64) -> Option<Self> {
        let received_at = time(body, "received_at")?;
        Some(Self {
            subject: word(body, "subject").unwrap_or_default().to_owned(),
            kind: Kind::from_word(word(body, "kind")?)?,
            reason: Reason::from_word(word(body, "reason")?)?,
            source: word(body, "triggered_by").unwrap_or_default().to_owned(),
            received_at,
            effective_at: time(body, "effective_at")?,
            opened_at: at,
            due_from: None,
            deadlines: deadlines(body).unwrap_or_default(),
            missed: PerMilestone::default(),
            met: PerMilestone::default(),
            settled: None,
            late: PerMilestone::default(),
            state: State::Open,
            kept_by: BTreeSet::new(),
            first_clean_at: None,
            verified_at: None,
            first_seq: seq,
            last_seq: seq,
            at_begin: None,
            was_open: false,
            regressions: 0,
            uses: 0,
            exceptions: 0,
        })
    }

    /// Where it stands at `at`, if nothing happens until then.
    pub(super) fn state(&self, at: UtcTime) -> State {
        if self.state == State::Open && self.effective_at > at {
            State::Scheduled
        } else {
            self.state
        }
    }

    /// Notes how it stands at the begin of the period, before the first record in it.
    pub(super) fn reach(&mut self, period: &Period) {
        if self.at_begin.is_none() {
            let state = self.state(period.from);
            self.at_begin = Some((state, self.late));
            self.was_open |= is_open(state);
        }
    }

    /// How it stood when the period began; `None` where it was accepted in it.
    pub(super) fn begun(&self, period: &Period) -> Option<State> {
        let state = self.at_begin.map_or_else(|| self.state(period.from), |(state, _)| state);
        (self.opened_at < period.from).then_some(state)
    }

    /// Whether the period is about it.
    pub(super) fn is_of(&self, period: &Period) -> bool {
        match self.begun(period) {
            None => true,
            Some(state) => is_open(state) || self.was_open,
        }
    }

    /// Takes one more record, after which it stands as `stood` says, where the store knows that.
    pub(super) fn take(
        &mut self,
        kind: RecordKind,
        body: &Body,
        at: UtcTime,
        stood: Option<&Stood>,
    ) {
        self.take_record(kind, body, at);
        self.stand(stood);
    }

    /// Takes over how it stands. Without that, of an erased person, the records alone tell.
    pub(super) fn stand(&mut self, stood: Option<&Stood>) {
        let Some(stood) = stood else { return };
        self.state = if stood.state == State::Scheduled { State::Open } else { stood.state };
        (self.missed, self.met) = (stood.missed, stood.met);
        self.first_clean_at = stood.first_clean_at;
        for milestone in Milestone::ALL {
            let is_missed = stood.missed.get(*milestone).is_some();
            self.late.set(*milestone, is_missed && stood.met.get(*milestone).is_none());
        }
    }

    fn take_record(&mut self, kind: RecordKind, body: &Body, at: UtcTime) {
        use RecordKind as K;
        let milestone = word(body, "milestone").and_then(Milestone::from_word);
        match kind {
            K::Amended => self.amended(body, at),
            K::Disabled => {
                let seen = time(body, "as_of").unwrap_or(at);
                self.late.login = false;
                self.meet(Milestone::Login, seen);
            }
            K::Revoked => {
                let seen = time(body, "as_of").unwrap_or(at);
                self.first_clean_at = Some(seen);
                self.clean(seen);
            }
            K::Verified => self.verified(body, at),
            K::Failed | K::Inconclusive => match milestone {
                Some(milestone) => self.miss(milestone, at),
                None => self.open_again(),
            },
            K::Regressed => self.state = State::Regressed,
            K::CanaryMissed | K::Linked if word(body, "state_before") == Some("verified") => {
                self.open_again();
            }
            K::Withdrawn => {
                self.state = State::Withdrawn;
                self.late = PerMilestone::default();
            }
            K::ExceptionGranted => self.granted(body),
            K::ExceptionExpired => self.ended(body),
            // What people said, were told, or what is of a target: it moves no revocation.
            K::CanaryMissed
            | K::Triggered
            | K::Validated
            | K::Observation
            | K::Archived
            | K::Attested
            | K::Used
            | K::ApprovalRequested
            | K::ExceptionRequested
            | K::ExceptionReviewed
            | K::EmergencyApproved
            | K::EmergencyUnapproved
            | K::Subject
            | K::Linked
            | K::Erasure
            | K::Quarantined
            | K::Nudged
            | K::Claimed
            | K::ClaimWithdrawn
            | K::Observed
            | K::Swept
            | K::Notified
            | K::PeriodEnded
            | K::Published
            | K::PageChanged
            | K::OutboxChanged
            | K::Acknowledged
            | K::AcknowledgementEnded
            | K::CanaryDetected
            | K::CoverageChanged
            | K::ConfigChanged
            | K::Anchored => {}
        }
    }

    fn amended(&mut self, body: &Body, at: UtcTime) {
        self.effective_at = time(body, "effective_at").unwrap_or(self.effective_at);
        self.rebind(body);
        // Asked for anew: whether what was proved is enough, no record tells before the next proof.
        self.open_again();
        if self.state != State::Verified && self.effective_at > at {
            self.met = PerMilestone::default();
        }
    }

    /// Takes other deadlines over. One that is put off is not missed any more.
    fn rebind(&mut self, body: &Body) {
        let Some(new) = deadlines(body) else { return };
        for milestone in Milestone::ALL {
            if new.get(*milestone) > self.deadlines.get(*milestone) {
                self.missed.set(*milestone, None);
                self.late.set(*milestone, false);
            }
        }
        self.deadlines = new;
    }

    fn meet(&mut self, milestone: Milestone, seen: UtcTime) {
        if self.met.get(milestone).is_none() {
            self.met.set(milestone, Some(seen));
        }
    }

    fn clean(&mut self, seen: UtcTime) {
        self.late = PerMilestone::default();
        self.meet(Milestone::Login, seen);
        // Whatever absence was seen before counts no more.
        self.met.access = Some(seen);
        self.met.credentials = Some(seen);
    }

    fn miss(&mut self, milestone: Milestone, at: UtcTime) {
        // What was proved is proved no more, whichever record said so or none.
        self.open_again();
        self.missed.set(milestone, Some(self.missed.get(milestone).unwrap_or(at)));
        self.met.set(milestone, None);
        self.late.set(milestone, true);
    }

    fn verified(&mut self, body: &Body, at: UtcTime) {
        self.state = State::Verified;
        self.verified_at = Some(at);
        if let Some(seen) = time(body, "first_clean_at") {
            self.first_clean_at = Some(seen);
            self.clean(seen);
        }
        self.late = PerMilestone::default();
        if self.settled.is_none() {
            self.settled = Some(self.goals_at(at));
        }
    }

    fn open_again(&mut self) {
        if self.state == State::Verified {
            self.state = State::Open;
        }
    }

    fn granted(&mut self, body: &Body) {
        self.rebind(body);
        self.effective_at = time(body, "effective_at").unwrap_or(self.effective_at);
        match word(body, "exception_kind") {
            // What is there from then on may be held, so nothing is proved any more.
            Some("legal_hold") => self.open_again(),
            Some("transition") | None => {}
            Some(_) => {
                self.kept_by.extend(word(body, "exception").map(str::to_owned));
                self.state = State::Excepted;
                self.late = PerMilestone::default();
            }
        }
    }

    fn ended(&mut self, body: &Body) {
        let was_kept = word(body, "exception").is_some_and(|id| self.kept_by.remove(id));
        self.effective_at = time(body, "effective_at").unwrap_or(self.effective_at);
        if yes(body, "granted") {
            self.rebind(body);
        }
        if was_kept {
            self.met = PerMilestone::default();
            self.due_from = time(body, "ended_at").or(self.due_from);
        }
        let state = word(body, "state").and_then(State::from_word);
        if let Some(state) = state {
            self.state = if state == State::Scheduled { State::Open } else { state };
        }
    }

    /// From when the time allowed counts.
    fn counts_from(&self) -> UtcTime {
        let told = self.effective_at.max(self.received_at);
        self.due_from.map_or(told, |from| from.max(told))
    }

    /// What became of each deadline by `end`, with the time until it was met in microseconds.
    fn goals_at(&self, end: UtcTime) -> Vec<(Goal, u64)> {
        let from = self.counts_from();
        let one = |milestone: &Milestone| {
            let deadline = self.deadlines.get(*milestone)?;
            let met_at = self.met.get(*milestone);
            let met = match (met_at, self.state) {
                (Some(at), _) if at <= deadline && self.missed.get(*milestone).is_none() => {
                    Met::InTime
                }
                (Some(_), _) => Met::Late,
                (None, _) if deadline >= end => Met::NotDue,
                (None, State::Withdrawn) => Met::Withdrawn,
                (None, State::Excepted) => Met::Excepted,
                (None, _) if self.missed.get(*milestone).is_some() => Met::Overdue,
                (None, _) => Met::NotKnown,
            };
            let took = met_at
                .map_or(0, |at| u64::try_from(at.since(from).as_micros()).unwrap_or(u64::MAX));
            Some((Goal { milestone: *milestone, deadline, met_at, met }, took))
        };
        milestones(self.kind, self.reason).iter().filter_map(one).collect()
    }

    /// The same, as it was settled by its first verification if there was one.
    pub(super) fn goals(&self, period: &Period) -> Vec<(Goal, u64)> {
        self.settled.clone().unwrap_or_else(|| self.goals_at(period.to))
    }

    /// Whether a deadline was overdue at the begin of the period, and whether it is at its end.
    pub(super) fn overdue(&self, milestone: Milestone, period: &Period) -> (bool, bool) {
        let late = self.at_begin.map_or(self.late, |(_, late)| late);
        let began = matches!(self.begun(period), Some(State::Open | State::Regressed));
        (began && late.get(milestone), self.is_overdue() && self.late.get(milestone))
    }

    /// Whether any deadline is missed and not met.
    pub(super) fn is_overdue(&self) -> bool {
        let due = matches!(self.state, State::Open | State::Regressed);
        due && Milestone::ALL.iter().any(|milestone| self.late.get(*milestone))
    }

    /// As a row of the attestation.
    pub(super) fn item(&self, id: &str, period: &Period) -> Item {
        Item {
            id: id.to_owned(),
            subject: self.subject.clone(),
            kind: self.kind,
            reason: self.reason,
            source: self.source.clone(),
            received_at: self.received_at,
            effective_at: self.effective_at,
            opened: period.has(self.opened_at),
            goals: self.goals(period).into_iter().map(|(goal, _)| goal).collect(),
            first_clean_at: self.first_clean_at,
            verified_at: self.verified_at,
            state: self.state(period.to),
            overdue: self.is_overdue(),
            regressions: self.regressions,
            uses: self.uses,
            exceptions: self.exceptions,
            first_seq: self.first_seq,
            last_seq: self.last_seq,
        }
    }
}

/// Neither verified nor withdrawn.
pub(super) fn is_open(state: State) -> bool {
    match state {
        State::Scheduled | State::Open | State::Regressed | State::Excepted => true,
        State::Verified | State::Withdrawn => false,
    }
}

fn deadlines(body: &Body) -> Option<Deadlines> {
    let found = body.get("deadlines").filter(|found| found.is_object())?;
    serde_json::from_value(found.clone()).ok()
}
