//! Events of other systems: what each comes to, and that none is lost.
//!
//! An event is known for good by sender and id. One that can be used makes a revocation, or joins one; one that
//! cannot is held for a person (`quarantine`). Either way the answer waits for its record.

use super::door::{Door, Reading};
use super::earlier::is_in_force;
use super::event::{Action, Event};
use super::sameness::{again_after, day_before, has_no_id, notice_of};
use super::submission::Submission;
use super::vendor::{self, Offboarding};
use super::{Intake, IntakeError};
use crate::audit::record::{self, Noticed};
use crate::clock;
use crate::config::Config;
use crate::domain::notice::{Fault, Hold, Outcome, Unusable};
use crate::domain::revocation::{Kind, Revocation, State};
use crate::domain::time::UtcTime;
use crate::store::{Facts, KeptNotice, NewRecord, NoticeKey, Stored};
use std::sync::Arc;

/// An event as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Where.
    pub door: Door<'a>,
    /// Who is known to have sent it.
    pub sender: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The sender's id of it in a header, for those who have none in the payload.
    pub id: Option<&'a str>,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// `ntc_…`.
    pub notice: String,
    /// The sender's id, or what took its place.
    pub event_id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// It had come before.
    pub duplicate: bool,
    /// The revocations that it made or joined.
    pub revocations: Vec<String>,
    /// The checklist that it opened.
    pub checklist: Option<String>,
    /// Why it is held.
    pub cause: Option<Hold>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// What waits for a second person.
    pub pending: Vec<String>,
}

impl Received {
    pub(super) fn of(notice: &NoticeKey, revocations: Vec<String>, duplicate: bool) -> Self {
        let facts = &notice.facts;
        Self {
            notice: facts.id.clone(),
            event_id: notice.event_id.clone(),
            outcome: facts.outcome,
            duplicate,
            revocations,
            checklist: Some(facts.checklist.clone()).filter(|checklist| !checklist.is_empty()),
            cause: facts.cause,
            faults: facts.faults.clone(),
            pending: facts.pending.clone(),
        }
    }
}

/// What an event came to, and the records that its answer waits for.
pub(super) type Decided = Result<(Received, Vec<String>), IntakeError>;

/// What a person said of an event that was held. Nothing of the kind, when it arrives.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    /// It is to be accepted after all.
    pub(super) released: bool,
    /// It is the same person under another name.
    pub(super) same_person: bool,
    /// Nobody said anything: it is taken up by itself.
    pub(super) itself: bool,
}

/// An event on its way.
pub(super) struct Case {
    pub(super) notice: NoticeKey,
    /// Who is known to have sent it.
    pub(super) sender: String,
    pub(super) said: Said,
    pub(super) now: UtcTime,
    pub(super) config: Arc<Config>,
}

impl Case {
    pub(super) fn reading(&self) -> Reading<'_> {
        Reading {
            config: &self.config,
            door: Door::called(&self.notice.facts.door),
            sender: &self.sender,
            now: self.now,
        }
    }
}

/// What an event is that was made before something else that is known.
pub(super) enum Early {
    /// This revocation makes it void.
    Superseded(String),
    /// Whether it is void, a person has to say.
    Unsure(Unusable),
}

/// Whether all access goes by this end, or will: not while access is kept by permission, nor what was given since the person
/// is back, nor once nobody looks any more.
fn takes_all(end: &Stored, now: UtcTime) -> bool {
    is_in_force(end, now) && end.life.state != State::Excepted
}

impl Intake {
    /// Takes an event. When this returns, the record of what became of it is in the log.
    ///
    /// # Errors
    /// When its id came before with other content, or it cannot be kept now.
    pub async fn receive(&self, delivery: &Delivery<'_>) -> Result<Received, IntakeError> {
        if self.journal.blocked() {
            return Err(IntakeError::Unavailable(anyhow::anyhow!("the audit log refuses records")));
        }
        let now = clock::now();
        let config = self.config.current();
        let event = delivery.door.read(&config, delivery.bytes, now);
        let notice = notice_of(delivery, &event, now)?;
        let sender = delivery.sender.to_owned();
        let case = Case { notice, sender, said: Said::default(), now, config };
        Box::pin(self.landing(async {
            let mut kept = self.before(&case.notice, now).await?;
            if let Some(earlier) = day_before(&case.notice, now).filter(|_| kept.is_none()) {
                kept = self.before(&earlier, now).await?;
            }
            match kept {
                Some(kept) if !self.is_outlived(&kept).await? => self.again(&kept).await,
                Some(kept) => {
                    let mut case = case;
                    case.notice.event_id = again_after(&kept.key.event_id, now);
                    Box::pin(self.follow(event, case)).await
                }
                None => Box::pin(self.follow(event, case)).await,
            }
        }))
        .await
    }

