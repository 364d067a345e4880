//! Changing a revocation that is there: at once where it tightens, after a second person's word where it keeps
//! access.

use super::submission::{
    OneOrMany, SubmissionError, account_names, deadline_of, names_fit, object, text_fits, wrong,
};
use super::{
    Intake, IntakeError, PATIENCE, TRIES, committed, emergency, exceptions, known_targets, merge,
    notice_of_change, terms_of,
};
use crate::audit::record::{self, About, Approval};
use crate::clock;
use crate::config::{Approvals, Config};
use crate::domain::effective::{self, Zones};
use crate::domain::expectation::deadlines;
use crate::domain::milestone::{Deadlines, Milestone};
use crate::domain::request::{Asked, Refused, Request};
use crate::domain::revocation::{Kind, Revocation, State};
use crate::domain::time::UtcTime;
use crate::store::{Move, NewRecord, StoreError, Stored};
use serde::{Deserialize, Serialize};

/// What is to change. Accounts, roles and permissions are added to those there are.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Amendment {
    /// When access has to end. A later time waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<String>,
    /// Zone in which that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// By when everything has to be gone. A later time waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// More accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<OneOrMany>,
    /// More roles that must be gone, for a partial revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<OneOrMany>,
    /// More permissions that must be gone, for a partial revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<OneOrMany>,
    /// Another ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The subject has no account anywhere. Waits for a second person.
    #[serde(default)]
    pub no_account: bool,
    /// Why; it stays in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

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

/// What a change comes to.
struct Decision {
    revocation: Revocation,
    pending: Option<Request>,
}

impl Amendment {
    /// Reads the object.
    ///
    /// # Errors
    /// When it is none, or has a field we do not know.
    pub fn parse(bytes: &[u8]) -> Result<Self, SubmissionError> {
        let parsed: Self = object(bytes)?;
        parsed.bounded()?;
        Ok(parsed)
    }

    fn bounded(&self) -> Result<(), SubmissionError> {
        for (field, text) in
            [("/ticket", &self.ticket), ("/why", &self.why), ("/time_zone", &self.time_zone)]
        {
            text_fits(field, text.as_ref())?;
        }
        names_fit("/roles", self.roles.as_ref())?;
        names_fit("/permissions", self.permissions.as_ref())
    }

    /// Only a partial revocation names what must be gone.
    fn fits(&self, known: &Revocation) -> Result<(), SubmissionError> {
        for (field, list) in [("/roles", &self.roles), ("/permissions", &self.permissions)] {
            if known.kind != Kind::Partial && !OneOrMany::list(list.as_ref()).is_empty() {
                let kind = known.kind;
                return Err(wrong(field, format!("a {kind} revocation names none; partial does")));
            }
        }
        Ok(())
    }

    fn zones<'a>(&'a self, zones: Zones<'a>) -> Zones<'a> {
        Zones { subject: self.time_zone.as_deref(), ..zones }
    }

