//! Whether the time between two clean looks has passed by a clock that nobody can set.
//!
//! The wall clock says when a look was made, and whoever sets it forward would make one look confirm the other at once.

use super::locked;
use crate::domain::lifecycle::Life;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Since when the looks from which confirmation counts are known to this run of the agent, by revocation.
#[derive(Default)]
pub(super) struct Steady(Mutex<HashMap<String, (UtcTime, Instant)>>);

impl Steady {
    /// Takes note of the look from which confirmation of `life` counts. One that an earlier run judged begins anew.
    pub(super) fn follow(&self, id: &str, life: &Life) {
        let mut known = locked(&self.0);
        let from = life.confirm_from.filter(|_| match life.state {
            State::Scheduled | State::Open | State::Regressed | State::Excepted => true,
            State::Verified | State::Withdrawn => false,
        });
        match from {
            None => drop(known.remove(id)),
            Some(from) if known.get(id).is_some_and(|(known, _)| *known == from) => {}
            Some(from) => drop(known.insert(id.to_owned(), (from, Instant::now()))),
        }
    }

    /// Whether `delay` has passed since the look from which confirmation of `life` counts. A tenth is let off: what
    /// is known is when looks were judged, and one may take longer than the other.
    pub(super) fn waited(&self, id: &str, life: &Life, delay: Duration) -> bool {
        self.follow(id, life);
        let since = locked(&self.0).get(id).map(|(_, since)| since.elapsed());
        since.is_none_or(|since| since >= delay.saturating_sub(delay / 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> UtcTime {
        UtcTime::from_micros(second * 1_000_000).unwrap()
    }

    #[test]
    fn only_time_that_passed_counts() {
        let steady = Steady::default();
        let mut life = Life::begin(at(0), at(0));
        let delay = Duration::from_millis(200);
        assert!(steady.waited("rev_1", &life, delay), "no look to confirm, nothing to wait for");
        life.confirm_from = Some(at(10));
        assert!(
            !steady.waited("rev_1", &life, delay),
            "known since now, whatever the wall clock says"
        );
        assert!(steady.waited("rev_1", &life, Duration::ZERO));
        std::thread::sleep(delay);
        assert!(steady.waited("rev_1", &life, delay));
        assert!(!steady.waited("rev_2", &life, delay), "each has its own");
        life.confirm_from = Some(at(11));
        assert!(!steady.waited("rev_1", &life, delay), "another look, another wait");
        life.state = State::Verified;
        steady.follow("rev_1", &life);
        assert_eq!(locked(&steady.0).len(), 1, "what is verified is not waited for");
    }
}
