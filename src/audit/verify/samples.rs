//! Logs to test with, good and bad. Written with `serde_json` and the definitions of the RFCs, not
//! with the product's writer nor with the verifier's own code.

use super::{FaultKind, Outcome, Report, Verifier, Vkey};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(super) const ORIGIN: &str = "acme/prod/00112233445566ff";

/// A log in the making: its lines without line feeds.
#[derive(Clone)]
pub(super) struct Log {
    pub(super) origin: String,
    pub(super) key: SigningKey,
    pub(super) lines: Vec<String>,
}

impl Log {
    /// A log with its genesis.
    pub(super) fn new(origin: &str, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let mut log = Self { origin: origin.to_owned(), key, lines: Vec::new() };
        let next = vkey(origin, &SigningKey::from_bytes(&[seed + 1; 32]));
        let what = json!({
            "agent": "revoked 0.1.0", "format": "revlog/1", "key": log.vkey(),
            "next": hex(&Sha256::digest(next)), "origin": origin,
        });
        log.record("genesis", &what);
        log
    }

    /// Three commits, seven lines: genesis; two records; a heartbeat.
    pub(super) fn sample() -> Self {
        let mut log = Self::new(ORIGIN, 7);
        log.checkpoint();
        log.record("observation", &json!({ "at": "2026-11-21T21:00:00.000000Z", "residual": [] }));
        log.record("access_revoked", &json!({ "roles": ["alice"], "verdict": "revoked" }));
        log.checkpoint();
        log.record("heartbeat", &json!({}));
        log.checkpoint();
        log
    }

    pub(super) fn vkey(&self) -> String {
        vkey(&self.origin, &self.key)
    }

    /// What the next line must carry as `prev`.
    pub(super) fn prev(&self) -> String {
        self.lines.last().map_or("0".repeat(64), |line| hex(&leaf(line)))
    }

    pub(super) fn record(&mut self, kind: &str, what: &Value) {
        self.record_at("2026-11-21T21:00:01.000000Z", kind, what);
    }

    pub(super) fn record_at(&mut self, time: &str, kind: &str, what: &Value) {
        let (prev, seq) = (self.prev(), self.lines.len());
        let line = json!({ "prev": prev, "seq": seq, "time": time, "type": kind, "what": what });
        self.lines.push(line.to_string());
    }

    /// Appends `line` after putting in what links it, so that only the rest of it is wrong.
    pub(super) fn raw(&mut self, line: &str) {
        let seq = self.lines.len().to_string();
        self.lines.push(line.replace("PREV", &self.prev()).replace("SEQ", &seq));
    }

    pub(super) fn checkpoint(&mut self) {
        let note = self.note();
        self.checkpoint_with(&note);
    }

    pub(super) fn checkpoint_with(&mut self, note: &str) {
        let (prev, seq) = (self.prev(), self.lines.len());
        let line =
            json!({ "prev": prev, "seq": seq, "type": "checkpoint", "what": { "note": note } });
        self.lines.push(line.to_string());
    }

    /// The signed note over all lines so far.
    pub(super) fn note(&self) -> String {
        self.sign(&self.body())
    }

    pub(super) fn body(&self) -> String {
        let leaves: Vec<[u8; 32]> = self.lines.iter().map(|line| leaf(line)).collect();
        format!("{}\n{}\n{}\n", self.origin, leaves.len(), STANDARD.encode(root(&leaves)))
    }

    pub(super) fn sign(&self, body: &str) -> String {
        let mut blob = key_id(&self.origin, &self.key).to_vec();
        blob.extend(self.key.sign(body.as_bytes()).to_bytes());
        format!("{body}\n\u{2014} {} {}\n", self.origin, STANDARD.encode(blob))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        join(&self.lines)
    }

    /// Links all lines after `from` anew, as anyone can who has no key.
    pub(super) fn relink(&mut self, from: usize) {
        for at in from + 1..self.lines.len() {
            let prev = hex(&leaf(&self.lines[at - 1]));
            self.lines[at].replace_range(9..73, &prev);
        }
    }

    /// The report of a verifier that has this log's key.
    pub(super) fn verify(&self) -> Report {
        verify(&self.bytes(), Some(&self.vkey()))
    }

    /// The bytes of this log after `edit` was done to its lines.
    pub(super) fn edited(&self, edit: impl FnOnce(&mut Vec<String>)) -> Vec<u8> {
        let mut lines = self.lines.clone();
        edit(&mut lines);
        join(&lines)
    }
}

pub(super) fn verify(bytes: &[u8], key: Option<&str>) -> Report {
    verify_with(bytes, key.map(|key| Vkey::parse(key).unwrap()))
}

pub(super) fn verify_with(bytes: &[u8], key: Option<Vkey>) -> Report {
    let mut verifier = Verifier::new(key);
    verifier.begin_file("a.jsonl");
    verifier.push_bytes(bytes);
    verifier.finish()
}

pub(super) fn join(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"]).flatten().copied().collect()
}

pub(super) fn leaf(line: &str) -> [u8; 32] {
    Sha256::digest([b"\0", line.as_bytes()].concat()).into()
}

/// MTH of RFC 6962 section 2.1, by its recursive definition.
fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    let [only] = leaves else {
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        return Sha256::digest([&[1][..], &root(left), &root(right)].concat()).into();
    };
    *only
}

fn key_id(origin: &str, key: &SigningKey) -> [u8; 4] {
    let text = [origin.as_bytes(), b"\n\x01", key.verifying_key().as_bytes()].concat();
    Sha256::digest(text)[..4].try_into().unwrap()
}

fn vkey(origin: &str, key: &SigningKey) -> String {
    let data = [&[1][..], key.verifying_key().as_bytes()].concat();
    format!("{origin}+{}+{}", hex(&key_id(origin, key)), STANDARD.encode(data))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Asserts that `bytes` are refused at `line` (from 1) by the rule `kind`.
#[track_caller]
pub(super) fn tampered(case: &str, bytes: &[u8], kind: FaultKind, line: u64) -> Report {
    let report = verify(bytes, Some(&Log::sample().vkey()));
    let fault = report.fault.clone().unwrap_or_else(|| panic!("{case}: {}", report.outcome.word()));
    assert_eq!((fault.kind, fault.line), (kind, line), "{case}: {report}");
    assert_eq!((report.outcome, report.exit_code), (Outcome::Tampered, 4), "{case}");
    report
}

#[track_caller]
pub(super) fn incomplete(case: &str, bytes: &[u8], records: u64) -> Report {
    let report = verify(bytes, Some(&Log::sample().vkey()));
    assert_eq!((report.outcome, report.exit_code), (Outcome::Incomplete, 3), "{case}: {report}");
    assert_eq!(report.records, records, "{case}: {report}");
    report
}
