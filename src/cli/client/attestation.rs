//! What is attested of a period, through the agent or alone.

use super::lists::with_query;
use super::{Reach, read};
use crate::clock;
use crate::domain::attestation::Attestation;
use crate::http::attestation::{Filter, NotAttested, made};
use anyhow::Result;
use std::time::Duration;

/// Records and lines of the whole log may have to be read.
const PATIENCE: Duration = Duration::from_secs(600);

impl Reach {
    /// What is attested of the period that `filter` asks for; `None`: there is no attestation of this name.
    pub(in crate::cli) async fn attestation(&self, filter: &Filter) -> Result<Option<Attestation>> {
        match self {
            Self::Http { client, base, .. } => {
                let asked = [
                    ("name", filter.name.clone()),
                    ("from", filter.from.map(|at| at.to_string())),
                    ("to", filter.to.map(|at| at.to_string())),
                ];
                let asked = asked.into_iter().filter_map(|(name, text)| Some((name, text?)));
                let address = with_query(&format!("{base}/api/v1/attestation"), asked)?;
                let response = self.answer(client.get(address).timeout(PATIENCE)).await?;
                if response.status() == reqwest::StatusCode::NOT_FOUND {
                    return Ok(None);
                }
                Ok(Some(read(response).await?))
            }
            Self::Alone(agent) => {
                let config = agent.intake.config();
                match made(&agent.journal, &config, filter, clock::now()).await {
                    Ok(made) => Ok(Some(made)),
                    Err(NotAttested::Unknown(_)) => Ok(None),
                    Err(error @ (NotAttested::Wrong(_) | NotAttested::Made(_))) => {
                        Err(error.into())
                    }
                }
            }
        }
    }
}
