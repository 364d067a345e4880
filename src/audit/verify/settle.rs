//! The end of a log: what all that was read amounts to.

use super::chain::Chain;
use super::genesis;
use super::report::{
    Again, AnchorResult, Fault, FaultKind, Independence, Outcome, Place, Report, WitnessReport,
};
use super::seals::Seal;
use super::stamp::Stamp;
use super::vkey::Vkey;
use super::witness::silent;
use super::{MaxAge, Wanted};
use crate::audit::format::TOLERANCE;

/// Why a key that was given says nothing of files that begin inside a log. A note that it signed is no word of it for
/// these, either: anybody can add a signature to a note.
pub(super) const UNKNOWN: &str = "under another key than the one that you gave, and those before them, which would \
                                  show whether it followed from yours, are not here.";

/// The input has ended.
#[derive(Debug)]
pub(super) struct End {
    /// What is wrong with the line at which reading stopped.
    pub(super) fault: Option<Fault>,
    /// Length of a last line without line feed.
    pub(super) torn: u64,
    pub(super) wanted: Wanted,
}

impl Chain {
    /// Ends the input.
    pub(super) fn into_report(mut self, end: End) -> Report {
        let End { mut fault, torn, wanted } = end;
        // A checkpoint stands before the line that is wrong, so if it is bad, it is bad first.
        if let Err(flaw) = self.seals.check_newest() {
            fault = Some(flaw.at_place(&place_of(&self)));
        }
        self.keys.end();
        if fault.is_none() && self.anchors.is_due(self.tree.size()) {
            let place = place_of(&self);
            fault = self.compare_anchors(&place).err().map(|flaw| flaw.at_place(&place));
        }
        // Which line is the first one that is wrong, another reading finds.
        let mut again = None;
        if fault.as_ref().is_none_or(|fault| fault.kind != FaultKind::Format)
            && let Some((found, bounds)) = self.clocks.unexplained()
        {
            (fault, again) = (Some(found), Some(bounds));
        }
        if fault.is_none() {
            fault = self.without_pinned();
        }
        if let Some(warning) = self.clocks.explained().filter(|_| fault.is_none()) {
            self.sealed.list(warning);
        }
        let good = self.seals.good.take().filter(|_| !self.keys.lacks_pinned());
        let last_note = good.as_ref().map(|good| good.note.as_str());
        // Where there is no log at all, the key that was given speaks for it.
        let absent = [self.keys.pinned.as_ref().filter(|_| self.first.is_none()), None];
        let signers = if self.first.is_none() { absent } else { self.keys.signers() };
        self.anchors.end(fault.is_none(), signers, &self.witnesses, last_note);
        let sealed = good.as_ref().map(|good| good.people).unwrap_or_default();
        let (missing, subjects) = std::mem::take(&mut self.people).end(sealed);
        for (id, place) in missing {
            self.sealed
                .warn(&place, format!("no disclosure of {id} was given, and no erasure follows"));
        }
        let is_first_reading = !self.seals.all;
        let is_unknown = self.may_have_had_pinned();
        let last_time = good.as_ref().and_then(|good| good.last_time);
        let mut report = self.report(good.as_ref(), fault, torn);
        report.subjects = subjects;
        let is_wrong = report.fault.as_ref().is_some_and(|fault| fault.kind != FaultKind::Format);
        report.again = again.or_else(|| is_first_reading.then(Again::default)).filter(|_| is_wrong);
        report.unmet = unmet(&report, &wanted, last_time);
        report.outcome = outcome(&report);
        if is_unknown && report.fault.is_none() {
            report.unmet.insert(0, format!("These files begin {UNKNOWN}"));
            // Under a key that nobody vouches for nothing is known to be sealed, nor to be contradicted.
            report.outcome = Outcome::NotProved;
        }
        report.exit_code = report.outcome.exit_code();
        report
    }

    /// What was read, the answer left open.
    fn report(mut self, good: Option<&Seal>, fault: Option<Fault>, torn: u64) -> Report {
        let witnesses = self.witnessed();
        let independence = good.map(|_| self.independence(&witnesses));
        let unsealed_bytes = self.bytes_read - good.map_or(0, |good| good.bytes_read) + torn;
        let first_seq = self.first.as_ref().map_or(0, |(_, seq)| *seq);
        let records = good.map_or(0, |good| good.size() + 1 - first_seq);
        let lines = self.tree.size().saturating_sub(first_seq);
        let text = |stamp: Option<Stamp>| stamp.map(Stamp::text);
        let key = self.keys.current().map(|held| held.key.clone());
        Report {
            outcome: Outcome::Verified,
            exit_code: 0,
            origin: key.as_ref().map(|key| key.origin().to_owned()),
            key_id: key.as_ref().map(Vkey::id_hex),
            key: key.as_ref().map(Vkey::to_string),
            key_pinned: self.keys.has_pinned,
            keys: self.keys.listed,
            keys_omitted: self.keys.omitted,
            segments: self.segments,
            segments_omitted: self.segments_omitted,
            continues: self.continues,
            losses: self.losses.sealed(good.map(Seal::size)),
            losses_omitted: self.losses.omitted,
            records,
            first_seq: good.map(|_| first_seq),
            last_seq: good.map(Seal::size),
            first_time: text(good.and(self.first_time)),
            last_time: text(good.and_then(|good| good.last_time)),
            checkpoints: good.map_or(0, |good| good.ordinal),
            roots_checked: self.seals.roots,
            signatures_checked: self.seals.signatures,
            last_checkpoint: good.map(Seal::to_good_checkpoint),
            unsealed_lines: lines - records,
            unsealed_bytes,
            torn_tail: torn > 0 && fault.is_none(),
            fault,
            independence,
            anchors: self.anchors.done,
            witnesses,
            recorded_anchors: self.receipts.recorded(),
            subjects: None,
            unmet: Vec::new(),
            warnings: self.sealed.warnings,
            warnings_omitted: self.sealed.warnings_omitted,
            not_understood: self.sealed.not_understood,
            not_understood_omitted: self.sealed.not_understood_omitted,
            again: None,
        }
    }

