//! What the log says about checkpoints that were given away. Only the receipt of a witness proves anything by
//! itself, and only if the caller trusts the witness.

use super::line::Line;
use super::members::{What, shown, string_of};
use super::note::Line as Signature;
use super::report::{FaultKind, RecordedAnchors, WitnessReport};
use super::stamp::Stamp;
use super::tree::{Frontier, Hash};
use super::witness::{Bound, Witness};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::collections::{BTreeMap, VecDeque};

/// A receipt that stands more lines than this after its tree is not checked.
const MAX_PAST: usize = 65_536;
/// The tree is kept as it was after each of so many lines.
const STEP: usize = 256;
/// Other names than these are counted together.
const MAX_NAMES: usize = 64;

/// The last lines, so that the tree of a receipt can be had.
#[derive(Debug, Default)]
struct Past {
    /// At every [`STEP`] lines, from the first one in `lines` on.
    steps: VecDeque<Step>,
    lines: VecDeque<(Hash, Option<Stamp>)>,
}

/// The tree before [`STEP`] lines.
#[derive(Debug)]
struct Step {
    tree: Frontier,
    /// The latest time in it.
    latest: Option<Stamp>,
    /// The earliest time of these lines.
    earliest: Option<Stamp>,
}

impl Past {
    fn push(&mut self, tree: &Frontier, latest: Option<Stamp>, hash: Hash, time: Option<Stamp>) {
        if self.lines.len().is_multiple_of(STEP) {
            if self.lines.len() == MAX_PAST + STEP {
                self.lines.drain(..STEP);
                self.steps.pop_front();
            }
            self.steps.push_back(Step { tree: tree.clone(), latest, earliest: None });
        }
        self.lines.push_back((hash, time));
        if let Some(step) = self.steps.back_mut() {
            step.earliest = step.earliest.into_iter().chain(time).min();
        }
    }

    /// How many of the lines are in the tree of that size.
    fn back(&self, size: u64) -> Option<usize> {
        let back = size.checked_sub(self.steps.front()?.tree.size())?;
        let after = (self.lines.len() as u64).checked_sub(back)?;
        (after <= MAX_PAST as u64).then(|| usize::try_from(back).ok()).flatten()
    }

    /// Root of the tree of that size, and the latest time of the lines in it.
    fn at(&self, size: u64) -> Option<(Hash, Option<Stamp>)> {
        let back = self.back(size)?;
        let at = (back / STEP).min(self.steps.len() - 1);
        let step = self.steps.get(at)?;
        let (mut tree, mut latest) = (step.tree.clone(), step.latest);
        for (hash, time) in self.lines.range(at * STEP..back) {
            tree.push(*hash);
            latest = latest.max(*time);
        }
        Some((tree.root(), latest))
    }

    /// Earliest time of the lines after the tree of that size.
    fn earliest_since(&self, size: u64) -> Option<Stamp> {
        let back = self.back(size)?;
        // Whole steps first: not every line for every receipt.
        let whole = back.div_ceil(STEP).min(self.steps.len());
        let end = (whole * STEP).clamp(back, self.lines.len());
        let lines = self.lines.range(back..end).filter_map(|(_, time)| *time);
        lines.chain(self.steps.range(whole..).filter_map(|step| step.earliest)).min()
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
        let (kind, name) = (shown(line, "kind"), shown(line, "name"));
        let [size] = What::of(line, FaultKind::Members, "").find(["size"]);
        let size = size.and_then(|size| super::note::decimal(size.text)).unwrap_or_default();
        let receipt = string_of(line, "receipt").unwrap_or_default();
        let is_of_witness = kind == "witness";
        self.list(kind, name, size, line.parsed.seq);
        // Of no line a witness says nothing.
        if !is_of_witness || witnesses.is_empty() || size == 0 {
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
