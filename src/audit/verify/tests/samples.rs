//! Logs to test with, good and bad. Written with `serde_json` and the definitions of the RFCs, not
//! with the product's writer nor with the verifier's own code.

use crate::audit::verify::{Anchor, FaultKind, Options, Outcome, Report, Verifier, Vkey};
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
    /// What the present key is made of; the next one is made of the number after it.
    pub(super) seed: u8,
    pub(super) lines: Vec<String>,
}

impl Log {
    /// A log with its genesis.
    pub(super) fn new(origin: &str, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let mut log = Self { origin: origin.to_owned(), key, seed, lines: Vec::new() };
        let what = json!({
            "agent": "revoked 0.1.0", "format": "revlog/1", "key": log.vkey(),
            "next": log.next_hash(seed + 1), "origin": origin,
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

    /// Hash of the text of the key made of `seed`.
    pub(super) fn next_hash(&self, seed: u8) -> String {
        hex(&Sha256::digest(vkey(&self.origin, &SigningKey::from_bytes(&[seed; 32]))))
    }

    /// Changes the key to the one that was named before: a record, and the checkpoint that both sign.
    pub(super) fn change_key(&mut self) {
        let old = self.key.clone();
        self.announce_key("scheduled");
        let by_new = self.note();
        let new = std::mem::replace(&mut self.key, old);
        let note = self.note() + by_new.lines().last().unwrap() + "\n";
        self.checkpoint_with(&note);
        self.key = new;
    }

    /// Changes the key without the checkpoint that has to follow.
    pub(super) fn announce_key(&mut self, reason: &str) {
        self.seed += 1;
        self.key = SigningKey::from_bytes(&[self.seed; 32]);
        let next = self.next_hash(self.seed + 1);
        self.record("key", &json!({ "key": self.vkey(), "next": next, "reason": reason }));
    }

    /// Begins a segment.
    pub(super) fn segment(&mut self) {
        let what = self.segment_what();
        self.record("segment", &what);
    }

    pub(super) fn segment_what(&self) -> Value {
        let last: Value = serde_json::from_str(self.lines.last().unwrap()).unwrap();
        let leaves: Vec<[u8; 32]> = self.lines.iter().map(|line| leaf(line)).collect();
        json!({
            "first_seq": leaves.len(), "format": "revlog/1", "origin": self.origin,
            "key": self.vkey(), "next": self.next_hash(self.seed + 1), "note": last["what"]["note"],
            "frontier": frontier(&leaves[..leaves.len() - 1]),
        })
    }

    /// The note of the tree with the first `size` lines.
    pub(super) fn note_at(&self, size: usize) -> String {
        Self { lines: self.lines[..size].to_vec(), ..self.clone() }.note()
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
        let mut blob = key_id(&self.origin, 1, &self.key).to_vec();
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
    asked(bytes, &Options { key, ..Options::default() })
}

/// Reads the log, and once more where that names the first bad line.
pub(super) fn asked(bytes: &[u8], options: &Options) -> Report {
    let read = |options: Options| {
        let mut verifier = Verifier::with(options);
        verifier.begin_file("a.jsonl");
        verifier.push_bytes(bytes);
        verifier.finish()
    };
    let report = read(options.clone());
    match report.again() {
        None => report,
        Some(again) => {
            let again = Some(again.clone());
            let second = read(Options { all_signatures: true, again, ..options.clone() });
            assert!(second.fault.is_some(), "the second reading finds what the first one knew of");
            second
        }
    }
}

/// Options with the key of `log` and the anchors in `texts`.
pub(super) fn anchored(log: &Log, texts: &[&str]) -> Options {
    let found = |text: &&str| Anchor::find("page", text.as_bytes(), &log.origin);
    Options {
        key: Some(Vkey::parse(&log.vkey()).unwrap()),
        anchors: texts.iter().flat_map(found).collect(),
        ..Options::default()
    }
}

/// A signature line of the witness `name` over the three lines that `note` begins with.
pub(super) fn cosigned(note: &str, name: &str, key: &SigningKey, time: u64) -> String {
    let body = note.split_once("\n\n").unwrap().0;
    let text = format!("cosignature/v1\ntime {time}\n{body}\n");
    let mut blob = key_id(name, 4, key).to_vec();
    blob.extend(time.to_be_bytes());
    blob.extend(key.sign(text.as_bytes()).to_bytes());
    format!("\u{2014} {name} {}\n", STANDARD.encode(blob))
}

/// The public key of a witness, as text.
pub(super) fn witness_key(name: &str, key: &SigningKey) -> String {
    vkey_as(name, 4, key)
}

pub(super) fn join(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"]).flatten().copied().collect()
}

pub(super) fn leaf(line: &str) -> [u8; 32] {
    Sha256::digest([b"\0", line.as_bytes()].concat()).into()
}

/// MTH of RFC 6962 section 2.1, by its recursive definition.
pub(super) fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    let [only] = leaves else {
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        return Sha256::digest([&[1][..], &root(left), &root(right)].concat()).into();
    };
    *only
}

/// Roots of the full subtrees, largest first.
fn frontier(mut leaves: &[[u8; 32]]) -> Vec<String> {
    let mut roots = Vec::new();
    while !leaves.is_empty() {
        let (left, right) = leaves.split_at(1 << leaves.len().ilog2());
        roots.push(hex(&root(left)));
        leaves = right;
    }
    roots
}

fn key_id(origin: &str, algorithm: u8, key: &SigningKey) -> [u8; 4] {
    let text = [origin.as_bytes(), b"\n", &[algorithm], key.verifying_key().as_bytes()].concat();
    Sha256::digest(text)[..4].try_into().unwrap()
}

fn vkey(origin: &str, key: &SigningKey) -> String {
    vkey_as(origin, 1, key)
}

fn vkey_as(origin: &str, algorithm: u8, key: &SigningKey) -> String {
    let data = [&[algorithm][..], key.verifying_key().as_bytes()].concat();
    format!("{origin}+{}+{}", hex(&key_id(origin, algorithm, key)), STANDARD.encode(data))
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

/// What the report says, on one line.
pub(super) fn said(report: &impl std::fmt::Display) -> String {
    report.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
