//! Filing a page: each step can be done again, and trying again goes on where the last attempt ended.

use super::canonical;
use super::client::Said;
use super::edition::{self, Draft, Remote, Space};
use super::look::{GRACE, SpotState, message};
use super::papers::Papers;
use super::{Confluence, Matter, NAME, store_away};
use crate::audit::record::{self, Anchor, Published};
use crate::clock;
use crate::deliver::receiver::{Heard, Sending};
use crate::domain::delivery::Answer;
use crate::domain::hex::hex;
use crate::domain::page::Finding;
use crate::store::{Anchored, NewRecord, Page};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Label of every page.
const LABEL: &str = "revoked";

/// A version that is not ours is there.
struct Overtaken;

/// What became of making a page.
enum Made {
    Page(Remote),
    /// Something has the title that was not shown.
    Taken,
}

fn payload(word: impl Into<String>) -> Heard {
    Heard::new(Answer::Payload, word)
}

fn odd(said: &Said) -> Heard {
    match said {
        Said::Refused { word, .. } => payload(word.as_str()),
        Said::Conflict => Heard::new(Answer::Unknown, "http_409"),
        Said::Good(_) => Heard::new(Answer::Doubtful, "unreadable"),
        Said::Hidden(status) => Heard::new(Answer::Unknown, format!("http_{status}")),
    }
}

impl Confluence {
    /// The page of a delivery, if it is there with all that belongs to it.
    pub(super) async fn find_whole(
        &self,
        sending: &Sending<'_, Matter>,
    ) -> Result<Option<String>, Heard> {
        let space = self.space().await?;
        let spot = self.spot(&space, sending.message, sending.id).await?;
        match spot.state {
            SpotState::Whole(page, value) => {
                let page = self.read(&page.id).await?;
                self.keep(sending, &page, &value, spot.amends.as_deref()).await?;
                Ok(Some(page.id))
            }
            SpotState::Free | SpotState::Part(_) => Ok(None),
        }
    }

    /// Files a page with all that belongs to it, and gives its id.
    pub(super) async fn file(&self, sending: &Sending<'_, Matter>) -> Result<String, Heard> {
        let space = self.space().await?;
        let mut papers = None;
        for _ in 0..GRACE {
            let spot = self.spot(&space, sending.message, sending.id).await?;
            let amends = spot.amends.as_deref();
            if let SpotState::Whole(page, value) = &spot.state {
                let page = self.read(&page.id).await?;
                self.keep(sending, &page, value, amends).await?;
                return Ok(page.id);
            }
            // Made once, since each proof reads the whole log.
            let papers = match &papers {
                Some(papers) => papers,
                None => &*papers.insert(self.papers(sending.message).await?),
            };
            let page = self.page(sending, papers, amends).map_err(payload)?;
            let said = message(sending.id);
            let draft = Draft { title: &spot.title, body: page.body.as_str(), message: &said };
            let written = match &spot.state {
                SpotState::Part(there) => self.update(there, &draft).await?,
                SpotState::Free | SpotState::Whole(..) => {
                    match self.create(&space, &draft).await? {
                        Made::Page(page) => Ok(page),
                        Made::Taken => Err(Overtaken),
                    }
                }
            };
            match written {
                Ok(there) => return self.complete(sending, &there, papers, amends).await,
                Err(Overtaken) => self.pause().await,
            }
        }
        Err(Heard::new(Answer::Later(None), "title_taken"))
    }

    async fn create(&self, space: &Space, draft: &Draft<'_>) -> Result<Made, Heard> {
        let section = &self.filing.section;
        let call = section.edition.create(space, section.parent.as_deref(), draft);
        match self.client.ask(call).await? {
            Said::Good(body) => {
                let page = section.edition.read_page(&body);
                page.map(Made::Page).ok_or_else(|| Heard::new(Answer::Doubtful, "unreadable"))
            }
            Said::Refused { taken: true, .. } => Ok(Made::Taken),
            Said::Hidden(status) => Err(self.hidden(status).await),
            said @ (Said::Refused { .. } | Said::Conflict) => Err(odd(&said)),
        }
    }

    /// Writes the next version. The one that is there is ours; where another came in between, it is not written over.
    async fn update(
        &self,
        there: &Remote,
        draft: &Draft<'_>,
    ) -> Result<Result<Remote, Overtaken>, Heard> {
        let edition = self.filing.section.edition;
        match self.client.ask(edition.update(there, draft)).await? {
            Said::Good(body) => {
                let page = edition.read_page(&body);
                page.map(Ok).ok_or_else(|| Heard::new(Answer::Doubtful, "unreadable"))
            }
            Said::Conflict => {
                let now = self.read(&there.id).await?;
                // An earlier attempt of ours may have arrived late.
                let is_ours = now.version > there.version && now.message == draft.message;
                Ok(if is_ours { Ok(now) } else { Err(Overtaken) })
            }
            Said::Hidden(status) => Err(self.hidden(status).await),
            said @ Said::Refused { .. } => Err(odd(&said)),
        }
    }

