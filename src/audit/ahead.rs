//! The thread that builds and signs commits, while those before them are on their way to the disk. What waits behind those
//! that are built goes into one commit.
//!
//! It goes on from where the log will stand once all that it gave on is written as it was built. Where one was not (a new
//! file was begun, or it was refused) nothing fits that was built after it: then it waits until all of that has come to
//! its end, and goes on from where the log really stands.

use super::batch::Batch;
use super::built::{Base, Built};
use super::signer::Signer;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// Commits that are built and wait for the disk, beside the one in the making.
const AHEAD: usize = 1;
/// Commits of which the memory is used in turn: in the making, waiting, and being written.
const SPARE: usize = AHEAD + 2;

/// What was sent, and the commit that was built of it; none where there is nothing to write.
pub(super) type Ready = (Batch, Option<Built>);

/// What the two threads know of one another.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Commits that came to their end, whatever that was.
    done: u64,
    /// Where the log stands, if that is not where the newest of them was to end.
    astray: Option<Base>,
    /// Memory of commits that were written.
    spare: Vec<Vec<u8>>,
    /// Nothing is written any more.
    over: bool,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A commit came to its end; `astray` is where the log stands, if that was not foreseen.
    pub(super) fn note(&self, astray: Option<Base>, spare: Vec<u8>) {
        let mut state = self.lock();
        state.done += 1;
        // What comes after a misfit does not fit either, and each of them says where the log stands then.
        if astray.is_some() {
            state.astray = astray;
        }
        if spare.capacity() > 0 && state.spare.len() < SPARE {
            state.spare.push(spare);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Nothing is written any more.
    pub(super) fn end(&self) {
        self.lock().over = true;
        self.changed.notify_one();
    }
}

/// Starts the thread. It ends with its queue, or with the receiver of what it builds.
///
/// # Errors
/// When no thread can be started.
pub(super) fn start(
    base: Base,
    signer: Arc<dyn Signer>,
    queue: mpsc::Receiver<Batch>,
) -> std::io::Result<(Receiver<Ready>, Arc<Progress>, JoinHandle<()>)> {
    let state = State { done: 0, astray: None, spare: Vec::new(), over: false };
    let progress = Arc::new(Progress { state: Mutex::new(state), changed: Condvar::new() });
    let (ready, built) = sync_channel(AHEAD);
    let builder = Builder {
        base: Some(base),
        given: 0,
        signer,
        queue,
        next: None,
        ready,
        progress: progress.clone(),
    };
    let thread =
        std::thread::Builder::new().name("log-builder".to_owned()).spawn(move || builder.run())?;
    Ok((built, progress, thread))
}

struct Builder {
    /// Where the next commit begins; unknown after one that cannot be built.
    base: Option<Base>,
    /// Commits given on so far.
    given: u64,
    signer: Arc<dyn Signer>,
    queue: mpsc::Receiver<Batch>,
    /// What was in the queue, and is a commit of its own.
    next: Option<Batch>,
    ready: SyncSender<Ready>,
    progress: Arc<Progress>,
}

impl Builder {
    fn run(mut self) {
        while let Some(batch) = self.next() {
            let built = if batch.entries.is_empty() {
                None
            } else {
                let Some((base, spare)) = self.place() else { break };
                let (entries, now) = (&batch.entries, &batch.now);
                let built = Built::new(base, spare, &[self.signer.as_ref()], entries, now);
                self.base = built.next();
                Some(built)
            };
            self.given += 1;
            if self.ready.send((batch, built)).is_err() {
                break;
            }
        }
    }

    /// What goes into the next commit: all that waits, as far as it may be one.
    fn next(&mut self) -> Option<Batch> {
        let mut batch = self.next.take().or_else(|| self.queue.blocking_recv())?;
        while self.next.is_none()
            && let Ok(next) = self.queue.try_recv()
        {
            self.next = batch.join(next);
        }
        Some(batch)
    }

    /// Where the next commit begins, and memory for it; `None` when nothing is written any more.
    fn place(&mut self) -> Option<(Base, Vec<u8>)> {
        let mut state = self.progress.lock();
        if state.astray.is_some() || self.base.is_none() {
            let waits = |state: &mut State| state.done < self.given && !state.over;
            let changed = &self.progress.changed;
            state = changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
            self.base = state.astray.take().or(self.base.take());
        }
        let base = self.base.take()?;
        Some((base, state.spare.pop().unwrap_or_default()))
    }
}
