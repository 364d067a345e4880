//! The drop folder: files of notices are read once they are whole, each row is acknowledged once, and the file moves
//! to `done/` or `rejected/` with a result beside it.
//!
//! The folder is the only state. Killed anywhere, the next reading sends the same rows again, which are known by then,
//! and goes on; a file leaves the folder only when every row of it has an answer.

mod content;
mod folder;
mod place;
mod send;
mod watch;

use crate::clock;
use crate::config::{Inbox as Configured, Live};
use crate::domain::words::words;
use crate::intake::batch::{RowResult, Status, result_file};
use crate::intake::{Intake, IntakeError};
use crate::metrics::{InboxLevel, Metrics};
use crate::supervise::Trouble;
use anyhow::{Context as _, Result};
use content::{Bad, Content};
use folder::{Allowed, Entry, Listing, Stamp, Unread};
use place::Place;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use watch::{Changes, Watching};

pub use folder::{Found, survey};

/// Changes come in bursts; the folder is not read more often than this for them.
const BREATH: Duration = Duration::from_millis(100);
/// A file that has nothing in it, or ends in the middle, may still be written: it is waited for so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// A file that could not be read, or whose rows nobody took, is tried again after this, then after twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

words! {
    /// What became of a file.
    FileOutcome {
        /// All its rows are expected.
        Done = "done",
        /// It, or a row of it, cannot be used.
        Rejected = "rejected",
        /// It stays where it is, and is tried again.
        Later = "later",
    }
}

/// A file that lies in the folder.
#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    /// Since when it is as it is.
    since: Instant,
    /// It was renamed into its place, so it is whole.
    whole: bool,
    /// It looked as if it were still written.
    cut: bool,
    /// When it was seen first, Unix seconds.
    first: f64,
    /// Not before then.
    after: Option<Instant>,
    pause: Duration,
}

/// What became of a file that was tried.
enum Took {
    /// It is not there any more, or it was moved.
    Gone,
    /// It may still be written.
    Cut,
    /// Something about this file.
    Later(String),
    /// Nobody takes anything now.
    Nobody(String),
}

/// Reads the folder.
pub struct Inbox {
    intake: Arc<Intake>,
    config: Live,
    metrics: Arc<Metrics>,
    trouble: Trouble,
    seen: HashMap<OsString, Seen>,
    /// The folder in which what a crash had left was put right.
    mended: Option<PathBuf>,
}

impl Inbox {
    /// A reader of the configured folder; what its files ask for goes to `intake`.
    #[must_use]
    pub fn new(intake: Arc<Intake>, config: Live, metrics: Arc<Metrics>) -> Self {
        let files: Vec<_> = FileOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
        let rows = [Status::Expected, Status::Tightened, Status::AlreadyExpected, Status::Refused];
        metrics.signals.expect_inbox(&files, &rows.map(Status::as_str));
        let (trouble, seen, mended) = (Trouble::default(), HashMap::new(), None);
        Self { intake, config, metrics, trouble, seen, mended }
    }

    /// Reads the folder whenever it changes and at each interval, until stopped.
    ///
    /// # Errors
    /// Never: what cannot be read now is tried again.
    pub async fn run(mut self, stop: CancellationToken) -> Result<()> {
        let mut config = self.config.clone();
        let changes = Arc::new(Changes::default());
        let mut watching = Watching::default();
        loop {
            let pause = match config.current().inbox.clone() {
                None => {
                    (self.seen, self.mended) = (HashMap::new(), None);
                    watching = Watching::default();
                    self.metrics.signals.set_inbox(None);
                    None
                }
                Some(inbox) => {
                    watching.follow(&inbox, &changes);
                    tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        pause = self.turn(&inbox, &changes) => Some(pause),
                    }
                }
            };
            let rest = async {
                match pause {
                    Some(pause) => sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = config.changed() => {}
                () = changes.wait() => sleep(BREATH).await,
                () = rest => {}
            }
        }
    }

