//! Asking for permission to keep access, approving it, and taking it back. The only doors to an exception.

mod about;
mod against;
mod wish;

pub(super) use against::{against_amendment, against_notice, holds_nothing};
pub use wish::Wish;

use super::amend::{Changed, Withdrawal, unchanged};
use super::{Intake, IntakeError, notice_of_change};
use crate::audit::record::{self, About};
use crate::clock;
use crate::domain::exception::{self, Exception, ExceptionKind, Phase, Rules, Turn, Unfit};
use crate::domain::notice::Outcome;
use crate::domain::request::{LIFETIME, Refused};
use crate::domain::time::UtcTime;
use crate::store::{Evidenced, Excepted, ExceptionRow, Move, NewRecord, NoticeKey, Stored};
use about::{EARLIER, For};
use std::sync::Arc;

/// An exception, with the revocation as the log holds both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excused {
    /// The revocation.
    pub stored: Stored,
    /// The exception.
    pub exception: Exception,
}

/// The same wish of the same person that waits already.
fn same<'a>(stored: &'a Stored, wish: &Exception, now: UtcTime) -> Option<&'a Exception> {
    stored.life.exceptions.iter().find(|one| {
        one.phase == Phase::Requested
            && (one.kind, one.until, &one.requested_by)
                == (wish.kind, wish.until, &wish.requested_by)
            && now.since(one.requested_at) <= LIFETIME
    })
}

/// Whether a second person has to say something of it.
pub(super) fn waits(exception: &Exception) -> bool {
    exception.phase == Phase::Requested || exception.release.is_some()
}

/// The notice, with what it asked for and now waits in `step`.
fn asked_by(notice: &NoticeKey, step: &Move) -> NoticeKey {
    let mut notice = notice.clone();
    let known = |one: &Exception| step.from.life.exceptions.iter().any(|known| known.id == one.id);
    let new = step.life.exceptions.iter().filter(|one| !known(one) && waits(one));
    // What no door took is listed nowhere.
    if !notice.facts.id.is_empty() {
        notice.facts.pending = new.map(|one| one.id.clone()).collect();
        if !notice.facts.pending.is_empty() {
            notice.facts.outcome = Outcome::Pending;
        }
    }
    notice
}

/// The move that makes `stored` what `turn` says, with the records of its exceptions.
pub(super) fn turned(stored: &Stored, turn: Turn, now: UtcTime) -> Move {
    let mut step = unchanged(stored, now);
    step.revocation = turn.revocation;
    step.life = turn.life;
    step.records = endings(stored, &step, now);
    step
}

/// Records of what became of the exceptions in `step`.
pub(super) fn endings(stored: &Stored, step: &Move, now: UtcTime) -> Vec<NewRecord> {
    let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
    record::exceptions(&about, &stored.life, &step.life)
        .into_iter()
        .map(|(kind, body)| NewRecord { kind, body })
        .collect()
}

impl Intake {
    /// Asks for the permission that `bytes` describe (a [`Wish`]), on behalf of `by`. When this returns, the record
    /// of it is in the log. `None`: there is no such revocation.
    ///
    /// # Errors
    /// When the wish is wrong, cannot be granted as things stand, or cannot be kept now.
    pub async fn request_exception(
        &self,
        bytes: &[u8],
        by: &str,
    ) -> Result<Option<Excused>, IntakeError> {
        let wish = Wish::parse(bytes)?;
        let notice = notice_of_change(bytes, by, clock::now())?;
        self.wish(&wish, &notice, by).await
    }

