//! Signed notes: those inside checkpoint lines, and those kept elsewhere.
//!
//! Source: C2SP tlog-checkpoint over C2SP signed-note. Notes in the log are held to more than those
//! specifications ask: three lines, one signature, two where the key changes, one spelling. What a note may
//! carry beyond that (extension lines, signatures of others) no hash in the log would cover. A note from
//! elsewhere may have up to 64 signature lines.

use super::tree::Hash;
use super::vkey::{Vkey, is_origin, strict_base64};
use crate::audit::format::{MAX_INTEGER, SIGNATURE_PREFIX};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A note from elsewhere has no more signature lines than this.
pub(super) const MAX_SIGNATURES: usize = 64;

/// The parts of a checkpoint note in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note<'a> {
    /// What is signed: the three lines, the last line feed included.
    pub(super) body: &'a str,
    pub(super) origin: &'a str,
    pub(super) size: u64,
    pub(super) root: Hash,
    pub(super) first: Signed<'a>,
    /// Of the new key, where the key changes.
    pub(super) second: Option<Signed<'a>>,
}

/// One signature line of a note in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signed<'a> {
    pub(super) signer: &'a str,
    pub(super) key_id: [u8; 4],
    pub(super) signature: [u8; 64],
}

/// Takes a note apart, or says what it should have looked like.
pub(super) fn parse(text: &str) -> Result<Note<'_>, &'static str> {
    let (lines, signatures) = text.split_once("\n\n").ok_or("a blank line before the signature")?;
    let body = text.get(..=lines.len()).unwrap_or_default();
    let (origin, size, root) = three_lines(lines)?;
    let signatures = signatures.strip_suffix('\n').ok_or("a line feed at the end of the note")?;
    let mut signatures = signatures.split('\n');
    let first = signed(signatures.next().unwrap_or_default())?;
    let second = signatures.next().map(signed).transpose()?;
    if signatures.next().is_some() {
        return Err("one signature line, or two where the key changes");
    }
    Ok(Note { body, origin, size, root, first, second })
}

fn three_lines(text: &str) -> Result<(&str, u64, Hash), &'static str> {
    let mut lines = text.split('\n');
    let (Some(origin), Some(size), Some(root), None) =
        (lines.next(), lines.next(), lines.next(), lines.next())
    else {
        return Err("three lines before the blank one: origin, size, root");
    };
    if !is_origin(origin) {
        return Err("an origin without space, + and control characters");
    }
    let size = decimal(size).ok_or("a size in decimal digits, without leading zeros")?;
    Ok((origin, size, strict_base64(root).ok_or("base64 of a root of 32 bytes")?))
}

fn signed(line: &str) -> Result<Signed<'_>, &'static str> {
    let (signer, blob) = line
        .strip_prefix(SIGNATURE_PREFIX)
        .and_then(|line| line.split_once(' '))
        .ok_or("a signature line: em dash, name, base64, one space between")?;
    let [a, b, c, d, signature @ ..] =
        strict_base64::<68>(blob).ok_or("base64 of key id and ed25519 signature, 68 bytes")?;
    Ok(Signed { signer, key_id: [a, b, c, d], signature })
}

/// A note from elsewhere: in form, and not more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    pub(super) text: String,
    body_len: usize,
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) root: Hash,
    pub(super) lines: Vec<Line>,
}

/// One signature line of a note from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) key_id: [u8; 4],
    /// What follows the key id; how long it is depends on the kind of key.
    pub(super) blob: Vec<u8>,
}

impl Foreign {
    /// Takes the text of a note apart.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (lines, signatures) =
            text.split_once("\n\n").ok_or("a blank line before the signatures")?;
        let (origin, size, root) = three_lines(lines)?;
        let signatures =
            signatures.strip_suffix('\n').ok_or("a line feed at the end of the note")?;
        let mut given = signatures.split('\n');
        let lines: Option<Vec<Line>> =
            given.by_ref().take(MAX_SIGNATURES).map(Line::parse).collect();
        let lines = lines.ok_or("signature lines: em dash, name, base64, one space between")?;
        // What is not read must not be there: it would be passed off as a part of what was found good.
        if given.next().is_some() {
            return Err("at most 64 signature lines");
        }
        Ok(Self::of(origin, size, root, lines))
    }

    /// The note with these parts.
    pub(super) fn of(origin: &str, size: u64, root: Hash, lines: Vec<Line>) -> Self {
        let mut text = format!("{origin}\n{size}\n{}\n", STANDARD.encode(root));
        let body_len = text.len();
        text.push('\n');
        for line in &lines {
            let blob = STANDARD.encode([&line.key_id[..], &line.blob].concat());
            text.extend([SIGNATURE_PREFIX, &line.name, " ", &blob, "\n"]);
        }
        Self { text, body_len, origin: origin.to_owned(), size, root, lines }
    }

    /// The part that is signed.
    pub(super) fn body(&self) -> &str {
        self.text.get(..self.body_len).unwrap_or_default()
    }

    /// Whether a line of this note is a good signature of `key`.
    pub(super) fn is_signed_by(&self, key: &Vkey) -> bool {
        self.lines.iter().any(|line| {
            line.name == key.origin()
                && line.key_id == key.id()
                && <&[u8; 64]>::try_from(line.blob.as_slice())
                    .is_ok_and(|signature| key.verifies(self.body().as_bytes(), signature))
        })
    }

    /// Whether `other` says the same with all the signatures of this one.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.body() == other.body() && self.lines.iter().all(|line| other.lines.contains(line))
    }
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let (name, blob) = text.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        Self::of(name, blob)
    }

    /// A signature line with the name `name` and base64 of key id and signature.
    pub(super) fn of(name: &str, blob: &str) -> Option<Self> {
        let bytes = STANDARD.decode(blob).ok().filter(|bytes| STANDARD.encode(bytes) == blob)?;
        let (key_id, rest) = bytes.split_first_chunk::<4>()?;
        let fits = is_origin(name) && !rest.is_empty();
        fits.then(|| Self { name: name.to_owned(), key_id: *key_id, blob: rest.to_vec() })
    }
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
        assert_eq!((note.origin, note.size, note.first.signer), ("log/a", 12, "log/a"));
        assert_eq!(note.root[31], 31);
        assert_eq!((note.first.key_id, note.first.signature), ([7; 4], [7; 64]));
        assert_eq!(note.second, None);
        let twice = format!("{text}{}", signature_line());
        assert_eq!(parse(&twice).unwrap().second, Some(note.first));
        let foreign = Foreign::parse(&format!("{twice}\u{2014} other AAAAAAA=\n")).unwrap();
        assert_eq!((foreign.lines.len(), foreign.body()), (3, note.body));
        assert_eq!(Foreign::parse(&foreign.text).as_ref(), Ok(&foreign));
        assert!(foreign.text.starts_with(&twice), "{}", foreign.text);
    }

    #[test]
    fn nothing_follows_the_last_signature_that_is_read() {
        let text =
            |count: usize| format!("log/a\n12\n{ROOT}\n\n{}", signature_line().repeat(count));
        assert_eq!(Foreign::parse(&text(64)).unwrap().lines.len(), 64);
        assert!(Foreign::parse(&text(65)).is_err());
        assert!(Foreign::parse(&format!("{}This was never withdrawn.\n", text(64))).is_err());
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
            format!("{body}{signature}{signature}{signature}"),
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