    /// The same event, if it came before.
    pub(super) async fn before(
        &self,
        notice: &NoticeKey,
        now: UtcTime,
    ) -> Result<Option<KeptNotice>, IntakeError> {
        let store = &self.journal.store;
        let NoticeKey { source, event_id, digest, .. } = notice;
        let Some(kept) = store.notice_called(source, event_id).await? else { return Ok(None) };
        if kept.key.digest == *digest {
            return Ok(Some(kept));
        }
        store.conflicted(source, event_id, digest, now).await?;
        Err(IntakeError::Differs { source_name: source.clone(), event_id: event_id.clone() })
    }

    /// Whether an event that is known by its bytes alone says something new when it comes again: what the first one
    /// expected was taken back since, or the person came back.
    async fn is_outlived(&self, kept: &KeptNotice) -> Result<bool, IntakeError> {
        let (true, Some(id)) = (has_no_id(&kept.key.event_id), &kept.revocation) else {
            return Ok(false);
        };
        let stored = self.journal.store.revocation(id).await?;
        Ok(stored.is_some_and(|stored| {
            stored.life.state == State::Withdrawn || stored.life.lineage.rehired.is_some()
        }))
    }

    /// The answer to an event that had come before waits, like the first, until its record is in the log.
    pub(super) async fn again(&self, kept: &KeptNotice) -> Decided {
        let facts = &kept.key.facts;
        let mut revocations: Vec<String> = kept.revocation.iter().cloned().collect();
        if !facts.checklist.is_empty() {
            revocations.extend(self.journal.store.listed(&facts.checklist, "").await?);
        }
        let mut records: Vec<String> = facts.record.iter().cloned().collect();
        for id in &revocations {
            records.extend(self.newest_record(id).await?);
        }
        Ok((Received::of(&kept.key, revocations, true), records))
    }

    /// Does what an event asks for.
    pub(super) async fn follow(&self, event: Event, case: Case) -> Decided {
        let action = match event.asks {
            Ok(action) => action,
            Err(unusable) => return self.hold(case, unusable).await,
        };
        if let Some(doubt) = self.another_person(&case).await? {
            return Box::pin(self.hold_doubted(action, case, doubt)).await;
        }
        match action {
            Action::Revoke(asked) => Box::pin(self.revoke(&asked, case)).await,
            Action::Offboard(asked) => self.offboard(&asked, case).await,
            Action::Exception(asked) => self.except(&asked, case).await,
            Action::Rescind => Box::pin(self.rescind(case)).await,
            Action::Rehire { effective_at } => {
                Box::pin(self.rehire(case, effective_at.as_deref())).await
            }
            Action::Recycle { effective_at } => {
                Box::pin(self.recycle(case, effective_at.as_deref())).await
            }
            Action::Test => self.note(case, Outcome::Test, None).await,
            Action::Ignore => self.note(case, Outcome::Ignored, None).await,
        }
    }

    async fn revoke(&self, asked: &Submission, mut case: Case) -> Decided {
        let revocation = match case.reading().revocation(asked, false) {
            Ok(revocation) => revocation,
            Err(unusable) => return self.hold(case, unusable).await,
        };
        match self.early(&revocation, &case).await? {
            None => {}
            Some(Early::Superseded(id)) => {
                return self.note(case, Outcome::Superseded, Some(id)).await;
            }
            Some(Early::Unsure(unusable)) => return self.hold(case, unusable).await,
        }
        // First, so that it is kept with the notice: broken off in between, the same event asks for the same again.
        let joined = self.joined(&revocation, &case.notice, case.now).await?;
        let own = joined.as_ref().map(|stored| stored.revocation.id.as_str());
        let pending = self.change_back(&revocation, own, &case.sender).await?;
        case.notice.facts.pending = pending;
        let (accepted, record) = self.decide(asked, &case.notice, &case.sender, None).await?;
        // The same event may have been kept a moment ago; then it is that one.
        let ours = |kept: &KeptNotice| kept.key.facts.id == case.notice.facts.id;
        if accepted.known
            && let Some(kept) = self.before(&case.notice, case.now).await?
            && !ours(&kept)
        {
            return self.again(&kept).await;
        }
        let received = Received::of(&case.notice, vec![accepted.id], false);
        Ok((received, record.into_iter().collect()))
    }

