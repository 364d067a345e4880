//! Proof files: some lines of a log without the others, or that a later checkpoint continues an earlier one.
//!
//! Source: C2SP tlog-proof for the former; the requests of C2SP tlog-witness for the latter.

mod chain;
mod consistency;
mod inclusion;
mod parse;
mod report;
mod states;
mod text;
mod times;

pub use report::{ProofKind, ProofReport, ProvedLine};

use super::note::Foreign;
use super::report::{AnchorReport, AnchorResult, Fault, FaultKind, Independence, Outcome, Place};
use super::report::{Flaw, KeyReport, Warning, WitnessReport};
use super::witness::{Bound, seen_by, silent};
use super::{Options, Vkey};
use parse::Malformed;
use times::{Odd, Times};

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
    /// The keys that may sign a note of the same tree.
    keys: Vec<Vkey>,
    listed: Vec<KeyReport>,
    has_pinned: bool,
    /// The one note of the file, once its signatures are found good.
    note: Option<Foreign>,
    old_size: Option<u64>,
    times: Times,
    /// What witnesses of the tree say of these.
    bounds: Vec<Bound>,
    warnings: Vec<Warning>,
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
            note: None,
            old_size: None,
            times: Times::default(),
            bounds: Vec::new(),
            warnings: Vec::new(),
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

    /// Who of the witnesses signed a note, and what this says of the times of its lines.
    fn witnessed(&self, note: &Foreign) -> Result<Vec<Bound>, Flaw> {
        let seen = seen_by(note, &self.options.witnesses).map_err(|name| {
            let sentence = "The note has a signature line of the witness, and it is not good.";
            let expected = format!("a good signature of witness {name}");
            Flaw::new(FaultKind::Signature, 0, expected, "another", sentence)
        })?;
        Ok(seen.into_iter().map(|seen| seen.bound(note.size)).collect())
    }

    /// Keeps the note, whose signatures are good.
    fn keep(&mut self, note: Foreign, seen: Vec<Bound>) {
        self.saw(seen, self.source);
        self.note = Some(note);
    }

    fn saw(&mut self, seen: Vec<Bound>, source: &str) {
        for bound in seen {
            let report = bound.report(source);
            if !self.witnesses.contains(&report) {
                self.witnesses.push(report);
            }
            self.bounds.push(bound);
        }
    }

    /// Holds the times of the lines against what witnesses said of their tree, in the file or in a note that fits it.
    fn judge_times(&mut self) -> Option<Fault> {
        match self.times.judge(&self.bounds) {
            Err(fault) => return Some(fault),
            Ok(Some(Odd::Explained(warning))) => self.warnings.push(warning),
            Ok(Some(Odd::Open(unmet))) => self.unmet.push(unmet),
            Ok(None) => {}
        }
        None
    }

    fn into_report(mut self, fault: Option<Fault>) -> ProofReport {
        self.compare_anchors(fault.is_none());
        let fault = fault.or_else(|| self.judge_times());
        let fits = self.anchors.iter().any(|anchor| anchor.result == AnchorResult::Matches);
        let witnessed = !self.witnesses.is_empty();
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
        let place = "the file, nor in a note that fits it";
        self.unmet.extend(silent(&self.options.witnesses, &self.witnesses, place));
        let differs = self.anchors.iter().any(|anchor| anchor.result == AnchorResult::Differs);
        let outcome = match &fault {
            Some(fault) if fault.kind == FaultKind::Format => Outcome::Error,
            Some(_) => Outcome::Tampered,
            None if differs => Outcome::HistoryDiffers,
            None if self.note.is_none() && self.unmet.is_empty() => Outcome::Incomplete,
            None if self.lines.is_empty() && self.kind == ProofKind::Lines => Outcome::Incomplete,
            None if !self.unmet.is_empty() => Outcome::NotProved,
            None => Outcome::Verified,
        };
        let independence = match (fits, witnessed) {
            (_, true) => Independence::Witnessed,
            (true, false) => Independence::Anchored,
            (false, false) => Independence::SelfAttested,
        };
        ProofReport {
            outcome,
            exit_code: outcome.exit_code(),
            proof: self.kind,
            origin: self.keys.first().map(|key| key.origin().to_owned()),
            key_pinned: self.has_pinned,
            keys: self.listed,
            size: self.note.as_ref().map(|note| note.size),
            note: self.note.as_ref().map(|note| note.text.clone()),
            old_size: self.old_size,
            lines: self.lines,
            independence: (fault.is_none() && self.note.is_some()).then_some(independence),
            anchors: self.anchors,
            witnesses: self.witnesses,
            fault,
            warnings: self.warnings,
            unmet: self.unmet,
        }
    }

    /// Compares anchors with the note, if they are of its size. About other sizes a proof says nothing.
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
        let same = self.note.as_ref().filter(|own| own.size == note.size);
        let is_earlier = self.old_size == Some(note.size) && same.is_none();
        let (result, sentence) = if note.size == 0 {
            (AnchorResult::Unusable, "It is about no line.")
        } else if same.is_none() && !is_earlier {
            (AnchorResult::Unusable, "The note of the proof is not of its size.")
        } else if !self.keys.iter().any(|key| note.is_signed_by(key)) {
            (AnchorResult::Unusable, "It is not signed by this log: anybody can write such a note.")
        } else if is_earlier {
            (AnchorResult::Matches, "The later checkpoint continues it.")
        } else if same.is_some_and(|own| own.root == note.root) {
            (AnchorResult::Matches, "The proof has its root at its size.")
        } else {
            let sentence =
                "The proof has another root at its size: the same key signed two histories.";
            (AnchorResult::Differs, sentence)
        };
        report.result = result;
        sentence.clone_into(&mut report.sentence);
        if result == AnchorResult::Differs {
            report.log_note = same.map(|own| own.text.clone());
        }
        match seen_by(note, &self.options.witnesses) {
            Ok(seen) if result == AnchorResult::Matches => {
                let bounds = seen.into_iter().map(|seen| seen.bound(note.size)).collect();
                self.saw(bounds, &report.source);
            }
            Ok(_) => {}
            Err(name) => {
                report.result = AnchorResult::Unusable;
                report.sentence = format!("Its signature line of witness {name} is not good.");
            }
        }
    }
}
