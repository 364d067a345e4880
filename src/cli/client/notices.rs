//! The journal of notices, through the agent or alone.

use super::lists::with_query;
use super::{Reach, myself, read};
use crate::http::notices::{self, Filter, NoticePage, NoticeView};
use crate::http::webhooks::Taken;
use anyhow::{Result, bail};

impl Reach {
    /// Up to `limit` notices, newest first.
    pub(in crate::cli) async fn notices(
        &self,
        mut filter: Filter,
        limit: usize,
    ) -> Result<NoticePage> {
        let mut all = NoticePage::default();
        loop {
            let left = limit.saturating_sub(all.notices.len());
            if left == 0 {
                return Ok(all);
            }
            let most = u16::try_from(left).unwrap_or(notices::MOST).min(notices::MOST);
            filter.limit = Some(most);
            let page = match self {
                Self::Http { client, base, .. } => {
                    let asked = [
                        ("limit", Some(most.to_string())),
                        ("outcome", filter.outcome.clone()),
                        ("source", filter.source.clone()),
                        ("cursor", filter.cursor.clone()),
                    ];
                    let asked = asked.into_iter().filter_map(|(name, text)| Some((name, text?)));
                    let address = with_query(&format!("{base}/api/v1/notices"), asked)?;
                    self.send(client.get(address)).await?
                }
                Self::Alone(agent) => notices::page(&agent.journal.store, &filter).await?,
            };
            all.notices.extend(page.notices);
            all.conflicts = page.conflicts;
            all.refused = page.refused;
            filter.cursor = page.next;
            if filter.cursor.is_none() {
                return Ok(all);
            }
        }
    }

    /// Tries a notice that is held once more; `None`: there is no such notice.
    pub(in crate::cli) async fn retry(&self, id: &str, same_person: bool) -> Result<Option<Taken>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(id) else { return Ok(None) };
                let body = serde_json::to_vec(&serde_json::json!({ "same_person": same_person }))?;
                self.decided(client.post(format!("{base}{path}/retry")).body(body)).await
            }
            Self::Alone(agent) => {
                let by = myself()?;
                let received =
                    self.landing(Box::pin(agent.intake.retry(id, &by, same_person))).await??;
                let Some(received) = received else { return Ok(None) };
                if let Some(fault) = received.faults.first() {
                    bail!("Held for a person: {fault}");
                }
                Ok(Some(received.into()))
            }
        }
    }

    /// Decides that nothing follows from a notice that is held; `None`: there is no such notice.
    pub(in crate::cli) async fn dismiss(&self, id: &str, why: &str) -> Result<Option<NoticeView>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(id) else { return Ok(None) };
                let body = serde_json::to_vec(&serde_json::json!({ "reason": why }))?;
                self.decided(client.post(format!("{base}{path}/dismiss")).body(body)).await
            }
            Self::Alone(agent) => {
                let by = myself()?;
                let kept = self.landing(Box::pin(agent.intake.dismiss(id, why, &by))).await??;
                Ok(kept.map(Into::into))
            }
        }
    }

    async fn decided<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<Option<T>> {
        let response = self.answer(request.header("content-type", "application/json")).await?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(read(response).await?))
    }
}

/// Where a notice is; what cannot be an id is nowhere.
fn path_of(id: &str) -> Option<String> {
    let good = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    good.then(|| format!("/api/v1/notices/{id}"))
}