    /// The same for a wish that came as the notice `notice`: the same notice again finds what the first one asked for.
    ///
    /// # Errors
    /// As [`request_exception`](Self::request_exception).
    pub async fn wish(
        &self,
        wish: &Wish,
        notice: &NoticeKey,
        by: &str,
    ) -> Result<Option<Excused>, IntakeError> {
        wish.bounded()?;
        let _copy = self.copies.of((&notice.source, &notice.event_id)).await;
        if let Some(id) = self.journal.store.repeated(notice).await? {
            return self.newest_of(&id, wish.kind()?).await;
        }
        let Some(For { revocation, opened, earlier }) =
            self.revocation_for(wish, notice, by).await?
        else {
            return Ok(None);
        };
        let asked = std::sync::Mutex::new(String::new());
        let changed = self
            .moving(&revocation, |stored, config, now| {
                let (asked_of, known) = (&stored.revocation, &stored.life.exceptions);
                let exception = wish.exception(asked_of, known, by, config, now)?;
                let exception = Exception { opened, ..exception };
                let known = same(stored, &exception, now).map(|known| known.id.clone());
                let id = known.clone().unwrap_or_else(|| exception.id.clone());
                *asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = id;
                if known.is_some() {
                    return Ok(unchanged(stored, now));
                }
                let rules = config.exception_rules();
                let turn = exception::request(
                    &stored.revocation,
                    &stored.life,
                    exception,
                    &earlier,
                    now,
                    &rules,
                )?;
                let mut step = turned(stored, turn, now);
                step.notice = Some(asked_by(notice, &step));
                Ok(step)
            })
            .await?;
        let id = asked.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        match changed {
            Some(_) => self.excused(&revocation, &id).await,
            None => Ok(None),
        }
    }

    /// Approves the exception `id`, or that a legal hold ends, on behalf of `by`. `None`: there is none.
    ///
    /// # Errors
    /// As [`request_exception`](Self::request_exception), and when `by` asked for it.
    pub async fn approve_exception(
        &self,
        id: &str,
        by: &str,
    ) -> Result<Option<Excused>, IntakeError> {
        let Some(revocation) = self.journal.store.exception_of(id).await? else { return Ok(None) };
        let Some(stored) = self.journal.store.revocation(&revocation).await? else {
            return Ok(None);
        };
        let earlier = self.earlier(&stored.revocation.subject, &revocation).await?;
        self.turning(id, |stored, now, rules| {
            let (asked, life) = (&stored.revocation, &stored.life);
            exception::approve(asked, life, (id, by), &earlier, now, rules)
        })
        .await
    }

    /// Takes the exception `id` back, on behalf of `by`. A legal hold in force waits for a second person. `None`: there
    /// is none.
    ///
    /// # Errors
    /// When it is over, or cannot be kept now.
    pub async fn revoke_exception(
        &self,
        id: &str,
        by: &str,
    ) -> Result<Option<Excused>, IntakeError> {
        self.turning(id, |stored, now, rules| {
            exception::take_back(&stored.revocation, &stored.life, (id, by), now, rules)
        })
        .await
    }

    /// `by` looked at what the exception `id` was used for. `None`: there is none.
    ///
    /// # Errors
    /// When there is nothing to review, or `by` asked for it.
    pub async fn review_exception(
        &self,
        id: &str,
        by: &str,
    ) -> Result<Option<Excused>, IntakeError> {
        self.turning(id, |stored, now, rules| {
            exception::review(&stored.revocation, &stored.life, (id, by), now, rules)
        })
        .await
    }

