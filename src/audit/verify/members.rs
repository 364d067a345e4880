//! Members of `what`, where a rule needs them.

use super::line::Line;
use super::report::{FaultKind, Flaw, excerpt};
use super::scan::{self, Member};

/// The `what` of a line whose members a rule of kind `kind` is about.
pub(super) struct What<'a> {
    object: Member<'a>,
    kind: FaultKind,
    /// Of a line that does not fit.
    sentence: &'static str,
}

impl<'a> What<'a> {
    pub(super) fn of(line: &Line<'a>, kind: FaultKind, sentence: &'static str) -> Self {
        Self { object: line.what(), kind, sentence }
    }

    /// Each of `names` in `what`, if it is there, with its place in the line.
    pub(super) fn find<const N: usize>(&self, names: [&str; N]) -> [Option<Member<'a>>; N] {
        let mut found = [None; N];
        // The line was found canonical before; were it not, nothing would be found.
        let _ = scan::object(self.object.text, &mut |key, member| {
            for (name, slot) in names.iter().zip(&mut found) {
                if key == *name {
                    *slot = Some(Member { at: self.object.at + member.at, ..member });
                }
            }
        });
        found
    }

    /// Strings that must be there, with their places.
    pub(super) fn strings<const N: usize>(
        &self,
        names: [&str; N],
    ) -> Result<[(String, usize); N], Flaw> {
        let found = self.find(names);
        let mut strings = [const { (String::new(), 0) }; N];
        for ((name, member), slot) in names.iter().zip(found).zip(&mut strings) {
            let raw = member.and_then(Member::string);
            let (Some(raw), Some(member)) = (raw, member) else {
                return Err(self.unfit(
                    self.object.at,
                    format!("{name}: a string"),
                    self.object.text,
                ));
            };
            *slot = (scan::unescape(raw), member.at);
        }
        Ok(strings)
    }

    /// The flaw of a member at `at` of the line.
    pub(super) fn unfit(&self, at: usize, expected: impl Into<String>, found: &str) -> Flaw {
        Flaw::new(self.kind, at, expected, excerpt(found.as_bytes()), self.sentence)
    }
}

/// Bytes of a text that are kept to be shown: many are, and one may be as long as a line.
const SHOWN: usize = 256;

/// The beginning of `text`, if it is too long to be kept.
pub(super) fn beginning(text: &str) -> Option<&str> {
    let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end))?;
    text.get(..end).filter(|_| text.len() > SHOWN)
}

/// A string of `what` to be shown, cut off where it is too long; empty if there is none of that name.
pub(super) fn shown(line: &Line<'_>, name: &str) -> String {
    let text = string_of(line, name).unwrap_or_default();
    match beginning(&text) {
        Some(start) => format!("{start}…"),
        None => text,
    }
}

/// A string of `what`, unescaped; `None` if there is none of that name.
pub(super) fn string_of(line: &Line<'_>, name: &str) -> Option<String> {
    let [member] = What::of(line, FaultKind::Members, "").find([name]);
    member.and_then(Member::string).map(scan::unescape)
}
