//! Notes in any text: a page, a chat, a mail, a file of its own.

use super::note::{Foreign, Line, MAX_SIGNATURES};
use super::vkey::{is_origin, strict_base64};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// More notes than this of one text are not compared: an hourly one of eleven years. Those about the largest logs tell most.
const MAX_NOTES: usize = 100_000;

/// Why a text without a note of the log cannot be used.
const NONE: &str = "No note of this log is in it.";

/// What begins a note that was put into one line.
const ONE_LINE: &str = "cp1.";

/// A note that somebody kept, or the lack of one where it should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Where it was found, as the caller named it.
    pub(super) source: String,
    pub(super) note: Result<Foreign, &'static str>,
}

impl Anchor {
    /// The note itself, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.note.as_ref().ok().map(|note| note.text.as_str())
    }

    /// The anchors in `text`, which `source` names: its notes of the log `origin`, each once. There is always one
    /// anchor at least; it is unusable if the text holds no note.
    #[must_use]
    pub fn find(source: &str, text: &[u8], origin: &str) -> Vec<Self> {
        if !is_origin(origin) {
            // No log has such a name, and every place of the text would begin with the empty one.
            return vec![Self { source: source.to_owned(), note: Err(NONE) }];
        }
        let mut notes = Vec::new();
        let raw = String::from_utf8_lossy(text).into_owned();
        // A page may hold JSON, and JSON may hold a page.
        let json = without_json_escapes(&raw);
        let html = without_html(&raw);
        for text in [&raw, &without_html(&json), &without_json_escapes(&html), &json, &html] {
            in_text(text, origin, &mut notes);
            one_line(text, origin, &mut notes);
        }
        let anchor = |note| Self { source: source.to_owned(), note };
        let mut anchors: Vec<Self> = each_once(notes).into_iter().map(Ok).map(anchor).collect();
        if anchors.is_empty() {
            anchors.push(anchor(Err(NONE)));
        } else if anchors.len() > MAX_NOTES {
            anchors.drain(..anchors.len() - MAX_NOTES);
            anchors.push(anchor(Err(
                "More than 100000 notes are in it, and those about the smallest logs were not compared.",
            )));
        }
        anchors
    }
}

/// A note that has no signature but those of another counts as that one.
fn each_once(mut notes: Vec<Foreign>) -> Vec<Foreign> {
    notes.sort_by(|a, b| {
        (a.size, a.root, &a.origin, b.lines.len(), &a.text).cmp(&(
            b.size,
            b.root,
            &b.origin,
            a.lines.len(),
            &b.text,
        ))
    });
    let mut kept: Vec<Foreign> = Vec::new();
    for note in notes {
        let alike = kept.iter().rev().take_while(|other| other.body() == note.body());
        // Few texts have more than some copies; a hostile one is not compared with all of its kind.
        if !alike.take(MAX_SIGNATURES).any(|other| note.is_within(other)) {
            kept.push(note);
        }
    }
    kept
}

/// Notes as they are, with any white space between their parts.
fn in_text(text: &str, origin: &str, notes: &mut Vec<Foreign>) {
    for (at, _) in text.match_indices(origin) {
        let rest = text.get(at + origin.len()..).unwrap_or_default();
        notes.extend(note_after(rest, origin));
    }
}

fn note_after(text: &str, origin: &str) -> Option<Foreign> {
    let (size, rest) = word(after_space(text)?, |c| c.is_ascii_digit());
    let (root, mut rest) = word(after_space(rest)?, is_base64);
    let size = super::note::decimal(size)?;
    let root = strict_base64(root)?;
    let mut lines = Vec::new();
    while lines.len() < MAX_SIGNATURES {
        let Some(after) = after_space(rest).and_then(|rest| rest.strip_prefix('\u{2014}')) else {
            break;
        };
        let Some(after) = after_space(after) else { break };
        let (name, after) = word(after, |c| !c.is_whitespace());
        let Some(after) = after_space(after) else { break };
        let (blob, after) = blob(after);
        lines.extend(Line::of(name, blob));
        rest = after;
    }
    (!lines.is_empty()).then(|| Foreign::of(origin, size, root, lines))
}

/// Base64, up to the end of its padding: what follows may stand close to it.
fn blob(text: &str) -> (&str, &str) {
    let (run, _) = word(text, is_base64);
    let padding = run.find('=').map_or(run.len(), |at| {
        let after = run.get(at..).unwrap_or_default();
        at + after.find(|c| c != '=').unwrap_or(after.len())
    });
    text.split_at(padding)
}

/// Notes in one line.
fn one_line(text: &str, origin: &str, notes: &mut Vec<Foreign>) {
    for (at, _) in text.match_indices(ONE_LINE) {
        let rest = text.get(at + ONE_LINE.len()..).unwrap_or_default();
        let (data, _) = word(rest, |c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let note =
            URL_SAFE_NO_PAD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let note = note.and_then(|text| Foreign::parse(&text).ok());
        notes.extend(note.filter(|note| note.origin == origin));
    }
}

/// What follows the white space that `text` begins with; `None` if it begins with something else.
fn after_space(text: &str) -> Option<&str> {
    let rest = text.trim_start();
    (rest.len() < text.len()).then_some(rest)
}

/// Cuts `text` where the first character stands that does not belong to it.
fn word(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// The text with the escapes of JSON strings undone, wherever they stand.
fn without_json_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut tail = after.chars();
        let code = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        let meant = match tail.next() {
            Some('n') => Some(('\n', 1)),
            Some('r') => Some(('\r', 1)),
            Some('t') => Some(('\t', 1)),
            Some(c @ ('"' | '\\' | '/')) => Some((c, 1)),
            Some('u') => after.get(1..5).and_then(code).map(|c| (c, 5)),
            _ => None,
        };
        let (c, length) = meant.unwrap_or(('\\', 0));
        plain.push(c);
        rest = after.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// The text of a page: tags as white space, entities as what they mean.
fn without_html(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let (c, length) = tag(from).or_else(|| entity(from)).unwrap_or_else(|| {
            let c = from.chars().next().unwrap_or(' ');
            (c, c.len_utf8())
        });
        plain.push(c);
        rest = from.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

fn tag(text: &str) -> Option<(char, usize)> {
    let inside = text.strip_prefix('<')?;
    if !inside.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') {
        return None;
    }
    // Up to the next bracket of any kind: a tag without end is none, and is not looked for twice.
    let end = inside.find(['<', '>'])?;
    inside.get(end..)?.starts_with('>').then_some((' ', end + 2))
}

fn entity(text: &str) -> Option<(char, usize)> {
    /// Long enough for `&#x0010ffff;`.
    const LONGEST: usize = 12;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "mdash" => '\u{2014}',
        "plus" => '+',
        "equals" => '=',
        "sol" => '/',
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}
