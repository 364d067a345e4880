//! The rules that bind lines to each other: link, place, genesis, root, signature.

use super::findings::{Clock, Findings};
use super::line::Line;
use super::report::{Fault, FaultKind, Flaw, Outcome, Place, Report};
use super::seals::{Seal, Seals, Settled, bad_signature};
use super::stamp::Stamp;
use super::tree::{Frontier, Hash, leaf};
use super::vkey::{Vkey, hex, is_hex_of};
use super::{checkpoint, genesis};
use crate::audit::format::{CHECKPOINT, GENESIS, KEY};

/// Takes complete lines in order, and holds what the next one must fit.
#[derive(Debug)]
pub(super) struct Chain {
    pinned: Option<Vkey>,
    /// The key of the genesis, once that was accepted.
    key: Option<Vkey>,
    /// Hash of the line before, zeros before line 0: the `prev` of the next line.
    prev: Hash,
    tree: Frontier,
    seals: Seals,
    clock: Clock,
    first_time: Option<Stamp>,
    last_time: Option<Stamp>,
    /// Bytes of accepted lines, over all files.
    bytes_read: u64,
    has_key_record: bool,
    sealed: Findings,
    /// Of lines after the last checkpoint: they count once one follows.
    unsealed: Findings,
}

impl Chain {
    pub(super) fn new(pinned: Option<Vkey>) -> Self {
        Self {
            pinned,
            key: None,
            prev: [0; 32],
            tree: Frontier::default(),
            seals: Seals::default(),
            clock: Clock::default(),
            first_time: None,
            last_time: None,
            bytes_read: 0,
            has_key_record: false,
            sealed: Findings::default(),
            unsealed: Findings::default(),
        }
    }

    /// Whether to check the signature of every checkpoint.
    pub(super) fn check_all_signatures(&mut self, yes: bool) {
        self.seals.all_signatures = yes;
    }

    /// Takes the next line, its line feed left out. After an error nothing more may be given.
    pub(super) fn accept(&mut self, bytes: &[u8], place: &Place) -> Result<(), Flaw> {
        let line = Line::parse(bytes)?;
        self.check_link(&line)?;
        let length = bytes.len() as u64 + 1;
        match (line.kind, &self.key) {
            (GENESIS, None) => self.key = Some(genesis::read(&line, self.pinned.as_ref())?),
            (kind, None) => return Err(genesis::missing(kind)),
            (GENESIS, Some(_)) => return Err(genesis::repeated()),
            (CHECKPOINT, Some(_)) => self.checkpoint(&line, place, length)?,
            (_, Some(_)) => {}
        }
        if let Some(stamp) = line.time {
            self.record(line.kind, stamp, place);
        }
        let hash = leaf(bytes);
        self.prev = hash;
        self.tree.push(hash);
        self.bytes_read += length;
        Ok(())
    }

    fn check_link(&self, line: &Line<'_>) -> Result<(), Flaw> {
        let place = self.tree.size();
        if !is_hex_of(line.prev, &self.prev) {
            let sentence = if place == 0 {
                "The log does not begin here: the lines before this one are missing."
            } else {
                "The line before was changed, or lines were removed, added or moved at this place."
            };
            let (expected, found) = (hex(&self.prev), line.prev);
            return Err(Flaw::new(FaultKind::Chain, line.prev_at, expected, found, sentence));
        }
        if line.seq != place {
            let (expected, found) = (place.to_string(), line.seq.to_string());
            let sentence = "The number of the line is not its place in the log.";
            return Err(Flaw::new(FaultKind::Sequence, line.seq_at, expected, found, sentence));
        }
        Ok(())
    }

    fn record(&mut self, kind: &str, stamp: Stamp, place: &Place) {
        self.has_key_record |= kind == KEY;
        self.first_time = self.first_time.or(Some(stamp));
        self.last_time = Some(stamp);
        self.unsealed.note_type(kind);
        if let Some(back) = self.clock.tick(kind, stamp) {
            let seconds = back / 1_000_000;
            let sentence = format!("time steps back by {seconds} s, and no clock record says why");
            self.unsealed.warn(place, sentence);
        }
    }

