//! Logs and proofs made to order, with right hashes and signatures: what a fuzzer that only turns bytes never comes
//! past. Written from docs/audit-log.md with `serde_json` and the definitions of the RFCs, as a stranger would.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// The name of every log that is made here.
pub const ORIGIN: &str = "fuzz/log/0011223344556677";
/// The name of the witness.
pub const WITNESS: &str = "witness.example/w1";
/// 2026-11-21T21:00:00Z, in seconds since 1970.
pub const BEGIN: u64 = 1_795_294_800;

/// A log in the making: its lines without line feeds.
#[derive(Clone)]
pub struct Log {
    /// The lines.
    pub lines: Vec<Vec<u8>>,
    /// The line with which each file begins.
    pub files: Vec<usize>,
    /// The secret of the key in force is this byte 32 times, that of the next one the byte after it.
    pub key: u8,
    /// The present time, in microseconds since [`BEGIN`].
    pub now: u64,
    leaves: Vec<Hash>,
}

impl Default for Log {
    fn default() -> Self {
        let mut log =
            Self { lines: Vec::new(), files: vec![0], key: 1, now: 0, leaves: Vec::new() };
        let what = json!({
            "format": "revlog/1", "key": vkey(ORIGIN, 1, 1), "next": hash_of_key(2), "origin": ORIGIN,
        });
        log.record("genesis", &what);
        log
    }
}

impl Log {
    /// The `prev` of the next line.
    #[must_use]
    pub fn prev(&self) -> String {
        self.leaves.last().map_or_else(|| "0".repeat(64), |leaf| hex(leaf))
    }

    /// The `time` of the next line.
    #[must_use]
    pub fn time(&self) -> String {
        time(self.now)
    }

    /// Appends a record.
    pub fn record(&mut self, kind: &str, what: &Value) {
        let line = json!({
            "prev": self.prev(), "seq": self.lines.len(), "time": self.time(), "type": kind, "what": what,
        });
        self.push(line.to_string().into_bytes());
    }

    /// Appends a line as it is.
    pub fn push(&mut self, line: Vec<u8>) {
        self.leaves.push(leaf(&line));
        self.lines.push(line);
    }

    /// Appends a checkpoint.
    pub fn checkpoint(&mut self) {
        let note = self.note(self.lines.len(), &[self.key]);
        self.checkpoint_with(&note);
    }

    fn checkpoint_with(&mut self, note: &str) {
        let line = json!({
            "prev": self.prev(), "seq": self.lines.len(), "type": "checkpoint", "what": { "note": note },
        });
        self.push(line.to_string().into_bytes());
    }

    /// Changes the key, with the checkpoint that both sign.
    pub fn change_key(&mut self, reason: &str) {
        let (old, new) = (self.key, self.key + 1);
        let what =
            json!({ "key": vkey(ORIGIN, 1, new), "next": hash_of_key(new + 1), "reason": reason });
        self.record("key", &what);
        let note = self.note(self.lines.len(), &[old, new]);
        self.checkpoint_with(&note);
        self.key = new;
    }

    /// Begins a file, after the checkpoint that must come before it.
    pub fn segment(&mut self) {
        self.checkpoint();
        self.files.push(self.lines.len());
        let last: Value = serde_json::from_slice(&self.lines[self.lines.len() - 1]).expect("JSON");
        let what = json!({
            "first_seq": self.lines.len(), "format": "revlog/1",
            "frontier": frontier(&self.leaves[..self.lines.len() - 1]), "key": vkey(ORIGIN, 1, self.key),
            "next": hash_of_key(self.key + 1), "note": last["what"]["note"], "origin": ORIGIN,
        });
        self.record("segment", &what);
    }

    /// The three lines that are signed at `size`.
    #[must_use]
    pub fn body(&self, size: usize) -> String {
        format!("{ORIGIN}\n{size}\n{}\n", STANDARD.encode(root(&self.leaves[..size])))
    }

    /// The note at `size`, signed by the keys made of `keys`.
    #[must_use]
    pub fn note(&self, size: usize, keys: &[u8]) -> String {
        note_of(&self.body(size), keys)
    }

