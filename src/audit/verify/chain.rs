//! The rules that bind lines to each other: link, place, genesis, keys, segments, checkpoints, anchors, time.

use super::anchors::Anchors;
use super::clocks::Clocks;
use super::findings::{Clock, Findings};
use super::keys::Keys;
use super::line::{Line, PREV_AT, SEQ_AT};
use super::losses::Losses;
use super::people::People;
use super::receipts::Receipts;
use super::report::{Continued, FaultKind, Flaw, Place, SegmentReport};
use super::seals::Seals;
use super::segment;
use super::stamp::Stamp;
use super::tree::{Frontier, Hash};
use super::vkey::hex;
use super::witness::{Bound, Witness};
use super::{Options, checkpoint, genesis};
use crate::audit::format::{CHECKPOINT, GENESIS, KEY, LOSS, SEGMENT};

/// More segments than this are not listed.
const MAX_SEGMENTS: usize = 4096;

/// Takes complete lines in order, and holds what the next one must fit.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) keys: Keys,
    pub(super) anchors: Anchors,
    pub(super) receipts: Receipts,
    pub(super) people: People,
    pub(super) seals: Seals,
    pub(super) witnesses: Vec<Witness>,
    /// Whether the log may begin with a segment.
    pub(super) may_begin_inside: bool,
    /// What witnesses say, found out in an earlier reading.
    bounds: Vec<Bound>,
    /// The strictest of what witnesses said so far of the lines to come.
    floor: Option<Bound>,
    /// Hash of the line before, zeros before line 0: the `prev` of the next line.
    prev: Hash,
    pub(super) tree: Frontier,
    /// Where the first line stands, and its sequence.
    pub(super) first: Option<(Place, u64)>,
    pub(super) segments: Vec<SegmentReport>,
    pub(super) segments_omitted: u64,
    pub(super) continues: Option<Continued>,
    pub(super) losses: Losses,
    is_after_checkpoint: bool,
    clock: Clock,
    pub(super) clocks: Clocks,
    pub(super) first_time: Option<Stamp>,
    pub(super) last_time: Option<Stamp>,
    /// Latest time of all lines.
    latest: Option<Stamp>,
    /// Bytes of accepted lines, over all files.
    pub(super) bytes_read: u64,
    pub(super) sealed: Findings,
    /// Of lines after the last checkpoint: they count once one follows.
    unsealed: Findings,
    /// Whether the first record after the genesis was seen.
    has_record: bool,
}

impl Chain {
    pub(super) fn new(options: Options) -> Self {
        let (bounds, apart) =
            options.again.map_or_else(Default::default, |again| (again.bounds, again.apart));
        Self {
            keys: Keys::new(options.key),
            may_begin_inside: options.since.is_some(),
            anchors: Anchors::new(options.anchors, options.since),
            receipts: Receipts::default(),
            people: People::new(options.disclosures),
            seals: Seals::new(options.all_signatures),
            witnesses: options.witnesses,
            bounds,
            floor: None,
            prev: [0; 32],
            tree: Frontier::default(),
            first: None,
            segments: Vec::new(),
            segments_omitted: 0,
            continues: None,
            losses: Losses::default(),
            is_after_checkpoint: false,
            clock: Clock::default(),
            clocks: Clocks::new(apart),
            first_time: None,
            last_time: None,
            latest: None,
            bytes_read: 0,
            sealed: Findings::default(),
            unsealed: Findings::default(),
            has_record: false,
        }
    }

    /// Takes the next line. After an error nothing more may be given.
    pub(super) fn accept(&mut self, line: &Line<'_>, place: &Place) -> Result<(), Flaw> {
        let is_first = self.first.is_none();
        let inside = is_first && self.may_begin_inside && line.kind == SEGMENT;
        if inside {
            self.begin_inside(line, place)?;
        }
        self.check_link(line)?;
        self.keys.check_order(line.kind)?;
        match line.kind {
            GENESIS if is_first => self.genesis(line, place)?,
            GENESIS => return Err(genesis::repeated()),
            kind if is_first && !inside => return Err(genesis::missing(kind)),
            SEGMENT => self.segment(line, place, inside)?,
            KEY => self.keys.announce(line, line.parsed.seq)?,
            CHECKPOINT => self.checkpoint(line, place)?,
            kind => self.record(kind, line, place)?,
        }
        if is_first {
            self.first = Some((place.clone(), line.parsed.seq));
        }
        if let Some(stamp) = line.parsed.time {
            self.time(line, stamp, place)?;
        }
        self.is_after_checkpoint = line.kind == CHECKPOINT;
        self.push(line, place)
    }

