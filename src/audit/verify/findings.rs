//! What is worth telling though it is no fault. Both lists are bounded: the input is not trusted.

use super::report::{Place, Warning};
use super::stamp::Stamp;
use crate::audit::format::{CLOCK, OWN_TYPES, QUEUED_TYPES};
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

const MAX_TYPES: usize = 64;
const MAX_WARNINGS: usize = 64;

/// Steps of the clock back by more than this (in microseconds) must be declared.
const TOLERANCE: i64 = 1_000_000;

/// Asked once a line.
static KNOWN: LazyLock<HashSet<&str>> =
    LazyLock::new(|| OWN_TYPES.iter().chain(QUEUED_TYPES).copied().collect());

/// Warnings and unknown types of a run of lines.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) not_understood: BTreeMap<String, u64>,
    pub(super) not_understood_omitted: u64,
    pub(super) warnings: Vec<Warning>,
    pub(super) warnings_omitted: u64,
    /// The newest type that is understood: mostly it is that of the next line too.
    newest: &'static str,
}

impl Findings {
    /// Counts a record type if this version does not understand it.
    pub(super) fn note_type(&mut self, kind: &str) {
        if self.newest == kind {
            return;
        }
        match KNOWN.get(kind) {
            Some(known) => self.newest = known,
            None => self.count(kind.to_owned(), 1),
        }
    }

    pub(super) fn warn(&mut self, place: &Place, sentence: String) {
        let file = place.file.to_string();
        self.list(Warning { file, line: place.line, sentence });
    }

    /// Takes over what `other` holds, and leaves it empty.
    pub(super) fn absorb(&mut self, other: &mut Self) {
        if other.is_empty() {
            return;
        }
        let other = std::mem::take(other);
        for (kind, count) in other.not_understood {
            self.count(kind, count);
        }
        for warning in other.warnings {
            self.list(warning);
        }
        self.not_understood_omitted += other.not_understood_omitted;
        self.warnings_omitted += other.warnings_omitted;
    }

    fn is_empty(&self) -> bool {
        // What was left out was left out of a list that is full.
        self.not_understood.is_empty() && self.warnings.is_empty()
    }

    fn count(&mut self, kind: String, count: u64) {
        if self.not_understood.len() < MAX_TYPES || self.not_understood.contains_key(&kind) {
            *self.not_understood.entry(kind).or_default() += count;
        } else {
            self.not_understood_omitted += count;
        }
    }

    pub(super) fn list(&mut self, warning: Warning) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(warning);
        } else {
            self.warnings_omitted += 1;
        }
    }
}

/// Follows `time` from line to line.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Latest time since the last step back. Not merely the time before: many small steps add up.
    latest: Option<i64>,
    declared: bool,
}

impl Clock {
    /// Takes the next time; microseconds of a step back that no `clock` record declares.
    ///
    /// A `clock` record declares the step to its own time and that of the record after it.
    pub(super) fn tick(&mut self, kind: &str, stamp: Stamp) -> Option<i64> {
        let is_clock = kind == CLOCK;
        let declared = std::mem::replace(&mut self.declared, is_clock) || is_clock;
        let back = self.latest.map_or(0, |latest| latest - stamp.micros);
        if back <= TOLERANCE {
            self.latest = self.latest.max(Some(stamp.micros));
            return None;
        }
        self.latest = Some(stamp.micros);
        (!declared).then_some(back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_back_add_up_unless_declared() {
        let mut clock = Clock::default();
        for (kind, time, step) in [
            ("start", "21:00:10.000000", None),
            ("heartbeat", "21:00:09.000000", None),
            ("heartbeat", "21:00:08.999999", Some(1_000_001)),
            ("heartbeat", "21:00:08.000000", None),
            ("clock", "20:00:00.000000", None),
            ("heartbeat", "19:59:00.000000", None),
            ("heartbeat", "19:00:00.000000", Some(3_540_000_000)),
        ] {
            let stamp = Stamp::parse(format!("2026-11-21T{time}Z").as_bytes()).unwrap();
            assert_eq!(clock.tick(kind, stamp), step, "{kind} {time}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let place = Place { file: "log".into(), line: 1, offset: 0 };
        let mut all = Findings::default();
        for n in 0..200 {
            let mut some = Findings::default();
            some.note_type(&format!("type_{n}"));
            some.note_type("type_0");
            some.note_type("heartbeat");
            some.warn(&place, "odd".to_owned());
            all.absorb(&mut some);
        }
        assert_eq!((all.not_understood.len(), all.not_understood_omitted), (64, 136));
        assert_eq!(all.not_understood.get("type_0"), Some(&201));
        assert_eq!((all.warnings.len(), all.warnings_omitted), (64, 136));
    }
}
