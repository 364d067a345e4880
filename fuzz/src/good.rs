//! The logs of tests/vectors that verify: whatever else verifies under their key is a forgery.

use crate::audit::verify::proof;
use crate::audit::verify::{Anchor, Options, Outcome, Report, Verifier, Vkey, Witness};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A case of tests/vectors.
pub struct Case {
    /// Its name.
    pub name: String,
    /// The bytes of its files, one after the other; of a proof, the proof.
    pub bytes: Vec<u8>,
    /// Whether it is a proof.
    pub is_proof: bool,
    /// The key that is pinned.
    pub key: Option<Vkey>,
}

/// All cases whose files are kept.
pub static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let text = std::fs::read(place().join("cases.json")).expect("tests/vectors");
    let cases: Vec<Value> = serde_json::from_slice(&text).expect("cases");
    cases.iter().filter_map(case).collect()
});

/// The log that is edited, with its key: three files with two changes of key.
pub static LOG: LazyLock<(Vec<u8>, Vkey)> = LazyLock::new(|| log("both"));

/// A short log of the same name and the same first key.
pub static ONE: LazyLock<(Vec<u8>, Vkey)> = LazyLock::new(|| log("one"));

fn log(name: &str) -> (Vec<u8>, Vkey) {
    let case = CASES.iter().find(|case| case.name == name).expect("the case");
    (case.bytes.clone(), case.key.clone().expect("a key"))
}

/// What verifies under the first key of [`LOG`].
pub static KNOWN: LazyLock<HashSet<Vec<u8>>> = LazyLock::new(|| {
    let key = &LOG.1;
    let ours = |case: &&Case| !case.is_proof;
    let mut known = HashSet::new();
    for case in CASES.iter().filter(ours) {
        for end in ends(&case.bytes) {
            let bytes = case.bytes.get(..end).unwrap_or_default();
            if !known.contains(bytes) && verified(bytes, Some(key)).outcome == Outcome::Verified {
                known.insert(bytes.to_vec());
            }
        }
    }
    assert!(known.len() > 20, "{} logs verify", known.len());
    known
});

/// The lines that a proof may prove under the first key of [`LOG`].
pub static LINES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut lines: HashSet<String> = KNOWN.iter().flat_map(|log| lines_of(log)).collect();
    for case in CASES.iter().filter(|case| case.is_proof) {
        let options = Options { key: Some(LOG.1.clone()), ..Options::default() };
        let report = proof::check(&case.bytes, "vectors", &options);
        if report.outcome == Outcome::Verified {
            lines.extend(report.lines.into_iter().map(|line| line.line));
        }
    }
    lines
});

/// Keys of witnesses in the cases.
pub static WITNESSES: LazyLock<Vec<Witness>> = LazyLock::new(|| {
    let text = std::fs::read(place().join("cases.json")).expect("tests/vectors");
    let cases: Vec<Value> = serde_json::from_slice(&text).expect("cases");
    let mut found = BTreeMap::new();
    for case in &cases {
        for text in case["options"]["witnesses"].as_array().into_iter().flatten() {
            let text = text.as_str().unwrap_or_default();
            if let Ok(witness) = Witness::parse(text) {
                found.insert(text.to_owned(), witness);
            }
        }
    }
    found.into_values().collect()
});

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

fn case(case: &Value) -> Option<Case> {
    let proof = case["options"]["proof"].as_str();
    let files = case["files"].as_array()?;
    // Those that are put together from parts are large.
    let names: Option<Vec<&str>> = match proof {
        Some(name) => Some(vec![name]),
        None => files.iter().map(Value::as_str).collect(),
    };
    let mut bytes = Vec::new();
    for name in names? {
        let path = place().join(name);
        if !path.is_file() {
            return None;
        }
        bytes.extend(std::fs::read(path).ok()?);
    }
    let key = case["key"].as_str().and_then(|text| Vkey::parse(text).ok());
    let name = case["name"].as_str()?.to_owned();
    Some(Case { name, bytes, is_proof: proof.is_some(), key })
}

fn lines_of(log: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(log).lines().map(str::to_owned).collect()
}

/// Where the lines end.
#[must_use]
pub fn ends(log: &[u8]) -> Vec<usize> {
    let feeds = log.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    feeds.map(|(at, _)| at + 1).collect()
}

/// The report on a log in one file.
#[must_use]
pub fn verified(bytes: &[u8], key: Option<&Vkey>) -> Report {
    let mut verifier = Verifier::with(Options { key: key.cloned(), ..Options::default() });
    verifier.push_bytes(bytes);
    verifier.finish()
}

/// The notes in `text`.
#[must_use]
pub fn anchors(text: &[u8], origin: &str) -> Vec<Anchor> {
    Anchor::find("fuzz", text, origin)
}
