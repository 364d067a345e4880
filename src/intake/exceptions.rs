//! Asking for permission to keep access, approving it, and taking it back. The only doors to an exception.

mod against;
mod wish;

pub(super) use against::{against_amendment, against_notice, holds_nothing};
pub use wish::Wish;

use super::amend::{Changed, Withdrawal, unchanged};
use super::submission::wrong;
use super::{Intake, IntakeError, notice_of_change, terms_of};
use crate::audit::record::{self, About};
use crate::clock;
use crate::domain::exception::{self, Exception, ExceptionKind, Phase, Rules, Turn, Unfit};
use crate::domain::request::{LIFETIME, Refused};
use crate::domain::revocation::{Revocation, State};
use crate::domain::time::UtcTime;
use crate::store::{Excepted, Move, NewRecord, NoticeKey, Stored};

/// Exceptions of one subject that are read to tell whether a break-glass follows another.
const EARLIER: i64 = 100;

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
        let Some((revocation, earlier)) = self.revocation_for(wish, notice, by).await? else {
            return Ok(None);
        };
        let asked = std::sync::Mutex::new(String::new());
        let changed = self
            .moving(&revocation, |stored, config, now| {
                let exception =
                    wish.exception(&stored.revocation, &stored.life.exceptions, by, config, now)?;
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
                step.notice = Some(notice.clone());
                Ok(step)
            })
            .await?;
        let id = asked.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        match changed {
            Some(_) => self.excused(&revocation, &id).await,
            None => Ok(None),
        }
    }

    /// The revocation that a wish is about, and the subject's break-glasses of others. Where nothing is expected of the
    /// subject, temporary access and a break-glass open one.
    async fn revocation_for(
        &self,
        wish: &Wish,
        notice: &NoticeKey,
        by: &str,
    ) -> Result<Option<(String, Vec<Exception>)>, IntakeError> {
        if let Some(id) = &wish.revocation {
            let Some(stored) = self.journal.store.revocation(id).await? else { return Ok(None) };
            let earlier = self.earlier(&stored.revocation.subject, id).await?;
            return Ok(Some((id.clone(), earlier)));
        }
        let subject = wish.subject.as_deref().unwrap_or_default();
        let known = self.journal.store.expected_of(subject).await?;
        let kind = wish.kind()?;
        let opens = matches!(kind, ExceptionKind::Temporary | ExceptionKind::BreakGlass);
        let begins = [&wish.account, &wish.roles, &wish.permissions];
        let finished = |stored: &&Stored| stored.life.state == State::Verified;
        let open: Vec<&Stored> = known.iter().filter(|stored| !finished(stored)).collect();
        let id = if begins.iter().any(|list| list.is_some()) {
            if !opens {
                return Err(wrong(
                    "/account",
                    format!("a {kind} is an exception from what is expected"),
                )
                .into());
            }
            self.open_for(wish, subject, &open, notice, by).await?
        } else {
            match (open.as_slice(), known.first()) {
                ([one], _) => one.revocation.id.clone(),
                ([], Some(newest)) => newest.revocation.id.clone(),
                ([], None) if opens => self.open_for(wish, subject, &open, notice, by).await?,
                ([], None) => return Ok(None),
                ([_, _, ..], _) => {
                    let ids: Vec<_> = open.iter().map(|one| one.revocation.id.as_str()).collect();
                    let said = format!("it has several revocations, name one: {}", ids.join(", "));
                    return Err(wrong("/subject", said).into());
                }
            }
        };
        let earlier = self.earlier(subject, &id).await?;
        Ok(Some((id, earlier)))
    }

    /// Expects that access is gone when the temporary one is over.
    async fn open_for(
        &self,
        wish: &Wish,
        subject: &str,
        open: &[&Stored],
        notice: &NoticeKey,
        by: &str,
    ) -> Result<String, IntakeError> {
        let (config, now) = (self.config.current(), clock::now());
        let kind = wish.kind()?;
        let zones = terms_of(&config, by, by).zones;
        let sample = |at| -> Result<Revocation, IntakeError> {
            let terms = terms_of(&config, by, by);
            Ok(wish.submission(subject, at).revocation(by, now, &terms)?)
        };
        let usual = kind.usual_end(&sample(now)?, now);
        let until = wish.end(&zones, now)?.or(usual).ok_or(Unfit::NoEnd(kind));
        let until = until.map_err(Refused::from)?;
        // Nothing is expected for a wish that nobody could grant.
        let asked = sample(until)?;
        kind.fits(&asked, Some(until), now).map_err(Refused::from)?;
        // What is approved for one thing must not cover another.
        if let Some(same) = open.iter().find(|one| one.revocation.kind == asked.kind) {
            let id = &same.revocation.id;
            let said = format!("{id} expects already what has to be gone: name that revocation");
            return Err(wrong("/subject", said).into());
        }
        let bytes = serde_json::to_vec(&wish.submission(subject, until))
            .map_err(|error| IntakeError::Unavailable(error.into()))?;
        let event = format!("{}/{until}", notice.event_id);
        let accepted = Box::pin(self.submit(&bytes, by, Some(&event))).await?;
        Ok(accepted.id)
    }

    /// Break-glasses of the subject's other revocations.
    async fn earlier(&self, subject: &str, but: &str) -> Result<Vec<Exception>, IntakeError> {
        let selection = Excepted {
            kind: Some(ExceptionKind::BreakGlass),
            subject: Some(subject.to_owned()),
            ..Excepted::default()
        };
        let rows = self.journal.store.exceptions_page(&selection, None, EARLIER).await?;
        let mut revocations: Vec<String> = rows.into_iter().map(|row| row.revocation).collect();
        revocations.sort();
        revocations.dedup();
        let mut earlier = Vec::new();
        for id in revocations.iter().filter(|id| *id != but) {
            let stored = self.journal.store.revocation(id).await?;
            earlier.extend(stored.into_iter().flat_map(|stored| stored.life.exceptions));
        }
        Ok(earlier)
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

    /// Takes back what there is of `kind` for `subject`, on behalf of `by`: in force, or asked for. What waits for a
    /// second person is in what is given back.
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
            match self.revoke_exception(&row.id, by).await {
                Ok(excused) => closed.extend(excused),
                // It only waits for its review.
                Err(IntakeError::Refused(Refused::Exception(Unfit::Over))) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(closed)
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
                    || stored.clone(),
                    |over| Stored {
                        revocation: over.revocation,
                        life: over.life,
                        ..stored.clone()
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
        Ok(stored.and_then(|stored| excused(stored, id)))
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
        Ok(stored.and_then(|stored| {
            let landed = stored.landed.as_ref()?;
            let newest = landed.exceptions.iter().rev().find(|one| one.kind == kind)?;
            let exception = newest.clone();
            Some(Excused { stored, exception })
        }))
    }
}

/// The exception `id` of a revocation, as the log holds it; that it is over is told before.
#[must_use]
pub fn excused(stored: Stored, id: &str) -> Option<Excused> {
    let present = exception::present(&stored.revocation, stored.landed.as_ref()?, clock::now());
    let exception = present.life.exceptions.into_iter().find(|one| one.id == id)?;
    Some(Excused { stored, exception })
}
