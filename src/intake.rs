//! From bytes that told us to a tracked revocation.

pub mod acknowledge;
pub mod amend;
pub mod attest;
pub mod batch;
pub mod campaign;
pub mod csv;
mod dates;
pub mod door;
mod earlier;
mod emergency;
pub mod erase;
mod error;
pub mod event;
pub mod exceptions;
mod fields;
mod identity;
pub mod inactive;
mod joining;
pub mod json;
mod key;
mod kinds;
mod landing;
mod learnt;
mod lineage;
pub mod links;
pub mod mapping;
pub mod merge;
pub mod note;
mod permits;
pub mod probe;
mod quarantine;
pub mod register;
mod revived;
mod sameness;
pub mod ssf;
mod strict;
pub mod submission;
mod terms;
mod turns;
pub mod vendor;
pub mod webhook;

use crate::audit::record::{self, About};
use crate::board::Board;
use crate::clock;
use crate::config::{Config, Live};
use crate::domain::account::{Account, LinkRule};
use crate::domain::identity::Unsure;
use crate::domain::lifecycle::Life;
use crate::domain::lineage::Lineage;
use crate::domain::time::UtcTime;
use crate::journal::Journal;
use crate::store::{
    Acceptance, Gather, NewRecord, NewRevocation, NoticeKey, StoreError, SubjectRow,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
pub use error::IntakeError;
use joining::Asking;
use key::{committed, notice_of, notice_of_change};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use submission::Submission;
pub use submission::SubmissionError;
pub use terms::{check, terms_of};
use terms::{known_targets, ticket_fits};
use turns::{Turn, Turns};

/// Largest notice.
pub const BODY: usize = 64 * 1024;
/// How long an answer waits for its record to land.
const PATIENCE: Duration = Duration::from_secs(10);
/// Moves that lose a race are tried again this often.
const TRIES: usize = 5;

/// What became of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The revocation it made or joined.
    pub id: String,
    /// Nothing new was asked: this notice, or one like it, was known.
    pub known: bool,
    /// It tightened a revocation that was there.
    pub amended: bool,
}

/// The door that every notice comes through.
pub struct Intake {
    journal: Arc<Journal>,
    config: Live,
    /// One copy of a notice at a time.
    copies: Turns,
    /// The same of events that are held and expected meanwhile. Who has such a turn waits for one of `copies` as well, which
    /// would never come where both were one.
    doubted: Turns,
    /// One notice about a subject at a time decides whether there is such a revocation already.
    subjects: Turns,
    gather: Gather,
    /// Something was said of a subject of whom more was expected already.
    learnt: AtomicBool,
    /// Asked for a look at everything that came in.
    board: Arc<Board>,
}

impl Intake {
    /// A door to `journal`; `board` is asked to look at everything that came in.
    #[must_use]
    pub fn new(journal: Arc<Journal>, config: Live, board: Arc<Board>) -> Self {
        let [copies, doubted, subjects] = [(); 3].map(|()| Turns::default());
        let (gather, learnt) = (Gather::default(), AtomicBool::new(true));
        Self { journal, config, copies, doubted, subjects, gather, learnt, board }
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.config.current()
    }

    /// Accepts what `bytes` ask for. When this returns, the record of it is in the log.
    ///
    /// `sender` is who is known to have sent it; `event_id` what they call it (their idempotency key).
    ///
    /// # Errors
    /// When the notice is wrong, or cannot be kept now. Nothing is half accepted.
    pub async fn submit(
        &self,
        bytes: &[u8],
        sender: &str,
        event_id: Option<&str>,
    ) -> Result<Accepted, IntakeError> {
        let submission = Submission::parse(bytes)?;
        ticket_fits(&self.config.current(), submission.ticket.as_deref())?;
        let notice = notice_of(bytes, &submission, sender, event_id)?;
        self.submit_as(&submission, notice, sender).await
    }

