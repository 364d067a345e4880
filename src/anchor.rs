//! Gives the log's checkpoints to others, and keeps what they answer: only what lies elsewhere binds the one who
//! holds key and disk.
//!
//! A witness that holds more than this log, or something else, means that this log is an older copy or a fork: then
//! the agent does not start, and one that runs accepts nothing more.

mod ask;
mod git;
mod tsa;
mod witness;

pub use witness::{Standing, standing};

use crate::audit::prove::Head;
use crate::audit::record::{Anchor, anchor};
use crate::clock;
use crate::config::{Anchors as Configured, Live};
use crate::domain::hex::hex;
use crate::journal::Journal;
use crate::metrics::{AnchorLevel, AnchorLevels, Metrics};
use crate::store::{Anchored, NewRecord};
use crate::supervise::Trouble;
use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// A witness holds a history of this log that is not this one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the witness {witness} {why}. This log was restored from an older copy, or it was written in two places. Put \
     the newest copy of the state directory back; if it is lost, keep this one as evidence and begin a new log \
     (docs/anchors.md). Only if the witness itself is wrong, take it out of log.witnesses"
)]
pub struct Contradiction {
    /// Which, as the configuration calls it.
    pub witness: String,
    /// What it holds.
    pub why: String,
}

/// What asking an anchor came to, when it came to no receipt.
#[derive(Debug)]
enum Refusal {
    /// It holds another history.
    Contradicts(String),
    /// It could not be asked, or gave no good answer.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Gives checkpoints away.
pub struct Anchors {
    journal: Arc<Journal>,
    config: Live,
    metrics: Arc<Metrics>,
    client: reqwest::Client,
    /// What witnesses hold against this log, by their names.
    against: Mutex<BTreeMap<String, String>>,
    trouble: Trouble,
}

/// What the form of the configuration does not show: that keys and addresses can be used.
///
/// # Errors
/// Names the key that is wrong.
pub fn usable(anchors: &Configured) -> Result<()> {
    for witness in &anchors.witnesses {
        let key = || format!("log.witnesses: {}", witness.name);
        crate::audit::cosign::Cosigner::parse(&witness.key)
            .with_context(|| format!("{}: key (as `revoked witness --init` prints it)", key()))?;
        ask::address(&witness.url).with_context(key)?;
    }
    for tsa in &anchors.tsa {
        ask::address(&tsa.url).with_context(|| format!("log.tsa: {}", tsa.name))?;
    }
    Ok(())
}

impl Anchors {
    /// Of this log.
    ///
    /// # Errors
    /// When there is no TLS.
    pub fn new(journal: Arc<Journal>, config: Live, metrics: Arc<Metrics>) -> Result<Self> {
        let client = ask::client()?;
        let (against, trouble) = (Mutex::default(), Trouble::default());
        Ok(Self { journal, config, metrics, client, against, trouble })
    }

    /// Asks every witness once, before anything is written or served. One that does not answer is only told of.
    ///
    /// # Errors
    /// The first witness that holds another history.
    pub async fn begin(&self) -> Result<(), Contradiction> {
        self.round(false).await;
        let against = self.against.lock().unwrap_or_else(PoisonError::into_inner);
        match against.iter().next() {
            None => Ok(()),
            Some((witness, why)) => {
                Err(Contradiction { witness: witness.clone(), why: why.clone() })
            }
        }
    }

