//! The outbox, through the agent or alone.

use super::lists::with_query;
use super::{Reach, myself, read};
use crate::deliver::{change, preview};
use crate::http::outbox::{self, Filter, MessageView, OutboxPage};
use anyhow::Result;
use serde_json::Value;

impl Reach {
    /// Up to `limit` messages, newest first.
    pub(in crate::cli) async fn outbox(
        &self,
        state: Option<String>,
        limit: usize,
    ) -> Result<Vec<MessageView>> {
        let mut filter = Filter { state, ..Filter::default() };
        let mut all = Vec::new();
        loop {
            let left = limit.saturating_sub(all.len());
            if left == 0 {
                return Ok(all);
            }
            let most = u16::try_from(left).unwrap_or(outbox::MOST).min(outbox::MOST);
            filter.limit = Some(most);
            let page: OutboxPage = match self {
                Self::Http { client, base, .. } => {
                    let asked = [
                        ("limit", Some(most.to_string())),
                        ("state", filter.state.clone()),
                        ("cursor", filter.cursor.clone()),
                    ];
                    let asked = asked.into_iter().filter_map(|(name, text)| Some((name, text?)));
                    let address = with_query(&format!("{base}/api/v1/outbox"), asked)?;
                    self.send(client.get(address)).await?
                }
                Self::Alone(agent) => outbox::page(&agent.journal.store, &filter).await?,
            };
            all.extend(page.messages);
            filter.cursor = page.next;
            if filter.cursor.is_none() {
                return Ok(all);
            }
        }
    }

    /// Sends a message again, or never; `None`: there is none.
    pub(in crate::cli) async fn change_message(
        &self,
        id: &str,
        retry: bool,
    ) -> Result<Option<MessageView>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(id) else { return Ok(None) };
                let word = if retry { "retry" } else { "drop" };
                let response = self.answer(client.post(format!("{base}{path}/{word}"))).await?;
                found(response).await
            }
            Self::Alone(agent) => {
                let by = myself()?;
                let changed =
                    self.landing(Box::pin(change(&agent.journal, id, retry, &by))).await??;
                Ok(changed.map(Into::into))
            }
        }
    }

    /// What would be sent for a message; `None`: there is none.
    pub(in crate::cli) async fn render_message(&self, id: &str) -> Result<Option<Value>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(id) else { return Ok(None) };
                let response = self.answer(client.get(format!("{base}{path}/message"))).await?;
                found(response).await
            }
            Self::Alone(agent) => {
                let config = agent.intake.config();
                Ok(preview(&agent.journal, &config, id).await?)
            }
        }
    }
}

async fn found<T: serde::de::DeserializeOwned>(response: reqwest::Response) -> Result<Option<T>> {
    if response.status() == reqwest::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    Ok(Some(read(response).await?))
}

/// Where a message is; what cannot be an id is nowhere.
fn path_of(id: &str) -> Option<String> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"_.:".contains(&b);
    let good = !id.is_empty() && id.bytes().all(known);
    good.then(|| format!("/api/v1/outbox/{id}"))
}
