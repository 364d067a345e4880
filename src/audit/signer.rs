//! Who signs: the seam behind which a key lies in a file, and may lie in a key service.

use super::format::{SIGNATURE_PREFIX, VKEY_ED25519};
use super::tree::Hash;
use crate::domain::hex::hex;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// A signer that gave no signature, such as a key service that is away.
#[derive(Debug, thiserror::Error)]
#[error("the audit log's signer gave no signature")]
pub struct SignError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Signs the checkpoints of one log. It is asked on the writer's own threads, where it may take its time: once for each
/// commit, and once more where that could not be written as it was.
pub trait Signer: Send + Sync {
    /// The key that auditors know.
    fn public(&self) -> &PublicKey;

    /// The ed25519 signature of `text` (RFC 8032; the whole text, no hash of it).
    ///
    /// # Errors
    /// When it cannot sign now. It is asked again.
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], SignError>;
}

/// The public half of a log's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    origin: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl PublicKey {
    /// The key `key` of the log `origin`.
    #[must_use]
    pub fn new(origin: &str, key: VerifyingKey) -> Self {
        // Source: C2SP signed-note.
        let hash: [u8; 32] = Sha256::new()
            .chain_update(origin.as_bytes())
            .chain_update([b'\n', VKEY_ED25519])
            .chain_update(key.as_bytes())
            .finalize()
            .into();
        let [a, b, c, d, ..] = hash;
        Self { origin: origin.to_owned(), id: [a, b, c, d], key }
    }

    /// Reads what [`vkey`](Self::vkey) writes; nothing else.
    #[must_use]
    pub fn parse(vkey: &str) -> Option<Self> {
        let mut parts = vkey.splitn(3, '+');
        let (origin, _id, data) = (parts.next()?, parts.next()?, parts.next()?);
        let data = STANDARD.decode(data).ok()?;
        let (algorithm, key) = data.split_first()?;
        let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        let parsed = Self::new(origin, key);
        (*algorithm == VKEY_ED25519 && !key.is_weak() && parsed.vkey() == vkey).then_some(parsed)
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The C2SP verifier key: what auditors pin.
    #[must_use]
    pub fn vkey(&self) -> String {
        let mut public = vec![VKEY_ED25519];
        public.extend_from_slice(self.key.as_bytes());
        format!("{}+{}+{}", self.origin, hex(&self.id), STANDARD.encode(public))
    }

    /// The line of a note that holds `signature`.
    fn line(&self, signature: &[u8; 64]) -> String {
        let mut bytes = self.id.to_vec();
        bytes.extend_from_slice(signature);
        format!("{SIGNATURE_PREFIX}{} {}\n", self.origin, STANDARD.encode(bytes))
    }

    /// Whether `line`, with its line feed, is this key's signature of `text`.
    fn signed(&self, text: &str, line: &str) -> bool {
        let Some(encoded) = line
            .strip_prefix(SIGNATURE_PREFIX)
            .and_then(|rest| rest.strip_prefix(self.origin.as_str()))
            .and_then(|rest| rest.strip_prefix(' ')?.strip_suffix('\n'))
        else {
            return false;
        };
        let Ok(bytes) = STANDARD.decode(encoded) else { return false };
        let Some(signature) = bytes.strip_prefix(&self.id) else { return false };
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

/// The three lines that are signed for a tree.
fn head(origin: &str, size: u64, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", STANDARD.encode(root))
}

/// The checkpoint note of a tree: origin, size and root, signed by each of `signers` in turn (two where the key
/// changes, else one).
///
/// Source: C2SP tlog-checkpoint and signed-note. Ed25519 is deterministic, so the same tree gives the same
/// bytes.
///
/// # Errors
/// When one of them cannot sign.
pub fn note(signers: &[&dyn Signer], size: u64, root: &Hash) -> Result<String, SignError> {
    let origin = signers.first().map_or("", |signer| signer.public().origin());
    let text = head(origin, size, root);
    let mut note = format!("{text}\n");
    for signer in signers {
        note.push_str(&signer.public().line(&signer.sign(text.as_bytes())?));
    }
    Ok(note)
}

/// Whether `note` is about this tree and signed by exactly these keys, in this order.
pub(super) fn is_note(note: &str, keys: &[&PublicKey], size: u64, root: &Hash) -> bool {
    let Some(lines) = of_tree(note, keys, size, root) else { return false };
    let text = note.get(..note.len() - lines.len() - 1).unwrap_or_default();
    let lines = lines.split_inclusive('\n');
    keys.iter().zip(lines).all(|(key, line)| key.signed(text, line))
}

/// The signature lines of a note about this tree, as many as there are `keys`. They are not checked.
pub(super) fn of_tree<'a>(
    note: &'a str,
    keys: &[&PublicKey],
    size: u64,
    root: &Hash,
) -> Option<&'a str> {
    let text = head(keys.first()?.origin(), size, root);
    let lines = note.strip_prefix(&text)?.strip_prefix('\n')?;
    (lines.split_inclusive('\n').count() == keys.len()).then_some(lines)
}

