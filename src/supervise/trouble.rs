//! Trouble that lasts is told when it begins, when it changes and when it is over, not at every try.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is wrong now with things that are tried again and again.
#[derive(Debug, Default)]
pub struct Trouble(Mutex<HashMap<String, String>>);

impl Trouble {
    /// `what` is wrong with `thing`. Gives whether that is news.
    #[must_use = "only news is worth a line"]
    pub fn is(&self, thing: &str, what: impl Into<String>) -> bool {
        let what = what.into();
        self.known().insert(thing.to_owned(), what.clone()) != Some(what)
    }

    /// Nothing is wrong with `thing`. Gives whether that is news.
    pub fn is_over(&self, thing: &str) -> bool {
        self.known().remove(thing).is_some()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_news() {
        let trouble = Trouble::default();
        assert!(!trouble.is_over("store"));
        assert!(trouble.is("store", "away"));
        assert!(!trouble.is("store", "away"));
        assert!(trouble.is("disk", "away"), "each thing by itself");
        assert!(trouble.is("store", "full"));
        assert!(trouble.is_over("store"));
        assert!(!trouble.is_over("store"));
        assert!(trouble.is("store", "full"));
        assert!(!trouble.is("disk", "away"));
    }
}
