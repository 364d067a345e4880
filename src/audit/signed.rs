//! Signed notes as others may send them: any number of signature lines, in any order.
//!
//! Source: C2SP signed-note and tlog-checkpoint.

use super::format::SIGNATURE_PREFIX;
use super::tree::Hash;
use super::verify::Vkey;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Longest note that is read.
pub const MAX_NOTE: usize = 16 * 1024;
/// Most signature lines of a note.
const SIGNATURES: usize = 64;

/// A checkpoint in a signed note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// What is signed, with the line feed at its end.
    pub body: &'a str,
    /// Name of the log.
    pub origin: &'a str,
    /// Lines of the log that it is about.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    signatures: Vec<(&'a str, Vec<u8>)>,
}

/// What a note says about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// A good signature.
    Good,
    /// A signature that names the key and is not its: the note is not to be used.
    Bad,
    /// None.
    Absent,
}

impl<'a> Note<'a> {
    /// Takes a note apart; `None` when it is none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_NOTE {
            return None;
        }
        let (lines, signatures) = text.split_once("\n\n")?;
        let body = text.get(..=lines.len())?;
        let mut head = lines.split('\n');
        let (origin, size, root) = (head.next()?, head.next()?, head.next()?);
        if origin.is_empty() || body.chars().any(|c| c != '\n' && c.is_control()) {
            return None;
        }
        let mut lines = signatures.strip_suffix('\n')?.split('\n');
        let signatures: Option<Vec<_>> = lines.by_ref().take(SIGNATURES).map(signature).collect();
        let signatures = signatures?;
        // What is not read must not be there.
        if lines.next().is_some() {
            return None;
        }
        Some(Self { body, origin, size: decimal(size)?, root: hash(root)?, signatures })
    }

    /// Signatures that say they are by `id` of `name`, without that id.
    pub(super) fn by<'b>(&'b self, name: &str, id: [u8; 4]) -> impl Iterator<Item = &'b [u8]> {
        self.signatures
            .iter()
            .filter(move |(by, _)| *by == name)
            .filter_map(move |(_, blob)| blob.strip_prefix(&id))
    }

    /// When witnesses say that they saw it, in Unix seconds: of every signature line that has the form of theirs.
    pub(super) fn seen_at(&self) -> impl Iterator<Item = u64> {
        // Key id, time, signature.
        let blobs = self.signatures.iter().filter(|(_, blob)| blob.len() == 4 + 8 + 64);
        blobs.filter_map(|(_, blob)| Some(u64::from_be_bytes(*blob.get(4..)?.first_chunk()?)))
    }

    /// Whether `key` signed it.
    #[must_use]
    pub fn signed_by(&self, key: &Vkey) -> Signed {
        let good = |signature: &[u8]| {
            signature.try_into().is_ok_and(|bytes| key.verifies(self.body.as_bytes(), bytes))
        };
        let mut found = Signed::Absent;
        for signature in self.by(key.origin(), key.id()) {
            if !good(signature) {
                return Signed::Bad;
            }
            found = Signed::Good;
        }
        found
    }
}

fn signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, blob) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    Some((name, STANDARD.decode(blob).ok().filter(|blob| blob.len() > 4)?))
}

/// A number as it is written in notes: decimal digits, none too many.
#[must_use]
pub fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

/// A hash as it is written in notes.
#[must_use]
pub fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// A note in one line that survives web pages and chats.
#[must_use]
pub fn cp1(note: &str) -> String {
    format!("cp1.{}", URL_SAFE_NO_PAD.encode(note))
}

/// The note in such a line.
#[must_use]
pub fn of_cp1(text: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim().strip_prefix("cp1.")?).ok()?;
    String::from_utf8(bytes).ok()
}

/// The checkpoint of a tree by one key.
#[cfg(test)]
pub(crate) fn note_of(key: &super::key::LogKey, size: u64, root: &Hash) -> String {
    let body = format!("{}\n{size}\n{}\n", key.origin(), STANDARD.encode(root));
    let mut blob = Vkey::parse(&key.vkey()).unwrap().id().to_vec();
    blob.extend(key.signature(body.as_bytes()));
    format!("{body}\n{SIGNATURE_PREFIX}{} {}\n", key.origin(), STANDARD.encode(blob))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::key::LogKey;
    use zeroize::Zeroizing;

    fn key(seed: u8) -> LogKey {
        LogKey::from_seed("test/log", &Zeroizing::new([seed; 32]))
    }

    #[test]
    fn lines_of_others_are_ignored_and_a_bad_one_of_ours_is_not() {
        let (ours, others) = (key(1), key(2));
        let vkey = Vkey::parse(&ours.vkey()).unwrap();
        let (note, other) = (note_of(&ours, 12, &[3; 32]), note_of(&others, 12, &[3; 32]));
        let line = other.rsplit_once("\n\n").unwrap().1;
        let parsed = |text: &str| Note::parse(text).map(|note| note.signed_by(&vkey));
        assert_eq!(parsed(&note), Some(Signed::Good));
        assert_eq!(parsed(&format!("{note}{line}")), Some(Signed::Good));
        assert_eq!(parsed(&other), Some(Signed::Absent));
        assert_eq!(parsed(&note.replace("\n12\n", "\n13\n")), Some(Signed::Bad));
        let wrong = note.replace("\n12\n", "\n13\n");
        let wrong = wrong.rsplit_once("\n\n").unwrap().1;
        let text = format!("{}{wrong}", note_of(&ours, 13, &[3; 32]));
        assert_eq!(parsed(&text), Some(Signed::Bad), "one of the two is bad");
        for broken in ["", "a\n1\n\n\n", &note[..note.len() - 1], &note.replace("12", "012")] {
            assert_eq!(parsed(broken), None, "{broken}");
        }
        assert_eq!(parsed(&format!("{note}{}", line.repeat(63))), Some(Signed::Good));
        assert_eq!(parsed(&format!("{note}{}", line.repeat(64))), None, "too many lines");
        assert_eq!(parsed(&format!("{note}{}anything\n", line.repeat(63))), None);
        assert_eq!(of_cp1(&format!(" {}\n", cp1(&note))), Some(note));
        assert_eq!(of_cp1("cp1.!"), None);
    }
}
