//! Trouble that lasts is told when it begins, when it changes and when it is over, not at every try.

use std::sync::{Mutex, PoisonError};

/// What is wrong now with one thing that is tried again and again.
#[derive(Debug, Default)]
pub struct Trouble(Mutex<Option<String>>);

impl Trouble {
    /// This is wrong. Gives whether that is news.
    #[must_use = "only news is worth a line"]
    pub fn is(&self, what: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = known.as_deref() != Some(what);
        if news {
            *known = Some(what.to_owned());
        }
        news
    }

    /// Nothing is wrong. Gives whether that is news.
    pub fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_news() {
        let trouble = Trouble::default();
        assert!(!trouble.is_over());
        assert!(trouble.is("away"));
        assert!(!trouble.is("away"));
        assert!(trouble.is("full"));
        assert!(trouble.is_over());
        assert!(!trouble.is_over());
        assert!(trouble.is("full"));
    }
}
