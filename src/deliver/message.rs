//! What a message says, in parts: who wrote each part is known, so that nothing of theirs is ever markup of ours.

use std::fmt::Write as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// Most characters, as people see them, of anything that others wrote.
const MOST: usize = 80;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// One line, of our own words.
    pub title: String,
    /// What is said of what.
    pub facts: Vec<Fact>,
    /// A list, if there is one.
    pub table: Option<Table>,
    /// Sentences of our own.
    pub notes: Vec<String>,
    /// What to do about it.
    pub next: Option<Fact>,
    /// Where the log has it.
    pub cite: String,
    /// Somebody has to act.
    pub urgent: bool,
    /// What a button acknowledges, where the receiver has one: reminders of it rest for a while.
    pub acknowledges: Option<String>,
}

/// One line: a label of ours, and parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub label: &'static str,
    /// What is said of it.
    pub parts: Vec<Part>,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Our words, ids, times and numbers.
    Ours(String),
    /// A command of ours, to be copied.
    Command(String),
    /// What others wrote: names of roles and objects. Shown as it is, and never read.
    Theirs(String),
    /// Id of a Slack user. It is left out where nobody is shown by it.
    SlackUser(String),
}

/// The first rows of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Headings.
    pub columns: Vec<&'static str>,
    /// Rows: anything in them may be of others.
    pub rows: Vec<Vec<String>>,
    /// How many there are in all.
    pub total: u64,
}

impl Fact {
    /// A fact in our words.
    #[must_use]
    pub fn ours(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, parts: vec![Part::Ours(text.into())] }
    }

    /// A fact in somebody's words.
    #[must_use]
    pub fn theirs(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, parts: vec![Part::Theirs(text.into())] }
    }
}

/// Whether a character is not seen, or changes how others are seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` so that people see all of it and no program reads anything in it: hidden characters are written out, and it
/// ends after 80 characters as people see them.
#[must_use]
pub fn inert(text: &str) -> String {
    let mut shown = String::new();
    for (n, cluster) in text.graphemes(true).enumerate() {
        if n == MOST {
            shown.push('…');
            break;
        }
        // A character may bear any number of marks.
        for c in cluster.chars().take(8) {
            match c {
                '\n' => shown.push('␤'),
                hidden if is_hidden(hidden) => {
                    let _ = write!(shown, "[U+{:04X}]", u32::from(hidden));
                }
                seen => shown.push(seen),
            }
        }
    }
    if shown.is_empty() { "(nothing)".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_seen_and_not_read() {
        for (text, shown) in [
            ("john_doe", "john_doe"),
            ("", "(nothing)"),
            ("a\nb\0c", "a␤b[U+0000]c"),
            ("\u{202e}evil", "[U+202E]evil"),
            ("a\u{200b}b\u{2066}c", "a[U+200B]b[U+2066]c"),
            ("\u{e0041}", "[U+E0041]"),
            ("Jürgen 日本", "Jürgen 日本"),
        ] {
            assert_eq!(inert(text), shown);
        }
        let long = inert(&"é".repeat(10_000));
        assert_eq!(long.chars().count(), 81);
        assert!(inert(&format!("a{}", "\u{301}".repeat(10_000))).chars().count() < 10);
        let family = "👩\u{200d}👩\u{200d}👧".repeat(100);
        assert!(inert(&family).ends_with('…'));
    }
}
