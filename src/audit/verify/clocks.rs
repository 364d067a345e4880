//! How far the clocks of a log lie apart, by its `clock` records, and which of its times that explains.

use super::line::Line;
use super::members::string_of;
use super::note::decimal;
use super::report::{Again, Fault, Flaw, Place, Warning};
use super::stamp::Stamp;
use super::witness::Bound;
use crate::audit::format::CLOCK;

/// Bounds beyond these are not remembered for a second reading.
const MAX_BOUNDS: usize = 1024;
/// Digits of `monotonic_us`: thirty years.
const MAX_DIGITS: usize = 15;

/// The clocks that the log was written by, and its times that witnesses contradict.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// Time of the line before.
    last: Option<Stamp>,
    /// How far the clock of the line before is ahead of the first one, in microseconds.
    ahead: i64,
    /// The least and the most of that.
    least: i64,
    most: i64,
    /// In a second reading: how far the clocks of the whole log lie apart.
    known: Option<i64>,
    /// Where a time was first contradicted, and by whom.
    first: Option<(Place, String)>,
    /// By how much at most, and what that means where it is not explained.
    worst: Option<(i64, Fault)>,
    /// By which bounds, and by how much.
    bounds: Vec<(i64, Bound)>,
}

impl Clocks {
    /// The clocks of a log of which an earlier reading found out how far they lie apart.
    pub(super) fn new(known: Option<i64>) -> Self {
        Self { known, ..Self::default() }
    }

    /// Takes the next line that has a time.
    pub(super) fn tick(&mut self, line: &Line<'_>, time: Stamp) {
        let last = self.last.replace(time).unwrap_or(time);
        if line.kind != CLOCK {
            return;
        }
        self.ahead = self.ahead.saturating_add(set_by(line, last, time));
        (self.least, self.most) = (self.least.min(self.ahead), self.most.max(self.ahead));
    }

    /// How far they lie apart, as far as is known.
    fn apart(&self) -> i64 {
        self.known.unwrap_or_else(|| self.most.saturating_sub(self.least))
    }

    /// Takes a time that lies `beyond` what `bound` allows, which is `flaw` if no clock explains it. In a first
    /// reading that is only known at the end.
    pub(super) fn contradicted(
        &mut self,
        bound: &Bound,
        beyond: i64,
        place: &Place,
        flaw: impl FnOnce() -> Flaw,
    ) -> Result<(), Flaw> {
        if self.known.is_some_and(|known| beyond > known) {
            return Err(flaw());
        }
        self.first.get_or_insert_with(|| (place.clone(), bound.name().to_owned()));
        if self.worst.as_ref().is_none_or(|(worst, _)| *worst < beyond) {
            self.worst = Some((beyond, flaw().at_place(place)));
        }
        if let Some((most, _)) = self.bounds.last_mut().filter(|(_, last)| last == bound) {
            *most = beyond.max(*most);
        } else if self.bounds.len() < MAX_BOUNDS {
            self.bounds.push((beyond, bound.clone()));
        }
        Ok(())
    }

    /// The fault of a time that no clock of the log explains, and how another reading finds the first line of which
    /// that is so.
    pub(super) fn unexplained(&mut self) -> Option<(Fault, Again)> {
        let apart = self.apart();
        let (_, fault) = self.worst.take_if(|(worst, _)| *worst > apart)?;
        let bounds = std::mem::take(&mut self.bounds).into_iter();
        let bounds = bounds.filter(|(beyond, _)| *beyond > apart).map(|(_, bound)| bound).collect();
        Some((fault, Again { bounds, apart: Some(apart) }))
    }

    /// What is to be told of times that a clock explains.
    pub(super) fn explained(&self) -> Option<Warning> {
        let ((place, witness), (worst, _)) = self.first.as_ref().zip(self.worst.as_ref())?;
        let (off, apart) = (worst / 1_000_000, self.apart() / 1_000_000);
        let sentence = format!(
            "by the signature of witness {witness}, times in the log are {off} s beyond what is allowed; its clock \
             records explain that: by them its clocks lie {apart} s apart"
        );
        Some(Warning { file: place.file.to_string(), line: place.line, sentence })
    }
}

/// By how many microseconds the `clock` record `line`, which is of `time`, says that the clock was set forward, where the
/// time before was `last`.
pub(super) fn set_by(line: &Line<'_>, last: Stamp, time: Stamp) -> i64 {
    let passed = string_of(line, "monotonic_us")
        .filter(|text| text.len() <= MAX_DIGITS)
        .and_then(|text| i64::try_from(decimal(&text)?).ok())
        .unwrap_or_default();
    time.micros - last.micros - passed
}
