//! An instant as the log needs it: by the clock that can be set, and by the one that cannot.

use crate::domain::time::UtcTime;
use serde_json::{Map, Value, json};

/// Going back by more than this is told, in microseconds.
const BACK: i64 = 1_000_000;
/// The two clocks of one run may differ by this much, in microseconds.
const APART: i64 = 5_000_000;

/// When something is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the system clock; 27 bytes.
    pub(super) time: String,
    /// The same in microseconds since 1970.
    pub(super) micros: i64,
    /// Microseconds since the machine started, by a clock that nobody can set and that runs on while it sleeps.
    pub(super) since_boot: Option<u64>,
}

impl Moment {
    /// `now` by the system clock, `since_boot` microseconds after the machine started.
    #[must_use]
    pub fn new(now: UtcTime, since_boot: Option<u64>) -> Self {
        Self { time: now.to_string(), micros: now.micros(), since_boot }
    }

    /// What a `clock` record says, if the system clock was set between a line of the time `last` and now; `before`
    /// is the newest moment of this run.
    pub(super) fn step(&self, last: &str, before: Option<&Self>) -> Option<Map<String, Value>> {
        let back = last.parse::<UtcTime>().is_ok_and(|last| last.micros() - self.micros > BACK);
        let passed = before.and_then(|before| {
            let passed = self.since_boot?.checked_sub(before.since_boot?)?;
            Some((before.micros, i64::try_from(passed).ok()?))
        });
        let apart = passed.is_some_and(|(before, passed)| {
            self.micros.saturating_sub(before).saturating_sub(passed).abs() > APART
        });
        if !back && !apart {
            return None;
        }
        let mut what = Map::new();
        what.insert("new".to_owned(), json!(self.time));
        what.insert("old".to_owned(), json!(last));
        if let Some((_, passed)) = passed {
            what.insert("monotonic_us".to_owned(), json!(passed.to_string()));
        }
        Some(what)
    }
}

impl From<UtcTime> for Moment {
    fn from(now: UtcTime) -> Self {
        Self::new(now, None)
    }
}

/// A text that is no instant counts as 1970.
impl From<&str> for Moment {
    fn from(time: &str) -> Self {
        let micros = time.parse().map_or(0, UtcTime::micros);
        Self { time: time.to_owned(), micros, since_boot: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, since_boot: Option<u64>) -> Moment {
        let now = UtcTime::from_micros(seconds * 1_000_000).unwrap();
        Moment::new(now, since_boot.map(|seconds| seconds * 1_000_000))
    }

    #[test]
    fn a_clock_that_was_set_is_told() {
        let last = at(1_000, None).time;
        let step = |now: Moment, before: Option<Moment>| now.step(&last, before.as_ref());
        assert_eq!(step(at(999, None), None), None, "a second is nothing");
        let back = step(at(998, None), None).unwrap();
        assert_eq!(back["old"], last.as_str());
        assert_eq!(back["new"], at(998, None).time.as_str());
        assert!(!back.contains_key("monotonic_us"), "it is not known");

        let before = || Some(at(1_000, Some(50)));
        assert_eq!(step(at(1_100, Some(150)), before()), None);
        assert_eq!(step(at(1_105, Some(150)), before()), None, "five seconds are drift");
        let forth = step(at(1_106, Some(150)), before()).unwrap();
        assert_eq!(forth["monotonic_us"], "100000000");
        // Back since the last look at it, but not before the last line.
        let last = at(900, None).time;
        let slow = at(1_050, Some(150)).step(&last, before().as_ref()).unwrap();
        assert_eq!(slow["new"], at(1_050, None).time.as_str());
        // Nothing to compare with.
        assert_eq!(step(at(9_000, Some(1)), None), None);
        assert_eq!(step(at(9_000, Some(1)), before()), None, "another run of the machine");
    }
}
