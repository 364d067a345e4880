//! Cosignatures: what a witness says of a checkpoint, and when.
//!
//! Source: C2SP tlog-cosignature, ed25519.

use super::format::{SIGNATURE_PREFIX, VKEY_ED25519};
use super::key::LogKey;
use super::signed::Note;
use super::verify::{Vkey, VkeyError};
use crate::domain::hex::hex;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Algorithm byte of an ed25519 key that makes cosignatures.
const COSIGNATURE: u8 = 0x04;

/// The public key of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigner {
    id: [u8; 4],
    /// The same key as one of a log: what makes a key good is the same.
    key: Vkey,
}

impl Cosigner {
    /// Reads `<name>+<key id>+<base64(0x04 ‖ key)>`.
    ///
    /// # Errors
    /// [`VkeyError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, VkeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VkeyError::Parts);
        };
        let bytes = STANDARD.decode(data).map_err(|_| VkeyError::Base64)?;
        let [algorithm, key @ ..] = <[u8; 33]>::try_from(bytes).map_err(|_| VkeyError::Base64)?;
        if algorithm != COSIGNATURE {
            return Err(VkeyError::Algorithm { found: algorithm, wanted: COSIGNATURE });
        }
        let own = key_id(name, COSIGNATURE, &key);
        let key = Vkey::parse(&vkey(name, VKEY_ED25519, &key))?;
        if hex(&own) != id {
            return Err(VkeyError::IdMismatch);
        }
        Ok(Self { id: own, key })
    }

    /// Its name in signature lines.
    #[must_use]
    pub fn name(&self) -> &str {
        self.key.origin()
    }

    /// When this witness says that it saw `body`, by the signature lines `lines`: Unix seconds. `None` when no line
    /// is its, or one is that is not good.
    #[must_use]
    pub fn saw(&self, body: &str, lines: &str) -> Option<u64> {
        let text = format!("{body}\n{lines}");
        let note = Note::parse(&text)?;
        let mut seen = None;
        for signature in note.by(self.name(), self.id) {
            let (time, signature) = signature.split_first_chunk::<8>()?;
            let time = u64::from_be_bytes(*time);
            if !self.key.verifies(message(body, time).as_bytes(), signature.try_into().ok()?) {
                return None;
            }
            seen = Some(time);
        }
        seen
    }
}

/// The signature line of the witness with this key for the checkpoint `body`, at `time` (Unix seconds).
#[must_use]
pub fn cosign(key: &LogKey, body: &str, time: u64) -> String {
    let mut blob = key_id(key.origin(), COSIGNATURE, &public(key)).to_vec();
    blob.extend(time.to_be_bytes());
    blob.extend(key.signature(message(body, time).as_bytes()));
    format!("{SIGNATURE_PREFIX}{} {}\n", key.origin(), STANDARD.encode(blob))
}

/// The public key of the witness with this key, as others configure it.
#[must_use]
pub fn cosigner(key: &LogKey) -> String {
    vkey(key.origin(), COSIGNATURE, &public(key))
}

/// The bytes of the public half, from its text.
fn public(key: &LogKey) -> [u8; 32] {
    let text = key.vkey();
    let data = text.splitn(3, '+').nth(2).and_then(|data| STANDARD.decode(data).ok());
    data.and_then(|data| data.last_chunk().copied()).unwrap_or_default()
}

fn message(body: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{body}")
}

fn vkey(name: &str, algorithm: u8, key: &[u8; 32]) -> String {
    let mut data = vec![algorithm];
    data.extend(key);
    format!("{name}+{}+{}", hex(&key_id(name, algorithm, key)), STANDARD.encode(data))
}

fn key_id(name: &str, algorithm: u8, key: &[u8; 32]) -> [u8; 4] {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', algorithm]).chain_update(key);
    let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::signed::note_of;
    use zeroize::Zeroizing;

    #[test]
    fn a_cosignature_is_good_for_its_witness_checkpoint_and_time_alone() {
        let witness = LogKey::from_seed("witness.example/w1", &Zeroizing::new([9; 32]));
        let other = LogKey::from_seed("witness.example/w2", &Zeroizing::new([9; 32]));
        let log = LogKey::from_seed("test/log", &Zeroizing::new([1; 32]));
        let note = note_of(&log, 12, &[3; 32]);
        let (body, own) = note.split_once("\n\n").unwrap();
        let body = format!("{body}\n");
        let known = Cosigner::parse(&cosigner(&witness)).unwrap();
        let line = cosign(&witness, &body, 1_679_315_147);
        assert_eq!(known.saw(&body, &line), Some(1_679_315_147));
        assert_eq!(known.saw(&body, &format!("{own}{line}")), Some(1_679_315_147));
        assert_eq!(known.saw(&body, own), None);
        assert_eq!(known.saw(&body.replace("12", "13"), &line), None);
        assert_eq!(known.saw(&body, &cosign(&other, &body, 1_679_315_147)), None);
        let bad = cosign(&witness, &body.replace("12", "13"), 5);
        assert_eq!(known.saw(&body, &format!("{line}{bad}")), None, "one of the two is bad");
        // Another time under the same signature.
        let mut blob = STANDARD.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap();
        blob[11] ^= 1;
        let later = format!("{SIGNATURE_PREFIX}witness.example/w1 {}\n", STANDARD.encode(blob));
        assert_eq!(known.saw(&body, &later), None);
        assert!(matches!(Cosigner::parse(&log.vkey()), Err(VkeyError::Algorithm { found: 1, .. })));
        assert!(Cosigner::parse(&cosigner(&witness).replace("w1", "w3")).is_err());
        assert!(Vkey::parse(&cosigner(&witness)).is_err());
    }

    #[test]
    fn a_weak_key_of_a_witness_is_none() {
        for point in crate::audit::signer::tests::small_order() {
            let text = vkey("witness.example/w1", COSIGNATURE, &point);
            assert!(matches!(Cosigner::parse(&text), Err(VkeyError::Weak)), "{text}");
        }
    }
}
