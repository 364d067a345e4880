//! What is attached to a page, and the page itself.

use super::client::File;
use super::edition::read_attached;
use super::gather::{DIFF, MEMBERS, proof_name};
use super::look::GRACE;
use super::{Closing, Confluence};
use crate::audit::prove::Head;
use crate::deliver::confluence::client::Said;
use crate::deliver::receiver::{Heard, Sending};
use crate::deliver::render::{Circumstances, Page, Proof, closure, differences, members};
use crate::domain::delivery::Answer;
use crate::domain::effective;
use crate::domain::hex::hex;
use crate::journal::Asked;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Longest body that is sent. Confluence takes 5 MB, and is slow long before.
const LONGEST: usize = 1_000_000;

/// What goes with a page.
#[derive(Clone, Debug)]
pub(super) struct Papers {
    /// The checkpoint that the page bears.
    pub(super) head: Head,
    /// The key that signed it, as verifiers take it.
    pub(super) vkey: String,
    pub(super) proofs: Vec<Proof>,
    pub(super) files: Vec<File>,
}

impl Confluence {
    /// Makes what goes with a page, from the log's files.
    pub(super) async fn papers(&self, closing: &Closing) -> Result<Papers, Heard> {
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
        Ok(Papers { head, vkey: self.journal.vkey().to_owned(), proofs, files })
    }

    /// The page. One that would be too long has its tables in the attachments alone, and says so.
    pub(super) fn page(
        &self,
        sending: &Sending<'_, Closing>,
        papers: &Papers,
        amends: Option<&str>,
    ) -> Result<Page, String> {
        let earlier = sending.thread.and_then(|remote| remote.split_once(' ')).map(|(_, id)| id);
        let replaces = sending.message.replaces.as_deref();
        let zone = self.filing.zone.as_deref();
        let made = |short| {
            closure(&Circumstances {
                closing: sending.message,
                delivery: sending.id,
                head: &papers.head,
                vkey: &papers.vkey,
                proofs: &papers.proofs,
                zone: zone.and_then(|name| Some((name, effective::zone(name).ok()?))),
                earlier: earlier.filter(|page| Some(*page) != replaces),
                replaces,
                amends,
                short,
            })
        };
        let page = made(sending.plain);
        let page = if page.body.as_str().len() > LONGEST { made(true) } else { page };
        if page.body.as_str().len() > LONGEST {
            return Err("too_large".to_owned());
        }
        Ok(page)
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
        let call = self.filing.section.edition.attached(page);
        match self.client.ask(call).await? {
            Said::Good(body) => Ok(read_attached(&body)),
            Said::Hidden(_) | Said::Refused { .. } | Said::Conflict => Ok(None),
        }
    }
}
