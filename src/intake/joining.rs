//! What a notice joins: a second one about the same subject and kind asks for no more than one revocation.

use super::lineage::ends_again;
use super::submission::wrong;
use super::{
    Accepted, Intake, IntakeError, committed, emergency, exceptions, lineage, links, merge,
};
use crate::audit::record::{self, About};
use crate::domain::emergency::Emergency;
use crate::domain::identity::{Unsure, questioned};
use crate::domain::lifecycle::Life;
use crate::domain::lineage::Lineage;
use crate::domain::revocation::{Kind, Revocation, State};
use crate::domain::subject::Mapping;
use crate::domain::time::UtcTime;
use crate::store::{Move, NewRecord, NoticeKey, StoreError, Stored};

/// What a notice asks for.
pub(super) struct Asking {
    /// The revocation.
    pub(super) revocation: Revocation,
    /// It is an emergency.
    pub(super) called: Option<Box<Emergency>>,
    /// Whether it is about the same person is a question.
    pub(super) doubted: Option<Unsure>,
}

impl Asking {
    /// A revocation that nothing else is said of.
    pub(super) fn of(revocation: Revocation) -> Self {
        Self { revocation, called: None, doubted: None }
    }

    /// What is asked for by `revocation`, of which `doubted` is a question: the user name that it asks about is no name of
    /// the subject, and suggests no role.
    pub(super) fn certain(
        mut revocation: Revocation,
        called: Option<Box<Emergency>>,
        doubted: Option<Unsure>,
    ) -> Self {
        if doubted.as_ref().is_some_and(|unsure| unsure.username.is_some()) {
            revocation.username = None;
            revocation.accounts.retain(|name| !name.suggested());
        }
        Self { revocation, called, doubted }
    }

    /// What is said of the subject once this joined `stored`: a question more, or one that a person answered.
    fn said_in(&self, stored: &Stored, notice: &NoticeKey, mapping: &Mapping) -> Lineage {
        let mut lineage = stored.life.lineage.clone();
        if notice.source.starts_with(RELEASED) {
            lineage.answered(&notice.event_id);
            for name in merge::suggested(&self.revocation, mapping) {
                lineage.doubtful.remove(&name);
            }
        }
        if let Some(unsure) = &self.doubted {
            lineage.ask(unsure);
            return lineage;
        }
        // What was known by earlier notices only, this one says as well.
        for name in merge::suggested(&self.revocation, mapping) {
            lineage.former.remove(&name);
            lineage.taken_back.remove(&name);
        }
        let doubtful = merge::doubtful(&stored.revocation, &self.revocation, notice, mapping);
        lineage.doubtful.extend(doubtful);
        lineage
    }
}

/// Before the sender's name, of what a person released.
pub(super) const RELEASED: &str = "released:";

impl Intake {
    /// The revocation that asks for the same. Who was suspended and leaves now is not only suspended: then
    /// that revocation is for everything.
    pub(super) async fn joined(
        &self,
        asked: &Revocation,
        notice: &NoticeKey,
        now: UtcTime,
    ) -> Result<Option<Stored>, StoreError> {
        let store = &self.journal.store;
        if let Some(questioned) = self.questioned(asked, notice, now).await? {
            return Ok(Some(questioned));
        }
        if let Some(same) = store.unfinished(&asked.subject, asked.kind).await? {
            return Ok(Some(same.stored));
        }
        if let Some(known) = store.newest_of(&asked.subject, asked.kind).await?
            && says_nothing_new(&known, asked, now)
        {
            return Ok(Some(known.stored));
        }
        if asked.kind != Kind::Full || asked.effective_at > now {
            return Ok(None);
        }
        let suspended = store.unfinished(&asked.subject, Kind::Suspend).await?;
        let suspended = suspended.filter(|stored| stored.revocation.effective_at <= now);
        if let Some(suspended) = suspended {
            return Ok(Some(suspended.stored));
        }
        // An end that was made before a rehire is of the time before it, also where that is finished.
        for kind in [Kind::Full, Kind::Suspend] {
            let newest = store.newest_of(&asked.subject, kind).await?;
            let before = |stored: &Stored| {
                stored.life.state == State::Verified
                    && stored.watch_until > now
                    && stored.life.lineage.rehired.is_some()
                    && !ends_again(stored, notice, now)
            };
            if let Some(newest) = newest.filter(|newest| before(newest)) {
                return Ok(Some(newest.stored));
            }
        }
        Ok(None)
    }

