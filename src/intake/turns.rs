//! Notices that may be about the same thing take turns; others need not wait for them.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Turns that may be had at the same time. Two things that share one wait for each other without need.
const TURNS: usize = 256;

/// As long as it is held, nobody else has this turn.
pub(super) type Turn = OwnedMutexGuard<()>;

/// A turn for everything that can be told apart.
pub(super) struct Turns {
    turns: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        let turns = (0..TURNS).map(|_| Arc::default()).collect();
        Self { turns, hasher: RandomState::new() }
    }
}

impl Turns {
    /// Waits for the turn of `thing`.
    pub(super) async fn of(&self, thing: impl Hash) -> Turn {
        let hash = self.hasher.hash_one(thing);
        let turn = self.turns.iter().cycle().nth(usize::from(hash.to_le_bytes()[0]));
        turn.cloned().unwrap_or_default().lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn the_same_thing_waits_and_another_does_not() {
        let turns = Turns::default();
        let held = turns.of("john").await;
        let soon = Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, turns.of("john")).await.is_err());
        // Not every name has another turn, but one of these has.
        let mut others = 0;
        for name in ["jane", "mary", "ann", "bob"] {
            others += u32::from(tokio::time::timeout(soon, turns.of(name)).await.is_ok());
        }
        assert!(others > 0);
        drop(held);
        assert!(tokio::time::timeout(soon, turns.of("john")).await.is_ok());
    }
}
