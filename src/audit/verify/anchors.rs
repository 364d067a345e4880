//! Notes kept elsewhere against the tree, at each size that one of them names.

use super::find::Anchor;
use super::note::Foreign;
use super::report::{AnchorReport, AnchorResult};
use super::tree::{Frontier, Hash};
use super::vkey::Vkey;
use super::witness::{Bound, Witness, seen_by};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::collections::BTreeSet;

/// Checkpoints that are checked for a good one after an anchor that differs: beside the last one, which always is. Whoever
/// writes many bad ones makes nobody check them all.
const TRIES: u8 = 8;

/// The anchors that were given, those already compared and those whose size is yet to come.
#[derive(Debug)]
pub(super) struct Anchors {
    /// By size, the smallest last.
    waiting: Vec<(Foreign, Origin)>,
    pub(super) done: Vec<AnchorReport>,
    /// Size of the next one; [`u64::MAX`] if there is none.
    next_size: u64,
    /// How many more checkpoints are tried for a note to print beside one that differs.
    tries: u8,
}

/// Where an anchor came from.
#[derive(Debug, Clone)]
struct Origin {
    source: String,
    is_since: bool,
}

impl Anchors {
    pub(super) fn new(given: Vec<Anchor>, since: Option<Anchor>) -> Self {
        let mut all = Self { waiting: Vec::new(), done: Vec::new(), next_size: 0, tries: 0 };
        let mut texts = BTreeSet::new();
        let given = given.into_iter().map(|anchor| (anchor, false));
        for (anchor, is_since) in since.map(|anchor| (anchor, true)).into_iter().chain(given) {
            let origin = Origin { source: anchor.source, is_since };
            match anchor.note {
                Ok(note) if note.size == 0 => {
                    all.done.push(unusable(Some(&note), origin, "It is about no line."));
                }
                // A note found twice counts once.
                Ok(note) if texts.insert(note.text.clone()) => all.waiting.push((note, origin)),
                Ok(_) => {}
                Err(why) => all.done.push(unusable(None, origin, why)),
            }
        }
        all.waiting.sort_by_key(|(note, _)| std::cmp::Reverse(note.size));
        all.find_next();
        all
    }

    fn find_next(&mut self) {
        self.next_size = self.waiting.last().map_or(u64::MAX, |(note, _)| note.size);
    }

    /// Whether an anchor is about a tree of this size.
    pub(super) fn is_due(&self, size: u64) -> bool {
        self.next_size <= size
    }

    /// Compares what is due with `tree`. `keys` may sign at this size. Gives what witnesses say of it.
    pub(super) fn compare(
        &mut self,
        tree: &Frontier,
        keys: [Option<&Vkey>; 2],
        witnesses: &[Witness],
    ) -> Vec<Bound> {
        let mut bounds = Vec::new();
        let root = tree.root();
        while self.is_due(tree.size()) {
            let Some((note, origin)) = self.waiting.pop() else { break };
            self.find_next();
            let report = if note.size < tree.size() {
                unusable(Some(&note), origin, "It is about lines before those that were given.")
            } else {
                compared(&note, origin, Some(root), keys, witnesses, &mut bounds)
            };
            if report.result == AnchorResult::Differs {
                self.tries = TRIES;
            }
            self.done.push(report);
        }
        bounds
    }

    /// Whether the note of the newest checkpoint, if that is good, is to be kept. It is asked once of each.
    pub(super) fn wants_note(&mut self) -> bool {
        let wants = self.tries > 0;
        self.tries = self.tries.saturating_sub(1);
        wants
    }

    /// Keeps the note of a good checkpoint as what contradicts the anchors that differ.
    pub(super) fn contradict(&mut self, note: &str) {
        self.tries = 0;
        let differing =
            self.done.iter_mut().filter(|anchor| anchor.result == AnchorResult::Differs);
        for anchor in differing.filter(|anchor| anchor.log_note.is_none()) {
            anchor.log_note = Some(note.to_owned());
        }
    }

    /// Ends the log. What is larger than it, and signed, shows that something was cut off.
    pub(super) fn end(
        &mut self,
        is_whole: bool,
        keys: [Option<&Vkey>; 2],
        witnesses: &[Witness],
        last_note: Option<&str>,
    ) {
        for (note, origin) in std::mem::take(&mut self.waiting).into_iter().rev() {
            let report = if is_whole {
                compared(&note, origin, None, keys, witnesses, &mut Vec::new())
            } else {
                let why = "The log could not be followed as far as that.";
                AnchorReport {
                    result: AnchorResult::NotCompared,
                    ..unusable(Some(&note), origin, why)
                }
            };
            self.done.push(report);
        }
        for anchor in &mut self.done {
            let contradicts = matches!(anchor.result, AnchorResult::Differs | AnchorResult::Larger);
            if contradicts && anchor.log_note.is_none() {
                anchor.log_note = last_note.map(str::to_owned);
            }
        }
    }
}

/// `root` is that of the log at the size of the note; the log may be shorter.
fn compared(
    note: &Foreign,
    origin: Origin,
    root: Option<Hash>,
    keys: [Option<&Vkey>; 2],
    witnesses: &[Witness],
    bounds: &mut Vec<Bound>,
) -> AnchorReport {
    if !keys.into_iter().flatten().any(|key| note.is_signed_by(key)) {
        let why = "It is not signed by this log: anybody can write such a note.";
        return unusable(Some(note), origin, why);
    }
    let seen = match seen_by(note, witnesses) {
        Ok(seen) => seen,
        Err(name) => {
            let why = format!("Its signature line of witness {name} is not good.");
            return unusable(Some(note), origin, why);
        }
    };
    let (result, sentence) = match root {
        Some(root) if root == note.root => {
            (AnchorResult::Matches, "The log has this root at this size.")
        }
        Some(_) => (
            AnchorResult::Differs,
            "The log has another root at this size: the same key signed two histories.",
        ),
        None => (
            AnchorResult::Larger,
            "The log is shorter: it was cut off, or an older copy was put in its place.",
        ),
    };
    let mut report = unusable(Some(note), origin, sentence);
    report.result = result;
    for seen in seen {
        let bound = seen.bound(note.size);
        report.witnesses.push(bound.report(&report.source));
        if result == AnchorResult::Matches {
            bounds.push(bound);
        }
    }
    report
}

fn unusable(note: Option<&Foreign>, origin: Origin, why: impl Into<String>) -> AnchorReport {
    AnchorReport {
        source: origin.source,
        since: origin.is_since,
        result: AnchorResult::Unusable,
        sentence: why.into(),
        size: note.map(|note| note.size),
        root: note.map(|note| STANDARD.encode(note.root)),
        note: note.map(|note| note.text.clone()),
        log_note: None,
        witnesses: Vec::new(),
    }
}
