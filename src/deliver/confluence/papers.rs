//! What is attached to a page, and the page itself.

use super::client::File;
use super::edition::read_attached;
use super::gather::{DIFF, MEMBERS, proof_name};
use super::look::GRACE;
use super::matter::{NUMBERS, PeriodEnd, ROWS};
use super::{Closing, Confluence, Matter};
use crate::audit::prove::Head;
use crate::deliver::attest::{Wanted, make};
use crate::deliver::confluence::client::Said;
use crate::deliver::document::storage;
use crate::deliver::receiver::{Heard, Sending};
use crate::deliver::render::attestation::{Around, Attached, attestation, attested};
use crate::deliver::render::{Beside, Circumstances, Page, Proof, closure, differences, members};
use crate::domain::attestation::Attestation;
use crate::domain::delivery::Answer;
use crate::domain::effective;
use crate::domain::hex::hex;
use crate::journal::Asked;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Longest body that is sent. Confluence takes 5 MB, and is slow long before.
const LONGEST: usize = 1_000_000;

/// Lists of attachments that are read, of 250 each. A page of ours has twenty or so; more are somebody else's.
const LISTS: u32 = 40;

/// What goes with a page.
#[derive(Clone, Debug)]
pub(super) struct Papers {
    /// The checkpoint that the page bears.
    pub(super) head: Head,
    /// The key that signed it, as verifiers take it.
    pub(super) vkey: String,
    pub(super) proofs: Vec<Proof>,
    pub(super) files: Vec<File>,
    /// Of a period: what is attested.
    pub(super) made: Option<Box<Attestation>>,
}

/// What is attached of an attestation: its numbers, and apart from them its revocations.
fn numbers(made: &Attestation) -> serde_json::Result<Vec<u8>> {
    let mut value = serde_json::to_value(made)?;
    if let Some(members) = value.as_object_mut() {
        members.remove("revocations");
    }
    serde_json::to_vec_pretty(&value)
}

fn attached(file: &File) -> Attached {
    Attached {
        name: file.name.clone(),
        sha256: hex(&Sha256::digest(&file.bytes)),
        bytes: file.bytes.len(),
    }
}

impl Confluence {
    /// Makes what goes with a page, from the log's files.
    pub(super) async fn papers(&self, matter: &Matter) -> Result<Papers, Heard> {
        match matter {
            Matter::Closure(closing) => self.papers_of(closing).await,
            Matter::Period(end) => self.papers_of_period(end).await,
        }
    }

    async fn papers_of_period(&self, end: &PeriodEnd) -> Result<Papers, Heard> {
        let later = |error: anyhow::Error| {
            let error = format!("{error:#}");
            tracing::warn!(error, about = end.name, "an attestation cannot be made");
            Heard::new(Answer::Later(None), "no_attestation")
        };
        let head = self.journal.head().await.map_err(|error| later(error.into()))?;
        let wanted = Wanted {
            name: Some(end.name.clone()),
            period: end.period,
            up_to: Some(end.seq),
            left_out: end.left_out.clone(),
        };
        let made = make(&self.journal, &wanted, &head).await;
        let made = made.map_err(|error| later(error.into()))?;
        let numbers = numbers(&made).map_err(|error| later(error.into()))?;
        let file = |name: &str, kind, bytes| File { name: name.to_owned(), kind, bytes };
        Ok(Papers {
            head,
            vkey: self.journal.vkey().to_owned(),
            proofs: Vec::new(),
            files: vec![
                file(ROWS, "text/csv", attested(&made)),
                file(NUMBERS, "application/json", numbers),
            ],
            made: Some(Box::new(made)),
        })
    }