    /// What came later than it was made and changes what follows from it. A person who released it has seen that.
    pub(super) async fn early(
        &self,
        revocation: &Revocation,
        case: &Case,
    ) -> Result<Option<Early>, IntakeError> {
        if case.said.released && !case.said.itself {
            return Ok(None);
        }
        let made = case.notice.facts.event_at.unwrap_or(case.now);
        match revocation.kind {
            Kind::Partial => {
                let ended = self.journal.store.ended(&revocation.subject).await?;
                let Some((id, _)) = ended.filter(|(_, ended)| *ended > made) else {
                    return Ok(None);
                };
                // Until the end comes, less has to be gone sooner.
                let end = self.journal.store.revocation(&id).await?;
                let void = end.is_some_and(|end| {
                    end.revocation.effective_at <= revocation.effective_at.max(case.now)
                        && takes_all(&end.stored, case.now)
                });
                Ok(void.then_some(Early::Superseded(id)))
            }
            Kind::Full => {
                let back = self.rescinded_since(&revocation.subject, &case.sender, made).await?;
                // One field decides whether access is kept: many systems stamp the day, and not the instant.
                Ok(back.map(|id| {
                    let why = format!(
                        "made before the end was taken back ({id}, which is withdrawn). If it is a new end, retry it; if it is \
                         the one that was taken back, dismiss it"
                    );
                    let fault = case.reading().theirs(&Fault::new("/timestamp", why));
                    Early::Unsure(Unusable::one(Hold::NotPossible, fault))
                }))
            }
            Kind::Suspend | Kind::Rotation | Kind::Transfer => Ok(None),
        }
    }

    /// Opens the checklist of a vendor. The event itself is kept last: until then the same event goes on where it was
    /// broken off.
    async fn offboard(&self, asked: &Offboarding, mut case: Case) -> Decided {
        let spelled = vendor::spelled(&asked.vendor, &case.config.vendors);
        if let Err(unusable) = spelled
            && !case.said.released
        {
            return self.hold(case, unusable).await;
        }
        let checklist = vendor::checklist(&case.notice.source, &case.notice.event_id);
        case.notice.facts.checklist.clone_from(&checklist);
        let items = asked.items(case.config.vendors.get(&asked.vendor));
        for item in &items {
            if let Err(unusable) = case.reading().revocation(&item.submission, true) {
                return self.hold(case, unusable).await;
            }
        }
        let (mut revocations, mut records) = (Vec::new(), Vec::new());
        for item in items {
            let random = |error: std::io::Error| IntakeError::Unavailable(error.into());
            let facts = Facts {
                id: clock::new_id("ntc", case.now).map_err(random)?,
                outcome: Outcome::Part,
                ..case.notice.facts.clone()
            };
            let part = NoticeKey {
                source: format!("vendor:{}", case.notice.source),
                event_id: format!("{checklist}/{}", item.name),
                facts,
                ..case.notice.clone()
            };
            let (accepted, record) =
                self.decide(&item.submission, &part, &case.sender, None).await?;
            if !revocations.contains(&accepted.id) {
                revocations.push(accepted.id);
            }
            records.extend(record);
        }
        let (mut received, kept) = self.note(case, Outcome::Accepted, None).await?;
        received.revocations = revocations;
        records.extend(kept);
        Ok((received, records))
    }

    /// Keeps an event of which no single revocation tells, with a record of its own.
    pub(super) async fn note(
        &self,
        mut case: Case,
        outcome: Outcome,
        of: Option<String>,
    ) -> Decided {
        case.notice.facts.outcome = outcome;
        if case.said.released {
            // What it was held as says what became of it.
            return Ok((Received::of(&case.notice, of.into_iter().collect(), false), Vec::new()));
        }
        let body = record::noticed(&Noticed {
            at: case.now,
            notice: &case.notice.facts.id,
            digest: &case.notice.digest,
            source: &case.sender,
            outcome,
            revocation: of.as_deref(),
            checklist: Some(case.notice.facts.checklist.as_str()).filter(|id| !id.is_empty()),
        });
        self.keep(case, of, NewRecord { kind: "validation_completed", body }).await
    }

    /// Keeps an event with its record. Somebody may have kept the same one a moment ago.
    pub(super) async fn keep(
        &self,
        mut case: Case,
        of: Option<String>,
        note: NewRecord,
    ) -> Decided {
        let record = format!("{}.1", case.notice.facts.id);
        case.notice.facts.record = Some(record.clone());
        let store = &self.journal.store;
        if store.keep_notice(&case.notice, of.as_deref(), &note, case.now).await? {
            let received = Received::of(&case.notice, of.into_iter().collect(), false);
            return Ok((received, vec![record]));
        }
        match self.before(&case.notice, case.now).await? {
            Some(kept) => self.again(&kept).await,
            None => Err(IntakeError::Unavailable(anyhow::anyhow!("the notice is being kept"))),
        }
    }
}