    /// Reads the folder once, and every file in it that is whole. Gives how long nothing need be done.
    async fn turn(&mut self, inbox: &Configured, changes: &Changes) -> Duration {
        let renamed = changes.take();
        let mend = self.mended.as_ref() != Some(&inbox.dir);
        let dir = inbox.dir.clone();
        let listing = match blocking(move || folder::open(&dir, mend)).await {
            Ok(listing) => listing,
            Err(error) => {
                self.unreadable(&error);
                return inbox.scan;
            }
        };
        self.mended = Some(inbox.dir.clone());
        if self.trouble.is_over("folder") {
            tracing::info!("the inbox can be read again");
        }
        let files = listing.entries.len();
        if !listing.more {
            let _ = self.trouble.is_over("crowd");
        } else if self.trouble.is("crowd", "more") {
            tracing::warn!(files, "the inbox has more files than are looked at at once");
        }
        self.remember(&listing, &renamed);
        for entry in listing.entries {
            if !self.is_ready(inbox, &entry) {
                continue;
            }
            let took = self.take(inbox, &entry).await;
            if let Some(pause) = self.after(&entry, took) {
                self.show();
                return pause;
            }
        }
        self.show();
        self.next(inbox)
    }

    fn unreadable(&self, error: &anyhow::Error) {
        let error = format!("{error:#}");
        if self.trouble.is("folder", error.as_str()) {
            tracing::error!(error, "the inbox cannot be read");
        }
        self.metrics.signals.set_inbox(Some(self.level(false)));
    }

    /// What lies there now, and since when it is as it is.
    fn remember(&mut self, listing: &Listing, renamed: &BTreeSet<OsString>) {
        let (now, at) = (Instant::now(), clock::now().seconds());
        let there: HashSet<&OsString> = listing.entries.iter().map(|entry| &entry.name).collect();
        self.seen.retain(|name, _| there.contains(name));
        for Entry { name, stamp } in &listing.entries {
            let new = |first| Seen {
                stamp: *stamp,
                since: now,
                whole: false,
                cut: false,
                first,
                after: None,
                pause: FIRST_PAUSE,
            };
            let seen = self.seen.entry(name.clone()).or_insert_with(|| new(at));
            if seen.stamp != *stamp {
                *seen = new(seen.first);
            }
            seen.whole |= renamed.contains(name);
        }
    }

    /// When a file may be tried.
    fn due(seen: &Seen, inbox: &Configured) -> Instant {
        let quiet = match (seen.whole, seen.cut || seen.stamp.is_empty()) {
            (true, _) => Duration::ZERO,
            (false, true) => PATIENCE.max(inbox.settle),
            (false, false) => inbox.settle,
        };
        (seen.since + quiet).max(seen.after.unwrap_or(seen.since))
    }

    fn is_ready(&self, inbox: &Configured, entry: &Entry) -> bool {
        let seen = self.seen.get(&entry.name);
        seen.is_some_and(|seen| Self::due(seen, inbox) <= Instant::now())
    }

    /// How long until a file is due, or the folder is to be read again anyway.
    fn next(&self, inbox: &Configured) -> Duration {
        let now = Instant::now();
        let due = self.seen.values().map(|seen| Self::due(seen, inbox).duration_since(now));
        due.min().unwrap_or(inbox.scan).clamp(BREATH, inbox.scan)
    }

    /// Notes what became of a file. Gives how long to wait if nobody takes anything now.
    fn after(&mut self, entry: &Entry, took: Took) -> Option<Duration> {
        let name = entry.name.to_string_lossy().into_owned();
        let thing = format!("file {name}");
        let seen = self.seen.get_mut(&entry.name)?;
        let (why, all) = match took {
            Took::Gone => {
                self.seen.remove(&entry.name);
                let _ = self.trouble.is_over(&thing);
                return None;
            }
            Took::Cut => {
                seen.cut = true;
                return None;
            }
            Took::Later(why) => (why, false),
            Took::Nobody(why) => (why, true),
        };
        seen.after = Some(Instant::now() + seen.pause);
        let pause = seen.pause;
        seen.pause = (seen.pause * 2).min(LONGEST_PAUSE);
        self.metrics.signals.file(FileOutcome::Later.as_str());
        // A move that was begun may have left something.
        self.mended = None;
        if self.trouble.is(&thing, why.as_str()) {
            tracing::warn!(
                file = name,
                why,
                "a file of the inbox stays where it is, and is tried again"
            );
        }
        all.then_some(pause)
    }

