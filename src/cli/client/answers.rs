//! What the agent answers a notice with, and why one was not taken.

use super::Submitted;
use crate::http::problem::UNUSABLE;
use crate::intake::IntakeError;
use anyhow::anyhow;
use serde::Deserialize;
use std::time::Duration;

/// Why a notice was not taken.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum SubmitError {
    /// The notice itself: the same again is no use.
    #[error("{title}: {detail}")]
    Refused {
        /// What is wrong.
        title: String,
        /// In particular; begins with a JSON Pointer where one field is at fault.
        detail: String,
    },
    /// Its event came before with other content.
    #[error("{title}: {detail}")]
    Differs {
        /// What is wrong.
        title: String,
        /// In particular.
        detail: String,
    },
    /// Not now. The same again is safe, after `wait` where the agent said how long.
    #[error("{why:#}")]
    Unavailable {
        /// Why.
        why: anyhow::Error,
        /// As the agent asks.
        wait: Option<Duration>,
    },
    /// Nothing that is sent will be taken.
    #[error(transparent)]
    Failed(anyhow::Error),
}

impl From<IntakeError> for SubmitError {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Submission(wrong) => {
                Self::Refused { title: UNUSABLE.to_owned(), detail: wrong.to_string() }
            }
            IntakeError::Refused(refused) => {
                Self::Refused { title: "Not possible".to_owned(), detail: refused.to_string() }
            }
            IntakeError::NotHeld(_) | IntakeError::Sender(_) => {
                Self::Refused { title: "Not possible".to_owned(), detail: error.to_string() }
            }
            IntakeError::Differs { .. } => Self::Differs {
                title: "Received before with other content".to_owned(),
                detail: error.to_string(),
            },
            IntakeError::Full(_) | IntakeError::Unavailable(_) => {
                Self::Unavailable { why: error.into(), wait: None }
            }
        }
    }
}

/// A problem (RFC 9457).
#[derive(Debug, Deserialize)]
pub(super) struct ProblemText {
    title: String,
    detail: Option<String>,
}

impl ProblemText {
    /// As an error of a command.
    pub(super) fn error(self) -> anyhow::Error {
        match self.detail {
            Some(detail) => anyhow!("{}: {detail}", self.title),
            None => anyhow!("{}", self.title),
        }
    }
}

/// What a notice was answered with.
pub(super) async fn taken(response: reqwest::Response) -> Result<Submitted, SubmitError> {
    let status = response.status();
    // Written as HTTP dates by nobody whom we talk to.
    let wait = response
        .headers()
        .get(reqwest::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    if status.is_success() {
        // An answer that breaks off is one that did not come.
        let why = |error| anyhow::Error::new(error).context("reading the agent's answer");
        return response
            .json()
            .await
            .map_err(|error| SubmitError::Unavailable { why: why(error), wait: None });
    }
    let problem: ProblemText = response.json().await.unwrap_or_else(|_| ProblemText {
        title: format!("the agent answered {status} without saying why"),
        detail: None,
    });
    Err(match (status.as_u16(), problem) {
        (409, ProblemText { title, detail: Some(detail) }) => {
            SubmitError::Differs { title, detail }
        }
        (400 | 413 | 422, ProblemText { title, detail: Some(detail) }) => {
            SubmitError::Refused { title, detail }
        }
        (429 | 502..=504, problem) => SubmitError::Unavailable { why: problem.error(), wait },
        (_, problem) => SubmitError::Failed(problem.error()),
    })
}