    /// The revocation that asks about the notice which a person released, where that became the end of everything
    /// meanwhile: a suspension is part of it.
    async fn questioned(
        &self,
        asked: &Revocation,
        notice: &NoticeKey,
        now: UtcTime,
    ) -> Result<Option<Stored>, StoreError> {
        if asked.kind != Kind::Suspend || !notice.source.starts_with(RELEASED) {
            return Ok(None);
        }
        let store = &self.journal.store;
        let kept = store.notice(&notice.event_id).await?;
        let Some(id) = kept.and_then(|kept| kept.revocation) else { return Ok(None) };
        let asks = |stored: &Stored| {
            let unsure = &stored.life.lineage.unsure;
            let over = match stored.life.state {
                State::Withdrawn => true,
                State::Verified => stored.watch_until <= now,
                State::Scheduled | State::Open | State::Regressed | State::Excepted => false,
            };
            !over
                && stored.revocation.kind == Kind::Full
                && unsure.iter().any(|unsure| unsure.notice == notice.event_id)
        };
        let kept = store.revocation(&id).await?.map(|kept| kept.stored);
        Ok(kept.filter(asks))
    }

    /// Joins a revocation that is not finished, and tightens it if more is asked.
    pub(super) async fn join(
        &self,
        stored: &Stored,
        asking: &Asking,
        notice: &NoticeKey,
        now: UtcTime,
    ) -> Result<(Accepted, Option<String>), IntakeError> {
        let id = stored.revocation.id.clone();
        let (config, asked) = (self.config.current(), &asking.revocation);
        one_owner(&stored.revocation, asked)?;
        let (present, overtaken) = exceptions::against_notice(stored, asked, &config, now);
        let tightened = merge::tighten(&present.revocation, asked);
        // Whoever says again that access ends has not heard of what waits: that is void, and on record.
        let ends_again = lineage::ends_again(stored, notice, now);
        let lineage = asking.said_in(stored, notice, &config.subjects);
        let amended = tightened.is_some()
            || overtaken
            || ends_again
            || lineage != stored.life.lineage
            || links::is_named_again(stored, &asked.accounts)
            || stored.life.pending.is_some();
        // An emergency that asks for nothing more did nothing that anybody had to approve.
        let called = asking.called.clone().filter(|_| amended);
        let revocation = tightened.unwrap_or_else(|| present.revocation.clone());
        let about = About { revocation: &revocation, subject: &stored.subject_id, at: now };
        let records = if amended {
            let subject = self.journal.store.subject_by_id(&stored.subject_id).await?;
            let committed = subject.and_then(|subject| committed(&subject, notice));
            let body = record::amended(&about, committed.as_deref());
            let body = emergency::told(body, called.as_deref());
            vec![NewRecord { kind: "revocation_amended", body }]
        } else {
            Vec::new()
        };
        let life = merge::reopened(&present, &revocation);
        let mut step = Move {
            from: stored.clone(),
            accounts: stored.accounts.clone(),
            life: Life {
                pending: None,
                emergency: emergency::joined(present.life.emergency.as_deref(), called),
                ..merge::told(&present.revocation, &revocation, life, now)
            },
            evidence: None,
            before: Vec::new(),
            records,
            notice: Some(notice.clone()),
            at: now,
            watch_until: stored.watch_until,
            revocation,
        };
        if lineage.asks_more_than(&stored.life.lineage) {
            step.life = questioned(step.life);
        }
        step.life.lineage = lineage;
        links::named_again(&mut step, &asked.accounts, &notice.source, now);
        if ends_again {
            step.life.lineage.rehired = None;
            step.life = merge::begun_anew(step.life);
        }
        let ended = exceptions::endings(stored, &step, now);
        step.records.extend(ended);
        let _learning = amended.then(|| self.learning());
        merge::remind_anew(&mut step);
        merge::say_what_is_taken_back(&mut step);
        let wait = match self.journal.store.advance(&step).await? {
            Some(record) => Some(record),
            None => self.newest_record(&id).await?,
        };
        Ok((Accepted { id, known: !amended, amended }, wait))
    }
}

impl Intake {
    /// Whoever loses everything owns nothing from now on.
    pub(super) async fn may_own(&self, asked: &Revocation) -> Result<(), IntakeError> {
        let Some(owner) = &asked.new_owner else { return Ok(()) };
        let Some(leaves) = self.journal.store.unfinished(owner, Kind::Full).await? else {
            return Ok(());
        };
        let id = &leaves.revocation.id;
        let why = format!("{id} expects that {owner} loses everything: name somebody who stays");
        Err(wrong("/new_owner", why).into())
    }
}

/// Whether `asked` says once more what `known`, which is verified and watched, is about: no more, and no later end.
fn says_nothing_new(known: &Stored, asked: &Revocation, now: UtcTime) -> bool {
    known.life.state == State::Verified
        && known.watch_until > now
        && known.life.lineage.rehired.is_none()
        && !asked.kind.is_about_a_secret()
        && asked.effective_at <= known.revocation.effective_at
        && merge::tighten(&known.revocation, asked).is_none()
}

/// Whom an account goes to is said once: another owner is another transfer.
fn one_owner(known: &Revocation, asked: &Revocation) -> Result<(), IntakeError> {
    match (&known.new_owner, &asked.new_owner) {
        (Some(known_owner), Some(owner)) if known_owner != owner => {
            let why = format!(
                "{} expects that it goes to {known_owner}: have that withdrawn first, which a second person approves",
                known.id
            );
            Err(wrong("/new_owner", why).into())
        }
        _ => Ok(()),
    }
}
