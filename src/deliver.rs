//! Telling people. Everything that is told is in the log first, in the outbox until the receiver has it, and told once:
//! what may have been sent is looked up before it is sent again.

pub mod attest;
mod change;
pub mod confluence;
pub mod document;
mod group;
pub mod message;
mod periods;
mod receiver;
pub mod render;
mod send;
pub mod slack;
pub mod storage;
mod text;
mod turn;
mod wire;

pub use change::{ChangeError, change, preview};
pub use receiver::{Heard, Receiver, Sending};

use crate::clock;
use crate::config::{Config, Live, Slack as SlackConfig};
use crate::domain::delivery::{Answer, Circuit, Pace};
use crate::domain::time::UtcTime;
use crate::journal::Journal;
use crate::metrics::{DeliveryLevel, Metrics};
use crate::store::StoreError;
use crate::supervise::Trouble;
use anyhow::{Context as _, Result};
use confluence::{Confluence, Filing};
use secrecy::ExposeSecret as _;
use slack::Slack;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Every receiver there is.
pub const RECEIVERS: &[&str] = &[slack::NAME, confluence::NAME];
/// What is on its way when the agent stops has so long to arrive.
const GRACE: Duration = Duration::from_secs(5);
/// Longest time between two looks at the outbox.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a receiver is told, as configured.
#[derive(Clone, Copy, Debug)]
struct Manner {
    gather: Duration,
    digest_over: usize,
    digest_interval: Duration,
    pace: Pace,
    /// Between two messages.
    apart: Duration,
}

impl Manner {
    fn of(config: &SlackConfig) -> Self {
        Self {
            gather: config.gather,
            digest_over: config.digest_over,
            digest_interval: config.digest_interval,
            pace: Pace(config.retry),
            apart: Duration::from_secs(60) / config.per_minute.max(1),
        }
    }

    /// Pages wait for nobody and are filed one by one.
    fn filing(filing: &Filing) -> Self {
        let section = &filing.section;
        Self {
            gather: Duration::ZERO,
            digest_over: usize::MAX,
            digest_interval: Duration::ZERO,
            pace: Pace(section.retry),
            apart: Duration::from_secs(60) / section.per_minute.max(1),
        }
    }

    /// Time for which a circuit stays open: a minute, by the usual pace.
    fn open_for(&self) -> Duration {
        self.pace.0.saturating_mul(30)
    }

    /// Time for which a destination is left alone: a quarter of an hour, by the usual pace.
    fn park_for(&self) -> Duration {
        self.pace.0.saturating_mul(450)
    }
}

/// What the form of the configuration does not show: that the address can be asked.
///
/// # Errors
/// Names the key that is wrong.
pub fn usable(config: &Config) -> Result<()> {
    if let Some(filing) = &config.confluence {
        reqwest::Url::parse(&filing.base_url)
            .context("confluence.base_url: it is not an address")?;
    }
    usable_slack(config.slack.as_ref())
}

/// The same of Slack alone.
///
/// # Errors
/// Names the key that is wrong.
pub fn usable_slack(slack: Option<&SlackConfig>) -> Result<()> {
    let Some(slack) = slack else { return Ok(()) };
    reqwest::Url::parse(&slack.base_url).context("slack.base_url: it is not an address")?;
    if let Some(webhook) = &slack.webhook {
        let parsed = reqwest::Url::parse(webhook.expose_secret());
        // The error may repeat a part of it.
        parsed.map_err(|_| anyhow::anyhow!("slack.webhook_file: it holds no address"))?;
    }
    Ok(())
}

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

impl Deliverer {
    /// Tells those whom the configuration names.
    #[must_use]
    pub fn new(journal: Arc<Journal>, config: Live, metrics: Arc<Metrics>) -> Self {
        Self { journal, config, metrics }
    }

    /// Writes down who is told: what is queued from now on is queued for them. Before anything is.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn begin(&self) -> Result<(), StoreError> {
        self.name_receivers(&self.config.current()).await
    }

    async fn name_receivers(&self, config: &Config) -> Result<(), StoreError> {
        let slack = config.slack.as_ref().map(|slack| (slack::NAME, slack.gather));
        let pages = config.confluence.as_ref().map(|_| (confluence::NAME, Duration::ZERO));
        let told: Vec<_> = slack.into_iter().chain(pages).collect();
        self.journal.store.set_receivers(RECEIVERS, &told).await?;
        for name in RECEIVERS {
            if told.iter().any(|(told, _)| told == name) {
                self.metrics.delivery.touch(name, Answer::CLASSES);
            } else {
                self.metrics.set_delivery(name, None);
            }
        }
        Ok(())
    }

    /// Tells and files until stopped. A configuration that changed begins anew: what was closed is tried again.
    ///
    /// # Errors
    /// When there is no TLS.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let slack = self.tend(
            &stop,
            |config| config.slack.clone(),
            |slack| Ok((Slack::new(slack)?, Manner::of(slack))),
        );
        let pages = self.tend(&stop, Filing::of, |filing| {
            let receiver = Confluence::new(self.journal.clone(), filing.clone())?;
            Ok((receiver, Manner::filing(filing)))
        });
        let looks = confluence::watch(&self.journal, &self.config, &self.metrics, &stop);
        let ends = async {
            periods::run(&self.journal, &self.config, &self.metrics, &stop).await;
            Ok(())
        };
        tokio::try_join!(Box::pin(slack), Box::pin(pages), Box::pin(looks), Box::pin(ends))
            .map(drop)
    }

    /// Tells one receiver, while the configuration has a section for it.
    async fn tend<S: PartialEq, R: Receiver>(
        &self,
        stop: &CancellationToken,
        section: impl Fn(&Config) -> Option<S>,
        make: impl Fn(&S) -> Result<(R, Manner)>,
    ) -> Result<()> {
        let mut config = self.config.clone();
        let trouble = Trouble::default();
        loop {
            let now = config.current();
            let told = section(&now);
            if let Err(error) = self.name_receivers(&now).await {
                if trouble.is("receivers", error.to_string()) {
                    tracing::warn!(error = error.to_string(), "who is told was not written down");
                }
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(PATIENCE) => continue,
                }
            }
            let changed = async { while section(&*config.changed().await) == told {} };
            let Some(told) = &told else {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = changed => continue,
                }
            };
            let (receiver, manner) = make(told)?;
            let mut worker = Worker {
                journal: self.journal.clone(),
                metrics: self.metrics.clone(),
                receiver,
                manner,
                stop: stop.clone(),
                circuit: Circuit::default(),
                held: BTreeMap::new(),
                parked: BTreeMap::new(),
                openings: BTreeMap::new(),
                next_slot: Instant::now(),
                trouble: Trouble::default(),
            };
            let ending = async {
                stop.cancelled().await;
                tokio::time::sleep(GRACE + Duration::from_secs(1)).await;
            };
            tokio::select! {
                () = worker.run() => return Ok(()),
                () = changed => {}
                () = ending => return Ok(()),
            }
        }
    }
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
        self.metrics.set_delivery(self.receiver.name(), Some(level));
        Ok(())
    }

    /// A number between 0 and 1 that nobody can foresee, so that not all who wait come back at once.
    fn dice() -> f64 {
        let bytes = clock::random::<4>().unwrap_or([128; 4]);
        f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
    }
}
