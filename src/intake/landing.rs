//! Waiting until what was decided about a notice is in the log.

use super::{Intake, IntakeError, PATIENCE};

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
}