    async fn papers_of(&self, closing: &Closing) -> Result<Papers, Heard> {
        let no_proof = |error: crate::audit::prove::ProveError| {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::warn!(error, about = closing.about, "no proof for a page");
            Heard::new(Answer::Later(None), "no_proof")
        };
        let head = self.journal.head().await.map_err(no_proof)?;
        let (mut proofs, mut files) = (Vec::new(), Vec::new());
        for part in closing.proved() {
            let asked = Asked::Revocation(part.id().to_owned());
            let proof = self.journal.prove(&self.filing.log_dir, asked).await;
            let bytes = proof.map_err(no_proof)?.into_bytes();
            let name = proof_name(part.id());
            proofs.push(Proof {
                revocation: part.id().to_owned(),
                name: name.clone(),
                sha256: hex(&Sha256::digest(&bytes)),
                bytes: bytes.len(),
            });
            files.push(File { name, kind: "text/plain", bytes });
        }
        let csv = |name: &str, bytes| File { name: name.to_owned(), kind: "text/csv", bytes };
        files.push(csv(DIFF, differences(closing)));
        if closing.is_checklist {
            files.push(csv(MEMBERS, members(closing)));
        }
        Ok(Papers { head, vkey: self.journal.vkey().to_owned(), proofs, files, made: None })
    }

    /// The page. One that would be too long has its tables in the attachments alone, and says so.
    pub(super) fn page(
        &self,
        sending: &Sending<'_, Matter>,
        papers: &Papers,
        amends: Option<&str>,
    ) -> Result<Page, String> {
        let page = self.written(sending, papers, amends, sending.plain);
        let long = |page: &Page| page.body.as_str().len() > LONGEST;
        let page = if long(&page) { self.written(sending, papers, amends, true) } else { page };
        if long(&page) { Err("too_large".to_owned()) } else { Ok(page) }
    }

    fn written(
        &self,
        sending: &Sending<'_, Matter>,
        papers: &Papers,
        amends: Option<&str>,
        short: bool,
    ) -> Page {
        let earlier = sending.thread.and_then(|remote| remote.split_once(' ')).map(|(_, id)| id);
        let replaces = sending.message.replaces();
        let earlier = earlier.filter(|page| Some(*page) != replaces);
        let beside = Beside { earlier, replaces, amends, short };
        let zone = self.filing.zone.as_deref();
        let zone = zone.and_then(|name| Some((name, effective::zone(name).ok()?)));
        let delivery = sending.id;
        match (sending.message, &papers.made) {
            (Matter::Closure(closing), _) => closure(&Circumstances {
                closing,
                delivery,
                head: &papers.head,
                vkey: &papers.vkey,
                proofs: &papers.proofs,
                zone,
                beside,
            }),
            (Matter::Period(_), made) => {
                let files: Vec<Attached> = papers.files.iter().map(attached).collect();
                let around = Around { delivery: Some(delivery), files: &files, zone, beside };
                let blocks = made.as_ref().map(|made| attestation(made, &around));
                let title = sending.message.title();
                Page { title, body: storage(&blocks.unwrap_or_default()) }
            }
        }
    }

    /// The same of a page that was made a moment ago, and may not be shown yet: what is there must not be made anew.
    pub(super) async fn attached_by_now(
        &self,
        page: &str,
    ) -> Result<BTreeMap<String, String>, Heard> {
        for _ in 0..GRACE {
            if let Some(there) = self.attached(page).await? {
                return Ok(there);
            }
            self.pause().await;
        }
        Err(Heard::new(Answer::Later(None), "not_shown_yet"))
    }

    /// Names and ids of what is attached; `None`: it does not show.
    pub(super) async fn attached(
        &self,
        page: &str,
    ) -> Result<Option<BTreeMap<String, String>>, Heard> {
        let edition = self.filing.section.edition;
        let (mut all, mut read, mut place) = (BTreeMap::new(), 0, None);
        for _ in 0..LISTS {
            let body = match self.client.ask(edition.attached(page, place)).await? {
                Said::Good(body) => body,
                Said::Hidden(_) | Said::Refused { .. } | Said::Conflict => return Ok(None),
            };
            let Some(some) = read_attached(&body) else { return Ok(None) };
            read += some.len();
            let is_last = some.is_empty();
            all.extend(some);
            place = edition.further(&body, read).filter(|_| !is_last);
            if place.is_none() {
                return Ok(Some(all));
            }
        }
        // What is not among these is taken for missing, which is told.
        tracing::warn!(page, read, "a page has more attachments than are read");
        Ok(Some(all))
    }
}
