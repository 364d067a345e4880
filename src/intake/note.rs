//! Notices that ask for nothing new: kept with what is expected already, and a reason to look.

use super::amend::unchanged;
use super::{Accepted, Intake, IntakeError, PATIENCE, TRIES};
use crate::clock;
use crate::domain::revocation::Kind;
use crate::store::{Move, NoticeKey, StoreError};

impl Intake {
    /// Keeps `notice` with a revocation of one of `subjects` that is not finished, and asks for a look at
    /// everything. It is no record of the log: nothing that was expected changes. `None`: nothing is expected of
    /// them, and nothing is kept.
    ///
    /// # Errors
    /// When it came before with other content, or cannot be kept now.
    pub async fn note_with(
        &self,
        subjects: &[String],
        notice: &NoticeKey,
    ) -> Result<Option<Accepted>, IntakeError> {
        let noting = tokio::time::timeout(PATIENCE, self.note_once(subjects, notice));
        let noted = noting.await.unwrap_or_else(|_| {
            let late = anyhow::anyhow!("not kept within {} s", PATIENCE.as_secs());
            Err(IntakeError::Unavailable(late))
        });
        match &noted {
            Ok(Some(_)) => {
                for target in &self.config.current().targets {
                    self.board.ask_whole(&target.name);
                }
            }
            Err(IntakeError::Unavailable(_)) => self.journal.refused_by_store(),
            Ok(None) | Err(_) => {}
        }
        noted
    }

    async fn note_once(
        &self,
        subjects: &[String],
        notice: &NoticeKey,
    ) -> Result<Option<Accepted>, IntakeError> {
        let _copy = self.copies.of((&notice.source, &notice.event_id)).await;
        if let Some(id) = self.journal.store.repeated(notice).await? {
            return Ok(Some(Accepted { id, known: true, amended: false }));
        }
        for subject in subjects {
            let _subject = self.subjects.of(subject).await;
            for kind in Kind::ACCEPTED {
                if let Some(id) = self.attach(subject, *kind, notice).await? {
                    return Ok(Some(Accepted { id, known: false, amended: false }));
                }
            }
        }
        Ok(None)
    }

    async fn attach(
        &self,
        subject: &str,
        kind: Kind,
        notice: &NoticeKey,
    ) -> Result<Option<String>, IntakeError> {
        for _ in 0..TRIES {
            let Some(stored) = self.journal.store.unfinished(subject, kind).await? else {
                return Ok(None);
            };
            let step = Move { notice: Some(notice.clone()), ..unchanged(&stored, clock::now()) };
            match self.journal.store.advance(&step).await {
                Ok(_) => return Ok(Some(stored.stored.revocation.id)),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(IntakeError::Unavailable(anyhow::anyhow!(
            "the revocation moved too often at this moment"
        )))
    }
}
