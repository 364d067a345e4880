//! Proofs over the log that is being written.

use super::Journal;
use crate::audit::prove::{Consistency, Head, ProveError, Prover};
use std::path::Path;
use tokio::sync::Semaphore;

/// Proofs made at the same time: each reads the whole log.
static TURNS: Semaphore = Semaphore::const_new(2);

/// What is to be proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A line.
    Line(u64),
    /// Every record of a revocation.
    Revocation(String),
}

impl Journal {
    /// The newest checkpoint.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn head(&self) -> Result<Head, ProveError> {
        let newest = self.checkpoint().await;
        let newest = newest.map_err(|error| ProveError::Damaged(error.to_string()))?;
        Head::of(&newest.note)
            .ok_or_else(|| ProveError::Damaged("it does not end with a checkpoint".to_owned()))
    }

    /// The proof of a line or of a revocation under the newest checkpoint; `dir` is the log's directory.
    ///
    /// # Errors
    /// When there is nothing of the kind, or the files are not what was signed.
    pub async fn prove(&self, dir: &Path, asked: Asked) -> Result<String, ProveError> {
        let head = self.head().await?;
        aside(dir, move |prover| match asked {
            Asked::Line(seq) => prover.line(&head, seq),
            Asked::Revocation(id) => prover.bundle(&head, &id),
        })
        .await
    }

    /// That the checkpoint over `new` lines, or else the newest, continues the tree of `old` lines.
    ///
    /// # Errors
    /// When there is no such checkpoint, or the files are not what was signed.
    pub async fn consistency(
        &self,
        dir: &Path,
        old: u64,
        new: Option<u64>,
    ) -> Result<Consistency, ProveError> {
        let head = self.head().await?;
        aside(dir, move |prover| {
            let head = match new {
                Some(new) if new > head.size => return Err(ProveError::Beyond { size: head.size }),
                Some(new) if new < head.size => prover.checkpoint(new)?,
                Some(_) | None => head,
            };
            prover.consistency(old, &head)
        })
        .await
    }
}

/// Reads the files on a thread that may wait for the disk.
async fn aside<T: Send + 'static>(
    dir: &Path,
    work: impl FnOnce(&Prover) -> Result<T, ProveError> + Send + 'static,
) -> Result<T, ProveError> {
    let turn = TURNS.acquire().await.map_err(|_| ProveError::Gone)?;
    let prover = Prover::new(dir);
    let work = move || {
        // Held until the work is done, also when nobody waits for it any more.
        let _turn = turn;
        work(&prover)
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| ProveError::Gone)?
}
