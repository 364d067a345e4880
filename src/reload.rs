//! Taking a changed configuration into force while the agent runs.
//!
//! The directories of the configuration and of the files it names are watched (not the files: editors and
//! Kubernetes replace them), SIGHUP and the API ask, and a timer catches what nobody told. A file that is wrong
//! changes nothing.

use crate::audit::record;
use crate::clock;
use crate::config::{Config, Replacer};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::store::NewRecord;
use crate::systemd;
use anyhow::{Context as _, Result};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// After a change, the files have to be quiet for this long: an editor may still be writing.
const QUIET: Duration = Duration::from_millis(500);
/// The files are read anew this often even if nobody says that they changed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of a reload.
pub type Outcome = Result<bool, String>;

/// Asks for a reload, and is told what became of it.
#[derive(Clone, Debug)]
pub struct Asker(mpsc::Sender<oneshot::Sender<Outcome>>);

impl Asker {
    /// Reloads now; whether anything changed, or why the old configuration stays.
    ///
    /// # Errors
    /// In the operator's words.
    pub async fn reload(&self) -> Outcome {
        let (tell, told) = oneshot::channel();
        let gone = "the agent is stopping".to_owned();
        self.0.send(tell).await.map_err(|_| gone.clone())?;
        told.await.map_err(|_| gone)?
    }
}

/// Reads the configuration anew when there is reason to.
pub struct Reloader {
    path: PathBuf,
    replacer: Replacer,
    journal: Arc<Journal>,
    metrics: Arc<Metrics>,
    /// What a configuration has to fulfil beyond its form.
    check: fn(&Config) -> Result<()>,
    asked: mpsc::Receiver<oneshot::Sender<Outcome>>,
    hangup: Signal,
    /// What is wrong with the file, as last said: a timer must not repeat it.
    complaint: Option<String>,
}

impl Reloader {
    /// A reloader of the configuration in force, and who may ask it. From now on SIGHUP ends nobody.
    ///
    /// # Errors
    /// When signals cannot be waited for.
    pub fn new(
        replacer: Replacer,
        journal: Arc<Journal>,
        metrics: Arc<Metrics>,
        check: fn(&Config) -> Result<()>,
    ) -> Result<(Self, Asker)> {
        let hangup = signal(SignalKind::hangup()).context("waiting for SIGHUP")?;
        let (ask, asked) = mpsc::channel(8);
        metrics.set_reloaded(clock::now().seconds());
        let path = replacer.current().path.clone();
        let reloader =
            Self { path, replacer, journal, metrics, check, asked, hangup, complaint: None };
        Ok((reloader, Asker(ask)))
    }

    /// Reloads when there is reason to, until stopped.
    ///
    /// # Errors
    /// Never: a directory that cannot be watched is left to the timer.
    pub async fn run(mut self, stop: CancellationToken) -> Result<()> {
        let changed = Arc::new(Notify::new());
        let mut watching = Watching::default();
        loop {
            watching.follow(&self.replacer.current(), &changed);
            let asked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                // systemd waits until a reload that it asked for is over.
                _ = self.hangup.recv() => {
                    let _ = systemd::reload(self.reload()).await;
                    continue;
                }
                () = quiet(&changed) => None,
                () = tokio::time::sleep(PATIENCE) => None,
                Some(asked) = self.asked.recv() => Some(asked),
            };
            let outcome = self.reload().await;
            if let Some(tell) = asked {
                let _ = tell.send(outcome);
            }
        }
    }

    /// Reads the files once. Says what is wrong with them once, however often they are read.
    async fn reload(&mut self) -> Outcome {
        match self.take().await {
            Ok(changed) => {
                let mended = self.complaint.take().is_some();
                if changed || mended {
                    tracing::info!(config = %self.path.display(), changed, "the configuration was reloaded");
                    self.metrics.set_reloaded(clock::now().seconds());
                }
                Ok(changed)
            }
            Err(error) => {
                let complaint = format!("{error:#}");
                self.metrics.set_reload_failed();
                if self.complaint.as_ref() != Some(&complaint) {
                    tracing::error!(config = %self.path.display(), "the old configuration stays in force: {complaint}");
                    self.complaint = Some(complaint.clone());
                }
                Err(complaint)
            }
        }
    }

    async fn take(&self) -> Result<bool> {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || Config::read(&path));
        let new = read.await.context("reading the configuration")??;
        let old = self.replacer.current();
        if new == *old {
            return Ok(false);
        }
        let fixed = new.fixed_differences(&old);
        anyhow::ensure!(
            fixed.is_empty(),
            "{} cannot change while the agent runs; restart it to take the new configuration",
            fixed.join(" and ")
        );
        (self.check)(&new)?;
        // What is looked at, and how strictly, is part of what the log proves.
        let at = clock::now();
        let id = clock::new_id("cfg", at)?;
        let body = record::config_changed(at, &old.sha256, &new.sha256, &new.not_required);
        let note = NewRecord { kind: "config_changed", body };
        self.journal.store.queue_note(&id, &note, at).await?;
        self.journal.wake();
        self.replacer.replace(new);
        Ok(true)
    }
}

/// Waits for a change, and then until there was none for a while.
async fn quiet(changed: &Notify) {
    changed.notified().await;
    while tokio::time::timeout(QUIET, changed.notified()).await.is_ok() {}
}

/// The directories that are watched.
#[derive(Default)]
struct Watching {
    /// Watches until it is dropped. Without one, the timer has to do.
    watcher: Option<RecommendedWatcher>,
    files: BTreeSet<PathBuf>,
}

impl Watching {
    /// Watches the directories of the files of `config`.
    fn follow(&mut self, config: &Config, changed: &Arc<Notify>) {
        if self.files == config.files {
            return;
        }
        self.files.clone_from(&config.files);
        self.watcher = match watch(&config.files, changed.clone()) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::warn!(
                    "changes of the configuration are seen within {} s only: {error}",
                    PATIENCE.as_secs()
                );
                None
            }
        };
    }
}

fn watch(files: &BTreeSet<PathBuf>, changed: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let names: BTreeSet<OsString> =
        files.iter().filter_map(|file| file.file_name()).map(OsString::from).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Kubernetes swaps the link `..data` and leaves the files as they are.
        let ours = |path: &PathBuf| {
            path.file_name().is_none_or(|name| {
                names.contains(name) || name.as_encoded_bytes().starts_with(b"..")
            })
        };
        // An error may mean that events were lost.
        if event
            .as_ref()
            .map_or(true, |event| !event.kind.is_access() && event.paths.iter().any(ours))
        {
            changed.notify_one();
        }
    })?;
    let mut dirs: BTreeSet<&Path> = BTreeSet::new();
    for dir in files.iter().filter_map(|file| file.parent()) {
        dirs.insert(if dir.as_os_str().is_empty() { Path::new(".") } else { dir });
    }
    for dir in dirs {
        watcher.watch(dir, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}
