//! Public keys as text, and the one way a signature is checked.

use crate::audit::format::{MAX_ORIGIN, VKEY_ED25519};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

/// A public key with the name of the log it signs: `<origin>+<key id>+<base64(0x01 ‖ key)>`.
///
/// Source: C2SP signed-note, "Verifier keys"; the key id is the first four bytes of
/// SHA-256(origin ‖ 0x0A ‖ 0x01 ‖ key).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vkey {
    text: String,
    origin: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// Why a text is not the public key of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VkeyError {
    /// Not three parts.
    #[error("a key is written <origin>+<8 hex digits>+<base64>")]
    Parts,
    /// The first part cannot name a log.
    #[error("the origin of a key has no space, no + and no control character, and 1 to 255 bytes")]
    Origin,
    /// The second part is not eight lower-case hex digits.
    #[error("the id of a key is 8 lower-case hex digits")]
    Id,
    /// The third part is not base64 in its one spelling, or not of 33 bytes.
    #[error("the last part of a key is padded base64 of 33 bytes")]
    Base64,
    /// The first byte names another algorithm, or another use of the key.
    #[error("{}", mixed_up(*.found, *.wanted))]
    Algorithm {
        /// What the key says.
        found: u8,
        /// 0x01 for the key of a log, 0x04 for that of a witness.
        wanted: u8,
    },
    /// Id and key do not belong together: a typing error, or two keys mixed up.
    #[error("the id of the key does not fit its origin and bytes")]
    IdMismatch,
    /// Not the encoding of a point.
    #[error("the bytes are not an ed25519 public key")]
    NotAKey,
    /// A key of small order, under which one signature fits many texts.
    #[error("the key is weak: signatures under it prove nothing")]
    Weak,
}

/// What to say of a key that is meant for something else.
fn mixed_up(found: u8, wanted: u8) -> String {
    let whose = |algorithm| match algorithm {
        1 => "a log's key".to_owned(),
        4 => "a witness's key".to_owned(),
        other => format!("a key of the algorithm {other:#04x}"),
    };
    format!("it is {}, and {} is needed here", whose(found), whose(wanted))
}

impl Vkey {
    /// Reads the text form. Each key has one text only, so texts may be compared as bytes.
    ///
    /// # Errors
    /// [`VkeyError`] says which part is wrong; weak and non-canonical keys are refused here, once.
    pub fn parse(text: &str) -> Result<Self, VkeyError> {
        Self::parse_as(VKEY_ED25519, text)
    }

    /// Reads a key for the signatures of type `wanted`.
    pub(super) fn parse_as(wanted: u8, text: &str) -> Result<Self, VkeyError> {
        // Base64 may hold a `+` itself, origin and id cannot.
        let mut parts = text.splitn(3, '+');
        let (Some(origin), Some(id), Some(data)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(VkeyError::Parts);
        };
        if !is_origin(origin) {
            return Err(VkeyError::Origin);
        }
        if id.len() != 8 || !is_lower_hex(id) {
            return Err(VkeyError::Id);
        }
        let [algorithm, bytes @ ..] = strict_base64::<33>(data).ok_or(VkeyError::Base64)?;
        if algorithm != wanted {
            return Err(VkeyError::Algorithm { found: algorithm, wanted });
        }
        let own_id = key_id(origin, wanted, &bytes);
        if hex(&own_id) != id {
            return Err(VkeyError::IdMismatch);
        }
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| VkeyError::NotAKey)?;
        // dalek decodes by the lax rules of ZIP-215; others refuse a second encoding of a point.
        if key.to_edwards().compress().to_bytes() != bytes {
            return Err(VkeyError::NotAKey);
        }
        if key.is_weak() {
            return Err(VkeyError::Weak);
        }
        Ok(Self { text: text.to_owned(), origin: origin.to_owned(), id: own_id, key })
    }

    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The log this key signs.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The four bytes that name this key in a signature line. A hint, not an identity.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// [`Vkey::id`] as eight hex digits.
    #[must_use]
    pub fn id_hex(&self) -> String {
        hex(&self.id)
    }

    /// Whether `signature` is this key's over exactly these bytes.
    ///
    /// By RFC 8032 with the stricter checks of `verify_strict`: two verifiers must not disagree
    /// about one file, and this is the set of signatures which libsodium accepts too.
    #[must_use]
    pub fn verifies(&self, text: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(text, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn key_id(origin: &str, algorithm: u8, key: &[u8; 32]) -> [u8; 4] {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(origin)
        .chain_update([b'\n', algorithm])
        .chain_update(key)
        .finalize()
        .into();
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

/// Whether `name` can stand in a signed note and in a line of a terminal.
pub(super) fn is_origin(name: &str) -> bool {
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    (1..=MAX_ORIGIN).contains(&name.len()) && name.chars().all(fits)
}

/// Decodes base64 that has exactly `N` bytes and is spelt as an encoder would spell it, with no
/// spare bits and no missing padding: else a signed note had many spellings.
pub(super) fn strict_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = STANDARD.decode(text).ok()?;
    (STANDARD.encode(&bytes) == text).then(|| bytes.try_into().ok()).flatten()
}

pub(super) fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| hex_digits(*byte)).map(char::from).collect()
}