    /// The revocation with what is added and what comes sooner, and what would come later.
    fn decide(
        &self,
        known: &Revocation,
        by: &str,
        config: &Config,
        now: UtcTime,
    ) -> Result<Decision, IntakeError> {
        self.fits(known)?;
        let terms = terms_of(config, by, by);
        let zones = self.zones(terms.zones);
        let mut asked = known.clone();
        asked.accounts = account_names(self.account.as_ref())?;
        asked.roles = OneOrMany::list(self.roles.as_ref());
        asked.permissions = OneOrMany::list(self.permissions.as_ref());
        known_targets(config, &asked)?;
        let later = |deadline: Option<UtcTime>, effective_at: UtcTime, from: UtcTime| {
            let allowance = terms.profiles.allowance(known.reason);
            deadlines(known.kind, known.reason, &allowance, effective_at, from, deadline)
        };
        if let Some(text) = &self.effective_at {
            let (at, how) = effective::resolve(text, &zones)
                .map_err(|error| wrong("/effective_at", error.to_string()))?;
            asked.effective_at = at;
            asked.effective = Some(how);
            // Sooner: as if told now. Later: from the later effect.
            asked.deadlines = later(None, at, now);
        }
        if let Some(text) = &self.deadline {
            let stated = deadline_of(text, asked.effective_at.max(now), &zones)?;
            asked.deadlines = later(Some(stated), asked.effective_at, now);
        }
        let mut revocation = merge::tighten(known, &asked).unwrap_or_else(|| known.clone());
        if let Some(ticket) = &self.ticket {
            revocation.ticket = Some(ticket.clone());
        }
        let keeps = asked.effective_at > known.effective_at
            || (self.deadline.is_some() && any_later(&asked.deadlines, &known.deadlines));
        if keeps && self.no_account {
            return Err(wrong("/no_account", "ask for this and for a later time one by one").into());
        }
        let pending = if keeps {
            Some(Request {
                effective_at: Some(asked.effective_at),
                effective: asked.effective,
                deadlines: Some(asked.deadlines),
                ..self.request(Asked::Postpone, by, now)?
            })
        } else if self.no_account {
            Some(self.request(Asked::NoAccount, by, now)?)
        } else {
            None
        };
        Ok(Decision { revocation, pending })
    }

    fn request(&self, asks: Asked, by: &str, now: UtcTime) -> Result<Request, IntakeError> {
        let id = clock::new_id("req", now).map_err(|e| IntakeError::Unavailable(e.into()))?;
        Ok(Request {
            id,
            asks,
            requested_by: by.to_owned(),
            requested_at: now,
            effective_at: None,
            effective: None,
            deadlines: None,
            erroneous: false,
            why: self.why.clone(),
        })
    }
}

fn any_later(asked: &Deadlines, known: &Deadlines) -> bool {
    Milestone::ALL.iter().any(|milestone| {
        matches!((asked.get(*milestone), known.get(*milestone)), (Some(a), Some(k)) if a > k)
    })
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
        self.moving(id, |stored, config, now| {
            if stored.life.state == State::Withdrawn {
                return Err(Refused::State(stored.life.state).into());
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
            match decision.pending {
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
        decide: impl Fn(&Stored, &Config, UtcTime) -> Result<Move, IntakeError>,
    ) -> Result<Option<Changed>, IntakeError> {
        if self.journal.blocked() {
            return Err(IntakeError::Unavailable(anyhow::anyhow!("the audit log refuses records")));
        }
        let mut tries = 0;
        let (changed, record) = loop {
            let Some(stored) = self.journal.store.revocation(id).await? else {
                return Ok(None);
            };
            let step = Box::new(decide(&stored, &self.config.current(), clock::now())?);
            let changed = Changed {
                id: id.to_owned(),
                amended: step.revocation != stored.revocation
                    || step.life.state != stored.life.state
                    || step.life.emergency != stored.life.emergency,
                pending: step.life.pending.clone(),
            };
            if step.records.is_empty() {
                break (changed, format!("{id}.{}", stored.records));
            }
            tries += 1;
            match self.journal.store.advance(&step).await {
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
        life: stored.life.clone(),
        evidence: stored.evidence.clone(),
        records: Vec::new(),
        deliveries: Vec::new(),
        notice: None,
        at: now,
        watch_until: stored.watch_until,
    }
}

/// Lets `request` wait, or grants it where one person is enough.
fn ask(
    stored: &Stored,
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
    stored: &Stored,
    mut step: Move,
    request: &Request,
    by: &str,
    now: UtcTime,
) -> Result<Move, IntakeError> {
    request.possible(step.life.state)?;
    has_none(stored, request)?;
    exceptions::holds_nothing(stored, request)?;
    (step.revocation, step.life) = request.granted(&step.revocation, &step.life, now);
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
        Asked::Postpone | Asked::NoAccount => {
            NewRecord { kind: "revocation_amended", body: record::approved(&about, &approval) }
        }
    });
    Ok(step)
}
