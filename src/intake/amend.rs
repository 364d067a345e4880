//! Changing a revocation that is there: at once where it tightens, after a second person's word where it keeps
//! access.

mod amendment;
mod slips;

pub use amendment::Amendment;

use super::{
    Intake, IntakeError, PATIENCE, TRIES, committed, emergency, exceptions, links, merge,
    notice_of_change,
};
use crate::audit::record::{self, About, Approval};
use crate::clock;
use crate::config::{Approvals, Config};
use crate::domain::request::{Asked, Refused, Request};
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::store::{Evidenced, Move, NewRecord, StoreError, Stored};
use slips::forgotten;

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The revocation.
    pub id: String,
    /// Something changed at once.
    pub amended: bool,
    /// What waits for a second person.
    pub pending: Option<Request>,
}

/// Why nothing is to be expected any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Withdrawal<'a> {
    /// In the asker's words; stays in the store.
    pub why: Option<&'a str>,
    /// It should never have been expected: access was taken away, or called residual, by mistake.
    pub erroneous: bool,
}

impl Intake {
    /// Changes the revocation `id` as `bytes` say (an [`Amendment`]), on behalf of `by`. When this returns, the
    /// record of it is in the log. `None`: there is no such revocation.
    ///
    /// # Errors
    /// When the change is wrong, cannot be made, or cannot be kept now.
    pub async fn change(
        &self,
        id: &str,
        bytes: &[u8],
        by: &str,
    ) -> Result<Option<Changed>, IntakeError> {
        let amendment = Amendment::parse(bytes)?;
        super::ticket_fits(&self.config.current(), amendment.ticket.as_deref())?;
        let subject = match self.journal.store.revocation(id).await? {
            Some(stored) => self.journal.store.subject_by_id(&stored.subject_id).await?,
            None => None,
        };
        let slip = self.never_seen(&amendment).await?;
        let _learning = self.learning();
        self.moving(id, |stored, config, now| {
            if stored.life.state == State::Withdrawn {
                return Err(Refused::State(stored.life.state).into());
            }
            self.may_be_theirs(stored, &amendment, config)?;
            if let Some(step) = slip.as_ref().and_then(|name| forgotten(stored, name, by, now)) {
                amendment.only_unlinks()?;
                return Ok(Move { notice: Some(notice_of_change(bytes, by, now)?), ..step });
            }
            let decision = amendment.decide(&stored.revocation, by, config, now)?;
            let notice = notice_of_change(bytes, by, now)?;
            let mut step = unchanged(stored, now);
            let (present, revocation) =
                exceptions::against_amendment(stored, decision.revocation, config, now);
            let life = merge::reopened(&present, &revocation);
            step.life = merge::told(&present.revocation, &revocation, life, now);
            step.revocation = revocation;
            let about =
                About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
            if step.revocation != stored.revocation {
                let committed = subject.as_ref().and_then(|subject| committed(subject, &notice));
                let body = record::amended(&about, committed.as_deref());
                step.records.push(NewRecord { kind: "revocation_amended", body });
            }
            let ended = exceptions::endings(stored, &step, now);
            step.records.extend(ended);
            step.notice = Some(notice);
            amendment.link(&mut step, by, now)?;
            merge::remind_anew(&mut step);
            let newest = |target: &str| self.board.newest(target);
            match amendment.parting(stored, newest, by, now)?.or(decision.pending) {
                Some(request) => ask(stored, step, request, config, now),
                None => Ok(step),
            }
        })
        .await
    }

    /// Asks that nothing is expected any more of the revocation `id`.
    ///
    /// # Errors
    /// As [`change`](Self::change).
    pub async fn withdraw(
        &self,
        id: &str,
        withdrawal: Withdrawal<'_>,
        by: &str,
    ) -> Result<Option<Changed>, IntakeError> {
        let why = withdrawal.why.map(str::to_owned);
        let amendment = Amendment { why, ..Amendment::default() };
        amendment.bounded()?;
        self.moving(id, |stored, config, now| {
            let request = amendment.request(Asked::Withdraw, by, now)?;
            let request = Request { erroneous: withdrawal.erroneous, ..request };
            ask(stored, unchanged(stored, now), request, config, now)
        })
        .await
    }

    /// Approves what waits at the revocation `id`, a request or an emergency, on behalf of `by`, who looked at `request`.
    ///
    /// # Errors
    /// As [`change`](Self::change), and when `by` made the request.
    pub async fn approve(
        &self,
        id: &str,
        request: &str,
        by: &str,
    ) -> Result<Option<Changed>, IntakeError> {
        self.moving(id, |stored, config, now| {
            if let Some(step) = emergency::approve(stored, request, by, config, now)? {
                return Ok(step);
            }
            let waiting = emergency::waiting(stored).ok_or(Refused::NothingWaits)?;
            let pending = stored.life.pending.clone().filter(|pending| pending.id == request);
            let pending = pending.ok_or(Refused::Another(waiting))?;
            pending.approvable(by, now)?;
            grant(stored, unchanged(stored, now), &pending, by, now)
        })
        .await
    }

