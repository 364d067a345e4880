//! Events of other systems: what each comes to, and that none is lost.
//!
//! An event is known for good by sender and id. One that can be used makes a revocation, or joins one; one that
//! cannot is held for a person (`quarantine`). Either way the answer waits for its record.

use super::door::{Door, NOTHING_BACK, Reading};
use super::event::{Action, Event, not_yet};
use super::submission::Submission;
use super::vendor::{self, Offboarding};
use super::{Intake, IntakeError};
use crate::audit::record::{self, Noticed};
use crate::clock;
use crate::config::Config;
use crate::domain::hex::hex;
use crate::domain::notice::{Fault, Hold, Outcome, Unusable};
use crate::domain::revocation::Kind;
use crate::domain::time::UtcTime;
use crate::store::{Facts, KeptNotice, NewRecord, NoticeKey};
use sha2::{Digest as _, Sha256};
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

/// What makes an event the same event, and what is listed of it.
fn notice_of(
    delivery: &Delivery<'_>,
    event: &Event,
    now: UtcTime,
) -> Result<NoticeKey, IntakeError> {
    let digest = hex(&Sha256::digest(delivery.bytes));
    let named = event.id.clone().or_else(|| delivery.id.map(str::to_owned));
    Ok(NoticeKey {
        source: delivery.sender.to_owned(),
        // Without an id, the same bytes are the same event.
        event_id: named.unwrap_or_else(|| format!("sha256:{digest}")),
        digest,
        // No database takes a NUL, and no JSON has one.
        body: String::from_utf8_lossy(delivery.bytes).replace('\0', "\u{fffd}"),
        facts: facts_of(delivery.door, event, now)?,
    })
}

/// What is listed of an event.
pub(super) fn facts_of(door: Door<'_>, event: &Event, now: UtcTime) -> Result<Facts, IntakeError> {
    let who = &event.who;
    let vendor = match &event.asks {
        Ok(Action::Offboard(asked)) => asked.vendor.clone(),
        Ok(_) | Err(_) => String::new(),
    };
    Ok(Facts {
        id: clock::new_id("ntc", now).map_err(|e| IntakeError::Unavailable(e.into()))?,
        door: door.name().to_owned(),
        event_type: event.kind.clone(),
        event_at: event.at,
        subject: who.subject().unwrap_or_default().to_owned(),
        username: who.employee_id.as_ref().and(who.username.clone()).unwrap_or_default(),
        email: who.employee_id.as_ref().and(who.email.clone()).unwrap_or_default(),
        vendor,
        ..Facts::default()
    })
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
            match self.before(&case.notice, now).await? {
                Some(kept) => self.again(&kept).await,
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
        if let Some(unusable) = self.another_person(&case).await? {
            return self.hold(case, unusable).await;
        }
        match action {
            Action::Revoke(asked) => self.revoke(&asked, case).await,
            Action::Offboard(asked) => self.offboard(&asked, case).await,
            Action::Exception(asked) => self.except(&asked, case).await,
            Action::Rescind | Action::Rehire | Action::Recycle => {
                self.hold(case, not_yet(NOTHING_BACK)).await
            }
            Action::Test => self.note(case, Outcome::Test, None).await,
            Action::Ignore => self.note(case, Outcome::Ignored, None).await,
        }
    }

    /// Whether the event names a person by another name or address than those before it did.
    async fn another_person(&self, case: &Case) -> Result<Option<Unusable>, IntakeError> {
        let facts = &case.notice.facts;
        if case.said.same_person || (facts.username.is_empty() && facts.email.is_empty()) {
            return Ok(None);
        }
        let known = self.journal.store.names_of(&facts.subject).await?;
        let names = known.iter().map(|(name, _)| name.as_str());
        let emails = known.iter().map(|(_, email)| email.as_str());
        let mut faults = Vec::new();
        for (pointer, what, another) in [
            ("/user/username", "user name", is_another(&facts.username, names)),
            ("/user/email", "e-mail address", is_another(&facts.email, emails)),
        ] {
            if another {
                let why = format!(
                    "earlier notices about this employee_id had another {what}: is it the same person?"
                );
                faults.push(case.reading().theirs(&Fault::new(pointer, why)));
            }
        }
        Ok((!faults.is_empty()).then_some(Unusable { cause: Hold::Identity, faults }))
    }

    async fn revoke(&self, asked: &Submission, case: Case) -> Decided {
        let revocation = match case.reading().revocation(asked, false) {
            Ok(revocation) => revocation,
            Err(unusable) => return self.hold(case, unusable).await,
        };
        if revocation.kind == Kind::Partial && !case.said.released {
            let made = case.notice.facts.event_at.unwrap_or(case.now);
            let ended = self.journal.store.ended(&revocation.subject).await?;
            if let Some((id, _)) = ended.filter(|(_, ended)| *ended > made) {
                return self.note(case, Outcome::Superseded, Some(id)).await;
            }
        }
        let (accepted, record) = self.decide(asked, &case.notice, &case.sender).await?;
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

    /// Opens the checklist of a vendor. The event itself is kept last: until then the same event goes on where it was
    /// broken off.
    async fn offboard(&self, asked: &Offboarding, mut case: Case) -> Decided {
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
            let (accepted, record) = self.decide(&item.submission, &part, &case.sender).await?;
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

/// Whether `name` is none of those known, where there are any.
fn is_another<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> bool {
    let folded = |text: &str| text.trim().to_lowercase();
    let known: Vec<String> = known.filter(|known| !known.is_empty()).map(folded).collect();
    !name.is_empty() && !known.is_empty() && !known.contains(&folded(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_another_only_if_one_is_known() {
        assert!(!is_another("jd", [].into_iter()));
        assert!(!is_another("jd", [""].into_iter()));
        assert!(!is_another("", ["jd"].into_iter()));
        assert!(!is_another("JD ", ["x", "jd"].into_iter()));
        assert!(is_another("jane", ["jd"].into_iter()));
    }
}
