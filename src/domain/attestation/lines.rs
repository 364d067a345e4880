//! How complete the log is, by the lines of a period.

use super::Period;
use super::track::{Body, word};
use crate::domain::time::UtcTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Changes of the key that are listed.
const KEYS: usize = 100;

/// Times in which nothing was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedSilence)]
pub struct Silence {
    /// How many.
    #[schema(minimum = 0)]
    pub times: u64,
    /// All together, in microseconds.
    #[schema(minimum = 0)]
    pub total_us: u64,
    /// The longest, in microseconds.
    #[schema(minimum = 0)]
    pub longest_us: u64,
}

impl Silence {
    fn add(&mut self, from: UtcTime, to: UtcTime) {
        let lasted = u64::try_from(to.since(from).as_micros()).unwrap_or(u64::MAX);
        self.times += 1;
        self.total_us = self.total_us.saturating_add(lasted);
        self.longest_us = self.longest_us.max(lasted);
    }
}

/// Another key signs from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedKeyChange)]
pub struct KeyChange {
    /// The line that says so.
    #[schema(minimum = 0)]
    pub seq: u64,
    /// When.
    pub at: UtcTime,
    /// The new key, as verifiers take it.
    pub key: String,
}

/// How complete the log is in the period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedLog)]
pub struct LogPart {
    /// Its name.
    pub origin: String,
    /// The key that signs now, as verifiers take it.
    pub key: String,
    /// When the log began; `null` where its first file is not here.
    pub begun_at: Option<UtcTime>,
    /// The first line whose file is here.
    pub oldest: Option<u64>,
    /// Every line of the period is here, or the log began in it.
    pub whole: bool,
    /// First line of the period.
    pub first: Option<u64>,
    /// Last line of the period.
    pub last: Option<u64>,
    /// Lines of the period, without checkpoints at its end.
    #[schema(minimum = 0)]
    pub lines: u64,
    /// Longest silence that the log promises while the agent runs, in microseconds; 0: it promises none.
    pub heartbeat_us: Option<u64>,
    /// Times from the last line of an agent to the start of the next.
    pub absent: Silence,
    /// Other times longer than twice what is promised.
    pub silent: Silence,
    /// Times that the agent began.
    #[schema(minimum = 0)]
    pub starts: u64,
    /// Times that it ended in order.
    #[schema(minimum = 0)]
    pub stops: u64,
    /// Times that bytes which nobody was told of were moved away.
    #[schema(minimum = 0)]
    pub recoveries: u64,
    /// Times that records could not be kept.
    #[schema(minimum = 0)]
    pub losses: u64,
    /// How many that were, as far as it is known.
    #[schema(minimum = 0)]
    pub unrecorded: u64,
    /// Of these times, how often nobody knows how many.
    #[schema(minimum = 0)]
    pub uncounted: u64,
    /// Times that the clock was set.
    #[schema(minimum = 0)]
    pub clock_changes: u64,
    /// Changes of the key.
    pub keys: Vec<KeyChange>,
    /// Checkpoints that others were given, by who they are.
    pub anchors: BTreeMap<String, u64>,
    /// The newest checkpoint when this was made: a signed note.
    pub checkpoint: String,
    /// Lines that it covers.
    #[schema(minimum = 0)]
    pub size: u64,
}

impl LogPart {
    /// How many records were lost.
    #[must_use]
    pub fn unrecorded_in_words(&self) -> String {
        if self.uncounted > 0 {
            format!("{} at least", self.unrecorded)
        } else {
            self.unrecorded.to_string()
        }
    }
}

/// A line of the log.
#[derive(Clone, Copy, Debug)]
pub struct LineFacts<'a> {
    /// Its place.
    pub seq: u64,
    /// Its type.
    pub kind: &'a str,
    /// Its time.
    pub at: UtcTime,
    /// What it says.
    pub what: &'a Body,
}

/// Counts lines in their order: from the one before the period, to the one after it.
#[derive(Clone, Debug)]
pub struct LinesTally {
    period: Period,
    last: Option<UtcTime>,
    part: LogPart,
}

impl LinesTally {
    /// `heartbeat_us` is the longest silence that is promised where no line says otherwise.
    #[must_use]
    pub fn new(period: Period, heartbeat_us: u64) -> Self {
        let part = LogPart { heartbeat_us: Some(heartbeat_us), whole: true, ..LogPart::default() };
        Self { period, last: None, part }
    }

    /// Takes the next line that has a time.
    pub fn push(&mut self, line: &LineFacts<'_>) {
        self.pass(line.at, line.kind == "start");
        if line.kind == "start" {
            let promised = line.what.get("heartbeat_us").and_then(micros);
            self.part.heartbeat_us = promised.or(self.part.heartbeat_us);
        }
        if !self.period.has(line.at) {
            return;
        }
        let part = &mut self.part;
        part.first = part.first.or(Some(line.seq));
        part.last = Some(line.seq);
        let first = part.first.unwrap_or(line.seq);
        part.lines = line.seq.saturating_sub(first) + 1;
        match line.kind {
            "start" => part.starts += 1,
            "stop" => part.stops += 1,
            "recovery" => part.recoveries += 1,
            "loss" => {
                part.losses += 1;
                let count = line.what.get("unrecorded").and_then(micros);
                part.unrecorded = part.unrecorded.saturating_add(count.unwrap_or(0));
                part.uncounted += u64::from(count.is_none());
            }
            "clock" => part.clock_changes += 1,
            "key" if part.keys.len() < KEYS => {
                let key = word(line.what, "key").unwrap_or_default().to_owned();
                part.keys.push(KeyChange { seq: line.seq, at: line.at, key });
            }
            "anchor" => {
                let kind = word(line.what, "kind").unwrap_or_default();
                *part.anchors.entry(kind.to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }

    /// Time from the line before to `at`, as far as it lies in the period.
    fn pass(&mut self, at: UtcTime, starts: bool) {
        let Some(last) = self.last.replace(at) else { return };
        let (from, to) = (last.max(self.period.from), at.min(self.period.to));
        if from >= to {
            return;
        }
        let promised = self.part.heartbeat_us.unwrap_or(0);
        let lasted = u64::try_from(at.since(last).as_micros()).unwrap_or(u64::MAX);
        if starts {
            self.part.absent.add(from, to);
        } else if promised > 0 && lasted > promised.saturating_mul(2) {
            self.part.silent.add(from, to);
        }
    }

    /// What was counted.
    #[must_use]
    pub fn finish(mut self) -> LogPart {
        // Nothing came after the last line.
        let to = self.period.to;
        self.pass(to, false);
        self.part
    }
}

fn micros(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