    /// What belongs to a page. The property comes last: a page that has it is whole.
    async fn complete(
        &self,
        sending: &Sending<'_, Matter>,
        page: &Remote,
        papers: &Papers,
        amends: Option<&str>,
    ) -> Result<String, Heard> {
        let form = self.filing.section.edition;
        let there = self.attached_by_now(&page.id).await?;
        for file in &papers.files {
            let id = there.get(&file.name).map(String::as_str);
            match self.client.ask(form.attach(&page.id, file.clone(), id)).await? {
                Said::Good(_) => {}
                Said::Hidden(status) => return Err(self.hidden(status).await),
                said @ (Said::Refused { .. } | Said::Conflict) => return Err(odd(&said)),
            }
        }
        let (_, label) = sending.message.what();
        match self.client.ask(edition::label(&page.id, &[LABEL, label])).await? {
            Said::Good(_) => {}
            Said::Hidden(status) => return Err(self.hidden(status).await),
            said @ (Said::Refused { .. } | Said::Conflict) => return Err(odd(&said)),
        }
        if self.filing.section.restrict_edits {
            self.restrict(&page.id).await?;
        }
        let value = json!({
            "delivery": sending.id, "note_sha256": hex(&Sha256::digest(&papers.head.note)),
            "record": sending.record, "root": hex(&papers.head.root), "schema": 1,
            "seq": sending.message.seq(), "size": papers.head.size,
        });
        match self.client.ask(form.set_property(&page.id, &value)).await? {
            Said::Good(_) => {}
            // Somebody else, or an earlier attempt whose answer was lost, was faster.
            Said::Conflict | Said::Refused { .. } => {
                if self.property(&page.id).await?.is_none() {
                    return Err(Heard::new(Answer::Later(None), "property_refused"));
                }
            }
            Said::Hidden(status) => return Err(self.hidden(status).await),
        }
        // After all writes of ours: nobody says which of them make a version.
        let page = self.read(&page.id).await?;
        self.keep(sending, &page, &value, amends).await?;
        Ok(page.id)
    }

    /// Lets nobody but the account of the token edit a page. Done twice, it is the same.
    async fn restrict(&self, page: &str) -> Result<(), Heard> {
        let me = match self.client.ask(edition::me()).await? {
            Said::Good(body) => body.get("accountId").and_then(Value::as_str).map(str::to_owned),
            Said::Hidden(status) => return Err(self.hidden(status).await),
            said @ (Said::Refused { .. } | Said::Conflict) => return Err(odd(&said)),
        };
        let me = me.ok_or_else(|| Heard::new(Answer::Later(None), "unreadable"))?;
        match self.client.ask(edition::restrict(page, &me)).await? {
            Said::Good(_) => Ok(()),
            Said::Hidden(status) => Err(self.hidden(status).await),
            said @ (Said::Refused { .. } | Said::Conflict) => Err(odd(&said)),
        }
    }

    /// Writes down what was filed, with its records: once, however often it is found.
    async fn keep(
        &self,
        sending: &Sending<'_, Matter>,
        page: &Remote,
        value: &Value,
        amends: Option<&str>,
    ) -> Result<(), Heard> {
        let store = &self.journal.store;
        let away = |error| store_away(&error);
        let id = format!("att.{}.{}", sending.id.replace(':', "."), page.id);
        if store.landed(&id).await.map_err(away)?.is_some() {
            return Ok(());
        }
        let now = clock::now();
        self.anchor(page, value).await?;
        let sha256 = canonical::digest(page.body.as_deref().unwrap_or_default());
        let remote = self.remote(&page.id);
        let matter = sending.message;
        let replaces = matter.replaces().filter(|old| *old != page.id);
        let body = record::attestation_published(&Published {
            delivery: sending.id,
            receiver: NAME,
            what: matter.what().0,
            about: matter.about(),
            record: sending.record,
            remote: &remote,
            title: &page.title,
            version: page.version,
            sha256: &sha256,
            size: value.get("size").and_then(Value::as_u64).unwrap_or(0),
            amends,
            replaces,
            at: now,
        });
        let filed = Page {
            delivery: sending.id.to_owned(),
            page_id: page.id.clone(),
            title: page.title.clone(),
            parent: page.parent.clone().unwrap_or_default(),
            version: page.version,
            sha256,
            attachments: matter.file_names(),
            filed_at: now,
            looked_at: now,
            finding: Finding::Filed,
            seen_version: page.version,
        };
        let note = NewRecord { kind: "attestation_published", body };
        store.page_filed(NAME, &filed, (&id, &note)).await.map_err(away)?;
        self.journal.wake();
        Ok(())
    }

    /// Logs that the page bears a checkpoint: one record for each checkpoint and space.
    async fn anchor(&self, page: &Remote, value: &Value) -> Result<(), Heard> {
        let store = &self.journal.store;
        let of = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let size = value.get("size").and_then(Value::as_u64).unwrap_or(0);
        let (space, root) = (self.filing.section.space.as_str(), of("root"));
        let about = format!("{NAME}\n{space}\n{size}\n{root}");
        let digest: [u8; 32] = Sha256::digest(about).into();
        let id = format!("anc_{}", hex(digest.first_chunk::<12>().unwrap_or(&[0; 12])));
        let known = store.landed(&id).await.map_err(|error| store_away(&error))?;
        if known.is_some() || size == 0 {
            return Ok(());
        }
        let at = clock::now();
        let anchor = Anchor {
            kind: NAME,
            name: space,
            size,
            note_sha256: of("note_sha256"),
            receipt: &page.id,
            at,
        };
        let note = NewRecord { kind: "anchor", body: record::anchor(&anchor) };
        let queued = store.queue_anchor(&id, &note, (NAME, space), Anchored { size, at }).await;
        queued.map_err(|error| store_away(&error))
    }
}
