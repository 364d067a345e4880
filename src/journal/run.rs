//! The journal's loop: it lands what is queued, gives signs of life, and waits for what comes back.

use super::{Journal, JournalError};
use crate::audit::format::HEARTBEAT;
use crate::audit::writer::WriteError;
use crate::clock;
use crate::store::StoreError;
use crate::supervise::{Pulse, Trouble};
use serde_json::Map;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The queue is looked at this often even if nobody says that there is something in it.
const PATIENCE: Duration = Duration::from_secs(1);
/// While stopping.
const LAST: Duration = Duration::from_millis(20);
/// The claim on the store is renewed this often.
const RENEW: Duration = Duration::from_secs(15);
/// Longest time until a log that takes nothing is asked again.
const SLOWEST: Duration = Duration::from_secs(16);

/// A log that takes nothing is asked again after a second, two, four, and so on.
#[derive(Debug, Default)]
struct Refusals {
    next: Option<(Instant, Duration)>,
}

impl Refusals {
    fn another(&mut self) {
        let pause = self.next.map_or(PATIENCE, |(_, pause)| (pause * 2).min(SLOWEST));
        self.next = Some((Instant::now() + pause, pause));
    }

    fn are_over(&self) -> bool {
        self.next.is_none_or(|(at, _)| at <= Instant::now())
    }
}

impl Journal {
    /// Lands what is queued, then says that the agent is there if nothing was said for long.
    async fn turn(&self, stopping: bool, refusals: &Refusals) -> Result<(), JournalError> {
        if self.refuses() && !stopping && !refusals.are_over() {
            return Ok(());
        }
        let drained = self.drain().await;
        // A store that is away keeps the log from nothing: whoever reads that is owed the sign of life all the same.
        let is_there = matches!(drained, Ok(()) | Err(JournalError::Store(_)));
        if is_there && !stopping && self.until_heartbeat().is_zero() {
            self.note(HEARTBEAT, &Map::new()).await?;
        }
        drained
    }

    /// Time until the next heartbeat or the next look at the queue.
    fn until_heartbeat(&self) -> Duration {
        let heartbeat = self.settings.heartbeat;
        if heartbeat.is_zero() || self.refuses() {
            return PATIENCE;
        }
        heartbeat.saturating_sub(self.committed().elapsed()).min(PATIENCE)
    }

    /// Lands records until stopped and until nobody holds `producers` any more, then lands what is left:
    /// an answer that waits for its record gets it also while the agent stops.
    ///
    /// # Errors
    /// When the log cannot be written any more: what may be damaged is not written on. A store that is away, and a
    /// log without room, are waited for.
    pub async fn run(
        &self,
        instance: &str,
        stop: CancellationToken,
        producers: Weak<()>,
        pulse: &Pulse,
    ) -> anyhow::Result<()> {
        let mut renewed = Instant::now();
        let trouble = Trouble::default();
        let mut refusals = Refusals::default();
        loop {
            pulse.beat();
            let stopping = stop.is_cancelled() && producers.strong_count() == 0;
            match pulse.during(self.turn(stopping, &refusals)).await {
                Ok(()) if stopping => return Ok(()),
                Ok(()) => {
                    if !self.refuses() {
                        refusals = Refusals::default();
                        trouble.is_over("log");
                    }
                    if trouble.is_over("queue") {
                        tracing::info!("the store takes records again");
                    }
                }
                Err(JournalError::Store(error)) if !stopping => {
                    say(&trouble, "queue", error, "the store does not answer; queued records wait");
                }
                Err(JournalError::Write(WriteError::Refused(error))) if !stopping => {
                    refusals.another();
                    say(&trouble, "log", error, "the audit log takes no records; they wait");
                }
                Err(error) => return Err(error.into()),
            }
            if !stopping {
                match self.show().await {
                    Ok(()) => drop(trouble.is_over("count")),
                    Err(error) => say(&trouble, "count", error, "the queue was not counted"),
                }
            }
            if renewed.elapsed() >= RENEW || !self.takes() {
                match self.store.claim(instance, clock::now()).await {
                    Ok(()) => {
                        self.written.store(true, Ordering::Relaxed);
                        renewed = Instant::now();
                        trouble.is_over("claim");
                    }
                    Err(error @ StoreError::Held(_)) => return Err(error.into()),
                    Err(error) => {
                        self.refused_by_store();
                        say(&trouble, "claim", error, "the claim on the store was not renewed");
                    }
                }
            }
            let patience = if stop.is_cancelled() { LAST } else { self.until_heartbeat() };
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(patience) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }
}

/// Says what goes wrong again and again when it begins and when it changes.
fn say(trouble: &Trouble, thing: &str, error: impl Into<anyhow::Error>, message: &str) {
    let error = format!("{:#}", error.into());
    if trouble.is(thing, error.as_str()) {
        tracing::warn!(error, "{message}");
    }
}
