//! What an exception's beginning and end mean for the revocation it belongs to. Pure.
//!
//! While one that keeps access is in force, the revocation is `Excepted`; when the last of them ends, it is due
//! again, and the time allowed counts from that end. A legal hold and a transition leave the state as it is: nothing
//! is verified while they are in force.

use super::{Ending, Exception, ExceptionKind, HOLD_REVIEW, Phase, Rules, Uncovered};
use crate::domain::lifecycle::Life;
use crate::domain::milestone::{Milestone, PerMilestone};
use crate::domain::request::Refused;
use crate::domain::revocation::{Revocation, State};
use crate::domain::time::UtcTime;
use std::time::Duration;

/// A revocation and its life after a move of an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The revocation: its deadlines may have moved.
    pub revocation: Revocation,
    /// Its life.
    pub life: Life,
}

impl Turn {
    pub(super) fn of(revocation: &Revocation, life: &Life) -> Self {
        Self { revocation: revocation.clone(), life: life.clone() }
    }

    pub(super) fn exception(&mut self, id: &str) -> Result<&mut Exception, Refused> {
        let found = self.life.exceptions.iter_mut().find(|one| one.id == id);
        found.ok_or(Refused::NothingWaits)
    }

    /// From when deadlines and ages count.
    fn begin(&self) -> UtcTime {
        self.life.counts_from(&self.revocation)
    }

    /// Time allowed for each milestone, as it stands.
    fn allowed(&self) -> PerMilestone<Option<u64>> {
        let begin = self.begin();
        let mut allowed = PerMilestone::default();
        for milestone in Milestone::ALL {
            let deadline = self.revocation.deadlines.get(*milestone);
            let time = deadline.map(|at| at.since(begin).as_micros());
            allowed.set(*milestone, time.and_then(|us| u64::try_from(us).ok()));
        }
        allowed
    }

    /// Takes back what was missed where the deadline is not before `at`.
    fn forgive(&mut self, at: UtcTime) {
        for milestone in Milestone::ALL {
            if self.revocation.deadlines.get(*milestone).is_some_and(|deadline| deadline >= at) {
                self.life.missed.set(*milestone, None);
            }
        }
    }

    /// What was proved before counts no more.
    fn unprove(&mut self) {
        self.life.first_clean_at = None;
        self.life.confirm_from = None;
        self.life.gone_since = None;
    }

    /// Ends those that `which` picks, at the instant that it says.
    pub(super) fn end(
        &mut self,
        ending: Ending,
        by: Option<&str>,
        rules: &Rules,
        which: impl Fn(&Exception) -> Option<UtcTime>,
    ) {
        let mut ended: Vec<Exception> = Vec::new();
        for one in &mut self.life.exceptions {
            let Some(at) = which(one).filter(|_| one.phase != Phase::Over) else { continue };
            let granted = one.phase == Phase::Granted;
            one.phase = Phase::Over;
            one.ending = Some(ending);
            one.ended_at = Some(at);
            one.ended_by = by.map(str::to_owned);
            one.release = None;
            let review = granted && one.kind == ExceptionKind::BreakGlass;
            one.review_at = review.then(|| at.plus(rules.review_after));
            if granted {
                ended.push(one.clone());
            }
        }
        self.settle(&ended);
    }

    /// What follows from the end of `ended`, which were in force.
    fn settle(&mut self, ended: &[Exception]) {
        let last = |keeps: fn(ExceptionKind) -> bool| {
            ended.iter().filter(|one| keeps(one.kind)).max_by_key(|one| one.ended_at)
        };
        if let Some(transition) = last(|kind| kind == ExceptionKind::Transition) {
            self.end_overlap(transition);
        }
        let holds = |one: &Exception| one.in_force() && one.kind == ExceptionKind::LegalHold;
        if let Some(hold) = last(|kind| kind == ExceptionKind::LegalHold)
            && !self.life.exceptions.iter().any(holds)
        {
            self.release(hold);
        }
        let kept = |one: &Exception| one.in_force() && one.kind.keeps_access();
        if let Some(exception) = last(ExceptionKind::keeps_access)
            && self.life.state == State::Excepted
            && !self.life.exceptions.iter().any(kept)
        {
            self.open_again(exception);
        }
    }

    /// Access has to go again: the time allowed counts from the end of what kept it.
    fn open_again(&mut self, ended: &Exception) {
        let at = ended.ended_at.unwrap_or(self.revocation.effective_at);
        self.unprove();
        self.life.met = PerMilestone::default();
        if self.revocation.effective_at > at {
            // Nothing but this permission put the end off.
            let opened = self.life.exceptions.iter().any(|one| one.opened);
            if ended.ending != Some(Ending::TakenBack) || !opened {
                self.life.state = State::Scheduled;
                return;
            }
            self.bring_forward(at);
        }
        self.life.state = State::Open;
        let begin = self.begin().max(at);
        for milestone in Milestone::ALL {
            self.count_from(begin, *milestone, ended);
        }
        self.life.due_from = Some(begin);
        self.forgive(at);
    }

