//! What the newest looks saw, and who wants to look: between those who look and those who answer questions.

use crate::domain::observation::Observation;
use crate::domain::time::UtcTime;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The newest look at each target, and the newest look judged of each revocation. In memory only: after a
/// start everything is looked at anew.
#[derive(Debug)]
pub struct Board {
    newest: Mutex<BTreeMap<String, Arc<Observation>>>,
    judged: Mutex<HashMap<String, UtcTime>>,
    /// Targets whose next look must read everything.
    whole: Mutex<BTreeSet<String>>,
    asked: watch::Sender<u64>,
    passed: watch::Sender<u64>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            newest: Mutex::default(),
            judged: Mutex::default(),
            whole: Mutex::default(),
            asked: watch::Sender::new(0),
            passed: watch::Sender::new(0),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    /// Asks for a look at every target, soon.
    pub fn ask(&self) {
        self.asked.send_modify(|count| *count += 1);
    }

    /// Asks for a look at `target`, soon, that reads everything.
    pub fn ask_whole(&self, target: &str) {
        locked(&self.whole).insert(target.to_owned());
        self.ask();
    }

    /// Whether somebody asked for such a look at `target`; asks no more.
    pub fn take_whole(&self, target: &str) -> bool {
        locked(&self.whole).remove(target)
    }

    /// Changes whenever somebody asks for a look.
    #[must_use]
    pub fn asked(&self) -> watch::Receiver<u64> {
        self.asked.subscribe()
    }

    /// Replaces the newest look at its target.
    pub fn put(&self, look: Arc<Observation>) {
        locked(&self.newest).insert(look.target.clone(), look);
    }

    /// The newest look at a target.
    #[must_use]
    pub fn newest(&self, target: &str) -> Option<Arc<Observation>> {
        locked(&self.newest).get(target).cloned()
    }

    /// Forgets a target that is configured no more.
    pub fn forget(&self, target: &str) {
        locked(&self.newest).remove(target);
    }

    /// When the newest look began by which `revocation` was judged.
    #[must_use]
    pub fn judged(&self, revocation: &str) -> Option<UtcTime> {
        locked(&self.judged).get(revocation).copied()
    }

    /// Notes that `revocation` was judged by a look begun at `started_at`. A time that lies after `now` is from
    /// before the clock was set back, and would keep newer looks out.
    pub fn note_judged(&self, revocation: &str, started_at: UtcTime, now: UtcTime) {
        let mut judged = locked(&self.judged);
        let newest = judged.entry(revocation.to_owned()).or_insert(started_at);
        *newest = started_at.max(*newest).min(now);
    }

    /// Says that a pass is over: whatever it moved is queued.
    pub fn passed(&self) {
        self.passed.send_modify(|count| *count += 1);
    }

    /// Waits until `revocation` was judged by a look begun at or after `since`; gives when it began, or `None`
    /// when that takes longer than `patience`.
    pub async fn judged_since(
        &self,
        revocation: &str,
        since: UtcTime,
        patience: Duration,
    ) -> Option<UtcTime> {
        let mut passes = self.passed.subscribe();
        let judged = async {
            loop {
                if let Some(at) = self.judged(revocation).filter(|at| *at >= since) {
                    return Some(at);
                }
                passes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(patience, judged).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> UtcTime {
        UtcTime::from_micros(micros).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_begun_before_the_question_does_not_answer_it() {
        let board = Board::default();
        board.note_judged("rev_1", at(5), at(100));
        let patience = Duration::from_secs(1);
        assert_eq!(board.judged_since("rev_1", at(6), patience).await, None);
        let asking = board.judged_since("rev_1", at(6), patience);
        let judging = async {
            board.note_judged("rev_1", at(7), at(100));
            board.passed();
        };
        let (judged, ()) = tokio::join!(asking, judging);
        assert_eq!(judged, Some(at(7)));
    }

    #[test]
    fn a_clock_set_back_does_not_keep_newer_looks_out() {
        let board = Board::default();
        board.note_judged("rev_1", at(900), at(900));
        board.note_judged("rev_1", at(10), at(20));
        assert_eq!(board.judged("rev_1"), Some(at(20)));
    }
}
