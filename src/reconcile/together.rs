//! Judging everything that is watched: moves that follow from one look share a transaction.

use super::Reconciler;
use super::exceptions::{held, is_held};
use super::judging::Judged;
use super::links::claims;
use crate::clock;
use crate::store::{Move, StoreError};

/// Moves that share a transaction. A notice that comes in meanwhile waits for it.
pub(super) const TOGETHER: usize = 16;

impl Reconciler {
    pub(super) async fn judge_all(&self, target: &str) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let watched = self.watched().await?;
        let held = held(&watched);
        let claims = claims(&watched, &self.in_force());
        for some in watched.chunks(TOGETHER) {
            let (mut moves, mut judged) = (Vec::new(), Vec::new());
            for stored in some {
                let Some(Judged { looked_at, said, step }) =
                    self.judge_one(target, stored, is_held(stored, &held), &claims).await?
                else {
                    continue;
                };
                match step {
                    Some(step) => moves.push(((looked_at, said), step)),
                    None => judged.push((&stored.revocation.id, looked_at, said, stored.version)),
                }
            }
            let (looks, moves): (Vec<_>, Vec<Move>) = moves.into_iter().unzip();
            let answers = self.advance(&moves).await?;
            for ((step, (looked_at, said)), answer) in moves.iter().zip(looks).zip(answers) {
                let Move { from, .. } = step;
                match answer {
                    Ok(_) => judged.push((&from.revocation.id, looked_at, said, from.version + 1)),
                    // Somebody amended it meanwhile; the next pass sees that.
                    Err(StoreError::Conflict { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            for (id, looked_at, said, version) in judged {
                self.board.note_judged(id, looked_at, clock::now());
                if let Some(said) = said {
                    self.echoes.note(id, version, said);
                }
            }
            // Judging many takes long; others have something to do as well.
            tokio::task::yield_now().await;
        }
        self.echoes.prune(watched.iter().map(|stored| stored.revocation.id.as_str()));
        Ok(())
    }

    /// Commits `moves` and lands what they queued.
    pub(super) async fn advance(
        &self,
        moves: &[Move],
    ) -> Result<Vec<Result<Option<String>, StoreError>>, StoreError> {
        if moves.is_empty() {
            return Ok(Vec::new());
        }
        if !self.journal.has_room() {
            let records = moves.iter().flat_map(|step| {
                let id = step.from.revocation.id.as_str();
                step.records.iter().map(move |record| [id, record.kind].join(" "))
            });
            self.journal.pass_over(records);
            return Err(StoreError::Crowded);
        }
        let answers = self.journal.store.advance_all(moves).await?;
        // Before the next are moved: a notice must not wait behind the records of everything that one look moves.
        // What cannot land now stays queued, and whoever runs the journal is told why.
        if let Err(error) = self.journal.drain().await {
            tracing::debug!(error = error.to_string(), "records of a look wait");
        }
        self.journal.wake();
        Ok(answers)
    }
}