    /// Sizes at which there is a checkpoint.
    #[must_use]
    pub fn sizes(&self) -> Vec<usize> {
        let is_checkpoint =
            |line: &Vec<u8>| String::from_utf8_lossy(line).contains(",\"type\":\"checkpoint\",");
        self.lines
            .iter()
            .enumerate()
            .filter(|(_, line)| is_checkpoint(line))
            .map(|(at, _)| at)
            .collect()
    }

    /// The lines from `from` to `to`.
    #[must_use]
    pub fn bytes(&self, from: usize, to: usize) -> Vec<u8> {
        join(&self.lines[from..to])
    }

    /// A proof that line `index` is in the tree of `size`, whose note the keys made of `keys` signed.
    #[must_use]
    pub fn proof(&self, index: usize, size: usize, keys: &[u8]) -> String {
        let line = STANDARD.encode(&self.lines[index]);
        let path: String = inclusion(index, &self.leaves[..size]).iter().map(base64_line).collect();
        format!(
            "c2sp.org/tlog-proof@v1\nextra {line}\nindex {index}\n{path}\n{}",
            self.note(size, keys)
        )
    }

    /// A proof that the tree of `size` continues that of `old`.
    #[must_use]
    pub fn consistency(&self, old: usize, size: usize, keys: &[u8]) -> String {
        let path = consistency(old, &self.leaves[..size], true);
        let path: String = path.iter().map(base64_line).collect();
        format!("old {old}\n{path}\n{}", self.note(size, keys))
    }
}

/// Lines with their line feeds.
#[must_use]
pub fn join(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_slice(), b"\n"]).flatten().copied().collect()
}

/// Makes all links anew, and the roots in checkpoints if `has_roots`, as anyone can who has no key.
pub fn relink(lines: &mut [Vec<u8>], has_roots: bool) {
    let mut leaves: Vec<Hash> = Vec::new();
    for (seq, line) in lines.iter_mut().enumerate() {
        if let Ok(Value::Object(mut value)) = serde_json::from_slice(line) {
            let prev = leaves.last().map_or_else(|| "0".repeat(64), |leaf| hex(leaf));
            value.insert("prev".to_owned(), prev.into());
            value.insert("seq".to_owned(), seq.into());
            let note =
                value.get("what").and_then(|what| Some(what.get("note")?.as_str()?.to_owned()));
            let signatures = note.as_ref().and_then(|note| Some(note.split_once("\n\n")?.1));
            if let (Some(signatures), Some("checkpoint"), false) =
                (signatures, value["type"].as_str(), leaves.is_empty() || !has_roots)
            {
                let body = format!("{ORIGIN}\n{seq}\n{}\n", STANDARD.encode(root(&leaves)));
                value.insert("what".to_owned(), json!({ "note": format!("{body}\n{signatures}") }));
            }
            *line = Value::Object(value).to_string().into_bytes();
        }
        leaves.push(leaf(line));
    }
}

/// The text of a key whose secret is `seed` 32 times: 1 is that of a log, 4 that of a witness.
#[must_use]
pub fn vkey(name: &str, algorithm: u8, seed: u8) -> String {
    let data = [&[algorithm][..], secret(seed).verifying_key().as_bytes()].concat();
    format!("{name}+{}+{}", hex(&key_id(name, &data)), STANDARD.encode(data))
}

