//! Looks at pages after they were filed: who edits or removes one changes nothing of what the log holds, and is told of.

use super::client::Said;
use super::{Confluence, Filing, NAME, Place, canonical, store_away};
use crate::audit::record::{attestation_changed, outbox_changed};
use crate::clock;
use crate::config::Live;
use crate::deliver::receiver::Heard;
use crate::domain::delivery::{Answer, Standing};
use crate::domain::page::{Finding, Seen};
use crate::domain::time::UtcTime;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::store::{NewRecord, Page};
use crate::supervise::Trouble;
use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Pages are looked at for so long after they were filed, as revocations are.
const WATCHED: Duration = Duration::from_secs(400 * 86_400);
/// Pages that are looked at in a turn.
const PAGES: i64 = 50;
/// Longest and shortest time between two turns.
const LONGEST: Duration = Duration::from_secs(60);
const SHORTEST: Duration = Duration::from_millis(100);

/// Looks at filed pages until stopped.
///
/// # Errors
/// When there is no TLS.
pub(in crate::deliver) async fn watch(
    journal: &Arc<Journal>,
    config: &Live,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> Result<()> {
    let (mut config, trouble) = (config.clone(), Trouble::default());
    loop {
        let filing = Filing::of(&config.current());
        let Some(filing) = filing else {
            metrics.set_pages(None);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = config.changed() => continue,
            }
        };
        let wait = (filing.section.check_interval / 20).clamp(SHORTEST, LONGEST);
        let confluence = Confluence::new(journal.clone(), filing)?;
        let turn = async {
            match confluence.look_at_pages().await {
                Ok(()) if trouble.is_over("pages") => {
                    tracing::info!("filed pages are looked at again");
                }
                Ok(()) => {}
                Err(heard) => {
                    if trouble.is("pages", heard.word.as_str()) {
                        tracing::warn!(word = heard.word, "filed pages are not looked at");
                    }
                }
            }
            confluence.show(metrics).await;
            tokio::time::sleep(wait).await;
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = config.changed() => {}
            () = turn => {}
        }
    }
}

/// `time` before `now`.
fn before(now: UtcTime, time: Duration) -> UtcTime {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    UtcTime::from_micros(now.micros().saturating_sub(micros)).unwrap_or(UtcTime::EPOCH)
}

impl Confluence {
    async fn look_at_pages(&self) -> Result<(), Heard> {
        let (store, section) = (&self.journal.store, &self.filing.section);
        let now = clock::now();
        let (due, since) = (before(now, section.check_interval), before(now, WATCHED));
        let pages = store.pages_due(NAME, due, since, PAGES).await;
        for page in pages.map_err(|error| store_away(&error))? {
            let here = self.where_it_is(&page).await?;
            let (seen, version) = here.seen(&page).await?;
            here.tell(&page, Finding::of(seen), version).await?;
            tokio::time::sleep(Duration::from_secs(60) / section.per_minute.max(1)).await;
        }
        Ok(())
    }

    /// The space of a page: attestations may be filed in others.
    async fn where_it_is(&self, page: &Page) -> Result<Self, Heard> {
        let row = self.journal.store.delivery(&page.delivery).await;
        let remote = row.map_err(|error| store_away(&error))?.and_then(|row| row.remote);
        let space = remote.as_deref().and_then(|remote| remote.split_once(' ')).map(|(key, _)| key);
        let space = space.unwrap_or(&self.filing.section.space).to_owned();
        Ok(self.at(&Place { space, parent: None }))
    }

