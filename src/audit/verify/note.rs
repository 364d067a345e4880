//! The signed note inside a checkpoint line.
//!
//! Source: C2SP tlog-checkpoint over C2SP signed-note. Notes in the log are held to more than those
//! specifications ask: three lines, one signature, one spelling. What a note may carry beyond that
//! (extension lines, signatures of others) no hash in the log would cover.

use super::vkey::{is_origin, strict_base64};
use crate::audit::format::{MAX_INTEGER, SIGNATURE_PREFIX};

/// The parts of a checkpoint note.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note<'a> {
    /// What is signed: the three lines, the last line feed included.
    pub(super) body: &'a str,
    pub(super) origin: &'a str,
    pub(super) size: u64,
    pub(super) root: [u8; 32],
    pub(super) signer: &'a str,
    pub(super) key_id: [u8; 4],
    pub(super) signature: [u8; 64],
}

/// Takes a note apart, or says what it should have looked like.
pub(super) fn parse(text: &str) -> Result<Note<'_>, &'static str> {
    let (lines, signatures) = text.split_once("\n\n").ok_or("a blank line before the signature")?;
    let body = text.get(..=lines.len()).unwrap_or_default();
    let mut lines = lines.split('\n');
    let (Some(origin), Some(size), Some(root), None) =
        (lines.next(), lines.next(), lines.next(), lines.next())
    else {
        return Err("three lines before the blank one: origin, size, root");
    };
    if !is_origin(origin) {
        return Err("an origin without space, + and control characters");
    }
    let line = signatures.strip_suffix('\n').ok_or("a line feed at the end of the note")?;
    if line.contains('\n') {
        return Err("exactly one signature line");
    }
    let (signer, blob) = line
        .strip_prefix(SIGNATURE_PREFIX)
        .and_then(|line| line.split_once(' '))
        .ok_or("a signature line: em dash, name, base64, one space between")?;
    let [a, b, c, d, signature @ ..] =
        strict_base64::<68>(blob).ok_or("base64 of key id and ed25519 signature, 68 bytes")?;
    Ok(Note {
        body,
        origin,
        size: decimal(size).ok_or("a size in decimal digits, without leading zeros")?,
        root: strict_base64(root).ok_or("base64 of a root of 32 bytes")?,
        signer,
        key_id: [a, b, c, d],
        signature,
    })
}

/// Reads a number in its one decimal spelling, up to 2^53−1.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_shortest = text == "0" || !text.starts_with('0');
    let value = text.parse().ok()?;
    (is_plain && is_shortest && value <= MAX_INTEGER).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn signature_line() -> String {
        use base64::{Engine, engine::general_purpose::STANDARD};
        format!("\u{2014} log/a {}\n", STANDARD.encode([7; 68]))
    }

    #[test]
    fn takes_a_note_apart() {
        let text = format!("log/a\n12\n{ROOT}\n\n{}", signature_line());
        let note = parse(&text).unwrap();
        assert_eq!(note.body, format!("log/a\n12\n{ROOT}\n"));
        assert_eq!((note.origin, note.size, note.signer), ("log/a", 12, "log/a"));
        assert_eq!((note.root[31], note.key_id, note.signature), (31, [7; 4], [7; 64]));
    }

    #[test]
    fn refuses_every_other_shape() {
        let body = format!("log/a\n12\n{ROOT}\n\n");
        let signature = signature_line();
        let spare_bits = ROOT.replace("Hh8=", "Hh9=");
        for text in [
            String::new(),
            "\n\n".to_owned(),
            body.clone(),
            format!("{body}{}", signature.trim_end()),
            format!("{body}{signature}{signature}"),
            format!("{body}{signature}\n"),
            format!("{body}{}", signature.replace('\u{2014}', "-")),
            format!("{body}{}", signature.replace("log/a ", "log/a")),
            format!("{body}{}", signature.replace("log/a ", "log/a  ")),
            format!("{body}{}", signature.replace("Bwc=\n", "Bwd=\n")),
            format!("log/a\n{ROOT}\n\n{signature}"),
            format!("log/a\n12\n{ROOT}\nmore\n\n{signature}"),
            format!("log/a\n012\n{ROOT}\n\n{signature}"),
            format!("log/a\n+12\n{ROOT}\n\n{signature}"),
            format!("log/a\n9007199254740992\n{ROOT}\n\n{signature}"),
            format!("log a\n12\n{ROOT}\n\n{signature}"),
            format!("log/a\n12\n{}\n\n{signature}", ROOT.trim_end_matches('=')),
            format!("log/a\n12\n{spare_bits}\n\n{signature}"),
            format!("log/a\r\n12\n{ROOT}\n\n{signature}"),
        ] {
            assert!(parse(&text).is_err(), "{text:?}");
        }
    }
}
