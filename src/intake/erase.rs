//! Erasing a person: what the log says of them stays provable, and says of nobody whom it means.

use super::{Intake, IntakeError, PATIENCE, TRIES};
use crate::audit::record;
use crate::clock;
use crate::domain::erasure::Basis;
use crate::domain::request::Refused;
use crate::domain::time::UtcTime;
use crate::store::{Erasure, NewRecord, SubjectRow};
use std::time::Duration;

/// A move that is under way is over by then.
const PAUSE: Duration = Duration::from_millis(200);

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Id of the subject, in the log.
    pub subject: String,
    /// Revocations about them.
    pub revocations: usize,
    /// False: that was done before.
    pub erased: bool,
}

impl Intake {
    /// Erases the subject called `who`, by the stable id of the person or the id in the log, on behalf of `by`. When
    /// this returns, the record of it is in the log. `None`: there is no such subject.
    ///
    /// # Errors
    /// When something about the subject is not finished, or it cannot be done now.
    pub async fn erase(
        &self,
        who: &str,
        basis: Basis,
        by: &str,
    ) -> Result<Option<Erased>, IntakeError> {
        if self.journal.blocked() {
            return Err(IntakeError::Unavailable(anyhow::anyhow!("the audit log refuses records")));
        }
        let Some(found) = self.known(who).await? else { return Ok(None) };
        // No notice about this person is accepted meanwhile.
        let turn = self.subjects.of(&found.name).await;
        let Some(subject) = self.known(who).await? else { return Ok(None) };
        let done = self.forget(&subject, basis, by).await?;
        drop(turn);
        Ok(Some(done))
    }

    async fn known(&self, who: &str) -> Result<Option<SubjectRow>, IntakeError> {
        let store = &self.journal.store;
        if let Some(subject) = store.subject(who).await? {
            return Ok(Some(subject));
        }
        Ok(store.subject_by_id(who).await?)
    }

    async fn forget(
        &self,
        subject: &SubjectRow,
        basis: Basis,
        by: &str,
    ) -> Result<Erased, IntakeError> {
        let id = subject.id.clone();
        if subject.disclosure.is_empty() {
            return Ok(Erased { subject: id, revocations: 0, erased: false });
        }
        for _ in 0..TRIES {
            let now: UtcTime = clock::now();
            let record =
                clock::new_id("era", now).map_err(|e| IntakeError::Unavailable(e.into()))?;
            let body = record::erasure(&subject.id, basis, by, now);
            let note = NewRecord { kind: "erasure", body };
            match self.journal.store.erase(subject, &record, &note, now).await? {
                Erasure::Done(revocations) => {
                    self.journal.landed(&record, PATIENCE).await?;
                    return Ok(Erased { subject: id, revocations, erased: true });
                }
                Erasure::Unfinished(revocation) => {
                    return Err(Refused::Unfinished(revocation).into());
                }
                Erasure::Held(revocation) => return Err(Refused::Held(revocation).into()),
                Erasure::Busy => {
                    self.journal.wake();
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        Err(IntakeError::Unavailable(anyhow::anyhow!(
            "the subject's revocations move at this moment"
        )))
    }
}