    /// Whether nobody can say that the log never had the pinned key: the lines before these are not here.
    fn may_have_had_pinned(&self) -> bool {
        self.keys.lacks_pinned() && self.first.as_ref().is_some_and(|(_, seq)| *seq > 0)
    }

    /// The fault of a whole log that never had the pinned key.
    fn without_pinned(&self) -> Option<Fault> {
        let (pinned, first) = (self.keys.pinned.as_ref()?, self.first.as_ref()?);
        if self.may_have_had_pinned() {
            return None;
        }
        let named = self.keys.listed.first().map_or("another key", |report| report.key.as_str());
        self.keys.lacks_pinned().then(|| genesis::other_key(pinned, named).at_place(&first.0))
    }

    /// The newest that each witness signed, in an anchor or by a receipt.
    fn witnessed(&mut self) -> Vec<WitnessReport> {
        let mut newest: Vec<WitnessReport> = Vec::new();
        let anchors =
            self.anchors.done.iter().filter(|anchor| anchor.result == AnchorResult::Matches);
        let seen = anchors.flat_map(|anchor| anchor.witnesses.iter().cloned());
        for seen in seen.chain(std::mem::take(&mut self.receipts.witnessed)) {
            match newest.iter_mut().find(|other| other.key == seen.key) {
                Some(other) if other.size < seen.size => *other = seen,
                Some(_) => {}
                None => newest.push(seen),
            }
        }
        newest
    }

    fn independence(&self, witnesses: &[WitnessReport]) -> Independence {
        let is_match = |result| result == AnchorResult::Matches;
        if !witnesses.is_empty() {
            Independence::Witnessed
        } else if self.anchors.done.iter().any(|anchor| is_match(anchor.result)) {
            Independence::Anchored
        } else {
            Independence::SelfAttested
        }
    }
}

/// Of a flaw that has a place of its own, this is not used.
fn place_of(chain: &Chain) -> Place {
    chain.first.as_ref().map_or_else(Place::nowhere, |(place, _)| place.clone())
}

/// What was asked for and is not so.
fn unmet(report: &Report, wanted: &Wanted, last_time: Option<Stamp>) -> Vec<String> {
    let mut unmet = Vec::new();
    if !wanted.has_key {
        unmet
            .push("No key was given, so nobody vouches for the one that the log names.".to_owned());
    }
    for anchor in &report.anchors {
        if anchor.result == AnchorResult::Unusable {
            unmet.push(format!("{}: {}", anchor.source, anchor.sentence));
        }
    }
    let fits = report.anchors.iter().any(|anchor| anchor.result == AnchorResult::Matches);
    if wanted.anchor && !fits {
        unmet.push("An anchor is required, and none fits.".to_owned());
    }
    let place = "the log, nor in a note that fits it";
    unmet.extend(silent(&wanted.witnesses, &report.witnesses, place));
    if let Some(MaxAge { now, limit }) = wanted.max_age {
        let seconds = limit / 1_000_000;
        match last_time {
            Some(last) if last.micros.saturating_sub(now) > TOLERANCE => {
                unmet.push(format!(
                    "The newest line is of {}, which is yet to come: it does not show how old the log is.",
                    last.text()
                ));
            }
            Some(last) if now.saturating_sub(last.micros) <= limit => {}
            Some(last) => {
                unmet.push(format!(
                    "The newest line is of {}: older than {seconds} s.",
                    last.text()
                ));
            }
            None => unmet.push("No line says when it was written.".to_owned()),
        }
    }
    unmet
}

/// The first of what applies, worst first.
fn outcome(report: &Report) -> Outcome {
    let contradicts = |result| matches!(result, AnchorResult::Differs | AnchorResult::Larger);
    match &report.fault {
        Some(fault) if fault.kind == FaultKind::Format => Outcome::Error,
        Some(_) => Outcome::Tampered,
        None if report.anchors.iter().any(|anchor| contradicts(anchor.result)) => {
            Outcome::HistoryDiffers
        }
        None if report.last_checkpoint.is_none() || report.unsealed_bytes > 0 => {
            Outcome::Incomplete
        }
        None if !report.unmet.is_empty() => Outcome::NotProved,
        None => Outcome::Verified,
    }
}
