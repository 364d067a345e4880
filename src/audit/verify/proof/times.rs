//! The times of proved lines: what witnesses allow, and what the `clock` records among them explain.

use crate::audit::format::CLOCK;
use crate::audit::verify::clocks::{Clocks, explained, set_by};
use crate::audit::verify::line::Line;
use crate::audit::verify::members::string_of;
use crate::audit::verify::report::{Fault, Place, Warning};
use crate::audit::verify::stamp::Stamp;
use crate::audit::verify::witness::Bound;
use std::collections::BTreeMap;

/// What is known of the times before the end of the file: `clock` records may stand anywhere in it.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// By how much each `clock` record says that the clock was set; in the order of the log.
    set: BTreeMap<u64, i64>,
    /// What lies beyond a bound, by how much, and where.
    beyond: Vec<(i64, Bound, Place, u64, Stamp)>,
}

impl Times {
    /// Takes a proved line, which stands at `place` under a note of `bounds`.
    pub(super) fn take(&mut self, line: &Line<'_>, bounds: &[Bound], place: &Place) {
        let (seq, Some(time)) = (line.parsed.seq, line.parsed.time) else { return };
        if line.kind == CLOCK {
            // The line before is not at hand: the record says what its time was.
            let last = string_of(line, "old").and_then(|old| Stamp::parse(old.as_bytes()));
            self.set.insert(seq, last.map_or(0, |last| set_by(line, last, time)));
        }
        for bound in bounds {
            let beyond = bound.beyond(seq, time);
            if beyond > 0 {
                self.beyond.push((beyond, bound.clone(), place.clone(), seq, time));
            }
        }
    }

    /// The first line whose time no clock explains; else what is to be told of those that one does.
    pub(super) fn judge(self) -> Result<Option<Warning>, Fault> {
        let mut clocks = Clocks::default();
        self.set.values().for_each(|by| clocks.set(*by));
        let apart = clocks.apart();
        if let Some((_, bound, place, seq, time)) =
            self.beyond.iter().find(|(beyond, ..)| *beyond > apart)
        {
            return Err(bound.flaw(*seq, *time).at_place(place));
        }
        let worst = self.beyond.iter().map(|(beyond, ..)| *beyond).max().unwrap_or_default();
        let first = self.beyond.first();
        Ok(first.map(|(_, bound, place, ..)| explained(place, &bound.witness, worst, apart)))
    }
}
