//! From bytes that told us to a tracked revocation.

pub mod amend;
pub mod attest;
pub mod batch;
pub mod csv;
pub mod door;
mod emergency;
pub mod erase;
pub mod event;
pub mod exceptions;
mod fields;
pub mod inactive;
pub mod json;
mod kinds;
mod landing;
pub mod mapping;
pub mod merge;
pub mod note;
mod permits;
pub mod probe;
mod quarantine;
pub mod register;
pub mod ssf;
pub mod submission;
mod turns;
pub mod vendor;
pub mod webhook;

use crate::audit::record::{self, About};
use crate::board::Board;
use crate::clock;
use crate::config::{Config, Live};
use crate::domain::account::Account;
use crate::domain::effective::Zones;
use crate::domain::emergency::Emergency;
use crate::domain::hex::hex;
use crate::domain::lifecycle::Life;
use crate::domain::request::Refused;
use crate::domain::revocation::Revocation;
use crate::domain::time::UtcTime;
use crate::journal::{Journal, JournalError};
use crate::store::{
    Acceptance, Facts, Gather, Move, NewRecord, NewRevocation, NoticeKey, StoreError, Stored,
    SubjectRow,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
pub use submission::SubmissionError;
use submission::{Submission, Terms};
use turns::{Turn, Turns};

/// Largest notice.
pub const BODY: usize = 64 * 1024;
/// How long an answer waits for its record to land.
const PATIENCE: Duration = Duration::from_secs(10);
/// Moves that lose a race are tried again this often.
const TRIES: usize = 5;

/// Why a notice was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The notice itself.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// Received before, with other content.
    #[error(
        "event {event_id} of {source_name} was received before with other content; nothing was changed"
    )]
    Differs {
        /// Sender.
        source_name: String,
        /// Its id.
        event_id: String,
    },
    /// What keeps access cannot be asked for or approved like this.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What a person decided about a notice cannot be done.
    #[error("{0}")]
    NotHeld(String),
    /// Too many notices are held: one more that cannot be used is not kept.
    #[error("{0} notices are held already; a person has to decide about them first")]
    Full(i64),
    /// Who sent a notice cannot say that nothing follows from it.
    #[error("{0} sent this notice; somebody else has to dismiss it")]
    Sender(String),
    /// It cannot be kept now. The sender should try again.
    #[error("the notice cannot be kept at the moment; send it again later")]
    Unavailable(#[source] anyhow::Error),
}

impl From<StoreError> for IntakeError {
    fn from(error: StoreError) -> Self {
        if let StoreError::NoticeDiffers { source_name, event_id } = error {
            return Self::Differs { source_name, event_id };
        }
        Self::Unavailable(error.into())
    }
}

impl From<JournalError> for IntakeError {
    fn from(error: JournalError) -> Self {
        Self::Unavailable(error.into())
    }
}

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
    /// One notice about a subject at a time decides whether there is such a revocation already.
    subjects: Turns,
    gather: Gather,
    /// Asked for a look at everything that came in.
    board: Arc<Board>,
}

