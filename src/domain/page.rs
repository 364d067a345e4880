//! What becomes of a page after it was filed: pure.

use super::words::words;

words! {
    /// What a look at a filed page found.
    Finding {
        /// As it was filed.
        Filed = "filed",
        /// It was saved again, with the same text.
        Touched = "touched",
        /// It lies elsewhere, or has another title.
        Moved = "moved",
        /// The property by which it is known, or an attachment, is gone.
        Stripped = "stripped",
        /// Its text is another.
        Edited = "edited",
        /// It is in the trash or the archive, or gone.
        Removed = "removed",
    }
}

/// A page as a look found it, held against what was filed.
#[expect(clippy::struct_excessive_bools, reason = "each was looked at by itself")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// It can be read by everybody who may.
    pub is_current: bool,
    /// It has a later version than the last of ours.
    pub is_later: bool,
    /// Its text, as the receiver keeps it, is the one that was read back.
    pub same_text: bool,
    /// Title and parent are ours.
    pub same_place: bool,
    /// Property and attachments are there.
    pub is_whole: bool,
}

impl Finding {
    /// The gravest thing that a look found. The version comes first and the text second: a receiver rewrites what it
    /// keeps, so that another text in the same version says nothing.
    #[must_use]
    pub fn of(seen: Seen) -> Self {
        if !seen.is_current {
            Self::Removed
        } else if seen.is_later && !seen.same_text {
            Self::Edited
        } else if !seen.is_whole {
            Self::Stripped
        } else if !seen.same_place {
            Self::Moved
        } else if seen.is_later {
            Self::Touched
        } else {
            Self::Filed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_finding_is_told() {
        let good = Seen {
            is_current: true,
            is_later: false,
            same_text: true,
            same_place: true,
            is_whole: true,
        };
        let bad = Seen {
            is_current: false,
            is_later: true,
            same_text: false,
            same_place: false,
            is_whole: false,
        };
        for (seen, finding) in [
            (good, Finding::Filed),
            (Seen { same_text: false, ..good }, Finding::Filed),
            (Seen { is_later: true, ..good }, Finding::Touched),
            (Seen { same_place: false, is_later: true, ..good }, Finding::Moved),
            (Seen { is_whole: false, same_place: false, ..good }, Finding::Stripped),
            (Seen { is_current: true, ..bad }, Finding::Edited),
            (bad, Finding::Removed),
            (Seen { is_current: false, ..good }, Finding::Removed),
        ] {
            assert_eq!(Finding::of(seen), finding, "{seen:?}");
        }
    }
}
