//! Rotation campaigns, through the agent or alone.

use super::{Reach, myself, read};
use crate::clock;
use crate::domain::time::UtcTime;
use crate::http::campaigns::{
    self, Asked, CampaignDetail, CampaignList, CampaignView, ConsumerView,
};
use anyhow::{Result, bail};
use reqwest::StatusCode;

impl Reach {
    /// Every configured campaign.
    pub(in crate::cli) async fn campaigns(&self) -> Result<Vec<CampaignView>> {
        match self {
            Self::Http { client, base, .. } => {
                let list: CampaignList =
                    self.send(client.get(format!("{base}/api/v1/campaigns"))).await?;
                Ok(list.campaigns)
            }
            Self::Alone(agent) => {
                let config = agent.intake.config();
                let all = campaigns::all(&agent.journal.store, &config, None, clock::now()).await?;
                Ok(all.into_iter().map(|one| one.campaign).collect())
            }
        }
    }

    /// A campaign with its consumers; `None`: there is none of this name.
    pub(in crate::cli) async fn campaign(&self, name: &str) -> Result<Option<CampaignDetail>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(name) else { return Ok(None) };
                let response = self.answer(client.get(format!("{base}{path}"))).await?;
                found(response).await
            }
            Self::Alone(agent) => {
                let config = agent.intake.config();
                let store = &agent.journal.store;
                Ok(campaigns::all(store, &config, Some(name), clock::now()).await?.pop())
            }
        }
    }

    /// Has a campaign swept now; `None`: there is none of this name.
    pub(in crate::cli) async fn sweep(&self, name: &str) -> Result<Option<Sweep>> {
        let Self::Http { client, base, .. } = self else {
            bail!(
                "no agent is running, so nobody sweeps; with --dry-run this command says what a sweep would tell"
            )
        };
        let Some(path) = path_of(name) else { return Ok(None) };
        let response = self.answer(client.post(format!("{base}{path}/sweep"))).await?;
        Ok(match response.status() {
            StatusCode::NOT_FOUND => None,
            StatusCode::ACCEPTED => Some(Sweep::Asked(read::<Asked>(response).await?.asked_at)),
            _ => Some(Sweep::Made(read(response).await?)),
        })
    }

    /// Says of a consumer that it uses the new credential; `None`: there is none.
    pub(in crate::cli) async fn confirm_consumer(
        &self,
        name: &str,
        body: Vec<u8>,
    ) -> Result<Option<ConsumerView>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(name) else { return Ok(None) };
                let request = client.post(format!("{base}{path}/confirm"));
                let request = request.header("content-type", "application/json").body(body);
                found(self.answer(request).await?).await
            }
            Self::Alone(agent) => {
                let by = myself()?;
                let confirm = Box::pin(agent.intake.confirm_consumer(name, &body, &by));
                let found = self.landing(confirm).await??;
                let config = agent.intake.config();
                Ok(found.and_then(|found| campaigns::shown(&found, &config)))
            }
        }
    }
}

/// What became of a sweep that was asked for.
pub(in crate::cli) enum Sweep {
    /// It was made.
    Made(CampaignView),
    /// Not yet.
    Asked(UtcTime),
}

async fn found<T: serde::de::DeserializeOwned>(response: reqwest::Response) -> Result<Option<T>> {
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    Ok(Some(read(response).await?))
}

/// Where a campaign is; what cannot be its name is nowhere.
fn path_of(name: &str) -> Option<String> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    let good = !name.is_empty() && ![".", ".."].contains(&name) && name.bytes().all(known);
    good.then(|| format!("/api/v1/campaigns/{name}"))
}