    fn check_link(&self, line: &Line<'_>) -> Result<(), Flaw> {
        let place = self.tree.size();
        if line.parsed.prev != self.prev {
            let sentence = match (place, line.kind) {
                (0, SEGMENT) => {
                    "The log does not begin here: the files before this one are missing. With a note \
                     of theirs that you verified before, --since goes on from it."
                }
                (0, _) => "The log does not begin here: the lines before this one are missing.",
                _ => {
                    "The line before was changed, or lines were removed, added or moved at this place."
                }
            };
            let (expected, found) = (hex(&self.prev), hex(&line.parsed.prev));
            return Err(Flaw::new(FaultKind::Chain, PREV_AT, expected, found, sentence));
        }
        if line.parsed.seq != place {
            let (expected, found) = (place.to_string(), line.parsed.seq.to_string());
            let sentence = "The number of the line is not its place in the log.";
            return Err(Flaw::new(FaultKind::Sequence, SEQ_AT, expected, found, sentence));
        }
        Ok(())
    }

    fn genesis(&mut self, line: &Line<'_>, place: &Place) -> Result<(), Flaw> {
        let genesis = genesis::read(line)?;
        if let Some(pinned) = &self.keys.pinned
            && pinned.origin() != genesis.held.key.origin()
        {
            return Err(genesis::other_key(pinned, genesis.held.key.as_str()));
        }
        self.keys.begin(genesis.held, 0);
        self.continues = genesis.continues;
        self.list_segment(place, 0);
        Ok(())
    }

    /// Takes what the first line says of the lines before it.
    fn begin_inside(&mut self, line: &Line<'_>, place: &Place) -> Result<(), Flaw> {
        let segment = segment::read(line)?;
        if let Some(pinned) = &self.keys.pinned
            && pinned.origin() != segment.held.key.origin()
        {
            return Err(genesis::other_key(pinned, segment.held.key.as_str()));
        }
        self.tree.copy(&segment.tree);
        self.keys.begin(segment.held, line.parsed.seq);
        self.compare_anchors(place)?;
        self.prev = line.parsed.prev;
        self.tree.push(line.parsed.prev);
        self.compare_anchors(place)?;
        self.has_record = true;
        Ok(())
    }

    fn segment(&mut self, line: &Line<'_>, place: &Place, has_begun: bool) -> Result<(), Flaw> {
        if !has_begun {
            self.check_segment(line)?;
        }
        self.seals.begin_segment();
        self.list_segment(place, line.parsed.seq);
        Ok(())
    }

    /// Compares a `segment` record with the lines before it.
    fn check_segment(&mut self, line: &Line<'_>) -> Result<(), Flaw> {
        let newest = self.seals.newest().filter(|_| self.is_after_checkpoint);
        let (Some(newest), Some(held)) = (newest, self.keys.current()) else {
            return Err(segment::unfit(line, "a checkpoint before it", "another line"));
        };
        let mut segment = segment::read(line)?;
        segment.tree.push(self.prev);
        if segment.held.key != held.key || segment.held.next != held.next {
            return Err(segment::unfit(
                line,
                "key and next as in force",
                segment.held.key.as_str(),
            ));
        }
        if segment.note != newest.note {
            return Err(segment::unfit(line, &newest.note, &segment.note));
        }
        if segment.tree != self.tree {
            return Err(segment::unfit(line, "the frontier of the lines before", line.what().text));
        }
        self.seals.check_newest()
    }

    fn list_segment(&mut self, place: &Place, first_seq: u64) {
        if self.segments.len() < MAX_SEGMENTS {
            self.segments.push(SegmentReport { file: place.file.to_string(), first_seq });
        } else {
            self.segments_omitted += 1;
        }
    }

