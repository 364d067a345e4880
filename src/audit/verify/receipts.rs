//! What the log says about checkpoints that were given away. Only the receipt of a witness proves anything by
//! itself, and only if the caller trusts the witness.

use super::line::Line;
use super::members::{What, string_of};
use super::note::Line as Signature;
use super::report::{FaultKind, RecordedAnchors, WitnessReport};
use super::stamp::Stamp;
use super::tree::Hash;
use super::witness::{Bound, Witness};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::collections::{BTreeMap, VecDeque};

/// A receipt of a checkpoint older than so many is not checked.
const MAX_PAST: usize = 16_384;
/// Other names than these are counted together.
const MAX_NAMES: usize = 64;

/// What is remembered of a checkpoint.
#[derive(Debug)]
struct Past {
    size: u64,
    root: Hash,
    /// Latest time of the lines before.
    latest: Option<Stamp>,
    /// Earliest time of the lines from here to the next checkpoint.
    earliest: Option<Stamp>,
}

/// A receipt that is good, and whether the times in the log contradict it.
#[derive(Debug)]
pub(super) struct Good {
    pub(super) bound: Bound,
    /// A line before it that is too late, or one after it that is too early.
    pub(super) contradiction: Option<Stamp>,
}

/// Receipts and what they can be checked against.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    past: VecDeque<Past>,
    recorded: BTreeMap<(String, String), RecordedAnchors>,
    pub(super) witnessed: Vec<WitnessReport>,
}

impl Receipts {
    /// Remembers a checkpoint.
    pub(super) fn checkpoint(&mut self, size: u64, root: Hash, latest: Option<Stamp>) {
        if self.past.len() == MAX_PAST {
            self.past.pop_front();
        }
        self.past.push_back(Past { size, root, latest, earliest: None });
    }

    /// Remembers the time of a line.
    pub(super) fn tick(&mut self, time: Stamp) {
        if let Some(past) = self.past.back_mut() {
            past.earliest = Some(past.earliest.map_or(time, |earliest| earliest.min(time)));
        }
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
        let Ok(at) = self.past.binary_search_by_key(&size, |past| past.size) else {
            return Ok(None);
        };
        let Some(past) = self.past.get(at) else { return Ok(None) };
        let body = format!("{origin}\n{size}\n{}\n", STANDARD.encode(past.root));
        let Some(time) = witness.signed(&body, &signature) else {
            return Err(format!(
                "the receipt is no signature of witness {} over the {size} lines before",
                witness.name()
            ));
        };
        let bound = Bound { size, time, witness: witness.name().to_owned() };
        let contradiction = self.contradiction(at, &bound);
        self.witnessed_by(&bound, line.parsed.seq);
        Ok(Some(Good { bound, contradiction }))
    }

    fn contradiction(&self, at: usize, bound: &Bound) -> Option<Stamp> {
        let latest = self.past.get(at)?.latest.filter(|latest| *latest > bound.latest());
        let since = self.past.range(at..).filter_map(|past| past.earliest).min();
        latest.or_else(|| since.filter(|earliest| *earliest < bound.earliest()))
    }

    /// Keeps the newest that each witness signed.
    fn witnessed_by(&mut self, bound: &Bound, seq: u64) {
        self.witnessed.retain(|seen| seen.name != bound.witness);
        self.witnessed.push(WitnessReport {
            name: bound.witness.clone(),
            size: bound.size,
            time: bound.time.text(),
            source: format!("record {seq}"),
        });
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