/// The bytes that are written in lower-case hex digits.
pub(super) fn unhex(digits: &[u8; 64]) -> Option<[u8; 32]> {
    // Without a branch for each digit: of a hash, no processor foresees which are letters.
    let (mut values, mut good) = ([0; 64], true);
    for (value, digit) in values.iter_mut().zip(digits) {
        let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
        good &= (number < 10) || (letter < 6);
        *value = if number < 10 { number } else { letter.wrapping_add(10) };
    }
    let (pairs, _) = values.as_chunks::<2>();
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = high << 4 | low & 0x0f;
    }
    good.then_some(bytes)
}

fn hex_digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|digit| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the C2SP signed-note specification: key, text and signature.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";
    const SIGNATURE: &str = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf\
                             qdngotpRZb6KE6RyyBwJnAM=";

    fn vkey(origin: &str, key: &[u8; 32]) -> String {
        let mut data = vec![1];
        data.extend(key);
        format!("{origin}+{}+{}", hex(&key_id(origin, 1, key)), STANDARD.encode(data))
    }

    fn unhex<const N: usize>(text: &str) -> [u8; N] {
        let byte = |i: usize| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap();
        (0..N).map(byte).collect::<Vec<u8>>().try_into().unwrap()
    }

    #[test]
    fn the_published_note_verifies() {
        let key = Vkey::parse(KEY).unwrap();
        let signature = strict_base64::<68>(SIGNATURE).unwrap();
        let (id, signature) = signature.split_at(4);
        assert_eq!(id, key.id());
        assert!(key.verifies(TEXT.as_bytes(), signature.try_into().unwrap()));
        assert_eq!(key.to_string(), KEY);
        assert_eq!((key.origin(), key.id_hex().as_str()), ("PeterNeumann", "c74f20a3"));
    }

    /// Every text that differs in one byte is another key or none.
    #[test]
    fn no_second_spelling() {
        for at in 0..KEY.len() {
            for bit in 0..7 {
                let mut bytes = KEY.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                assert!(Vkey::parse(std::str::from_utf8(&bytes).unwrap()).is_err());
            }
        }
    }

    /// RFC 8032 section 7.1: TEST 1, 2, 3 and SHA(abc).
    #[test]
    fn rfc_8032_vectors() {
        let vectors = [
            (
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
                 5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                 085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                 18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
            (
                "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
                "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589\
                 09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
            ),
        ];
        for (public, message, signature) in vectors {
            let key = Vkey::parse(&vkey("rfc8032", &unhex(public))).unwrap();
            let message: Vec<u8> =
                (0..message.len()).step_by(2).map(|i| unhex::<1>(&message[i..])[0]).collect();
            let signature = unhex::<64>(signature);
            assert!(key.verifies(&message, &signature));
            for at in 0..64 {
                let mut other = signature;
                other[at] ^= 1;
                assert!(!key.verifies(&message, &other), "{public} byte {at}");
            }
        }
    }

    #[test]
    fn what_is_not_a_key() {
        let good = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let identity = unhex("0100000000000000000000000000000000000000000000000000000000000000");
        // y = p + 3 spells the same point as y = 3; y = 2 is no point at all.
        let unreduced = unhex("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
        let no_point = unhex("0200000000000000000000000000000000000000000000000000000000000000");
        assert!(Vkey::parse(&vkey("a/b/c", &good)).is_ok());
        for (text, error) in [
            ("", VkeyError::Parts),
            ("log+c74f20a3", VkeyError::Parts),
            ("a b+c74f20a3+AA==", VkeyError::Origin),
            ("+c74f20a3+AA==", VkeyError::Origin),
            (&vkey(&"x".repeat(256), &good), VkeyError::Origin),
            (&KEY.replace("c74f20a3", "C74F20A3"), VkeyError::Id),
            (&KEY.replace("c74f20a3", "c74f20a4"), VkeyError::IdMismatch),
            (&KEY.replace("PeterNeumann", "Peter"), VkeyError::IdMismatch),
            (&KEY.replace("+ARpc", "+BBpc"), VkeyError::Algorithm { found: 4, wanted: 1 }),
            (&format!("{KEY}\n"), VkeyError::Base64),
            (&vkey("log", &identity), VkeyError::Weak),
            (&vkey("log", &unreduced), VkeyError::NotAKey),
            (&vkey("log", &no_point), VkeyError::NotAKey),
        ] {
            assert_eq!(Vkey::parse(text), Err(error), "{text}");
        }
    }
}
