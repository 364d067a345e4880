//! What the system tells of the folder: that something changed, and which names were renamed into their place.

use crate::config::Inbox;
use notify::event::{ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Most names that are kept between two readings. Further files are whole once they did not change for a while.
const NAMES: usize = 10_000;

/// What changed since it was asked.
#[derive(Debug, Default)]
pub(super) struct Changes {
    changed: Notify,
    renamed: Mutex<BTreeSet<OsString>>,
}

impl Changes {
    /// Waits for a change.
    pub(super) async fn wait(&self) {
        self.changed.notified().await;
    }

    /// Names that were renamed into their place since the last time.
    pub(super) fn take(&self) -> BTreeSet<OsString> {
        std::mem::take(&mut *self.renamed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, told: notify::Result<Event>) {
        match told {
            Ok(event) => {
                if event.kind.is_access() {
                    return;
                }
                // Where both are told, the second one is where it went.
                let to = if event.kind == renamed(RenameMode::To) {
                    event.paths.first()
                } else if event.kind == renamed(RenameMode::Both) {
                    event.paths.get(1)
                } else {
                    None
                };
                if let Some(name) = to.and_then(|path| path.file_name()) {
                    let mut renamed = self.renamed.lock().unwrap_or_else(PoisonError::into_inner);
                    if renamed.len() < NAMES {
                        renamed.insert(name.to_owned());
                    }
                }
                self.changed.notify_one();
            }
            // It may mean that events were lost.
            Err(_) => self.changed.notify_one(),
        }
    }
}

fn renamed(mode: RenameMode) -> EventKind {
    EventKind::Modify(ModifyKind::Name(mode))
}

/// The folder that is watched.
#[derive(Default)]
pub(super) struct Watching {
    /// Watches until it is dropped. Without one, the interval has to do.
    watcher: Option<RecommendedWatcher>,
    /// The folder as it was when this began: another one may have its name by now.
    of: Option<(PathBuf, u64, u64)>,
}

impl Watching {
    /// Watches the folder of `inbox`, if that is wanted.
    pub(super) fn follow(&mut self, inbox: &Inbox, changes: &Arc<Changes>) {
        let of = identity(&inbox.dir).filter(|_| inbox.events);
        if self.of == of {
            return;
        }
        self.watcher = of.as_ref().and_then(|(dir, ..)| match watch(dir, changes.clone()) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                let (error, elapsed_s) = (error.to_string(), inbox.scan.as_secs());
                tracing::warn!(
                    error,
                    elapsed_s,
                    "changes of the inbox are seen after this time only"
                );
                None
            }
        });
        self.of = of;
    }
}

fn identity(dir: &Path) -> Option<(PathBuf, u64, u64)> {
    let meta = std::fs::metadata(dir).ok()?;
    Some((dir.to_owned(), meta.dev(), meta.ino()))
}

fn watch(dir: &Path, changes: Arc<Changes>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |told| changes.note(told))?;
    watcher.watch(dir, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}
