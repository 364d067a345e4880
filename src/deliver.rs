//! Telling people. Everything that is told is in the log first, in the outbox until the receiver has it, and told once:
//! what may have been sent is looked up before it is sent again.

pub mod attest;
mod change;
pub mod confluence;
pub mod document;
mod group;
mod manner;
pub mod message;
mod periods;
mod receiver;
pub mod render;
mod send;
pub mod slack;
pub mod storage;
mod tend;
mod text;
mod turn;
pub mod webhook;
mod wire;

pub use change::{ChangeError, change, preview};
pub use manner::{usable, usable_slack};
pub use periods::newest;
pub use receiver::{Heard, Receiver, Sending};

use crate::clock;
use crate::config::Live;
use crate::domain::delivery::Circuit;
use crate::domain::time::UtcTime;
use crate::journal::Journal;
use crate::metrics::{DeliveryLevel, Metrics};
use crate::store::StoreError;
use crate::supervise::Trouble;
use manner::Manner;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What is on its way when the agent stops has so long to arrive.
const GRACE: Duration = Duration::from_secs(5);
/// Longest time between two looks at the outbox.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells people what landed.
pub struct Deliverer {
    journal: Arc<Journal>,
    config: Live,
    metrics: Arc<Metrics>,
}

/// What is known of a receiver while the configuration stays the same.
struct Worker<R> {
    journal: Arc<Journal>,
    metrics: Arc<Metrics>,
    receiver: R,
    manner: Manner,
    stop: CancellationToken,
    circuit: Circuit,
    /// Nothing goes there before: it asked for a pause.
    held: BTreeMap<String, UtcTime>,
    /// Nothing goes there before: it cannot be written to.
    parked: BTreeMap<String, UtcTime>,
    /// The newest thread of openings at each destination.
    openings: BTreeMap<String, (String, UtcTime)>,
    next_slot: Instant,
    trouble: Trouble,
}

impl<R: Receiver> Worker<R> {
    /// Sends what is due until stopped.
    async fn run(&mut self) {
        let mut landings = self.journal.landings();
        let mut orphans = true;
        while !self.stop.is_cancelled() {
            let done = self.turn(orphans).await;
            let wait = match done {
                Ok(wait) => {
                    orphans = false;
                    if self.trouble.is_over("store") {
                        tracing::info!("the outbox can be read again");
                    }
                    wait
                }
                Err(error) => {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    if self.trouble.is("store", error.as_str()) {
                        tracing::warn!(error, "nobody is told: the store does not answer");
                    }
                    PATIENCE
                }
            };
            if let Err(error) = self.show().await {
                tracing::debug!(error = error.to_string(), "the outbox is not shown");
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(wait.min(PATIENCE)) => {}
                Ok(()) = landings.changed(), if wait > self.manner.gather => {}
            }
        }
    }

    /// Shows how much waits.
    async fn show(&self) -> Result<(), StoreError> {
        let mut level = DeliveryLevel {
            open: self.circuit.is_open(),
            parked: i64::try_from(self.parked.len()).unwrap_or(i64::MAX),
            ..DeliveryLevel::default()
        };
        let levels = self.journal.store.outbox_levels().await?;
        for one in levels.iter().filter(|one| one.receiver == self.receiver.name()) {
            level.standing.insert(one.standing.as_str(), one.count);
            if !one.standing.is_settled() {
                let oldest = one.oldest.seconds();
                level.oldest = Some(level.oldest.map_or(oldest, |known| known.min(oldest)));
            }
        }
        self.metrics.set_delivery(self.receiver.name(), level);
        Ok(())
    }

    /// A number between 0 and 1 that nobody can foresee, so that not all who wait come back at once.
    fn dice() -> f64 {
        let bytes = clock::random::<4>().unwrap_or([128; 4]);
        f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
    }
}