    /// Accepts what `submission` asks for, as [`submit`](Self::submit) does; `notice` is what it was read from, and is
    /// kept as it came.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub(crate) async fn submit_as(
        &self,
        submission: &Submission,
        notice: NoticeKey,
        sender: &str,
    ) -> Result<Accepted, IntakeError> {
        if self.journal.blocked() {
            return Err(IntakeError::Unavailable(anyhow::anyhow!("the audit log refuses records")));
        }
        let accepted = Box::pin(self.landing(async {
            let (accepted, record) = self.decide(submission, &notice, sender, None).await?;
            Ok((accepted, record.into_iter().collect()))
        }))
        .await;
        if let Err(IntakeError::Differs { .. }) = accepted {
            let NoticeKey { source, event_id, digest, .. } = &notice;
            self.journal.store.conflicted(source, event_id, digest, clock::now()).await?;
        }
        accepted
    }

    /// Decides when it has its turn, so that two notices about one subject do not make two revocations.
    async fn decide(
        &self,
        submission: &Submission,
        notice: &NoticeKey,
        sender: &str,
        doubted: Option<Unsure>,
    ) -> Result<(Accepted, Option<String>), IntakeError> {
        let copy = self.copies.of((&notice.source, &notice.event_id)).await;
        if let Some(id) = self.journal.store.repeated(notice).await? {
            let newest = self.newest_record(&id).await?;
            return Ok((Accepted { id, known: true, amended: false }, newest));
        }
        let now = clock::now();
        let config = self.config.current();
        let terms = terms_of(&config, &notice.source, sender);
        let asked = submission.revocation(sender, now, &terms)?;
        let asked = kinds::with_checklist(asked, &config);
        known_targets(&config, &asked)?;
        let called = emergency::called(submission, sender, &config, now)?;
        let subject = self.subjects.of(&asked.subject).await;
        self.may_own(&asked).await?;
        let asking = Asking::certain(asked, called, doubted);
        for _ in 0..TRIES {
            let Some(stored) = self.joined(&asking.revocation, notice, now).await? else {
                return Box::pin(self.accept(asking, notice, now, (copy, subject))).await;
            };
            match Box::pin(self.join(&stored, &asking, notice, now)).await {
                Err(IntakeError::Unavailable(error))
                    if error
                        .downcast_ref()
                        .is_some_and(|e| matches!(e, StoreError::Conflict { .. })) => {}
                decided => return decided,
            }
        }
        Err(IntakeError::Unavailable(anyhow::anyhow!(
            "the revocation moved too often at this moment"
        )))
    }

    /// The answer to a repeated notice waits, like the first, until its record is in the log.
    async fn newest_record(&self, id: &str) -> Result<Option<String>, IntakeError> {
        let stored = self.journal.store.revocation(id).await?;
        Ok(stored.map(|stored| format!("{id}.{}", stored.records)))
    }

    async fn accept(
        &self,
        mut asking: Asking,
        notice: &NoticeKey,
        now: UtcTime,
        turns: (Turn, Turn),
    ) -> Result<(Accepted, Option<String>), IntakeError> {
        let (subject, new_subject) = self.subject(&asking.revocation.subject, now).await?;
        let named = asking.revocation.accounts.clone();
        let mut lineage = if new_subject {
            Lineage::default()
        } else {
            self.known_before(&mut asking, now).await?
        };
        let Asking { revocation: asked, called, .. } = asking;
        let accounts: Vec<Account> = Vec::new();
        let about = About { revocation: &asked, subject: &subject.id, at: now };
        let mut records = Vec::new();
        if new_subject {
            let body = record::subject(&subject.id, &subject.commitment, now);
            records.push(NewRecord { kind: "subject", body });
        }
        let body = record::triggered(&about, committed(&subject, notice).as_deref());
        let body = emergency::told(body, called.as_deref());
        records.push(NewRecord { kind: "revocation_triggered", body });
        records.push(NewRecord {
            kind: "validation_completed",
            body: record::validated(&about, &accounts),
        });
        // Who names a role later than somebody said that it is not theirs is followed; what was named before is not later.
        for name in &named {
            if lineage.name(name, &notice.source, now) {
                let by = (LinkRule::Stated, notice.source.as_str());
                let body = record::linked_by(&about, &accounts, name, by);
                records.push(NewRecord { kind: "subject_linked", body });
            }
        }
        let begun = Life::begin(asked.effective_at, asked.received_at);
        let life = Life { emergency: called, lineage, ..begun };
        let watch_until = now.max(asked.effective_at).plus(self.config.current().watch);
        let new = NewRevocation {
            revocation: asked,
            subject,
            new_subject,
            accounts,
            life,
            notice: notice.clone(),
            records,
            at: now,
            watch_until,
        };
        let _learning = (!new_subject).then(|| self.learning());
        match self.gather.accept(&self.journal.store, new, turns).await? {
            Acceptance::New { id, record } => {
                Ok((Accepted { id, known: false, amended: false }, Some(record)))
            }
            Acceptance::Repeated { id } => {
                let newest = self.newest_record(&id).await?;
                Ok((Accepted { id, known: true, amended: false }, newest))
            }
        }
    }

    async fn subject(&self, name: &str, now: UtcTime) -> Result<(SubjectRow, bool), IntakeError> {
        if let Some(known) = self.journal.store.subject(name).await? {
            return Ok((known, false));
        }
        let random = |error: std::io::Error| IntakeError::Unavailable(error.into());
        let id = clock::new_id("s", now).map_err(random)?;
        let salt = URL_SAFE_NO_PAD.encode(clock::random::<16>().map_err(random)?);
        // RFC 9901: the disclosure is base64url of a JSON array of salt, claim name and value.
        let array = serde_json::json!([salt, "user", name]).to_string();
        let disclosure = URL_SAFE_NO_PAD.encode(array);
        let commitment = URL_SAFE_NO_PAD.encode(Sha256::digest(&disclosure));
        Ok((SubjectRow { id, name: name.to_owned(), disclosure, commitment }, true))
    }
}

#[cfg(test)]
mod answers_tests;