    /// Access ends at `at`, which is sooner than was said, with as much time allowed as before.
    fn bring_forward(&mut self, at: UtcTime) {
        let end = self.revocation.effective_at;
        for milestone in Milestone::ALL {
            let deadline = self.revocation.deadlines.get(*milestone);
            let deadline = deadline.map(|deadline| at.plus(deadline.since(end)));
            self.revocation.deadlines.set(*milestone, deadline);
        }
        self.revocation.effective_at = at;
        self.revocation.effective = None;
    }

    /// The time allowed counts anew. A deadline that two people put off meanwhile stays.
    fn count_from(&mut self, begin: UtcTime, milestone: Milestone, ended: &Exception) {
        let allowed = ended.allowed_us.and_then(|allowed| allowed.get(milestone));
        // Who breaks a glass knows from the beginning when it has to be whole again.
        let known =
            ended.kind == ExceptionKind::BreakGlass && ended.ending == Some(Ending::Expired);
        if let Some(allowed) = allowed.map(|allowed| if known { 0 } else { allowed }) {
            let deadline = Some(begin.plus(Duration::from_micros(allowed)));
            let present = self.revocation.deadlines.get(milestone);
            self.revocation.deadlines.set(milestone, present.max(deadline));
        }
    }

    /// What was held has to go, too.
    fn release(&mut self, hold: &Exception) {
        self.unprove();
        self.life.met.access = None;
        self.life.met.credentials = None;
        let at = hold.ended_at.unwrap_or(self.revocation.effective_at);
        if matches!(self.life.state, State::Open | State::Regressed)
            && self.revocation.effective_at <= at
        {
            let begin = self.begin().max(at);
            self.count_from(begin, Milestone::Access, hold);
            self.life.due_from = Some(begin);
            self.forgive(at);
        }
    }

    /// Nothing of the old access is allowed any more.
    fn end_overlap(&mut self, transition: &Exception) {
        let (Some(before), Some(at)) = (transition.deadlines, transition.ended_at) else { return };
        for milestone in Milestone::ALL {
            let now = self.revocation.deadlines.get(*milestone);
            if let (Some(now), Some(before)) = (now, before.get(*milestone)) {
                self.revocation.deadlines.set(*milestone, Some(now.min(before.max(at))));
            }
        }
    }

    pub(super) fn grant(
        &mut self,
        id: &str,
        by: &str,
        now: UtcTime,
        rules: &Rules,
    ) -> Result<(), Refused> {
        let kind = self.exception(id)?.kind;
        // Of each kind one is in force at a time, so that nobody has to add them up.
        let older =
            |one: &Exception| (one.kind == kind && one.in_force() && one.id != id).then_some(now);
        if kind == ExceptionKind::Transition {
            // Its own deadlines go before those of the next one come.
            self.end(Ending::Replaced, Some(by), rules, older);
        }
        // The time allowed is that before any permission, and not what a running one has left of it.
        let running =
            self.life.exceptions.iter().find_map(|one| {
                one.allowed_us.filter(|_| one.in_force() && one.kind.keeps_access())
            });
        let allowed = running.unwrap_or_else(|| self.allowed());
        let uncovered = self.uncovered(kind, now);
        let deadlines = self.revocation.deadlines;
        let exception = self.exception(id)?;
        exception.phase = Phase::Granted;
        exception.approved_by = Some(by.to_owned());
        exception.approved_at = Some(now);
        exception.uncovered = uncovered;
        exception.allowed_us = Some(allowed);
        let until = exception.until;
        match kind {
            ExceptionKind::LegalHold => {
                exception.review_at.get_or_insert(now.plus(HOLD_REVIEW));
                // What is there from now on may be held, so nothing is proved any more.
                if self.life.state == State::Verified {
                    self.life.state = State::Open;
                }
                self.life.confirm_from = None;
            }
            ExceptionKind::Transition => {
                exception.deadlines = Some(deadlines);
                for milestone in Milestone::ALL {
                    let later = deadlines.get(*milestone).max(until);
                    if deadlines.get(*milestone).is_some() {
                        self.revocation.deadlines.set(*milestone, later);
                    }
                }
                self.forgive(now);
            }
            ExceptionKind::Grace
            | ExceptionKind::Extension
            | ExceptionKind::Temporary
            | ExceptionKind::BreakGlass => self.life.state = State::Excepted,
        }
        self.end(Ending::Replaced, Some(by), rules, older);
        Ok(())
    }

    /// Access was there after its end, and nobody had permitted that.
    fn uncovered(&self, kind: ExceptionKind, now: UtcTime) -> Option<Uncovered> {
        let due = matches!(self.life.state, State::Open | State::Regressed);
        // Also where it was told late: access was there all the same.
        let from = self.life.due_from.unwrap_or(self.revocation.effective_at);
        (kind.keeps_access() && due && from < now).then_some(Uncovered { from, to: now })
    }
}
