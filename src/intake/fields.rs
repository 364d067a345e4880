//! Reading the fields of a payload one by one, so that everything that is wrong with it is said at once. Pure.

use super::submission::{LISTED, OneOrMany, TEXT};
use crate::domain::notice::Fault;
use crate::domain::time::UtcTime;
use serde_json::Value;

/// A payload, and what was found wrong with it so far.
pub(super) struct Fields<'a> {
    value: &'a Value,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// Reads `value`.
    pub(super) fn of(value: &'a Value) -> Self {
        Self { value, faults: Vec::new() }
    }

    /// Notes that something is wrong at `pointer`.
    pub(super) fn wrong(&mut self, pointer: &str, detail: impl Into<String>) {
        self.faults.push(Fault::new(pointer, detail));
    }

    /// Whether something was wrong at `pointer`.
    pub(super) fn is_wrong(&self, pointer: &str) -> bool {
        self.faults.iter().any(|fault| fault.pointer == pointer)
    }

    /// Everything that was wrong.
    pub(super) fn faults(self) -> Vec<Fault> {
        self.faults
    }

    /// `null` is nothing.
    fn at(&self, pointer: &str) -> Option<&'a Value> {
        self.value.pointer(pointer).filter(|value| !value.is_null())
    }

    /// Notes what is no object, though it should be one.
    pub(super) fn object(&mut self, pointer: &str) {
        if self.at(pointer).is_some_and(|value| !value.is_object()) {
            self.wrong(pointer, "has to be an object");
        }
    }

    /// A text, if there is one.
    pub(super) fn text(&mut self, pointer: &str) -> Option<String> {
        let value = self.at(pointer)?;
        match value.as_str().map(fits) {
            Some(Ok(text)) => Some(text.to_owned()),
            Some(Err(why)) => {
                self.wrong(pointer, why);
                None
            }
            None => {
                self.wrong(pointer, "has to be a text");
                None
            }
        }
    }

    /// A text that has to be there.
    pub(super) fn needed(&mut self, pointer: &str) -> Option<String> {
        if self.at(pointer).is_none() {
            self.wrong(pointer, "is missing");
            return None;
        }
        self.text(pointer)
    }

    /// An instant, if there is one.
    pub(super) fn instant(&mut self, pointer: &str) -> Option<UtcTime> {
        let text = self.text(pointer)?;
        let at = text.parse().ok();
        if at.is_none() {
            self.wrong(pointer, "has to be an instant with an offset, as 2026-02-03T14:30:00Z");
        }
        at
    }

    /// One text or several, if there are any.
    pub(super) fn list(&mut self, pointer: &str) -> Option<OneOrMany> {
        let value = self.at(pointer)?;
        let Some(many) = value.as_array() else {
            return self.text(pointer).map(OneOrMany::One);
        };
        if many.len() > LISTED {
            self.wrong(pointer, format!("has to have up to {LISTED} names"));
            return None;
        }
        let mut texts = Vec::with_capacity(many.len());
        for number in 0..many.len() {
            texts.extend(self.needed(&format!("{pointer}/{number}")));
        }
        (!texts.is_empty()).then_some(OneOrMany::Many(texts))
    }
}

fn fits(text: &str) -> Result<&str, String> {
    if text.trim().is_empty() || text.len() > TEXT {
        return Err(format!("has to have 1 to {TEXT} bytes of text"));
    }
    if text.contains('\0') {
        return Err("no text has a NUL character".to_owned());
    }
    if text.trim() != text {
        return Err("no blanks at its beginning or end".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let value = json!({
            "user": {"username": 7, "email": " a", "gone": null, "long": "x".repeat(1_001)},
            "list": ["a", "", 3], "at": "2026-02-03", "metadata": [],
        });
        let mut fields = Fields::of(&value);
        assert_eq!(fields.text("/user/username"), None);
        assert_eq!(fields.text("/user/email"), None);
        assert_eq!(fields.text("/user/gone"), None, "null is nothing, and not wrong");
        assert_eq!(fields.text("/user/long"), None);
        assert_eq!(fields.needed("/event_id"), None);
        assert_eq!(fields.instant("/at"), None);
        assert!(fields.list("/list").is_some());
        fields.object("/metadata");
        let pointers: Vec<_> = fields.faults().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(
            pointers,
            [
                "/user/username",
                "/user/email",
                "/user/long",
                "/event_id",
                "/at",
                "/list/1",
                "/list/2",
                "/metadata"
            ]
        );
    }
}
