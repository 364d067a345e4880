//! What is wrong with a log, and what of it is good.

use super::Scene;
use crate::audit::key::{LogKey, commitment};
use crate::audit::keys;
use crate::audit::verify::{GoodCheckpoint, Options, Outcome, Report, Vkey};
use crate::cli::verify::{check, goes_on_from};
use crate::journal::{self, JournalError};
use anyhow::{Result, bail};
use std::path::PathBuf;

/// What is wrong, and what of the log is good.
pub(super) struct Damage {
    pub(super) why: String,
    pub(super) good: Option<GoodCheckpoint>,
    /// Id of the key that signed it, where that is not the one in `log.key_file`.
    pub(super) signed_by: Option<String>,
    /// Records of which the store knows that they were in the log, and which are not below the good checkpoint.
    pub(super) unrecorded: Option<u64>,
    /// Lines of which the files are not there, before those that are.
    pub(super) unseen: u64,
}

/// What the files prove.
struct Proved {
    report: Report,
    /// Whether it is proved by the key in `log.key_file`, or by one that this key followed.
    is_ours: bool,
    /// Id of the key that proves it, where it is another than that in `log.key_file`.
    signed_by: Option<String>,
}

impl Proved {
    fn good(&self) -> Option<GoodCheckpoint> {
        self.report.last_checkpoint.clone().filter(|_| self.is_ours)
    }

    /// The newest checkpoint, if nothing is wrong up to there.
    fn sound(&self) -> Option<&GoodCheckpoint> {
        match self.report.outcome {
            Outcome::Verified | Outcome::NotProved | Outcome::Incomplete => {
                self.report.last_checkpoint.as_ref()
            }
            Outcome::Error | Outcome::Tampered | Outcome::HistoryDiffers => None,
        }
    }

    fn fault(&self) -> String {
        self.report.fault.as_ref().map_or_else(
            || "nothing in it is sealed".to_owned(),
            |fault| format!("{}, line {}: {}", fault.file, fault.line, fault.sentence),
        )
    }
}

impl Scene<'_> {
    /// What is wrong with the log, if anything is.
    pub(super) async fn damage(&self) -> Result<Option<Damage>> {
        let dir = &self.config.log_dir;
        let names = self.lock.files()?;
        if names.is_empty() {
            if self.store.landed_mark().await?.is_none() {
                bail!("there is no log, and the store knows of none: `revoked init` makes one");
            }
            let why = format!("no file of the log is left in {}", dir.display());
            return Ok(Some(self.measured(why, None, true).await?));
        }
        let files: Vec<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
        let proved = self.proved(&files)?;
        let Some(newest) = proved.sound() else {
            let why = format!("it is damaged: {}", proved.fault());
            return Ok(Some(self.measured(why, Some(&proved), true).await?));
        };
        if proved.report.origin != self.origin {
            let why = format!(
                "it is the log {}, but the store belongs to {}",
                proved.report.origin.as_deref().unwrap_or_default(),
                self.origin.as_deref().unwrap_or("no log")
            );
            return Ok(Some(self.measured(why, None, false).await?));
        }
        if !proved.is_ours {
            let why = format!(
                "it is signed by the key {}, which log.key_file neither holds nor followed. If log.key_file is not \
                 the log's, put the log's key there",
                proved.report.key_id.as_deref().unwrap_or_default()
            );
            return Ok(Some(self.measured(why, None, true).await?));
        }
        match journal::fits(&self.store, dir, newest.size).await {
            Ok(()) => Ok(None),
            Err(JournalError::Misfit(why)) => {
                let behind =
                    self.store.landed_mark().await?.is_some_and(|(seq, _)| seq > newest.size);
                let why = format!("store and log do not fit: {why}");
                Ok(Some(self.measured(why, Some(&proved), behind).await?))
            }
            Err(JournalError::Log(error)) => {
                Ok(Some(self.measured(error.to_string(), Some(&proved), true).await?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the files under the key in `log.key_file`. What is left of the log may lie before the change to that
    /// key: then under the key that named it, or one that is kept beside it.
    fn proved(&self, files: &[PathBuf]) -> Result<Proved> {
        let dir = &self.config.log_dir;
        let ours = self.origin.as_deref().and_then(|origin| {
            let key = LogKey::read(&self.config.key_file, origin, dir).ok()?;
            Vkey::parse(&key.vkey()).ok()
        });
        let since = goes_on_from(files, self.origin.as_deref().unwrap_or_default())?;
        let under = |key| Options { key, since: since.clone(), ..Options::default() };
        let report = check(files, &under(ours.clone()))?;
        let Some(ours) = ours.filter(|_| !report.key_pinned) else {
            return Ok(Proved { report, is_ours: true, signed_by: None });
        };
        let report = check(files, &under(None))?;
        let had = |key: &String| report.keys.iter().any(|one| one.key == *key);
        let promised = keys::promised(dir)?.contains(&commitment(&ours.to_string()));
        let is_ours =
            promised || keys::retired(&self.config.key_file, ours.origin(), dir).iter().any(had);
        let signed_by = report.key_id.clone().filter(|_| is_ours);
        Ok(Proved { report, is_ours, signed_by })
    }

    /// With the number of records that are missing, where it `is_known`.
    async fn measured(
        &self,
        why: String,
        proved: Option<&Proved>,
        is_known: bool,
    ) -> Result<Damage> {
        let good = proved.and_then(Proved::good);
        let from = good.as_ref().map_or(0, |good| good.size);
        let count = self.store.landed_from(from).await?;
        let signed_by = proved.and_then(|proved| proved.signed_by.clone());
        let unseen = self.lock.first()?.unwrap_or_default();
        Ok(Damage { why, good, signed_by, unrecorded: is_known.then_some(count), unseen })
    }
}
