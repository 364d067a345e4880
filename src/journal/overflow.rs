//! Moves that nobody recorded, because the log took nothing and the queue was full.

use super::Journal;
use crate::audit::file::Entry;
use crate::audit::format::LOSS;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// More than so many are not counted one by one.
const MOST: usize = 100_000;

/// What was passed over, each record once: a look after another wants the same move.
#[derive(Default)]
pub(super) struct Overflow(Mutex<BTreeSet<String>>);

impl Overflow {
    fn known(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one more; gives whether it is new.
    fn add(&self, record: String) -> bool {
        let mut known = self.known();
        known.len() < MOST && known.insert(record)
    }

    /// Whether anything was passed over that the log does not say.
    pub(super) fn is_untold(&self) -> bool {
        !self.known().is_empty()
    }

    /// The record that says how many, if there are any, and which they are.
    pub(super) fn record(&self) -> Option<(Entry, BTreeSet<String>)> {
        let counted = self.known().clone();
        let count = counted.len();
        let unrecorded = if count < MOST { json!(count) } else { Value::Null };
        let what = json!({"cause": "queue_full", "unrecorded": unrecorded});
        let what = what.as_object()?;
        (count > 0).then(|| (Entry::new(LOSS, what), counted))
    }

    /// The log says that these were passed over.
    pub(super) fn forget(&self, counted: &BTreeSet<String>) {
        self.known().retain(|record| !counted.contains(record));
    }
}

impl Journal {
    /// Whether moves may be queued: always, but where the log takes nothing and too many wait already. Then the
    /// state of a revocation stays as it is, and the look that finds it otherwise finds that again later.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.refuses() || self.queued.load(Ordering::Relaxed) < self.settings.queue
    }

    /// Counts records that were not queued, each by a text that names it.
    pub fn pass_over(&self, records: impl IntoIterator<Item = String>) {
        let new = records.into_iter().filter(|record| self.overflow.add(record.clone())).count();
        self.metrics.audit_unrecorded.inc_by(new as u64);
        if new > 0 {
            tracing::warn!(records = new, "the queue of the audit log is full; moves wait");
        }
    }
}