/// The first bytes of the hash of name and key, the algorithm before it.
#[must_use]
pub fn key_id(name: &str, data: &[u8]) -> [u8; 4] {
    let hash = Sha256::digest([name.as_bytes(), b"\n", data].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A signature line of the log's key over `body`.
#[must_use]
pub fn signature_line(body: &str, seed: u8) -> String {
    let key = secret(seed);
    let data = [&[1][..], key.verifying_key().as_bytes()].concat();
    let blob = [&key_id(ORIGIN, &data)[..], &key.sign(body.as_bytes()).to_bytes()].concat();
    format!("\u{2014} {ORIGIN} {}\n", STANDARD.encode(blob))
}

/// The note with these three lines, signed by the keys made of `keys`.
#[must_use]
pub fn note_of(body: &str, keys: &[u8]) -> String {
    let lines: String = keys.iter().map(|key| signature_line(body, *key)).collect();
    format!("{body}\n{lines}")
}

/// Whether a line of `note` is a good signature of the key with the text `vkey`.
#[must_use]
pub fn is_signed(note: &str, vkey: &str) -> bool {
    let Some((body, lines)) = note.split_once("\n\n") else { return false };
    let data = vkey.splitn(3, '+').nth(2).and_then(|data| STANDARD.decode(data).ok());
    let key = data.and_then(|data| VerifyingKey::from_bytes(data.last_chunk()?).ok());
    let Some(key) = key else { return false };
    let good = |line: &str| {
        let blob = STANDARD.decode(line.rsplit(' ').next()?).ok()?;
        let signature = Signature::from_bytes(blob.get(4..)?.try_into().ok()?);
        Some(key.verify_strict(format!("{body}\n").as_bytes(), &signature).is_ok())
    };
    lines.lines().any(|line| good(line) == Some(true))
}

/// A signature line of the witness over `body` at `time`, in seconds since 1970.
#[must_use]
pub fn cosignature(body: &str, time: u64) -> String {
    let key = secret(200);
    let data = [&[4][..], key.verifying_key().as_bytes()].concat();
    let signature = key.sign(format!("cosignature/v1\ntime {time}\n{body}").as_bytes()).to_bytes();
    let blob = [&key_id(WITNESS, &data)[..], &time.to_be_bytes(), &signature].concat();
    format!("\u{2014} {WITNESS} {}\n", STANDARD.encode(blob))
}

/// The public key of the witness.
#[must_use]
pub fn witness() -> String {
    vkey(WITNESS, 4, 200)
}

fn secret(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn hash_of_key(seed: u8) -> String {
    hex(&Sha256::digest(vkey(ORIGIN, 1, seed)))
}

fn time(micros: u64) -> String {
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (days, seconds) = (seconds / 86_400, seconds % 86_400);
    let (hours, minutes, seconds) = (21 + seconds / 3600, seconds / 60 % 60, seconds % 60);
    // A log made here lasts for less than nine days.
    let (day, hour) = (21 + days + hours / 24, hours % 24);
    format!("2026-11-{day:02}T{hour:02}:{minutes:02}:{seconds:02}.{micros:06}Z")
}

fn leaf(line: &[u8]) -> Hash {
    Sha256::digest([b"\0", line].concat()).into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::digest([&[1][..], left, right].concat()).into()
}

fn split(leaves: &[Hash]) -> usize {
    leaves.len().next_power_of_two() / 2
}

/// RFC 6962 section 2.1.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [only] => *only,
        _ => {
            let (left, right) = leaves.split_at(split(leaves));
            node(&root(left), &root(right))
        }
    }
}

/// RFC 6962 section 2.1.1.
fn inclusion(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves));
    let (mut path, last) = if index < left.len() {
        (inclusion(index, left), root(right))
    } else {
        (inclusion(index - left.len(), right), root(left))
    };
    path.push(last);
    path
}

/// RFC 6962 section 2.1.2.
fn consistency(old: usize, leaves: &[Hash], is_whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if is_whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves));
    let (mut path, last) = if old <= left.len() {
        (consistency(old, left, is_whole), root(right))
    } else {
        (consistency(old - left.len(), right, false), root(left))
    };
    path.push(last);
    path
}

/// Roots of the full subtrees, largest first.
fn frontier(mut leaves: &[Hash]) -> Vec<String> {
    let mut roots = Vec::new();
    while !leaves.is_empty() {
        let (left, right) = leaves.split_at(1 << leaves.len().ilog2());
        roots.push(hex(&root(left)));
        leaves = right;
    }
    roots
}

fn base64_line(hash: &Hash) -> String {
    STANDARD.encode(hash) + "\n"
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
