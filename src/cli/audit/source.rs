//! Where the log is read: at the agent, or in its directory.

use crate::audit::prove::{Consistency, Head, Keys, ProveError, Prover};
use crate::audit::signed::{Note, Signed, hash};
use crate::audit::tree::Hash;
use crate::audit::verify::Vkey;
use crate::cli::asked::REVOCATION;
use crate::cli::client::{Found, Reach, Where, text};
use crate::config::Config;
use crate::journal::Asked;
use anyhow::{Context as _, Result, bail};
use reqwest::StatusCode;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// A proof reads the whole log.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where the log is.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// Read the log in this directory, such as a copy of it, and ask no agent
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    #[command(flatten)]
    at: Where,
}

/// Where it was found.
pub(super) enum Source {
    /// A running agent.
    Agent(Reach),
    /// Its files.
    Directory(Prover),
}

impl Place {
    /// The running agent, else the directory.
    pub(super) async fn find(&self) -> Result<Source> {
        if let Some(dir) = &self.dir {
            return Ok(Source::Directory(Prover::new(dir)));
        }
        match self.at.running().await? {
            Some(agent) => Ok(Source::Agent(agent)),
            None => Ok(Source::Directory(Prover::new(&Config::log_dir_of(&self.at.file.config)?))),
        }
    }
}

impl Source {
    /// The newest checkpoint.
    pub(super) async fn head(&self) -> Result<Head> {
        match self {
            Self::Directory(prover) => Ok(prover.head()?),
            Self::Agent(reach) => {
                let path = "/api/v1/audit/checkpoint";
                let request = reach.get(path)?.header("accept", "text/plain");
                let note = text(reach.answer(request).await?).await?;
                Head::of(&note).context("the agent's checkpoint is no signed note")
            }
        }
    }

    /// The revocation that is meant by `text`. The files alone know no subject by name.
    pub(super) async fn revocation(&self, text: &str) -> Result<Found> {
        match self {
            Self::Agent(reach) => reach.find(text).await,
            Self::Directory(_) => Ok(Found::None),
        }
    }

    /// The proof of a line or a revocation.
    pub(super) async fn prove(&self, asked: &Asked) -> Result<String> {
        match self {
            Self::Directory(prover) => {
                let head = prover.head()?;
                Ok(match asked {
                    Asked::Line(seq) => prover.line(&head, *seq)?,
                    Asked::Revocation(id) => prover.bundle(&head, id).map_err(by_id)?,
                })
            }
            Self::Agent(reach) => {
                let path = match asked {
                    Asked::Line(seq) => format!("/api/v1/audit/proof/{seq}"),
                    Asked::Revocation(id) => match crate::cli::client::path_of(id) {
                        Some(path) => format!("{path}/proof"),
                        None => bail!(
                            "{id} is neither a line, nor the id of a revocation, nor a subject with one"
                        ),
                    },
                };
                text(reach.answer(reach.get(&path)?.timeout(PATIENCE)).await?).await
            }
        }
    }

    /// That the checkpoint `new` continues the tree of `old` lines. What an agent says is not checked here.
    pub(super) async fn consistency(&self, old: u64, new: &Head) -> Result<Consistency> {
        match self {
            Self::Directory(prover) => Ok(prover.consistency(old, new)?),
            Self::Agent(reach) => {
                let path = format!("/api/v1/audit/consistency?old={old}&new={}", new.size);
                let answer = reach.answer(reach.get(&path)?.timeout(PATIENCE)).await?;
                let root = answer.headers().get("revoked-old-root");
                let root = root.and_then(|root| hash(root.to_str().ok()?));
                let old_root = root.unwrap_or_default();
                let answer = text(answer).await?;
                let (path, note) = taken(&answer).context("the agent's answer is no proof")?;
                let new = Head::of(note).context("the agent's answer has no checkpoint")?;
                Ok(Consistency { old, old_root, path, new })
            }
        }
    }

    /// The checkpoint over `size` lines.
    pub(super) async fn checkpoint(&self, size: u64) -> Result<Head> {
        match self {
            Self::Directory(prover) => Ok(prover.checkpoint(size)?),
            Self::Agent(reach) => {
                let path = format!("/api/v1/audit/consistency?old={size}&new={size}");
                let answer = text(reach.answer(reach.get(&path)?.timeout(PATIENCE)).await?).await?;
                let (_, note) = taken(&answer).context("the agent's answer is no proof")?;
                Head::of(note).context("the agent's answer has no checkpoint")
            }
        }
    }

    /// Whether `note` bears a good signature of this log. An agent elsewhere tells of its first key and of the one
    /// in use; notes signed by one between them take the log itself.
    pub(super) async fn signed(&self, note: &str, newest: &Head) -> Result<bool> {
        match self {
            Self::Directory(prover) => {
                let keys: Keys = prover.keys(newest)?;
                Ok(keys.texts().any(|key| bears(note, key)))
            }
            Self::Agent(reach) => {
                let request = reach.get("/api/v1/audit/checkpoint")?;
                let said = text(reach.answer(request).await?).await?;
                let said: Value = serde_json::from_str(&said).context("the agent's answer")?;
                let first = self.lines(0, 1).await?;
                let first: Value = serde_json::from_slice(&first).context("the first line")?;
                let keys = [said.get("vkey"), first.pointer("/what/key")];
                Ok(keys.into_iter().flatten().filter_map(Value::as_str).any(|key| bears(note, key)))
            }
        }
    }

    /// Up to `limit` lines from line `from` on, as many as fit a page.
    pub(super) async fn lines(&self, from: u64, limit: u64) -> Result<Vec<u8>> {
        match self {
            Self::Directory(prover) => Ok(prover.lines(from, limit)?),
            Self::Agent(reach) => {
                let path = format!("/api/v1/audit/records?from={from}&limit={limit}");
                let answer = reach.answer(reach.get(&path)?).await?;
                if answer.status() == StatusCode::NOT_FOUND {
                    bail!("the log is shorter than it was");
                }
                Ok(text(answer).await?.into_bytes())
            }
        }
    }
}

/// The log has no names of people.
fn by_id(error: ProveError) -> anyhow::Error {
    let unknown = matches!(&error, ProveError::NoRecord(id) if !id.starts_with(REVOCATION));
    let error = anyhow::Error::new(error);
    if unknown {
        error.context(
            "the log's files name no subject: give the id, rev_… (`revoked expect list`), or ask a running agent",
        )
    } else {
        error
    }
}

fn bears(note: &str, key: &str) -> bool {
    let Ok(key) = Vkey::parse(key) else { return false };
    Note::parse(note)
        .is_some_and(|note| note.origin == key.origin() && note.signed_by(&key) == Signed::Good)
}

/// Path and note of a consistency proof.
fn taken(proof: &str) -> Option<(Vec<Hash>, &str)> {
    let (head, note) = proof.split_once("\n\n")?;
    let path: Option<Vec<Hash>> = head.split('\n').skip(1).map(hash).collect();
    Some((path?, note))
}
