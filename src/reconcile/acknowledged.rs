//! Acknowledgements that end: their time is over and it is late still, or nothing is due any more.

use super::Reconciler;
use super::together::TOGETHER;
use crate::audit::record::{self, About};
use crate::clock;
use crate::domain::acknowledged;
use crate::domain::lifecycle::Life;
use crate::domain::time::UtcTime;
use crate::store::{Move, NewRecord, StoreError, Stored};
use std::sync::Arc;

impl Reconciler {
    /// Ends each acknowledgement that is over, with a record; who pressed the button is forgotten.
    ///
    /// # Errors
    /// When the store does not take it; the next pass says it anew.
    pub(super) async fn end_acknowledgements(
        &self,
        watched: &[Arc<Stored>],
    ) -> Result<(), StoreError> {
        let now = clock::now();
        let moves: Vec<Move> = watched.iter().filter_map(|stored| ended(stored, now)).collect();
        for some in moves.chunks(TOGETHER) {
            for answer in self.advance(some).await? {
                match answer {
                    // Somebody moved it first; the next pass looks at it again.
                    Ok(_) | Err(StoreError::Conflict { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

fn ended(stored: &Stored, now: UtcTime) -> Option<Move> {
    let end = acknowledged::end(&stored.life, now)?;
    let known = stored.life.acknowledged.as_deref()?;
    let about = About { revocation: &stored.revocation, subject: &stored.subject_id, at: now };
    let body = record::acknowledgement_ended(&about, known, end, &stored.life.late());
    Some(Move {
        from: stored.clone(),
        revocation: stored.revocation.clone(),
        accounts: stored.accounts.clone(),
        life: Life { acknowledged: None, ..stored.life.as_ref().clone() },
        evidence: None,
        before: Vec::new(),
        records: vec![NewRecord { kind: "acknowledgement_ended", body }],
        notice: None,
        at: now,
        watch_until: stored.watch_until,
    })
}
