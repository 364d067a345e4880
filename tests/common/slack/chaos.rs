//! Faults at random, and a look into the log while a message comes in.

use super::Fault;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

/// Numbers that are the same in each run with the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// What goes wrong with a request to `method`, if anything.
    pub(super) fn fault(&mut self, method: &str) -> Option<Fault> {
        let roll = self.roll(100);
        if method == "auth.test" {
            return (roll < 20).then(|| Fault::Status(503, Vec::new()));
        }
        if method.starts_with("conversations.") {
            return match roll {
                0..5 => Some(Fault::Reset),
                5..10 => Some(Fault::Status(500, Vec::new())),
                // Nobody may look: then it is sent once more, and that has to be on record.
                10..13 => Some(Fault::Error("missing_scope")),
                _ => None,
            };
        }
        match roll {
            0..5 => Some(Fault::Reset),
            5..12 => Some(Fault::ResetAfter),
            12..16 => Some(Fault::CutAfter),
            16..19 => Some(Fault::Status(500, Vec::new())),
            19..22 => Some(Fault::Status(503, Vec::new())),
            22..25 => Some(Fault::Error("internal_error")),
            25 if self.roll(4) == 0 => {
                Some(Fault::Status(429, vec![("retry-after", "1".to_owned())]))
            }
            _ => None,
        }
    }
}

/// What the log holds, read on as it grows.
#[derive(Debug)]
pub(crate) struct Tail {
    dir: PathBuf,
    read: BTreeMap<PathBuf, u64>,
    lines: BTreeMap<String, u64>,
}

impl Tail {
    pub(crate) fn of(dir: PathBuf) -> Self {
        Self { dir, read: BTreeMap::new(), lines: BTreeMap::new() }
    }

    /// The line of the record `id`, if it is there by now.
    pub(crate) fn line_of(&mut self, id: &str) -> Option<u64> {
        if !self.lines.contains_key(id) {
            self.read_on();
        }
        self.lines.get(id).copied()
    }

    fn read_on(&mut self) {
        for entry in std::fs::read_dir(&self.dir).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|end| end != "jsonl") {
                continue;
            }
            let mut file = std::fs::File::open(&path).unwrap();
            let from = self.read.entry(path).or_default();
            // After a kill the last lines may have been taken back.
            if file.metadata().unwrap().len() < *from {
                *from = 0;
            }
            file.seek(SeekFrom::Start(*from)).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            *from += u64::try_from(whole).unwrap();
            for line in text[..whole].lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                if let (Some(id), Some(seq)) = (line["what"]["id"].as_str(), line["seq"].as_u64()) {
                    self.lines.insert(id.to_owned(), seq);
                }
            }
        }
    }
}