    /// Reads the revocation, decides and commits, again if somebody moved it meanwhile; then waits for the
    /// records.
    pub(super) async fn moving(
        &self,
        id: &str,
        decide: impl Fn(&Evidenced, &Config, UtcTime) -> Result<Move, IntakeError>,
    ) -> Result<Option<Changed>, IntakeError> {
        if self.journal.blocked() {
            return Err(IntakeError::Unavailable(anyhow::anyhow!("the audit log refuses records")));
        }
        let mut tries = 0;
        let (changed, record) = loop {
            let Some(stored) = self.journal.store.revocation(id).await? else {
                return Ok(None);
            };
            let mut step = Box::new(decide(&stored, &self.config.current(), clock::now())?);
            merge::say_what_is_taken_back(&mut step);
            let changed = Changed {
                id: id.to_owned(),
                amended: step.revocation != stored.revocation
                    || step.accounts != stored.accounts
                    || step.life.state != stored.life.state
                    || step.life.emergency != stored.life.emergency
                    || step.life.lineage != stored.life.lineage,
                pending: step.life.pending.clone(),
            };
            if step.records.is_empty() {
                break (changed, format!("{id}.{}", stored.records));
            }
            tries += 1;
            match Box::pin(self.advance(&step)).await {
                Ok(record) => break (changed, record.unwrap_or_default()),
                Err(StoreError::Conflict { .. }) if tries < TRIES => {}
                Err(error) => return Err(error.into()),
            }
        };
        self.journal.landed(&record, PATIENCE).await?;
        self.board.ask();
        Ok(Some(changed))
    }
}

/// A move that changes nothing yet.
pub(super) fn unchanged(stored: &Stored, now: UtcTime) -> Move {
    Move {
        from: stored.clone(),
        revocation: stored.revocation.clone(),
        accounts: stored.accounts.clone(),
        life: stored.life.as_ref().clone(),
        evidence: None,
        before: Vec::new(),
        records: Vec::new(),
        notice: None,
        at: now,
        watch_until: stored.watch_until,
    }
}

/// Lets `request` wait, or grants it where one person is enough.
pub(super) fn ask(
    stored: &Evidenced,
    mut step: Move,
    request: Request,
    config: &Config,
    now: UtcTime,
) -> Result<Move, IntakeError> {
    request.possible(step.life.state)?;
    has_none(stored, &request)?;
    exceptions::holds_nothing(stored, &request)?;
    if config.approvals == Approvals::Single {
        let by = request.requested_by.clone();
        return grant(stored, step, &request, &by, now);
    }
    // The same wish again is the same request, and does not begin to wait anew.
    if step.life.pending.as_ref().is_some_and(|pending| {
        pending.same(&request) && pending.approvable("", now) != Err(Refused::Expired)
    }) {
        return Ok(step);
    }
    let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
    let body = record::approval_requested(&about, &request);
    step.records.push(NewRecord { kind: "approval_requested", body });
    step.life.pending = Some(request);
    Ok(step)
}

/// That there is no account cannot be confirmed of somebody who has one.
fn has_none(stored: &Stored, request: &Request) -> Result<(), Refused> {
    match stored.accounts.first() {
        Some(account) if request.asks == Asked::NoAccount => {
            Err(Refused::HasAccount(format!("{}/{}", account.target, account.role)))
        }
        _ => Ok(()),
    }
}

/// Makes `step` what `request` asks for.
fn grant(
    stored: &Evidenced,
    mut step: Move,
    request: &Request,
    by: &str,
    now: UtcTime,
) -> Result<Move, IntakeError> {
    request.possible(step.life.state)?;
    has_none(stored, request)?;
    exceptions::holds_nothing(stored, request)?;
    (step.revocation, step.life) = request.granted(&step.revocation, &step.life, now);
    if let Some(withdrawn) =
        step.life.withdrawn.as_mut().filter(|_| request.asks == Asked::Withdraw)
    {
        withdrawn.approved_by = Some(by.to_owned());
    }
    if let Some(unlink) = &request.unlink {
        let record = links::parted(stored, &mut step, (&unlink.account, request), by, now);
        step.records.push(record);
        return Ok(step);
    }
    let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
    let approval = Approval { request, approved_by: by };
    if request.asks == Asked::Withdraw {
        let ended = exceptions::endings(stored, &step, now);
        step.records.extend(ended);
    }
    step.records.push(match request.asks {
        Asked::Withdraw => {
            NewRecord { kind: "revocation_withdrawn", body: record::withdrawn(&about, &approval) }
        }
        Asked::Postpone | Asked::NoAccount | Asked::Unlink => {
            NewRecord { kind: "revocation_amended", body: record::approved(&about, &approval) }
        }
    });
    Ok(step)
}
