//! Revocations that are to be accepted at the same moment share a transaction.

use super::model::{Acceptance, NewRevocation};
use super::{Store, StoreError};
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Most that share a transaction: others wait for the store meanwhile.
const TOGETHER: usize = 64;

type Answer = Result<Acceptance, StoreError>;

struct Waiting {
    number: u64,
    new: NewRevocation,
    tell: oneshot::Sender<Answer>,
    /// What must not be let go before it is known what became of this.
    _held: Box<dyn Any + Send>,
}

/// Where new revocations wait for a transaction. There is nobody whose work it is to commit them: whoever
/// gets the turn does it for all that wait. Alone, one does not wait at all; the more there are and the
/// slower the disk, the more go together.
#[derive(Default)]
pub struct Gather {
    waiting: Mutex<Vec<Waiting>>,
    numbers: AtomicU64,
    turn: tokio::sync::Mutex<()>,
}

/// What was taken out to be committed. If whoever took it is given up halfway, as a request is whose client
/// has gone, the others go back to those that wait: nobody loses an answer by another's leaving.
struct Taken<'a> {
    gather: &'a Gather,
    batch: Vec<Waiting>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut waiting = self.gather.waiting();
        let later = std::mem::take(&mut *waiting);
        waiting.extend(self.batch.drain(..).chain(later).filter(|one| !one.tell.is_closed()));
    }
}

/// Takes a question back when nobody waits for its answer any more.
struct Asked<'a> {
    gather: &'a Gather,
    number: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.gather.waiting().retain(|one| one.number != self.number);
    }
}

impl Gather {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Store::accept`]; `held` is let go when it is known what became of it.
    ///
    /// # Errors
    /// As [`Store::accept`].
    pub async fn accept(
        &self,
        store: &Store,
        new: NewRevocation,
        held: impl Any + Send,
    ) -> Result<Acceptance, StoreError> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        // Dropped in the reverse order: the answer is refused first, then the question taken back.
        let _asked = Asked { gather: self, number };
        let (tell, mut told) = oneshot::channel();
        self.waiting().push(Waiting { number, new, tell, _held: Box::new(held) });
        loop {
            tokio::select! {
                biased;
                answer = &mut told => return answer.unwrap_or_else(|_| Err(lost())),
                _turn = self.turn.lock() => self.commit(store).await,
            }
        }
    }

    /// Commits the first of those that wait. Called by who has the turn.
    async fn commit(&self, store: &Store) {
        let batch: Vec<Waiting> = {
            let mut waiting = self.waiting();
            let count = waiting.len().min(TOGETHER);
            waiting.drain(..count).collect()
        };
        let mut taken = Taken { gather: self, batch };
        let all: Vec<NewRevocation> = taken.batch.iter().map(|one| one.new.clone()).collect();
        match store.accept_all(&all).await {
            Ok(answers) => {
                for (one, answer) in taken.batch.drain(..).zip(answers) {
                    let _ = one.tell.send(answer);
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for one in taken.batch.drain(..) {
                    let _ = one.tell.send(Err(StoreError::Shared(error.clone())));
                }
            }
        }
    }
}

/// Every question is answered or put back, so this is a defect; the sender may try again.
fn lost() -> StoreError {
    StoreError::Held("the answer to a new revocation was lost".to_owned())
}
