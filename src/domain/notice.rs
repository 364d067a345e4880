//! What becomes of a notice, and why one is held.

use super::words::words;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// What became of a notice.
    Outcome {
        /// It made a revocation, or joined one.
        Accepted = "accepted",
        /// It asks for what a second person has to approve.
        Pending = "pending",
        /// One revocation of a checklist, whose notice is listed by itself.
        Part = "part",
        /// A newer notice asks for more than it did when it was sent.
        Superseded = "superseded",
        /// It was a test.
        Test = "test",
        /// The configuration says that such events are none of ours.
        Ignored = "ignored",
        /// It cannot be used as it is, and waits for a person.
        Quarantined = "quarantined",
        /// It was held, and was accepted later.
        Released = "released",
        /// It was held, and a person decided that nothing follows from it.
        Dismissed = "dismissed",
    }
}

#[expect(clippy::derivable_impls, reason = "`words` derives no default")]
impl Default for Outcome {
    fn default() -> Self {
        Self::Accepted
    }
}

impl Outcome {
    /// Whether a person may still have it accepted.
    #[must_use]
    pub fn can_be_released(self) -> bool {
        match self {
            Self::Quarantined | Self::Superseded => true,
            Self::Accepted
            | Self::Pending
            | Self::Part
            | Self::Test
            | Self::Ignored
            | Self::Released
            | Self::Dismissed => false,
        }
    }
}

words! {
    /// Why a notice is held.
    Hold {
        /// It is no JSON object, or a field of it cannot be used.
        Unreadable = "unreadable",
        /// Nobody knows this type of event.
        UnknownType = "unknown_type",
        /// This type of event is known, and this version does nothing for it.
        NotYet = "not_yet",
        /// As things stand nothing can follow from it: it permits what nobody expects, or takes back what its sender
        /// did not say.
        NotPossible = "not_possible",
        /// It says that it was made more than a day from now.
        Future = "future",
        /// The person is known by another name or address.
        Identity = "identity",
    }
}

/// What is wrong with one field of a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FieldFault)]
pub struct Fault {
    /// The field, as a JSON Pointer (RFC 6901) into what was sent; empty for the whole.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Fault {
    /// Something wrong at `pointer`.
    #[must_use]
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.pointer.is_empty() {
            return f.write_str(&self.detail);
        }
        write!(f, "{}: {}", self.pointer, self.detail)
    }
}

/// Why a notice cannot be used as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The class of it.
    pub cause: Hold,
    /// Each thing that is wrong; at least one.
    pub faults: Vec<Fault>,
}

impl Unusable {
    /// One thing that is wrong.
    #[must_use]
    pub fn one(cause: Hold, fault: Fault) -> Self {
        Self { cause, faults: vec![fault] }
    }
}
