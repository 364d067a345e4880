//! Proof files: some lines of a log without the others, or that a later checkpoint continues an earlier one.
//!
//! Source: C2SP tlog-proof for the former; the requests of C2SP tlog-witness for the latter.

mod consistency;
mod inclusion;
mod parse;
mod report;
mod states;
mod text;

pub use report::{ProofKind, ProofReport, ProvedLine};

use super::note::Foreign;
use super::report::{AnchorReport, AnchorResult, Fault, FaultKind, Independence, Outcome, Place};
use super::report::{Flaw, KeyReport, WitnessReport};
use super::tree::Hash;
use super::witness::{Bound, Seen, seen_by, silent};
use super::{Options, Vkey};
use parse::Malformed;

/// Checks the file `bytes`, which the caller calls `source`. Of `options`, key, anchors and witnesses count, and
/// whether an anchor is required.
#[must_use]
pub fn check(bytes: &[u8], source: &str, options: &Options) -> ProofReport {
    let mut desk = Desk::new(source, options);
    if bytes.is_empty() {
        return desk.into_report(None);
    }
    let checked = match std::str::from_utf8(bytes) {
        Err(_) => {
            let (kind, expected) = (FaultKind::Proof, "UTF-8");
            Err(desk.malformed(&Malformed { line: 1, offset: 0, kind, expected }))
        }
        Ok(text) if text.starts_with(parse::OLD) => consistency::check(&mut desk, text),
        Ok(text) => inclusion::check(&mut desk, text),
    };
    desk.into_report(checked.err())
}

/// What was found so far.
struct Desk<'a> {
    source: &'a str,
    options: &'a Options,
    kind: ProofKind,
    lines: Vec<ProvedLine>,
    /// The keys that signed the notes.
    keys: Vec<Vkey>,
    listed: Vec<KeyReport>,
    has_pinned: bool,
    /// The notes whose signatures are good.
    notes: Vec<Foreign>,
    /// Size and root of the one under the records: line 0 and changes of key may lie under earlier ones.
    records: Option<(u64, Hash)>,
    old_size: Option<u64>,
    anchors: Vec<AnchorReport>,
    witnesses: Vec<WitnessReport>,
    unmet: Vec<String>,
}

impl<'a> Desk<'a> {
    fn new(source: &'a str, options: &'a Options) -> Self {
        Self {
            source,
            options,
            kind: ProofKind::Lines,
            lines: Vec::new(),
            keys: Vec::new(),
            listed: Vec::new(),
            has_pinned: false,
            notes: Vec::new(),
            records: None,
            old_size: None,
            anchors: Vec::new(),
            witnesses: Vec::new(),
            unmet: Vec::new(),
        }
    }

    /// The place of line `line` of the file, which begins at byte `offset`.
    fn place(&self, line: u64, offset: usize) -> Place {
        Place { file: self.source.into(), line, offset: offset as u64 }
    }

    fn malformed(&self, wrong: &Malformed) -> Fault {
        let sentence = if wrong.kind == FaultKind::Note {
            "What stands here is no signed note, or was changed."
        } else {
            "The file is no proof, or was changed."
        };
        Flaw::new(wrong.kind, 0, wrong.expected, "something else", sentence)
            .at_place(&self.place(wrong.line, wrong.offset))
    }

    fn signed_by(&mut self, key: Option<Vkey>) {
        if let Some(key) = key.filter(|key| !self.keys.contains(key)) {
            self.keys.push(key);
        }
    }

    /// Who of the witnesses signed a note, and what this says of the times of its lines.
    fn witnessed(&self, note: &Foreign) -> Result<Vec<Bound>, Flaw> {
        let seen = seen_by(note, &self.options.witnesses).map_err(|name| {
            let sentence = "The note has a signature line of the witness, and it is not good.";
            let expected = format!("a good signature of witness {name}");
            Flaw::new(FaultKind::Signature, 0, expected, "another", sentence)
        })?;
        let bound = |seen: Seen| Bound { size: note.size, time: seen.time, witness: seen.name };
        Ok(seen.into_iter().map(bound).collect())
    }

    /// Holds every proof from the first record on to one note. A key that is no longer in force could sign another
    /// history, and an anchor of one tree would vouch for what is in another.
    fn one_note(&mut self, note: &Foreign, is_record: bool) -> Result<(), Flaw> {
        let here = (note.size, note.root);
        if self.records.is_none() && is_record {
            self.records = Some(here);
        }
        if self.records.is_none_or(|records| records == here) {
            return Ok(());
        }
        let expected = "the note under the records before";
        let sentence =
            "The records lie under more than one note, so they are not shown to be in one log.";
        Err(Flaw::new(FaultKind::Note, 0, expected, "another", sentence))
    }

    /// Whether what is said of a tree of this size is said of the one that has the records.
    fn is_of_records(&self, size: u64) -> bool {
        self.records.is_none_or(|(records, _)| records == size)
    }

    /// Keeps a note with good signatures.
    fn keep(&mut self, note: &Foreign, seen: Vec<Bound>) {
        if self.notes.contains(note) {
            return;
        }
        let source = self.source;
        let seen = seen.into_iter().map(|bound| Seen { name: bound.witness, time: bound.time });
        self.saw(seen.collect(), note.size, source);
        self.notes.push(note.clone());
    }