    fn level(&self, readable: bool) -> InboxLevel {
        let first = self.seen.values().map(|seen| seen.first);
        let oldest = first.min_by(f64::total_cmp);
        let waiting = i64::try_from(self.seen.len()).unwrap_or(i64::MAX);
        InboxLevel { readable, waiting, oldest }
    }

    fn show(&self) {
        self.metrics.signals.set_inbox(Some(self.level(true)));
    }

    /// Reads one file, sends its rows, and moves it.
    async fn take(&self, inbox: &Configured, entry: &Entry) -> Took {
        let allowed = match Allowed::of(inbox) {
            Ok(allowed) => allowed,
            Err(error) => return Took::Later(format!("{error:#}")),
        };
        let (dir, name) = (inbox.dir.clone(), entry.name.clone());
        let read = blocking(move || {
            Ok(folder::read(&dir, &name, &allowed)
                .map(|(bytes, stamp)| (Content::read(&name, &bytes), stamp)))
        });
        let patient = self.seen.get(&entry.name).is_some_and(|seen| seen.whole || seen.cut);
        let (rows, separator, stamp) = match read.await {
            Err(error) => return Took::Later(format!("{error:#}")),
            Ok(Err(Unread::Gone)) => return Took::Gone,
            Ok(Err(Unread::Later(error))) => return Took::Later(error.to_string()),
            Ok(Err(Unread::Refused(why, stamp))) => (vec![whole(why)], b',', stamp),
            Ok(Ok((Err(Bad::Cut(_)), _))) if !patient => return Took::Cut,
            Ok(Ok((Err(Bad::Cut(why) | Bad::Unusable(why)), stamp))) => {
                (vec![whole(why)], b',', stamp)
            }
            Ok(Ok((Ok(content), stamp))) => {
                let sender = format!("inbox:{}", inbox.source);
                match send::all(&self.intake, &content, &sender).await {
                    Ok(rows) => (rows, content.separator(), stamp),
                    Err(error) => return nobody(error),
                }
            }
        };
        self.put(inbox, &entry.name, stamp, &rows, separator).await
    }

    /// Moves a file whose rows all have an answer, with the result beside it.
    async fn put(
        &self,
        inbox: &Configured,
        name: &OsStr,
        stamp: Stamp,
        rows: &[RowResult],
        separator: u8,
    ) -> Took {
        let refused = rows.iter().any(|row| row.status == Status::Refused);
        let place = if refused { Place::Rejected } else { Place::Done };
        let result = match result_file(rows, separator) {
            Ok(result) => result,
            Err(error) => return Took::Later(error.to_string()),
        };
        let (dir, own) = (inbox.dir.clone(), name.to_owned());
        match blocking(move || place::put(&dir, place, &own, stamp, &result)).await {
            Ok(Some(moved)) => {
                self.told(name, &moved, place, rows);
                Took::Gone
            }
            Ok(None) => Took::Later("it changed while it was read".to_owned()),
            Err(error) => Took::Later(format!("{error:#}")),
        }
    }

    fn told(&self, name: &OsStr, moved: &OsStr, place: Place, rows: &[RowResult]) {
        self.metrics.signals.file(place.outcome().as_str());
        for status in Status::ALL {
            let count = rows.iter().filter(|row| row.line > 0 && row.status == *status).count();
            if count > 0 {
                self.metrics
                    .signals
                    .rows(status.as_str(), u64::try_from(count).unwrap_or(u64::MAX));
            }
        }
        let refused = rows.iter().filter(|row| row.status == Status::Refused).count();
        let file = Path::new(name).display().to_string();
        let moved = Path::new(place.as_str()).join(moved).display().to_string();
        if refused == 0 {
            tracing::info!(file, moved, rows = rows.len(), "a file of the inbox was read");
        } else {
            tracing::warn!(
                file,
                moved,
                rows = rows.len(),
                refused,
                "a file of the inbox was rejected"
            );
        }
    }
}

/// The result of a file of which nothing can be used.
fn whole(why: String) -> RowResult {
    RowResult {
        line: 0,
        username: String::new(),
        status: Status::Refused,
        revocation: None,
        column: None,
        message: Some(why),
    }
}

fn nobody(error: IntakeError) -> Took {
    Took::Nobody(format!("{:#}", anyhow::Error::new(error)))
}

/// Work on files, which may take as long as a disk does.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.context("working on a file")?
}
