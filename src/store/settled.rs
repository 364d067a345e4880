//! What people decided about notices that were held.

use super::model::{Move, NewRecord};
use super::notices::{KeptNotice, with_id};
use super::{Store, StoreError};
use crate::domain::notice::Outcome;
use crate::domain::time::UtcTime;

/// What a person decided about a notice that was held.
#[derive(Clone, Debug)]
pub struct Settled<'a> {
    /// What became of it.
    pub outcome: Outcome,
    /// The revocation that it made.
    pub revocation: Option<&'a str>,
    /// The checklist that it opened.
    pub checklist: &'a str,
    /// Who decided.
    pub by: &'a str,
    /// Why.
    pub why: &'a str,
}

/// A decision as it is written, with its record.
pub(super) struct Settling<'a> {
    pub(super) kept: &'a KeptNotice,
    pub(super) settled: &'a Settled<'a>,
    pub(super) record: &'a str,
    pub(super) kind: &'static str,
    pub(super) body: String,
    pub(super) at: i64,
}

impl Settling<'_> {
    /// Who was named stays only where a revocation needs it.
    pub(super) fn keep<'a>(&self, text: &'a str) -> &'a str {
        if self.settled.outcome == Outcome::Dismissed { "" } else { text }
    }

    /// Somebody decided before.
    pub(super) fn conflict(&self) -> StoreError {
        StoreError::Conflict { id: self.kept.key.facts.id.clone(), version: 0 }
    }
}

/// Writes a decision, unless somebody decided before.
macro_rules! settle {
    ($tx:ident, $settling:expr) => {
        if let Some(one) = $settling {
            let facts = &one.kept.key.facts;
            sqlx::query($crate::store::many::many($crate::store::statement!("record_insert"), 1))
                .bind(one.record)
                .bind(None::<&str>)
                .bind(0_i64)
                .bind(one.kind)
                .bind(&one.body)
                .bind(None::<&str>)
                .bind(None::<&str>)
                .bind(one.at)
                .execute(&mut *$tx)
                .await?;
            let done = sqlx::query($crate::store::statement!("notice_settle"))
                .bind(&facts.id)
                .bind(facts.outcome.as_str())
                .bind(one.settled.outcome.as_str())
                .bind(one.settled.revocation)
                .bind(one.settled.by)
                .bind(one.settled.why)
                .bind(one.record)
                .bind(one.keep(&one.kept.key.body))
                .bind(one.keep(&facts.username))
                .bind(one.keep(&facts.email))
                .bind(one.settled.checklist)
                .execute(&mut *$tx)
                .await?
                .rows_affected();
            if done == 0 {
                // Dropped, the transaction is rolled back.
                return Err(one.conflict());
            }
        }
    };
}
pub(super) use settle;

impl Store {
    /// Notes what a person decided about `kept`, and queues the record `record` that says so; makes `steps` in the same
    /// transaction, by which the question that the notice asked is answered wherever it was asked. Gives the records that
    /// are queued; `None`: somebody decided before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody moved a revocation of `steps`; then nothing was done.
    pub async fn settle_notice(
        &self,
        kept: &KeptNotice,
        settled: &Settled<'_>,
        (record, note): (&str, &NewRecord),
        steps: &[Move],
        at: UtcTime,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let body = with_id(record, note)?;
        let settling = Settling { kept, settled, record, kind: note.kind, body, at: at.micros() };
        match self.moved(steps, Some(&settling), true).await {
            Ok(answers) => {
                let mut records = Vec::new();
                for moved in answers {
                    records.extend(moved?);
                }
                records.push(record.to_owned());
                Ok(Some(records))
            }
            Err(StoreError::Conflict { id, .. }) if id == kept.key.facts.id => Ok(None),
            Err(error) => Err(error),
        }
    }
}
