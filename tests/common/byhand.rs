//! A log written by hand: every line, every signature, without the writer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use revoked::domain::hex::hex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::path::Path;

pub(crate) type Hash = [u8; 32];

pub(crate) const ORIGIN: &str = "test/by-hand/0011223344556677";

pub(crate) fn leaf(line: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(line).finalize().into()
}

pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// RFC 6962 section 2.1, as written there.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => *one,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            node(&root(&leaves[..split]), &root(&leaves[split..]))
        }
    }
}

pub(crate) fn signer(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn key_id(key: &SigningKey) -> Vec<u8> {
    let hash = Sha256::new().chain_update(ORIGIN).chain_update([b'\n', 1]);
    hash.chain_update(key.verifying_key().as_bytes()).finalize()[..4].to_vec()
}

pub(crate) fn vkey(key: &SigningKey) -> String {
    let data = [&[1], key.verifying_key().as_bytes().as_slice()].concat();
    format!("{ORIGIN}+{}+{}", hex(&key_id(key)), STANDARD.encode(data))
}

/// The note over `size` lines by these keys.
pub(crate) fn note(size: usize, root: &Hash, keys: &[&SigningKey]) -> String {
    let body = format!("{ORIGIN}\n{size}\n{}\n", STANDARD.encode(root));
    let mut note = format!("{body}\n");
    for key in keys {
        let blob = [key_id(key), key.sign(body.as_bytes()).to_bytes().to_vec()].concat();
        let _ = writeln!(note, "\u{2014} {ORIGIN} {}", STANDARD.encode(blob));
    }
    note
}

/// The lines of a log.
#[derive(Clone, Default)]
pub(crate) struct Log {
    pub(crate) lines: Vec<String>,
}

impl Log {
    /// With its first line, signed by the key of `seed`; the key of `seed` + 1 is to come.
    pub(crate) fn new(seed: u8) -> Self {
        let mut log = Self::default();
        let next = hex(&Sha256::digest(vkey(&signer(seed + 1))));
        let genesis = json!({"format": "revlog/1", "key": vkey(&signer(seed)), "next": next, "origin": ORIGIN});
        log.record("genesis", genesis);
        log
    }

    pub(crate) fn leaves(&self) -> Vec<Hash> {
        self.lines.iter().map(|line| leaf(line.as_bytes())).collect()
    }

    fn prev(&self) -> String {
        self.lines.last().map_or_else(|| "0".repeat(64), |line| hex(&leaf(line.as_bytes())))
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers make it where they call")]
    pub(crate) fn record(&mut self, kind: &str, what: Value) {
        let time = "2026-11-21T21:00:00.000000Z";
        let line = json!({"prev": self.prev(), "seq": self.lines.len(), "time": time, "type": kind, "what": what});
        self.lines.push(line.to_string());
    }

    /// A checkpoint over all lines so far.
    pub(crate) fn seal(&mut self, keys: &[&SigningKey]) {
        let note = note(self.lines.len(), &root(&self.leaves()), keys);
        let line = json!({"prev": self.prev(), "seq": self.lines.len(), "type": "checkpoint", "what": {"note": note}});
        self.lines.push(line.to_string());
    }

    /// The key of `seed` takes over from the one before.
    pub(crate) fn change_key(&mut self, seed: u8) {
        let next = hex(&Sha256::digest(vkey(&signer(seed + 1))));
        let what = json!({"key": vkey(&signer(seed)), "next": next, "reason": "scheduled"});
        self.record("key", what);
        self.seal(&[&signer(seed - 1), &signer(seed)]);
    }

    /// Writes it to `dir` in files that begin at these lines.
    pub(crate) fn write(&self, dir: &Path, begins: &[usize]) {
        for entry in std::fs::read_dir(dir).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (n, begin) in begins.iter().enumerate() {
            let end = begins.get(n + 1).copied().unwrap_or(self.lines.len());
            let text = self.lines[*begin..end].join("\n") + "\n";
            std::fs::write(dir.join(format!("revlog-{begin:012}.jsonl")), text).unwrap();
        }
    }
}

/// A proof of inclusion, taken apart.
#[derive(Debug)]
pub(crate) struct Inclusion {
    pub(crate) line: Vec<u8>,
    pub(crate) index: usize,
    pub(crate) path: Vec<Hash>,
    pub(crate) note: String,
}

/// The proofs of a file, as C2SP tlog-proof has them.
pub(crate) fn inclusions(text: &str) -> Vec<Inclusion> {
    let proofs = text.split("c2sp.org/tlog-proof@v1\n").skip(1);
    proofs
        .map(|proof| {
            let (head, note) = proof.split_once("\n\n").unwrap();
            let mut lines = head.lines();
            let extra = lines.next().unwrap().strip_prefix("extra ").unwrap();
            let index = lines.next().unwrap().strip_prefix("index ").unwrap();
            Inclusion {
                line: STANDARD.decode(extra).unwrap(),
                index: index.parse().unwrap(),
                path: lines.map(hash).collect(),
                note: note.to_owned(),
            }
        })
        .collect()
}

pub(crate) fn hash(text: &str) -> Hash {
    STANDARD.decode(text).unwrap().try_into().unwrap()
}

/// Size and root of a note.
pub(crate) fn head(note: &str) -> (usize, Hash) {
    let mut lines = note.lines().skip(1);
    (lines.next().unwrap().parse().unwrap(), hash(lines.next().unwrap()))
}

/// The root that a path leads to, by the definition read backwards: the last hash is the other half of the tree.
pub(crate) fn leads_to(leaf: Hash, index: usize, size: usize, path: &[Hash]) -> Option<Hash> {
    if size == 1 {
        return path.is_empty().then_some(leaf);
    }
    let (other, path) = path.split_last()?;
    let split = size.next_power_of_two() / 2;
    Some(if index < split {
        node(&leads_to(leaf, index, split, path)?, other)
    } else {
        node(other, &leads_to(leaf, index - split, size - split, path)?)
    })
}

/// Both roots that a consistency proof leads to, by the definition read backwards.
pub(crate) fn both_roots(
    old: usize,
    size: usize,
    path: &[Hash],
    known: Option<Hash>,
) -> Option<(Hash, Hash)> {
    if old == size {
        return match (known, path) {
            (Some(root), []) => Some((root, root)),
            (None, [root]) => Some((*root, *root)),
            _ => None,
        };
    }
    let (other, path) = path.split_last()?;
    let split = size.next_power_of_two() / 2;
    Some(if old <= split {
        let (before, left) = both_roots(old, split, path, known)?;
        (before, node(&left, other))
    } else {
        let (before, right) = both_roots(old - split, size - split, path, None)?;
        (node(other, &before), node(other, &right))
    })
}
