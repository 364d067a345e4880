//! What probes told earlier looks of this server.

use crate::domain::probes::{SqlProbe, Told};
use crate::domain::time::UtcTime;
use crate::target::rows::Answering;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Name, digest and values of a question.
pub(super) type Key = (String, String, Vec<Vec<String>>);

/// Nobody asks any more about whom was not asked for so long.
const KEPT: Duration = Duration::from_secs(86_400);

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) told: Told,
    /// When the look began that read it.
    pub(super) read_at: UtcTime,
    pub(super) since: Instant,
    answering: Answering,
}

/// What the looks at a target remember of its probes. Clones share it.
#[derive(Clone, Debug, Default)]
pub(in crate::target) struct Memory(Arc<Mutex<HashMap<Key, Known>>>);

impl Memory {
    fn locked(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this server answered; not what another one did, or this one before it was restarted.
    pub(super) fn recall(&self, key: &Key, answering: Option<Answering>) -> Option<Known> {
        let known = self.locked().get(key).cloned();
        known.filter(|known| Some(known.answering) == answering)
    }

    pub(super) fn keep(&self, key: Key, told: Told, read_at: UtcTime, answering: Answering) {
        let known = Known { told, read_at, since: Instant::now(), answering };
        self.locked().insert(key, known);
    }

    /// Forgets what is configured no more, and what nobody asked for a long time.
    pub(super) fn forget_but(&self, probes: &[SqlProbe]) {
        let known: BTreeSet<&str> = probes.iter().map(|p| p.declared.sha256.as_str()).collect();
        self.locked().retain(|(_, sha256, _), one| {
            known.contains(sha256.as_str()) && one.since.elapsed() < KEPT
        });
    }
}
