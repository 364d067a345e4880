//! Confluence: one page for each revocation, or vendor offboarding, that is at its end, and for each period that is attested.
//!
//! A page is found before it is made: by its title, which nothing else in the space can have, and by the property or
//! the visible key that says for which delivery it was made. So whatever was lost on the way, trying again ends in one
//! page. What a person wrote is never written over: the record is filed beside it, as an amendment.

mod canonical;
mod client;
mod edition;
mod file;
mod gather;
mod look;
mod matter;
mod papers;
mod watch;

pub use gather::{Closing, Part};
pub use matter::{Matter, PeriodEnd};
pub(super) use watch::watch;

use super::periods::{Ended, lane};
use super::receiver::{Heard, Receiver, Sending};
use super::render::Cite;
use crate::config::{Config, Confluence as Configured};
use crate::domain::delivery::{Answer, Topic};
use crate::journal::Journal;
use crate::store::{Delivery, StoreError};
use anyhow::Result;
use client::{Client, Said};
use edition::Space;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Its name in rows and metrics.
pub const NAME: &str = "confluence";
/// Longest time for a page with all that belongs to it.
const WHOLE: Duration = Duration::from_secs(600);

/// Where and how pages are filed, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filing {
    /// The section.
    pub section: Configured,
    /// The log's directory: proofs are made from its files.
    pub log_dir: PathBuf,
    /// The company's time zone.
    pub zone: Option<String>,
    /// Vendors that the configuration names.
    pub vendors: BTreeSet<String>,
    /// Where attestations are filed, by their lanes, as far as the records of their periods do not say.
    pub places: BTreeMap<String, Place>,
}

/// Where something is filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Key of the space.
    pub space: String,
    /// Page under which it is.
    pub parent: Option<String>,
}

impl Filing {
    /// Of this configuration; `None`: nothing is filed.
    #[must_use]
    pub fn of(config: &Config) -> Option<Self> {
        Some(Self {
            section: config.confluence.clone()?,
            log_dir: config.log_dir.clone(),
            zone: config.time_zone.clone(),
            vendors: config.vendors.keys().cloned().collect(),
            places: config
                .attestations
                .iter()
                .map(|one| {
                    let place = Place { space: one.space.clone(), parent: one.parent.clone() };
                    (lane(&one.name), place)
                })
                .collect(),
        })
    }

    /// The same, for what is filed elsewhere.
    fn at(&self, place: &Place) -> Self {
        let mut filing = self.clone();
        filing.section.space.clone_from(&place.space);
        filing.section.parent.clone_from(&place.parent);
        filing
    }
}

/// Confluence.
pub struct Confluence {
    journal: Arc<Journal>,
    filing: Filing,
    client: Client,
}

/// Asks whether it takes the credential and has the space, without the rest of the agent.
///
/// # Errors
/// When there is no TLS.
pub async fn probe(filing: &Filing) -> Result<Heard> {
    let client = Client::new(filing)?;
    Ok(match space(&client, &filing.section).await {
        Ok(_) => Heard::new(Answer::Sent(String::new()), "ok"),
        Err(heard) => heard,
    })
}

/// The space, if pages can be filed there.
async fn space(client: &Client, section: &Configured) -> Result<Space, Heard> {
    let (edition, key) = (section.edition, section.space.as_str());
    let closed = |word: &str| Heard::new(Answer::Destination, word);
    match client.ask(edition.space(key)).await? {
        Said::Good(body) => match edition.read_space(key, &body) {
            Some(space) if space.is_current => Ok(space),
            Some(_) => Err(closed("space_archived")),
            None => Err(closed("space_not_found")),
        },
        Said::Hidden(_) | Said::Refused { .. } => Err(closed("space_not_found")),
        Said::Conflict => Err(Heard::new(Answer::Unknown, "http_409")),
    }
}

impl Confluence {
    /// As configured.
    ///
    /// # Errors
    /// When there is no TLS.
    pub fn new(journal: Arc<Journal>, filing: Filing) -> Result<Self> {
        let client = Client::new(&filing)?;
        Ok(Self { journal, filing, client })
    }

    /// The same, for what is filed at `place`.
    fn at(&self, place: &Place) -> Self {
        Self {
            journal: self.journal.clone(),
            filing: self.filing.at(place),
            client: self.client.clone(),
        }
    }

    /// Where a matter is filed: an attestation where the configuration said so when its period ended. Were it the place of now, what
    /// is filed half would be begun anew elsewhere.
    fn place_of(&self, matter: &Matter) -> Result<Self, Heard> {
        let section = &self.filing.section;
        let usual = Place { space: section.space.clone(), parent: section.parent.clone() };
        let place = match matter {
            Matter::Closure(_) => Some(&usual),
            Matter::Period(end) => {
                end.place.as_ref().or_else(|| self.filing.places.get(&lane(&end.name)))
            }
        };
        // Its record is of an earlier version, which did not say where. The usual place may be for others to read.
        let place = place.ok_or_else(|| Heard::new(Answer::Unknown, "not_configured"))?;
        Ok(self.at(place))
    }