impl Intake {
    /// A door to `journal`; `board` is asked to look at everything that came in.
    #[must_use]
    pub fn new(journal: Arc<Journal>, config: Live, board: Arc<Board>) -> Self {
        let (copies, subjects) = (Turns::default(), Turns::default());
        Self { journal, config, copies, subjects, gather: Gather::default(), board }
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
            let (accepted, record) = self.decide(submission, &notice, sender).await?;
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
        for _ in 0..TRIES {
            let Some(stored) = self.joined(&asked, now).await? else {
                return Box::pin(self.accept(asked, called, notice, now, (copy, subject))).await;
            };
            match Box::pin(self.join(&stored, &asked, called.clone(), notice, now)).await {
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
        asked: Revocation,
        called: Option<Box<Emergency>>,
        notice: &NoticeKey,
        now: UtcTime,
        turns: (Turn, Turn),
    ) -> Result<(Accepted, Option<String>), IntakeError> {
        let (subject, new_subject) = self.subject(&asked.subject, now).await?;
        let accounts: Vec<Account> = Vec::new();
        let about = About { revocation: &asked, subject: &subject.id, at: now };
        let mut records = Vec::new();
        if new_subject {
            let body = record::subject(&subject.id, &subject.commitment, now);
            records.push(NewRecord { kind: "subject", body });
        }
        let body = record::triggered(&about, committed(&subject, notice).as_deref());
        let body = with_emergency(body, called.as_deref());
        records.push(NewRecord { kind: "revocation_triggered", body });
        records.push(NewRecord {
            kind: "validation_completed",
            body: record::validated(&about, &accounts),
        });
        let life = Life { emergency: called, ..Life::begin(asked.effective_at, asked.received_at) };
        let watch_until = now.max(asked.effective_at).plus(self.config.current().watch);
        let new = NewRevocation {
            revocation: asked,
            subject,
            new_subject,
            accounts,
            life,
            notice: notice.clone(),
            records,
            deliveries: Vec::new(),
            at: now,
            watch_until,
        };
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

    /// Joins a revocation that is not finished, and tightens it if more is asked.
    async fn join(
        &self,
        stored: &Stored,
        asked: &Revocation,
        called: Option<Box<Emergency>>,
        notice: &NoticeKey,
        now: UtcTime,
    ) -> Result<(Accepted, Option<String>), IntakeError> {
        let id = stored.revocation.id.clone();
        let config = self.config.current();
        let (present, overtaken) = exceptions::against_notice(stored, asked, &config, now);
        let tightened = merge::tighten(&present.revocation, asked);
        // Whoever says again that access ends has not heard of what waits: that is void, and on record.
        let amended = tightened.is_some() || overtaken || stored.life.pending.is_some();
        // An emergency that asks for nothing more did nothing that anybody had to approve.
        let called = called.filter(|_| amended);
        let revocation = tightened.unwrap_or_else(|| present.revocation.clone());
        let about = About { revocation: &revocation, subject: &stored.subject_id, at: now };
        let records = if amended {
            let subject = self.journal.store.subject_by_id(&stored.subject_id).await?;
            let committed = subject.and_then(|subject| committed(&subject, notice));
            let body = record::amended(&about, committed.as_deref());
            let body = with_emergency(body, called.as_deref());
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
            evidence: stored.evidence.clone(),
            records,
            deliveries: Vec::new(),
            notice: Some(notice.clone()),
            at: now,
            watch_until: stored.watch_until,
            revocation,
        };
        let ended = exceptions::endings(stored, &step, now);
        step.records.extend(ended);
        let record = self.journal.store.advance(&step).await?;
        let wait = match record {
            Some(record) => Some(record),
            None => self.newest_record(&id).await?,
        };
        Ok((Accepted { id, known: !amended, amended }, wait))
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

/// The record's body, with the emergency where it was one.
fn with_emergency(
    body: serde_json::Map<String, serde_json::Value>,
    called: Option<&Emergency>,
) -> serde_json::Map<String, serde_json::Value> {
    match called {
        Some(called) => record::emergency(body, called),
        None => body,
    }
}

/// A ticket that somebody typed has the form that the configuration asks for. Events are not refused for theirs:
/// nobody waits for a ticket to be right while access is there.
fn ticket_fits(config: &Config, ticket: Option<&str>) -> Result<(), SubmissionError> {
    match (&config.ticket_pattern, ticket) {
        (Some(pattern), Some(ticket)) if !pattern.fits(ticket) => Err(SubmissionError::Field {
            field: "/ticket",
            reason: format!(
                "`{ticket}` is not like the tickets here: the configuration asks for {pattern} (ticket_pattern)"
            ),
        }),
        _ => Ok(()),
    }
}

/// The revocation that `bytes` ask for, by the configuration alone: what a dry run can tell.
///
/// # Errors
/// As [`Intake::submit`] would refuse it.
pub fn check(
    config: &Config,
    bytes: &[u8],
    sender: &str,
    now: UtcTime,
) -> Result<Revocation, SubmissionError> {
    let terms = terms_of(config, sender, sender);
    let submission = Submission::parse(bytes)?;
    ticket_fits(config, submission.ticket.as_deref())?;
    let asked = submission.revocation(sender, now, &terms)?;
    known_targets(config, &asked)?;
    Ok(kinds::with_checklist(asked, config))
}

/// A target that nobody looks at would never be proved, nor missed.
fn known_targets(config: &Config, asked: &Revocation) -> Result<(), SubmissionError> {
    let unknown = asked
        .accounts
        .iter()
        .filter_map(|name| name.target.as_deref())
        .find(|target| config.target(target).is_none());
    let Some(unknown) = unknown else { return Ok(()) };
    let known: Vec<_> = config.targets.iter().map(|target| target.name.as_str()).collect();
    Err(SubmissionError::Field {
        field: "/account",
        reason: format!(
            "there is no target `{unknown}`; the targets are {}. A role name with a slash in it needs its \
             target before it",
            known.join(", ")
        ),
    })
}

/// What the configuration says about notices of `source`, else of `sender`.
#[must_use]
pub fn terms_of<'a>(config: &'a Config, source: &str, sender: &str) -> Terms<'a> {
    let zone = |name: &str| config.sources.get(name).and_then(|s| s.time_zone.as_deref());
    let zones = Zones {
        subject: None,
        source: zone(source).or_else(|| zone(sender)),
        default: config.time_zone.as_deref(),
    };
    Terms { profiles: &config.profiles, zones }
}

/// What makes a notice the same notice: the sender's id for it; without one, its content.
fn notice_of(
    bytes: &[u8],
    submission: &Submission,
    sender: &str,
    event_id: Option<&str>,
) -> Result<NoticeKey, IntakeError> {
    let digest = hex(&Sha256::digest(bytes));
    let event_id = match event_id.or(submission.event_id()) {
        Some(event_id) => event_id.to_owned(),
        None => {
            clock::new_id("evt", clock::now()).map_err(|e| IntakeError::Unavailable(e.into()))?
        }
    };
    // Who sent it is who is known to have: a notice may say which system it comes from, but not speak for
    // another sender.
    let source = match submission.source() {
        Some(system) => format!("{sender}/{system}"),
        None => sender.to_owned(),
    };
    let employee = submission.employee_id.as_ref();
    let facts = Facts {
        id: clock::new_id("ntc", clock::now()).map_err(|e| IntakeError::Unavailable(e.into()))?,
        door: "revocations".to_owned(),
        subject: employee.unwrap_or(&submission.username).clone(),
        username: employee.map(|_| submission.username.clone()).unwrap_or_default(),
        ..Facts::default()
    };
    let body = String::from_utf8_lossy(bytes).into_owned();
    Ok(NoticeKey { source, event_id, digest, body, facts })
}

/// What the log says of a notice: nobody who does not know the subject's disclosure can try what it may have said.
/// `None` once that was erased.
fn committed(subject: &SubjectRow, notice: &NoticeKey) -> Option<String> {
    let hash = Sha256::new()
        .chain_update(&subject.disclosure)
        .chain_update([b'\n'])
        .chain_update(&notice.body)
        .finalize();
    (!subject.disclosure.is_empty()).then(|| hex(&hash))
}

/// The bytes that asked `by` for a change are kept like every other notice.
fn notice_of_change(bytes: &[u8], by: &str, now: UtcTime) -> Result<NoticeKey, IntakeError> {
    let event_id = clock::new_id("chg", now).map_err(|e| IntakeError::Unavailable(e.into()))?;
    Ok(NoticeKey {
        source: by.to_owned(),
        event_id,
        digest: hex(&Sha256::digest(bytes)),
        body: String::from_utf8_lossy(bytes).into_owned(),
        facts: Facts::default(),
    })
}
