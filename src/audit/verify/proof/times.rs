//! The times of proved lines: what witnesses allow, and what the `clock` records among them explain.
//!
//! A file need not have all `clock` records of its log, and one that was left out may take back what others did. But
//! whatever else a log says, its clocks lie apart by no less than any one record set them by: only so much is certain.

use crate::audit::format::CLOCK;
use crate::audit::verify::clocks::set_by;
use crate::audit::verify::line::Line;
use crate::audit::verify::members::string_of;
use crate::audit::verify::report::{Fault, Place, Warning};
use crate::audit::verify::stamp::Stamp;
use crate::audit::verify::witness::Bound;
use std::collections::BTreeMap;

/// The lines of a file, as far as they say when they were written.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// By how much each `clock` record says that the clock was set forward, in microseconds; in the order of the log.
    set: BTreeMap<u64, i64>,
    lines: Vec<(u64, Stamp, Place)>,
}

/// What contradicts a witness and is no fault.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// A `clock` record explains it.
    Explained(Warning),
    /// The `clock` records together do, if there are no others.
    Open(String),
}

impl Times {
    /// Takes a proved line, whose proof stands at `place`.
    pub(super) fn take(&mut self, line: &Line<'_>, place: &Place) {
        let (seq, Some(time)) = (line.parsed.seq, line.parsed.time) else { return };
        if line.kind == CLOCK {
            // The line before is not at hand: the record says what its time was.
            let last = string_of(line, "old").and_then(|old| Stamp::parse(old.as_bytes()));
            self.set.insert(seq, last.map_or(0, |last| set_by(line, last, time)));
        }
        self.lines.push((seq, time, place.clone()));
    }

    /// Holds all lines against what witnesses say.
    pub(super) fn judge(&self, bounds: &[Bound]) -> Result<Option<Odd>, Fault> {
        let (most, sums) = self.apart();
        let (mut first, mut worst) = (None, 0);
        for (seq, time, place) in &self.lines {
            let strictest = bounds.iter().max_by_key(|bound| bound.beyond(*seq, *time));
            let Some(bound) = strictest.filter(|bound| bound.beyond(*seq, *time) > 0) else {
                continue;
            };
            let beyond = bound.beyond(*seq, *time);
            if beyond > sums {
                return Err(bound.flaw(*seq, *time).at_place(place));
            }
            worst = worst.max(beyond);
            first.get_or_insert((place, bound.name()));
        }
        Ok(first.map(|(place, witness)| odd(place, witness, worst, most)))
    }

    /// The most that one record set the clock by; and how far the clocks lie apart if there are no other records.
    fn apart(&self) -> (i64, i64) {
        let (mut ahead, mut least, mut most) = (0_i64, 0, 0);
        for by in self.set.values() {
            ahead = ahead.saturating_add(*by);
            (least, most) = (ahead.min(least), ahead.max(most));
        }
        let single = self.set.values().map(|by| by.saturating_abs()).max().unwrap_or_default();
        (single, most.saturating_sub(least))
    }
}

fn odd(place: &Place, witness: &str, worst: i64, most: i64) -> Odd {
    let (off, set) = (worst / 1_000_000, most / 1_000_000);
    let contradiction = format!(
        "by the signature of witness {witness}, times of these records are {off} s beyond what is allowed"
    );
    if worst > most {
        return Odd::Open(format!(
            "In line {}: {contradiction}. No one clock record explains that; together they do if none was left \
             out, which only the whole log shows.",
            place.line
        ));
    }
    let sentence =
        format!("{contradiction}; a clock record explains that: it set the clock by {set} s");
    Odd::Explained(Warning { file: place.file.to_string(), line: place.line, sentence })
}
