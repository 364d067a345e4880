//! What a token is answered, and what became of each of its events.

use super::event::Event;
use crate::domain::words::words;

words! {
    /// Why a token is refused: the codes of RFC 8935 section 2.4.
    Fault {
        /// No token, or one whose claims cannot be used.
        InvalidRequest = "invalid_request",
        /// Signed by no key, or in no way, that is taken.
        InvalidKey = "invalid_key",
        /// Of an issuer that is not configured.
        InvalidIssuer = "invalid_issuer",
        /// Meant for somebody else.
        InvalidAudience = "invalid_audience",
        /// Signed or sent by somebody else.
        AuthenticationFailed = "authentication_failed",
        /// About somebody of whom this issuer may not speak.
        AccessDenied = "access_denied",
    }
}

words! {
    /// What became of an event.
    Outcome {
        /// It opened a revocation.
        Accepted = "accepted",
        /// A revocation that was open asks for more now.
        Tightened = "tightened",
        /// Nothing new was asked.
        Known = "known",
        /// It was kept with a revocation that is not finished, and a look was asked for.
        Noted = "noted",
        /// Nothing follows from it here.
        Ignored = "ignored",
        /// It came before with other claims.
        Conflict = "conflict",
        /// It cannot be used.
        Unusable = "unusable",
    }
}

/// A token that is refused: the same again is no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub err: Fault,
    /// What is wrong with it, for its sender.
    pub description: String,
}

pub(super) fn refuse(err: Fault, description: impl Into<String>) -> Refusal {
    Refusal { err, description: description.into() }
}

/// Why a token was not taken.
#[derive(Debug)]
pub enum Declined {
    /// The token itself.
    Refused(Refusal),
    /// Not now: it should be sent again.
    Unavailable(anyhow::Error),
}

impl From<Refusal> for Declined {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<anyhow::Error> for Declined {
    fn from(error: anyhow::Error) -> Self {
        Self::Unavailable(error)
    }
}

/// What can become of an event.
pub(super) fn outcomes(event: Event) -> &'static [Outcome] {
    match event {
        Event::AccountDisabled
        | Event::AccountPurged
        | Event::CredentialCompromise
        | Event::Deactivated
        | Event::Deleted => &[
            Outcome::Accepted,
            Outcome::Tightened,
            Outcome::Known,
            Outcome::Conflict,
            Outcome::Unusable,
        ],
        Event::SessionRevoked | Event::CredentialChange => &[
            Outcome::Noted,
            Outcome::Known,
            Outcome::Ignored,
            Outcome::Conflict,
            Outcome::Unusable,
        ],
        Event::IdentifierRecycled => &[
            Outcome::Accepted,
            Outcome::Known,
            Outcome::Ignored,
            Outcome::Conflict,
            Outcome::Unusable,
        ],
        Event::Verification | Event::StreamUpdated | Event::Other => &[Outcome::Ignored],
    }
}
