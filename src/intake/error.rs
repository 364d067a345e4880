//! Why a notice is not accepted.

use crate::domain::notice::Fault;
use crate::domain::request::Refused;
use crate::journal::JournalError;
use crate::store::StoreError;

/// Why a notice was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The notice itself.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// Received before, with other content.
    #[error(
        "event {event_id} of {source_name} was received before with other content; nothing was changed. An event of its own \
         needs an id of its own; the journal of notices has the first one"
    )]
    Differs {
        /// Sender.
        source_name: String,
        /// Its id.
        event_id: String,
    },
    /// What keeps access cannot be asked for or approved like this.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What a person decided about a notice cannot be done.
    #[error("{0}")]
    NotHeld(String),
    /// Too many notices are held: one more that cannot be used is not kept.
    #[error("{0} notices are held already; a person has to decide about them first")]
    Full(i64),
    /// Who sent a notice cannot say that nothing follows from it.
    #[error("{0} sent this notice; somebody else has to dismiss it")]
    Sender(String),
    /// It cannot be kept now. The sender should try again.
    #[error("the notice cannot be kept at the moment; send it again later")]
    Unavailable(#[source] anyhow::Error),
}

impl From<StoreError> for IntakeError {
    fn from(error: StoreError) -> Self {
        if let StoreError::NoticeDiffers { source_name, event_id } = error {
            return Self::Differs { source_name, event_id };
        }
        Self::Unavailable(error.into())
    }
}

impl From<JournalError> for IntakeError {
    fn from(error: JournalError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// What is wrong with a notice.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionError {
    /// Not JSON, or not an object of known fields.
    #[error("{0}")]
    Form(String),
    /// A field has a value that cannot be used.
    #[error("{field}: {reason}")]
    Field {
        /// Field, as a JSON Pointer (RFC 6901).
        field: &'static str,
        /// What was expected.
        reason: String,
    },
    /// No randomness for an id.
    #[error("making an id")]
    Id(#[source] std::io::Error),
}

impl SubmissionError {
    /// What is wrong, and with what.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Field { field, reason } => Fault::new(*field, reason.clone()),
            Self::Form(_) | Self::Id(_) => {
                let said = self.to_string();
                match said.split_once(": ") {
                    Some((pointer, reason)) if pointer.starts_with('/') => {
                        Fault::new(pointer, reason)
                    }
                    _ => Fault::new("", said),
                }
            }
        }
    }
}
