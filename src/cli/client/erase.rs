//! Erasing a person, through the agent or alone.

use super::{Reach, myself, read};
use crate::domain::erasure::Basis;
use crate::intake::erase;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// What became of it.
#[derive(Debug, Deserialize, Serialize)]
pub(in crate::cli) struct Forgotten {
    pub(in crate::cli) subject: String,
    pub(in crate::cli) revocations: usize,
    pub(in crate::cli) erased: bool,
}

impl From<erase::Erased> for Forgotten {
    fn from(erase::Erased { subject, revocations, erased }: erase::Erased) -> Self {
        Self { subject, revocations, erased }
    }
}

impl Reach {
    /// Erases a person; `None`: there is no such subject.
    pub(in crate::cli) async fn erase(&self, who: &str, basis: Basis) -> Result<Option<Forgotten>> {
        match self {
            Self::Http { client, base, .. } => {
                let mut url = reqwest::Url::parse(base).context("the agent's address")?;
                if let Ok(mut path) = url.path_segments_mut() {
                    path.pop_if_empty().extend(["api", "v1", "subjects", who]);
                }
                let body = serde_json::to_vec(&serde_json::json!({ "basis": basis }))?;
                let request = client.delete(url).header("content-type", "application/json");
                let response = self.answer(request.body(body)).await?;
                if response.status() == reqwest::StatusCode::NOT_FOUND {
                    return Ok(None);
                }
                Ok(Some(read(response).await?))
            }
            Self::Alone(agent) => {
                let done =
                    self.landing(Box::pin(agent.intake.erase(who, basis, &myself()?))).await??;
                Ok(done.map(Into::into))
            }
        }
    }
}
