//! Somebody has in hand what of a team's consumers was late: who was told where that was said, and whoever is told before
//! them, is not reminded for a while. Whoever is told only later hears of it as ever.

use super::Tone;
use crate::domain::time::UtcTime;
use crate::domain::words::words;

words! {
    /// Who is told of a team's consumers that are late; each later than the one before.
    Hearer {
        /// The team that owns them.
        Team = "team",
        /// Its lead.
        Lead = "lead",
        /// Security.
        Security = "security",
    }
}

impl Hearer {
    /// Whether they are told in this tone, where `in_hand` says up to whom nobody is.
    #[must_use]
    pub fn hears(self, tone: Tone, in_hand: Option<Self>) -> bool {
        self <= tone.last() && Some(self) > in_hand
    }
}

impl Tone {
    /// Who is the last one to be told in it: everybody before them is told too.
    #[must_use]
    pub fn last(self) -> Hearer {
        match self {
            Self::Polite | Self::Firm => Hearer::Team,
            Self::Lead => Hearer::Lead,
            Self::Security => Hearer::Security,
        }
    }
}

/// That somebody has in hand what of a team's consumers was late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hand {
    /// Since when: what was late by then.
    pub at: UtcTime,
    /// Who was told where it was said.
    pub asked_in: Hearer,
}