    /// Takes a record that binds nothing.
    fn record(&mut self, kind: &str, line: &Line<'_>, place: &Place) -> Result<(), Flaw> {
        self.unsealed.note_type(kind);
        if !std::mem::replace(&mut self.has_record, true)
            && self.continues.is_some()
            && kind != LOSS
        {
            let sentence =
                "the log goes on from an earlier one, and no loss record says what was lost";
            self.unsealed.warn(place, sentence.to_owned());
        }
        match kind {
            "anchor" => self.anchor_record(line, place),
            LOSS => {
                self.losses.record(line);
                Ok(())
            }
            "subject" if self.people.are_asked_for() => self.people.subject(line, place),
            "erasure" if self.people.are_asked_for() => {
                if let Some(sentence) = self.people.erasure(line) {
                    self.unsealed.warn(place, sentence);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn anchor_record(&mut self, line: &Line<'_>, place: &Place) -> Result<(), Flaw> {
        let Some(held) = self.keys.current() else { return Ok(()) };
        match self.receipts.record(line, held.key.origin(), &self.witnesses) {
            Ok(Some(good)) => {
                self.hold(&good.bound, 0, good.latest, place)?;
                self.hold(&good.bound, good.bound.size, good.earliest, place)?;
                self.raise_floor(good.bound);
            }
            Ok(None) => {}
            Err(sentence) => self.unsealed.warn(place, sentence),
        }
        Ok(())
    }

    /// Holds the time of a line, or the worst of several on the same side of `bound`, against it.
    fn hold(
        &mut self,
        bound: &Bound,
        seq: u64,
        time: Option<Stamp>,
        place: &Place,
    ) -> Result<(), Flaw> {
        let Some(time) = time else { return Ok(()) };
        let beyond = bound.beyond(seq, time);
        if beyond <= 0 {
            return Ok(());
        }
        self.clocks.contradicted(bound, beyond, place, || bound.flaw(seq, time))
    }

    fn raise_floor(&mut self, bound: Bound) {
        if self.floor.as_ref().is_none_or(|floor| floor.time < bound.time) {
            self.floor = Some(bound);
        }
    }

    fn time(&mut self, line: &Line<'_>, stamp: Stamp, place: &Place) -> Result<(), Flaw> {
        let seq = line.parsed.seq;
        self.clocks.tick(line, stamp);
        let bounds = self.bounds.iter().chain(&self.floor);
        if let Some(bound) = bounds.max_by_key(|bound| bound.beyond(seq, stamp)).cloned() {
            self.hold(&bound, seq, Some(stamp), place)?;
        }
        self.first_time = self.first_time.or(Some(stamp));
        self.last_time = Some(stamp);
        if let Some(back) = self.clock.tick(line.kind, stamp) {
            let seconds = back / 1_000_000;
            let sentence = format!("time steps back by {seconds} s, and no clock record says why");
            self.unsealed.warn(place, sentence);
        }
        Ok(())
    }

    fn checkpoint(&mut self, line: &Line<'_>, place: &Place) -> Result<(), Flaw> {
        let text = checkpoint::note_of(line)?;
        let note = checkpoint::read(line, &text, &self.keys, self.tree.size())?;
        let mut seal = self.seals.next(place);
        seal.fill(&note, self.keys.signers());
        let length = line.bytes.len() as u64 + 1;
        seal.note_at = line.what().at;
        seal.end_offset = place.offset + length;
        seal.tree.copy(&self.tree);
        seal.bytes_read = self.bytes_read + length;
        seal.last_time = self.last_time;
        seal.people = self.people.counts();
        seal.note = text;
        self.seals.add(seal)?;
        if self.keys.pending().is_some() && self.anchors.is_due(self.tree.size()) {
            self.compare_anchors(place)?;
        }
        if self.anchors.wants_note()
            && self.seals.is_newest_good()
            && let Some(newest) = self.seals.newest()
        {
            self.anchors.contradict(&newest.note);
        }
        self.keys.change();
        self.sealed.absorb(&mut self.unsealed);
        Ok(())
    }

    fn push(&mut self, line: &Line<'_>, place: &Place) -> Result<(), Flaw> {
        let (hash, time) = (line.parsed.hash, line.parsed.time);
        if !self.witnesses.is_empty() {
            self.receipts.line(&self.tree, self.latest, hash, time);
        }
        self.latest = self.latest.max(time);
        self.prev = hash;
        self.tree.push(hash);
        self.bytes_read += line.bytes.len() as u64 + 1;
        // After a `key` record the next line tells whether a note by the new key counts.
        let is_due = self.keys.pending().is_none() && self.anchors.is_due(self.tree.size());
        if is_due { self.compare_anchors(place) } else { Ok(()) }
    }

    /// Compares the anchors that are about the lines so far, and holds them to what witnesses said of these.
    pub(super) fn compare_anchors(&mut self, place: &Place) -> Result<(), Flaw> {
        let bounds = self.anchors.compare(&self.tree, self.keys.signers(), &self.witnesses);
        for bound in bounds {
            self.hold(&bound, 0, self.latest, place)?;
            self.raise_floor(bound);
        }
        Ok(())
    }
}
