//! Somebody's word, through the agent or alone.

use super::{Reach, myself, path_of, read};
use crate::http::attest::Taken;
use anyhow::Result;

impl Reach {
    /// Attests an item of a checklist; `None`: there is no such revocation.
    pub(in crate::cli) async fn attest_item(
        &self,
        id: &str,
        body: Vec<u8>,
    ) -> Result<Option<Taken>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(id) else { return Ok(None) };
                let request = client.post(format!("{base}{path}/attest"));
                let request = request.header("content-type", "application/json").body(body);
                let response = self.answer(request).await?;
                if response.status() == reqwest::StatusCode::NOT_FOUND {
                    return Ok(None);
                }
                Ok(Some(read(response).await?))
            }
            Self::Alone(agent) => {
                let by = myself()?;
                let attest = Box::pin(agent.intake.attest_item(id, &body, &by));
                let word = self.landing(attest).await??;
                Ok(word.map(|word| Taken { id: id.to_owned(), item: word.item }))
            }
        }
    }
}
