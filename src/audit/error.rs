//! What keeps a log from being opened or written.

use super::line::LineError;
use super::signer::SignError;
use std::path::{Path, PathBuf};

/// What keeps a log from being opened or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refused.
    #[error("audit log {path}: {doing}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// Neither the file nor a new one can be written.
    #[error(
        "audit log {path}: it cannot be written, and neither can a new file beside it. What was acknowledged is \
         in it. Look after the disk (dmesg, smartctl), then start again"
    )]
    Broken {
        /// Where.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// There is no room. It goes on by itself when there is.
    #[error(
        "audit log {path}: there is no room for it. Free some on its disk, or raise the quota or limit of the \
         agent's user"
    )]
    Full {
        /// Where.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: std::io::Error,
    },
    /// No signature. It is asked again.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Another process has it.
    #[error(
        "audit log {path}: another process holds it. If the agent runs, let the command talk to it \
         (revoked.sock or REVOKED_URL)"
    )]
    Locked {
        /// Directory.
        path: PathBuf,
    },
    /// There is no log, or there is one where none should be.
    #[error("audit log {path}: {why}")]
    Refused {
        /// Where.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// Somebody else changed the file while it was in use.
    #[error(
        "audit log {path}: {what}. Nothing more is written. Find out who did this, put the file back as it was, \
         and start again"
    )]
    Fence {
        /// Where.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A record has no canonical form: a defect of the agent.
    #[error(transparent)]
    Line(#[from] LineError),
}

impl LogError {
    /// Whether it may be over by itself: the same records are then tried again.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Sign(_) => true,
            Self::Io { .. }
            | Self::Broken { .. }
            | Self::Locked { .. }
            | Self::Refused { .. }
            | Self::Fence { .. }
            | Self::Line(_) => false,
        }
    }

    pub(super) fn refused(path: &Path, why: impl Into<String>) -> Self {
        Self::Refused { path: path.to_owned(), why: why.into() }
    }

    pub(super) fn fence(path: &Path, what: impl Into<String>) -> Self {
        Self::Fence { path: path.to_owned(), what: what.into() }
    }
}

impl From<super::commit::Unfit> for LogError {
    fn from(unfit: super::commit::Unfit) -> Self {
        match unfit {
            super::commit::Unfit::Line(error) => Self::Line(error),
            super::commit::Unfit::Sign(error) => Self::Sign(error),
        }
    }
}

/// Turns what the file system says into an error about `path`.
pub(super) fn io(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> LogError {
    move |source| LogError::Io { path: path.to_owned(), doing, source }
}
