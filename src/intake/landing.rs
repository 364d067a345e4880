//! What a notice joins, and waiting until what was decided about it is in the log.

use super::{Intake, IntakeError, PATIENCE};
use crate::domain::revocation::{Kind, Revocation};
use crate::domain::time::UtcTime;
use crate::store::{StoreError, Stored};

impl Intake {
    /// What `decide` decided, once the records it names are in the log.
    pub(super) async fn landing<T>(
        &self,
        decide: impl Future<Output = Result<(T, Vec<String>), IntakeError>>,
    ) -> Result<T, IntakeError> {
        // The whole has one limit, so that those who wait for a store that hangs do not wait one after another.
        // Given up halfway nothing is committed, or it is, and the same notice again finds it.
        let kept = tokio::time::timeout(PATIENCE, async {
            let (accepted, records) = decide.await?;
            for record in records {
                self.journal.landed(&record, PATIENCE).await?;
            }
            Ok(accepted)
        });
        let accepted: Result<T, IntakeError> = kept.await.unwrap_or_else(|_| {
            let late = anyhow::anyhow!("not kept within {} s", PATIENCE.as_secs());
            Err(IntakeError::Unavailable(late))
        });
        match &accepted {
            Ok(_) => self.board.ask(),
            Err(IntakeError::Unavailable(_)) => self.journal.refused_by_store(),
            Err(_) => {}
        }
        accepted
    }

    /// The unfinished revocation that asks for the same. Who was suspended and leaves now is not only suspended: then
    /// that revocation is for everything.
    pub(super) async fn joined(
        &self,
        asked: &Revocation,
        now: UtcTime,
    ) -> Result<Option<Stored>, StoreError> {
        let store = &self.journal.store;
        let same = store.unfinished(&asked.subject, asked.kind).await?;
        if same.is_some() || asked.kind != Kind::Full || asked.effective_at > now {
            return Ok(same);
        }
        let suspended = store.unfinished(&asked.subject, Kind::Suspend).await?;
        Ok(suspended.filter(|stored| stored.revocation.effective_at <= now))
    }
}
