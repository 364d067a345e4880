//! The proof of a revocation, from the agent or alone.

use super::{Reach, path_of, text};
use crate::journal::Asked;
use anyhow::{Context as _, Result};
use std::time::Duration;

/// A proof reads the whole log.
const PATIENCE: Duration = Duration::from_secs(600);

impl Reach {
    /// Every record of a revocation, with the checkpoint that they are under.
    pub(in crate::cli) async fn proof(&self, id: &str) -> Result<String> {
        match self {
            Self::Http { .. } => {
                let path = path_of(id).context("this is no id of a revocation")?;
                text(self.answer(self.get(&format!("{path}/proof"))?.timeout(PATIENCE)).await?)
                    .await
            }
            Self::Alone(agent) => {
                let dir = agent.intake.config().log_dir.clone();
                Ok(agent.journal.prove(&dir, Asked::Revocation(id.to_owned())).await?)
            }
        }
    }
}