    fn checkpoint(&mut self, line: &Line<'_>, place: &Place, length: u64) -> Result<(), Flaw> {
        let Some(key) = &self.key else { return Err(genesis::missing(CHECKPOINT)) };
        let added = checkpoint::read(line, key, &self.tree).and_then(|checkpoint| {
            let seal = Seal {
                place: place.clone(),
                end_offset: place.offset + length,
                size: self.tree.size(),
                checkpoint,
                ordinal: self.seals.count() + 1,
                bytes_read: self.bytes_read + length,
                last_time: self.last_time,
                is_signed: false,
            };
            self.seals.add(seal, key)
        });
        if let Err(mut flaw) = added {
            if self.has_key_record {
                flaw.sentence
                    .push_str(" A key record came before; this version follows no change of key.");
            }
            return Err(flaw);
        }
        self.sealed.absorb(&mut self.unsealed);
        Ok(())
    }

    /// Ends the input. `torn` is the length of a last line without line feed.
    pub(super) fn into_report(mut self, mut fault: Option<Fault>, torn: u64) -> Report {
        let Settled { good, bad } =
            self.key.as_ref().map(|key| self.seals.settle(key)).unwrap_or_default();
        if let (Some(bad), Some(key)) = (&bad, &self.key) {
            // It stands before any fault that stopped the reading.
            fault = Some(last_signature(key, bad, good.as_ref()));
        }
        let records = good.as_ref().map_or(0, |good| good.size + 1);
        let sealed_bytes = good.as_ref().map_or(0, |good| good.bytes_read);
        let unsealed_bytes = self.bytes_read - sealed_bytes + torn;
        let outcome = match &fault {
            Some(fault) if fault.kind == FaultKind::Format => Outcome::Error,
            Some(_) => Outcome::Tampered,
            None if good.is_none() || unsealed_bytes > 0 => Outcome::Incomplete,
            None if self.pinned.is_none() => Outcome::NotProved,
            None => Outcome::Verified,
        };
        let text = |stamp: Option<Stamp>| stamp.map(|stamp| stamp.text());
        Report {
            outcome,
            exit_code: outcome.exit_code(),
            origin: self.key.as_ref().map(|key| key.origin().to_owned()),
            key: self.key.as_ref().map(Vkey::to_string),
            key_id: self.key.as_ref().map(Vkey::id_hex),
            key_pinned: self.pinned.is_some(),
            records,
            first_seq: good.as_ref().map(|_| 0),
            last_seq: good.as_ref().map(|good| good.size),
            first_time: text(good.as_ref().and(self.first_time)),
            last_time: text(good.as_ref().and_then(|good| good.last_time)),
            checkpoints: good.as_ref().map_or(0, |good| good.ordinal),
            signatures_checked: self.seals.checked,
            last_checkpoint: good.as_ref().map(Seal::to_good_checkpoint),
            unsealed_lines: self.tree.size() - records,
            unsealed_bytes,
            torn_tail: torn > 0,
            fault,
            warnings: self.sealed.warnings,
            warnings_omitted: self.sealed.warnings_omitted,
            not_understood: self.sealed.not_understood,
            not_understood_omitted: self.sealed.not_understood_omitted,
        }
    }
}

/// The fault of a log whose last signature is bad.
fn last_signature(key: &Vkey, bad: &Seal, good: Option<&Seal>) -> Fault {
    let mut flaw = bad_signature(key);
    if good.is_some_and(|good| good.ordinal + 1 < bad.ordinal) {
        flaw.sentence.push_str(
            " Signatures before it were not checked; checking all of them names the first bad one.",
        );
    }
    flaw.at_place(&bad.place)
}
