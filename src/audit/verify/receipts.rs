//! What the log says about checkpoints that were given away. Only the receipt of a witness proves anything by
//! itself, and only if the caller trusts the witness.

use super::line::Line;
use super::members::{What, string_of};
use super::note::Line as Signature;
use super::report::{FaultKind, RecordedAnchors, WitnessReport};
use super::stamp::Stamp;
use super::tree::{Frontier, Hash};
use super::witness::{Bound, Witness};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::collections::{BTreeMap, VecDeque};

/// A receipt of a tree from before so many lines is not checked.
const MAX_PAST: usize = 65_536;
/// The tree is kept as it was after each of so many lines.
const STEP: usize = 256;
/// Other names than these are counted together.
const MAX_NAMES: usize = 64;

/// The last lines, so that the tree of a receipt can be had.
#[derive(Debug, Default)]
struct Past {
    /// Trees, and the latest time in each, at every [`STEP`] lines from the first one in `lines` on.
    trees: VecDeque<(Frontier, Option<Stamp>)>,
    lines: VecDeque<(Hash, Option<Stamp>)>,
}

impl Past {
    fn push(&mut self, tree: &Frontier, latest: Option<Stamp>, hash: Hash, time: Option<Stamp>) {
        if self.lines.len().is_multiple_of(STEP) {
            if self.lines.len() == MAX_PAST {
                self.lines.drain(..STEP);
                self.trees.pop_front();
            }
            self.trees.push_back((tree.clone(), latest));
        }
        self.lines.push_back((hash, time));
    }

    /// Root of the tree of that size, and the latest time of the lines in it.
    fn at(&self, size: u64) -> Option<(Hash, Option<Stamp>)> {
        let back = size.checked_sub(self.trees.front()?.0.size())?;
        let back = usize::try_from(back).ok().filter(|back| *back <= self.lines.len())?;
        let step = (back / STEP).min(self.trees.len() - 1);
        let (mut tree, mut latest) = self.trees.get(step)?.clone();
        for (hash, time) in self.lines.range(step * STEP..back) {
            tree.push(*hash);
            latest = latest.max(*time);
        }
        Some((tree.root(), latest))
    }

    /// Earliest time of the lines after the tree of that size.
    fn earliest_since(&self, size: u64) -> Option<Stamp> {
        let back = size.checked_sub(self.trees.front()?.0.size())?;
        let back = usize::try_from(back).ok().filter(|back| *back <= self.lines.len())?;
        self.lines.range(back..).filter_map(|(_, time)| *time).min()
    }
}

/// A receipt that is good, and the times around it.
#[derive(Debug)]
pub(super) struct Good {
    pub(super) bound: Bound,
    /// The latest time of the lines before it.
    pub(super) latest: Option<Stamp>,
    /// The earliest one of those after it.
    pub(super) earliest: Option<Stamp>,
}

/// Receipts and what they can be checked against.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    past: Past,
    recorded: BTreeMap<(String, String), RecordedAnchors>,
    pub(super) witnessed: Vec<WitnessReport>,
}

impl Receipts {
    /// Remembers a line. `tree` and `latest` are without it.
    pub(super) fn line(
        &mut self,
        tree: &Frontier,
        latest: Option<Stamp>,
        hash: Hash,
        time: Option<Stamp>,
    ) {
        self.past.push(tree, latest, hash, time);
    }

    /// Takes an `anchor` record. An error is a receipt that is not what it claims to be.
    pub(super) fn record(
        &mut self,
        line: &Line<'_>,
        origin: &str,
        witnesses: &[Witness],
    ) -> Result<Option<Good>, String> {
        let kind = string_of(line, "kind").unwrap_or_default();
        let name = string_of(line, "name").unwrap_or_default();
        let [size] = What::of(line, FaultKind::Members, "").find(["size"]);
        let size = size.and_then(|size| super::note::decimal(size.text)).unwrap_or_default();
        let receipt = string_of(line, "receipt").unwrap_or_default();
        let is_of_witness = kind == "witness";
        self.list(kind, name, size, line.parsed.seq);
        if !is_of_witness || witnesses.is_empty() {
            return Ok(None);
        }
        let mut parts = receipt.trim_end_matches('\n').splitn(3, ' ');
        let signature = match (parts.next(), parts.next(), parts.next()) {
            (Some("\u{2014}"), Some(name), Some(blob)) => Signature::of(name, blob),
            _ => None,
        };
        let Some(signature) = signature else { return Ok(None) };
        let Some(witness) = witnesses.iter().find(|witness| witness.wrote(&signature)) else {
            return Ok(None);
        };
        let Some((root, latest)) = self.past.at(size) else { return Ok(None) };
        let body = format!("{origin}\n{size}\n{}\n", STANDARD.encode(root));
        let Some(time) = witness.signed(&body, &signature) else {
            return Err(format!(
                "the receipt is no signature of witness {} over the {size} lines before",
                witness.name()
            ));
        };
        let bound = Bound::of(witness, size, time);
        self.witnessed_by(&bound, line.parsed.seq);
        Ok(Some(Good { bound, latest, earliest: self.past.earliest_since(size) }))
    }

    /// Keeps the newest that each witness signed.
    fn witnessed_by(&mut self, bound: &Bound, seq: u64) {
        let report = bound.report(&format!("record {seq}"));
        self.witnessed.retain(|seen| seen.key != report.key);
        self.witnessed.push(report);
    }

    fn list(&mut self, kind: String, name: String, size: u64, seq: u64) {
        let mut id = (kind, name);
        if self.recorded.len() >= MAX_NAMES && !self.recorded.contains_key(&id) {
            id = ("other".to_owned(), String::new());
        }
        let (kind, name) = id.clone();
        let new = RecordedAnchors { kind, name, count: 0, size, record: seq };
        let recorded = self.recorded.entry(id).or_insert(new);
        recorded.count += 1;
        recorded.size = size;
        recorded.record = seq;
    }

    pub(super) fn recorded(&mut self) -> Vec<RecordedAnchors> {
        std::mem::take(&mut self.recorded).into_values().collect()
    }
}