    /// Takes back what there is of `kind` for `subject`, on behalf of `by`: in force, or asked for; but for a legal hold
    /// that somebody else asks for. What waits for a second person is in what is given back.
    ///
    /// # Errors
    /// As [`revoke_exception`](Self::revoke_exception).
    pub async fn close_exceptions(
        &self,
        subject: &str,
        kind: ExceptionKind,
        by: &str,
    ) -> Result<Vec<Excused>, IntakeError> {
        let selection = Excepted {
            open: true,
            kind: Some(kind),
            subject: Some(subject.to_owned()),
            revocation: None,
        };
        let mut closed = Vec::new();
        for row in self.journal.store.exceptions_page(&selection, None, EARLIER).await? {
            if let Some(other) = self.another_s_wish(&row, by).await? {
                return Err(Refused::from(Unfit::Asked(other)).into());
            }
            match self.revoke_exception(&row.id, by).await {
                Ok(excused) => closed.extend(excused),
                // It only waits for its review.
                Err(IntakeError::Refused(Refused::Exception(Unfit::Over))) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(closed)
    }

    /// Who else than `by` asks for a legal hold and waits: what is destroyed meanwhile does not come back, so one event
    /// does not end that.
    async fn another_s_wish(
        &self,
        row: &ExceptionRow,
        by: &str,
    ) -> Result<Option<String>, IntakeError> {
        let stored = self.journal.store.revocation(&row.revocation).await?;
        let mut exceptions =
            stored.into_iter().flat_map(|found| Arc::unwrap_or_clone(found.stored.life).exceptions);
        let found = exceptions.find(|one| {
            one.id == row.id
                && one.kind == ExceptionKind::LegalHold
                && one.phase == Phase::Requested
                && one.requested_by != by
        });
        Ok(found.map(|one| one.requested_by))
    }

    async fn turning(
        &self,
        id: &str,
        turn: impl Fn(&Stored, UtcTime, &Rules) -> Result<Turn, Refused>,
    ) -> Result<Option<Excused>, IntakeError> {
        let Some(revocation) = self.journal.store.exception_of(id).await? else { return Ok(None) };
        let changed = self
            .moving(&revocation, |stored, config, now| {
                // Whoever is late by a moment must not find what has just ended by itself in force.
                let rules = config.exception_rules();
                let over = exception::expire(&stored.revocation, &stored.life, now, &rules);
                let present = over.map_or_else(
                    || stored.stored.clone(),
                    |over| Stored {
                        revocation: over.revocation,
                        life: Arc::new(over.life),
                        ..stored.stored.clone()
                    },
                );
                let turn = turn(&present, now, &rules)?;
                Ok(turned(stored, turn, now))
            })
            .await?;
        match changed {
            Some(_) => self.excused(&revocation, id).await,
            None => Ok(None),
        }
    }

    /// Access of `subject` was given back because it should never have been taken away: asks that nothing is expected
    /// of it any more, on behalf of `by`. Until a second person agrees, access that is back has regressed. Gives the
    /// revocations of which that is asked.
    ///
    /// # Errors
    /// As [`withdraw`](Self::withdraw).
    pub async fn restore(
        &self,
        subject: &str,
        why: Option<&str>,
        by: &str,
    ) -> Result<Vec<Changed>, IntakeError> {
        let mut asked = Vec::new();
        for stored in self.journal.store.expected_of(subject).await? {
            let id = &stored.revocation.id;
            asked.extend(self.withdraw(id, Withdrawal { why, erroneous: true }, by).await?);
        }
        Ok(asked)
    }

    /// The exception as the log holds it.
    async fn excused(&self, revocation: &str, id: &str) -> Result<Option<Excused>, IntakeError> {
        let stored = self.journal.store.revocation(revocation).await?;
        Ok(stored.and_then(|found| excused(found.stored, id)))
    }

    async fn newest_of(
        &self,
        revocation: &str,
        kind: ExceptionKind,
    ) -> Result<Option<Excused>, IntakeError> {
        if let Some(record) = self.newest_record(revocation).await? {
            self.journal.landed(&record, super::PATIENCE).await?;
        }
        let stored = self.journal.store.revocation(revocation).await?;
        Ok(stored.and_then(|Evidenced { stored, .. }| {
            let landed = stored.landed.as_deref()?;
            let newest = landed.exceptions.iter().rev().find(|one| one.kind == kind)?;
            let exception = newest.clone();
            Some(Excused { stored, exception })
        }))
    }
}

/// The exception `id` of a revocation, as the log holds it; that it is over is told before.
#[must_use]
pub fn excused(stored: Stored, id: &str) -> Option<Excused> {
    let present = exception::present(&stored.revocation, stored.landed.as_deref()?, clock::now());
    let exception = present.life.exceptions.into_iter().find(|one| one.id == id)?;
    Some(Excused { stored, exception })
}