/// Size and root of the tree that a note says it is about.
pub(super) fn claims(note: &str) -> Option<(u64, Hash)> {
    let mut lines = note.lines().skip(1);
    let (size, root) = (lines.next()?, lines.next()?);
    Some((size.parse().ok()?, STANDARD.decode(root).ok()?.try_into().ok()?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::audit::key::LogKey;
    use zeroize::Zeroizing;

    fn key(seed: u8) -> LogKey {
        LogKey::from_seed("test/log", &Zeroizing::new([seed; 32]))
    }

    /// The eight points of small order: under each, one signature fits many texts.
    pub(crate) fn small_order() -> [[u8; 32]; 8] {
        const ORDER_8: [[u8; 32]; 2] = [
            *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\
               \xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
            *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\
               \x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
        ];
        let ends = |inner: u8, first: u8, last: u8| {
            let mut point = [inner; 32];
            (point[0], point[31]) = (first, last);
            point
        };
        let negative = |mut point: [u8; 32]| {
            point[31] |= 0x80;
            point
        };
        let [a, b] = ORDER_8;
        let (one, minus_one) = (ends(0, 1, 0), ends(0xff, 0xec, 0x7f));
        let (i, minus_i) = (ends(0, 0, 0), ends(0, 0, 0x80));
        [one, minus_one, i, minus_i, a, negative(a), b, negative(b)]
    }

    #[test]
    fn a_weak_key_is_none() {
        for point in small_order() {
            let key = VerifyingKey::from_bytes(&point).unwrap();
            assert_eq!(key.to_edwards().compress().to_bytes(), point, "the one form of a point");
            assert_eq!(PublicKey::parse(&PublicKey::new("test/log", key).vkey()), None);
        }
        let good = key(7).public().clone();
        assert_eq!(PublicKey::parse(&good.vkey()), Some(good));
    }

    #[test]
    fn a_note_is_about_one_tree_and_by_its_signers() {
        let (old, new) = (key(7), key(8));
        let root = [5; 32];
        let one = note(&[&old], 9, &root).unwrap();
        assert!(is_note(&one, &[old.public()], 9, &root));
        assert!(!is_note(&one, &[new.public()], 9, &root));
        assert!(!is_note(&one, &[old.public()], 8, &root));
        assert!(!is_note(&one, &[old.public()], 9, &[6; 32]));
        let both = note(&[&old, &new], 9, &root).unwrap();
        assert!(is_note(&both, &[old.public(), new.public()], 9, &root));
        assert!(!is_note(&both, &[new.public(), old.public()], 9, &root));
        assert!(!is_note(&both, &[old.public()], 9, &root), "no line too many");
        assert!(!is_note(&one, &[old.public(), new.public()], 9, &root), "nor one too few");
        for at in 0..one.len() {
            if let Some(cut) = one.get(..at) {
                assert!(!is_note(cut, &[old.public()], 9, &root), "{at}");
            }
        }
        assert_eq!(claims(&one), Some((9, root)));
    }

    #[test]
    fn a_public_key_has_one_text() {
        let vkey = key(7).vkey();
        assert_eq!(PublicKey::parse(&vkey).as_ref(), Some(key(7).public()));
        for bad in ["", "test/log", &vkey.replace("test", "rest"), &format!("{vkey}=")] {
            assert_eq!(PublicKey::parse(bad), None, "{bad}");
        }
    }
}
