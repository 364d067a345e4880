//! Sends rows, many in flight: an answer comes once its record is on disk, and many share one write. Rows about
//! one subject go one after the other, so that which of them made the revocation does not depend on luck.

use super::super::super::client::{Reach, SubmitError, Submitted};
use crate::intake::batch::{Job, by_subject};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::VecDeque;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Rows on their way at the same time.
const WIDTH: usize = 48;
/// A row that the agent cannot take now is sent this often.
const TRIES: u32 = 5;
/// The wait after the first of them, if the agent names none; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// After so many rows in a row that failed, the others are not tried: there is no agent to take them.
const GIVE_UP: usize = 3;
/// What takes longer than this has a progress bar.
const QUICK: Duration = Duration::from_secs(1);

/// What became of it.
pub(super) enum Answer {
    /// It is expected, and its record is in the log.
    Taken(Submitted),
    /// It cannot be used.
    Refused(String),
    /// Its event came before with other content.
    Differs(String),
    /// It was not taken, and may be sent again.
    Failed(String),
}

/// What the senders share.
struct Queue {
    /// Rows of one subject together.
    waiting: Mutex<VecDeque<Vec<Job>>>,
    /// Rows that failed since one was answered.
    failed: AtomicUsize,
}

/// Sends all of `jobs`, and tells each answer as it comes.
///
/// # Errors
/// When the records of an agent of our own cannot be landed; rows without an answer were not acknowledged.
pub(super) async fn all(
    reach: &Arc<Reach>,
    jobs: Vec<Job>,
    mut tell: impl FnMut(usize, Answer),
) -> Result<()> {
    let mut progress = Progress::of(jobs.len());
    let queue =
        Arc::new(Queue { waiting: Mutex::new(by_subject(jobs)), failed: AtomicUsize::new(0) });
    let (answered, mut answers) = mpsc::channel(WIDTH);
    let mut senders = JoinSet::new();
    for _ in 0..WIDTH {
        senders.spawn(sender(reach.clone(), queue.clone(), answered.clone()));
    }
    drop(answered);
    let done = reach
        .landing(async {
            while let Some((place, answer)) = answers.recv().await {
                tell(place, answer);
                progress.step();
            }
        })
        .await;
    progress.bar.finish_and_clear();
    // Those that still wait for a record when the log refuses one.
    senders.shutdown().await;
    done
}

async fn sender(reach: Arc<Reach>, queue: Arc<Queue>, answered: mpsc::Sender<(usize, Answer)>) {
    loop {
        let next = queue.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(chain) = next else { return };
        for job in chain {
            let answer = send(&reach, &queue, job.sendable.body).await;
            if answered.send((job.place, answer)).await.is_err() {
                return;
            }
        }
    }
}

async fn send(reach: &Reach, queue: &Queue, body: Vec<u8>) -> Answer {
    let given_up = || queue.failed.load(Ordering::Relaxed) >= GIVE_UP;
    if given_up() {
        return Answer::Failed("not sent, since rows before it failed".to_owned());
    }
    let mut pause = FIRST_WAIT;
    for attempt in 1.. {
        let answer = match reach.submit(body.clone(), None).await {
            Ok(taken) => Answer::Taken(taken),
            Err(SubmitError::Refused { detail, .. }) => Answer::Refused(detail),
            Err(SubmitError::Differs { detail, .. }) => Answer::Differs(detail),
            Err(SubmitError::Unavailable { wait, .. }) if attempt < TRIES && !given_up() => {
                tokio::time::sleep(wait.unwrap_or(pause).min(LONGEST_WAIT)).await;
                pause *= 2;
                continue;
            }
            Err(error @ (SubmitError::Unavailable { .. } | SubmitError::Failed(_))) => {
                queue.failed.fetch_add(1, Ordering::Relaxed);
                return Answer::Failed(format!("{:#}", anyhow::Error::new(error)));
            }
        };
        queue.failed.store(0, Ordering::Relaxed);
        return answer;
    }
    Answer::Failed("not sent".to_owned())
}

/// A bar on stderr, for people who wait.
struct Progress {
    bar: ProgressBar,
    begun: Instant,
}

impl Progress {
    fn of(rows: usize) -> Self {
        let rows = u64::try_from(rows).ok();
        let bar = ProgressBar::with_draw_target(rows, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{pos} of {len} rows {wide_bar} {eta}") {
            bar.set_style(style);
        }
        Self { bar, begun: Instant::now() }
    }

    fn step(&mut self) {
        self.bar.inc(1);
        let late = self.bar.is_hidden() && self.begun.elapsed() > QUICK;
        if late && std::io::stderr().is_terminal() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}