    /// Gives the newest checkpoint to everybody now and at each interval, until stopped.
    ///
    /// # Errors
    /// Never: who does not answer is asked again.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let mut config = self.config.clone();
        loop {
            let begun = tokio::time::Instant::now();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.round(true) => {}
            }
            let mut anchors = config.current().anchors.clone();
            loop {
                let next = begun + anchors.interval;
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep_until(next) => break,
                    changed = config.changed() => {
                        if changed.anchors.names().ne(anchors.names()) {
                            break;
                        }
                        anchors = changed.anchors.clone();
                    }
                }
            }
        }
    }

    /// Gives the newest checkpoint to the witnesses, or to all.
    async fn round(&self, all: bool) {
        let config = self.config.current();
        let anchors = &config.anchors;
        if anchors.names().next().is_some() {
            match self.journal.head().await {
                Ok(head) => self.give(&head, anchors, &config.log_dir, all).await,
                Err(error) => {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    tracing::error!(error, "no checkpoint to give away");
                }
            }
        }
        let against = {
            let mut against = self.against.lock().unwrap_or_else(PoisonError::into_inner);
            against.retain(|name, _| anchors.witnesses.iter().any(|one| one.name == *name));
            against.clone()
        };
        self.journal.set_contradicted(!against.is_empty());
        if let Err(error) = self.show(anchors, &against).await {
            tracing::debug!(error = format!("{error:#}"), "the anchors are not shown");
        }
    }

    async fn give(&self, head: &Head, anchors: &Configured, dir: &Path, all: bool) {
        for one in &anchors.witnesses {
            let place = ("witness", one.name.as_str());
            let asked = async {
                let known = self.journal.store.anchored(place.0, place.1, clock::now()).await?;
                let line =
                    witness::ask(&self.client, one, &self.journal, dir, head, known.size).await?;
                self.keep(place, head, &line).await?;
                Ok(())
            };
            self.told(place, head, asked.await);
        }
        // What a witness contradicts is not spread further.
        if !all || self.is_contradicted(anchors) {
            return;
        }
        for one in &anchors.tsa {
            let place = ("tsa", one.name.as_str());
            let asked = async {
                if !self.has(place, head).await? {
                    let token = tsa::ask(&self.client, one, &head.note).await?;
                    self.keep(place, head, &token).await?;
                }
                Ok(())
            };
            self.told(place, head, asked.await);
        }
        if let Some(repository) = &anchors.git {
            let place = ("git", "git");
            let asked = async {
                if !self.has(place, head).await? {
                    let commit = git::commit(repository, head).await?;
                    self.keep(place, head, &commit).await?;
                }
                Ok(())
            };
            self.told(place, head, asked.await);
        }
    }

    fn is_contradicted(&self, anchors: &Configured) -> bool {
        let against = self.against.lock().unwrap_or_else(PoisonError::into_inner);
        anchors.witnesses.iter().any(|one| against.contains_key(&one.name))
    }

    /// Says what became of it: what goes wrong again and again, when it begins and when it changes.
    fn told(&self, (kind, name): (&str, &str), head: &Head, outcome: Result<(), Refusal>) {
        let mut against = self.against.lock().unwrap_or_else(PoisonError::into_inner);
        let thing = format!("{kind} {name}");
        match outcome {
            Ok(()) => {
                if kind == "witness" {
                    against.remove(name);
                }
                if self.trouble.is_over(&thing) {
                    tracing::info!(kind, anchor = name, "checkpoints are taken again");
                }
                tracing::debug!(kind, anchor = name, size = head.size, "a checkpoint was taken");
            }
            Err(Refusal::Contradicts(why)) => {
                self.metrics.anchor_failures.with_label_values(&[kind]).inc();
                if self.trouble.is(&thing, why.as_str()) {
                    tracing::error!(
                        anchor = name,
                        why,
                        "the witness holds another history of this log"
                    );
                }
                against.insert(name.to_owned(), why);
            }
            Err(Refusal::Failed(error)) => {
                self.metrics.anchor_failures.with_label_values(&[kind]).inc();
                let error = format!("{error:#}");
                if self.trouble.is(&thing, error.as_str()) {
                    tracing::warn!(kind, anchor = name, error, "a checkpoint was not taken");
                }
            }
        }
    }

    async fn has(&self, place: (&str, &str), head: &Head) -> Result<bool> {
        Ok(self.journal.store.landed(&record_id(place, head)).await?.is_some())
    }

    /// Queues the record of a receipt, unless there is one for this place and size.
    async fn keep(&self, place: (&str, &str), head: &Head, receipt: &str) -> Result<()> {
        if self.has(place, head).await? {
            return Ok(());
        }
        let at = clock::now();
        let note_sha256 = hex(&Sha256::digest(&head.note));
        let about = Anchor {
            kind: place.0,
            name: place.1,
            size: head.size,
            note_sha256: &note_sha256,
            receipt,
            at,
        };
        let record = NewRecord { kind: "anchor", body: anchor(&about) };
        let anchored = Anchored { size: head.size, at };
        self.journal.store.queue_anchor(&record_id(place, head), &record, place, anchored).await?;
        self.journal.wake();
        Ok(())
    }

    async fn show(&self, anchors: &Configured, against: &BTreeMap<String, String>) -> Result<()> {
        let mut levels = AnchorLevels::new();
        for (kind, name) in anchors.names() {
            let known = self.journal.store.anchored(kind, name, clock::now()).await?;
            let ahead = kind == "witness" && against.contains_key(name);
            let level = AnchorLevel { since: known.at.seconds(), size: known.size, ahead };
            levels.insert((kind.to_owned(), name.to_owned()), level);
        }
        self.metrics.set_anchors(levels, anchors.interval.as_secs_f64());
        Ok(())
    }
}

/// The same for the same checkpoint and place, so that there is one record of it.
fn record_id((kind, name): (&str, &str), head: &Head) -> String {
    let about = format!("{kind}\n{name}\n{}\n{}", head.size, hex(&head.root));
    let digest: [u8; 32] = Sha256::digest(about).into();
    format!("anc_{}", hex(digest.first_chunk::<12>().unwrap_or(&[0; 12])))
}