    async fn space(&self) -> Result<Space, Heard> {
        space(&self.client, &self.filing.section).await
    }

    /// What it means that something is not shown, or not allowed: it answers both alike. Where the space can be seen,
    /// it is the page, or the right to write.
    async fn hidden(&self, status: u16) -> Heard {
        match self.space().await {
            Ok(_) => Heard::new(Answer::Destination, format!("http_{status}")),
            Err(heard) => heard,
        }
    }

    /// Space and page, as rows and records name it.
    fn remote(&self, page: &str) -> String {
        format!("{} {page}", self.filing.section.space)
    }
}

/// What the store said, as an answer: nothing was sent.
fn store_away(error: &StoreError) -> Heard {
    tracing::debug!(error = error.to_string(), "the store is away while a page is filed");
    Heard::new(Answer::Later(None), "store_away")
}

impl Receiver for Confluence {
    type Content = Matter;

    fn name(&self) -> &str {
        NAME
    }

    fn patience(&self) -> Duration {
        WHOLE
    }

    fn files(&self) -> bool {
        true
    }

    fn tells(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Closure | Topic::Attestation)
    }

    async fn content(
        &self,
        journal: &Journal,
        row: &Delivery,
        _cite: &Cite,
    ) -> Result<Option<Matter>, StoreError> {
        matter::matter(&journal.store, row, &self.filing.vendors).await
    }

    async fn destination(&self, journal: &Journal, row: &Delivery) -> Result<String, StoreError> {
        if row.topic != Topic::Attestation {
            return Ok(self.filing.section.space.clone());
        }
        // As `place_of`. There is one row at a time of each, so little is read.
        let record = journal.store.landed_record(&row.record).await?;
        if let Some((space, _)) = record.as_ref().and_then(Ended::of).and_then(|end| end.place) {
            return Ok(space);
        }
        // One that is configured no more, and nobody knows where it goes: if that is shut, nothing else is.
        let place = self.filing.places.get(&row.reason);
        Ok(place.map_or(&row.reason, |place| &place.space).clone())
    }

    fn destination_of<'a>(&self, remote: &'a str) -> &'a str {
        remote.split_once(' ').map_or(remote, |(space, _)| space)
    }

    async fn send(&self, sending: &Sending<'_, Matter>) -> Heard {
        let here = match self.place_of(sending.message) {
            Ok(here) => here,
            Err(heard) => return heard,
        };
        match tokio::time::timeout(WHOLE, here.file(sending)).await {
            Ok(Ok(page)) => Heard::new(Answer::Sent(here.remote(&page)), "ok"),
            Ok(Err(heard)) => heard,
            Err(_) => Heard::new(Answer::Doubtful, "timeout"),
        }
    }

    async fn find(&self, sending: &Sending<'_, Matter>) -> Heard {
        let here = match self.place_of(sending.message) {
            Ok(here) => here,
            Err(heard) => return heard,
        };
        match tokio::time::timeout(WHOLE, here.find_whole(sending)).await {
            Ok(Ok(Some(page))) => Heard::new(Answer::Found(here.remote(&page)), "found"),
            // There may be a part of it: sending it again goes on with that.
            Ok(Ok(None)) => Heard::new(Answer::Absent, "absent"),
            Ok(Err(heard)) => heard,
            Err(_) => Heard::new(Answer::Later(None), "timeout"),
        }
    }

    async fn probe(&self) -> Heard {
        match self.space().await {
            Ok(_) => Heard::new(Answer::Sent(String::new()), "ok"),
            Err(heard) => heard,
        }
    }

    async fn alarm(&self, _text: &str) -> Option<bool> {
        // There is no second way to a page. The line of the agent's log and the metrics tell.
        None
    }

    async fn preview(&self, sending: &Sending<'_, Matter>) -> Result<Value, String> {
        let here = self.place_of(sending.message).map_err(|heard| heard.word)?;
        let papers = here.papers(sending.message).await.map_err(|heard| heard.word)?;
        let page = here.page(sending, &papers, None)?;
        if canonical::text(page.body.as_str()).is_none() {
            return Err("the page is no XML".to_owned());
        }
        let files: Vec<Value> = papers
            .files
            .iter()
            .map(|file| json!({"bytes": file.bytes.len(), "name": file.name}))
            .collect();
        Ok(json!({
            "attachments": files, "body": page.body.as_str(),
            "parent": here.filing.section.parent, "space": here.filing.section.space,
            "title": page.title,
        }))
    }
}