    fn saw(&mut self, seen: Vec<Seen>, size: u64, source: &str) {
        for seen in seen {
            let report = WitnessReport {
                name: seen.name,
                size,
                time: seen.time.text(),
                source: source.to_owned(),
            };
            if !self.witnesses.contains(&report) {
                self.witnesses.push(report);
            }
        }
    }

    fn into_report(mut self, fault: Option<Fault>) -> ProofReport {
        self.compare_anchors(fault.is_none());
        let fits = self.anchors.iter().any(|anchor| {
            anchor.result == AnchorResult::Matches
                && anchor.size.is_some_and(|size| self.is_of_records(size))
        });
        let witnessed = self.witnesses.iter().any(|seen| self.is_of_records(seen.size));
        if self.options.key.is_none() {
            let sentence = "No key was given, so nobody vouches for the one that signed.";
            self.unmet.insert(0, sentence.to_owned());
        }
        for anchor in &self.anchors {
            if anchor.result == AnchorResult::Unusable {
                self.unmet.push(format!("{}: {}", anchor.source, anchor.sentence));
            }
        }
        if self.options.require_anchor && !fits {
            self.unmet.push("An anchor is required, and none fits.".to_owned());
        }
        let seen =
            self.witnesses.iter().filter(|seen| self.is_of_records(seen.size)).collect::<Vec<_>>();
        self.unmet.extend(silent(
            &self.options.witnesses,
            &seen,
            "the file, nor in a note that fits it",
        ));
        let differs = self.anchors.iter().any(|anchor| anchor.result == AnchorResult::Differs);
        let outcome = match &fault {
            Some(fault) if fault.kind == FaultKind::Format => Outcome::Error,
            Some(_) => Outcome::Tampered,
            None if differs => Outcome::HistoryDiffers,
            None if self.notes.is_empty() && self.unmet.is_empty() => Outcome::Incomplete,
            None if self.lines.is_empty() && self.kind == ProofKind::Lines => Outcome::Incomplete,
            None if !self.unmet.is_empty() => Outcome::NotProved,
            None => Outcome::Verified,
        };
        let independence = match (fits, witnessed) {
            (_, true) => Independence::Witnessed,
            (true, false) => Independence::Anchored,
            (false, false) => Independence::SelfAttested,
        };
        let newest = self.notes.iter().max_by_key(|note| note.size);
        ProofReport {
            outcome,
            exit_code: outcome.exit_code(),
            proof: self.kind,
            origin: self.keys.first().map(|key| key.origin().to_owned()),
            key_pinned: self.has_pinned,
            keys: self.listed,
            size: newest.map(|note| note.size),
            note: newest.map(|note| note.text.clone()),
            old_size: self.old_size,
            lines: self.lines,
            independence: (fault.is_none() && !self.notes.is_empty()).then_some(independence),
            anchors: self.anchors,
            witnesses: self.witnesses,
            fault,
            unmet: self.unmet,
        }
    }

    /// Compares anchors with the notes of the same size. About other sizes a proof says nothing.
    fn compare_anchors(&mut self, is_sound: bool) {
        for anchor in &self.options.anchors {
            let mut report = AnchorReport {
                source: anchor.source.clone(),
                since: false,
                result: AnchorResult::Unusable,
                sentence: String::new(),
                size: None,
                root: None,
                note: None,
                log_note: None,
                witnesses: Vec::new(),
            };
            match &anchor.note {
                Err(why) => (*why).clone_into(&mut report.sentence),
                Ok(_) if !is_sound => {
                    report.result = AnchorResult::NotCompared;
                    "The proof is not sound.".clone_into(&mut report.sentence);
                }
                Ok(note) => self.compare(note, &mut report),
            }
            self.anchors.push(report);
        }
    }

    fn compare(&mut self, note: &Foreign, report: &mut AnchorReport) {
        use base64::{Engine, engine::general_purpose::STANDARD};
        report.size = Some(note.size);
        report.root = Some(STANDARD.encode(note.root));
        report.note = Some(note.text.clone());
        let same = self.notes.iter().find(|other| other.size == note.size).cloned();
        let is_earlier = self.old_size == Some(note.size) && same.is_none();
        let (result, sentence) = if !self.keys.iter().any(|key| note.is_signed_by(key)) {
            (AnchorResult::Unusable, "It is not signed by this log: anybody can write such a note.")
        } else if is_earlier {
            (AnchorResult::Matches, "The later checkpoint continues it.")
        } else {
            match &same {
                None => (AnchorResult::Unusable, "The proof has no note of its size."),
                Some(other) if other.root == note.root => {
                    (AnchorResult::Matches, "The proof has its root at its size.")
                }
                Some(_) => (
                    AnchorResult::Differs,
                    "The proof has another root at its size: the same key signed two histories.",
                ),
            }
        };
        report.result = result;
        sentence.clone_into(&mut report.sentence);
        if result == AnchorResult::Differs {
            report.log_note = same.map(|other| other.text);
        }
        match seen_by(note, &self.options.witnesses) {
            Ok(seen) if result == AnchorResult::Matches => {
                let source = report.source.clone();
                self.saw(seen, note.size, &source);
            }
            Ok(_) => {}
            Err(name) => {
                report.result = AnchorResult::Unusable;
                report.sentence = format!("Its signature line of witness {name} is not good.");
            }
        }
    }
}
