//! What was there before, through the agent or alone.

use super::{Reach, path_of, read};
use crate::http::before::{self, Before};
use anyhow::{Context as _, Result};

impl Reach {
    /// What was there before the revocation `id`.
    pub(in crate::cli) async fn before(&self, id: &str) -> Result<Before> {
        match self {
            Self::Http { client, base, .. } => {
                let path = path_of(id).context(before::NONE)?;
                let request = client.get(format!("{base}{path}/before"));
                read(self.answer(request).await?).await
            }
            Self::Alone(agent) => before::of(&agent.journal.store, id).await?.context(before::NONE),
        }
    }
}