    /// How a page is now, and its version.
    async fn seen(&self, page: &Page) -> Result<(Seen, u64), Heard> {
        let edition = self.filing.section.edition;
        let gone = Seen {
            is_current: false,
            is_later: false,
            same_text: false,
            same_place: false,
            is_whole: false,
        };
        let there = match self.client.ask(edition.page(&page.page_id)).await? {
            Said::Good(body) => edition.read_page(&body),
            Said::Hidden(404) => {
                // It answers alike where nobody may look: then nothing is known of the page.
                self.space().await?;
                return Ok((gone, page.seen_version));
            }
            Said::Hidden(status) => return Err(self.hidden(status).await),
            Said::Refused { word, .. } => return Err(Heard::new(Answer::Unknown, word)),
            Said::Conflict => return Err(Heard::new(Answer::Unknown, "http_409")),
        };
        let there = there.ok_or_else(|| Heard::new(Answer::Later(None), "unreadable"))?;
        if !there.is_current {
            return Ok((gone, there.version));
        }
        let body = there.body.unwrap_or_default();
        let property = self.property(&page.page_id).await?;
        let delivery = property.as_ref().and_then(|value| value.get("delivery")?.as_str());
        let files = self.attached(&page.page_id).await?;
        let files = files.ok_or_else(|| Heard::new(Answer::Later(None), "unreadable"))?;
        let seen = Seen {
            is_current: true,
            is_later: there.version > page.version,
            same_text: canonical::digest(&body) == page.sha256,
            same_place: there.title == page.title
                && there.parent.unwrap_or_default() == page.parent,
            is_whole: delivery == Some(page.delivery.as_str())
                && page.attachments.iter().all(|name| files.contains_key(name)),
        };
        Ok((seen, there.version))
    }

    /// Notes what was found. What is news is a line, a record and a metric; what was removed is filed again.
    async fn tell(&self, page: &Page, finding: Finding, version: u64) -> Result<(), Heard> {
        let store = &self.journal.store;
        let now = clock::now();
        let changed = (finding, version) != (page.finding, page.seen_version);
        let news = changed && (finding, page.finding) != (Finding::Filed, Finding::Filed);
        if news {
            tracing::warn!(
                page = page.page_id,
                delivery = page.delivery,
                finding = finding.as_str(),
                version,
                "a filed page was found otherwise than before: the log is what counts"
            );
        }
        if finding == Finding::Removed {
            self.file_again(page, now).await?;
        }
        let remote = self.remote(&page.page_id);
        let what = (page.delivery.as_str(), remote.as_str());
        let body = attestation_changed(what, NAME, (page.version, version), finding, now);
        let note = NewRecord { kind: "attestation_changed", body };
        let id = clock::new_id("atc", now);
        let id = id.map_err(|_| Heard::new(Answer::Later(None), "no_random"))?;
        let note = news.then_some((id.as_str(), &note));
        let noted = store.page_looked(page, (finding, version), note, now).await;
        if noted.map_err(|error| store_away(&error))? && news {
            self.journal.wake();
        }
        Ok(())
    }

    /// A page that somebody removed stays removed, and is filed once more as another one.
    async fn file_again(&self, page: &Page, now: UtcTime) -> Result<(), Heard> {
        let store = &self.journal.store;
        let away = |error| store_away(&error);
        let row = store.delivery(&page.delivery).await.map_err(away)?;
        let Some(row) = row.filter(|row| row.row.standing == Standing::Sent) else {
            return Ok(());
        };
        let body = outbox_changed(&row.id, "file_again", None, "removed", now);
        let note = NewRecord { kind: "outbox_changed", body };
        let id = format!("obx.{}.{}", row.id.replace(':', "."), row.version);
        store.outbox_change(&row, Standing::Due, (&id, &note), now).await.map_err(away)?;
        Ok(())
    }

    async fn show(&self, metrics: &Metrics) {
        match self.journal.store.page_levels(NAME).await {
            Ok(levels) => {
                let mut all: BTreeMap<&'static str, i64> =
                    Finding::ALL.iter().map(|finding| (finding.as_str(), 0)).collect();
                all.extend(levels.into_iter().map(|(finding, count)| (finding.as_str(), count)));
                metrics.set_pages(Some(all));
            }
            Err(error) => tracing::debug!(error = error.to_string(), "filed pages are not shown"),
        }
    }
}
