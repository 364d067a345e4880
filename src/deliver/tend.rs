//! Who is told, by the configuration in force, for as long as it is.

use super::confluence::{self, Confluence, Filing};
use super::manner::Manner;
use super::periods;
use super::slack::{self, Slack};
use super::webhook::{self, Endpoint, Webhook};
use super::{Deliverer, GRACE, PATIENCE, Receiver, Worker};
use crate::config::{Config, Live, Slack as SlackConfig};
use crate::domain::delivery::{Answer, Audience, Circuit, Topic};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::store::{Addressee, StoreError};
use crate::supervise::Trouble;
use anyhow::Result;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Whether this audience is told by Slack.
pub(super) fn tells(slack: &SlackConfig, audience: Audience) -> bool {
    audience == Audience::Security || slack.audiences.contains_key(&audience)
}

/// Everybody who is told.
fn addressees(config: &Config) -> Vec<Addressee> {
    let slack = config.slack.iter().flat_map(|slack| {
        let told = Audience::ALL.iter().copied().filter(|audience| tells(slack, *audience));
        told.map(|audience| Addressee {
            name: slack::name_for(audience),
            gather: slack.gather,
            keep: None,
            topics: audience.topics(),
        })
    });
    let pages = config.confluence.iter().map(|_| Addressee {
        name: confluence::NAME.to_owned(),
        gather: Duration::ZERO,
        keep: None,
        topics: vec![Topic::Closure, Topic::Attestation],
    });
    let hooks = config.webhooks_out.iter().map(|(name, hook)| Addressee {
        name: format!("{}{name}", webhook::PREFIX),
        gather: Duration::ZERO,
        keep: Some(hook.keep),
        topics: hook.events.clone(),
    });
    slack.chain(pages).chain(hooks).collect()
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
        let told = addressees(config);
        if config.slack.as_ref().is_some_and(|slack| slack.acknowledge.is_some()) {
            self.metrics.delivery.touch_presses();
        }
        self.journal.store.set_receivers(&told).await?;
        for one in &told {
            self.metrics.delivery.touch(&one.name, Answer::CLASSES);
        }
        Ok(())
    }

    /// Writes down who is told whenever the configuration changed.
    async fn name(&self, stop: &CancellationToken) -> Result<()> {
        let mut config = self.config.clone();
        let trouble = Trouble::default();
        // Most changes are of something else. What was written when the agent began may be of another configuration.
        let mut written = None;
        while !stop.is_cancelled() {
            let now = config.current();
            let told = addressees(&now);
            let done = if written.as_ref() == Some(&told) {
                Ok(())
            } else {
                self.name_receivers(&now).await
            };
            let wait = match done {
                Ok(()) => {
                    written = Some(told);
                    Duration::MAX
                }
                Err(error) => {
                    if trouble.is("receivers", error.to_string()) {
                        tracing::warn!(
                            error = error.to_string(),
                            "who is told was not written down"
                        );
                    }
                    PATIENCE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
                _ = config.changed() => {}
            }
        }
        Ok(())
    }

    /// What is told to nobody any more is not shown. Once nobody shows it.
    fn forget(&self) {
        let told = addressees(&self.config.current());
        self.metrics.keep_deliveries(|name| told.iter().any(|one| one.name == name));
    }

    /// Tells and files until stopped. A configuration that changed begins anew: what was closed is tried again.
    ///
    /// # Errors
    /// When there is no TLS.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let [security, manager, compliance] =
            [Audience::Security, Audience::Manager, Audience::Compliance]
                .map(|audience| self.slack(audience, &stop));
        let pages = self.tend(&stop, Filing::of, |filing| {
            let receiver = Confluence::new(self.journal.clone(), filing.clone())?;
            Ok((receiver, Manner::filing(filing)))
        });
        let looks = confluence::watch(&self.journal, &self.config, &self.metrics, &stop);
        let hooks = self.hooks(&stop);
        let ends = async {
            periods::run(&self.journal, &self.config, &self.metrics, &stop).await;
            Ok(())
        };
        tokio::try_join!(
            Box::pin(security),
            Box::pin(manager),
            Box::pin(compliance),
            Box::pin(pages),
            Box::pin(looks),
            Box::pin(hooks),
            Box::pin(ends),
            Box::pin(self.name(&stop))
        )
        .map(drop)
    }

    async fn slack(&self, audience: Audience, stop: &CancellationToken) -> Result<()> {
        let section =
            move |config: &Config| config.slack.clone().filter(|slack| tells(slack, audience));
        let make = move |slack: &SlackConfig| Ok((Slack::new(slack, audience)?, Manner::of(slack)));
        self.tend(stop, section, make).await
    }

    /// Tells each endpoint. One that comes or goes interrupts the others: what was on its way to them is sent again.
    async fn hooks(&self, stop: &CancellationToken) -> Result<()> {
        let names = |config: &Config| config.webhooks_out.keys().cloned().collect::<Vec<_>>();
        let mut config = self.config.clone();
        while !stop.is_cancelled() {
            let told = names(&config.current());
            let each = told.iter().map(|name| {
                let section = |config: &Config| Endpoint::of(config, name);
                let make =
                    |one: &Endpoint| Ok((Webhook::new(one.clone())?, Manner::hook(&one.hook)));
                Box::pin(self.tend(stop, section, make))
            });
            let all = async {
                try_join_all(each).await?;
                // Nobody is told; until somebody is, this waits.
                stop.cancelled().await;
                anyhow::Ok(())
            };
            tokio::select! {
                done = all => done?,
                () = async { while names(&*config.changed().await) == told {} } => self.forget(),
            }
        }
        Ok(())
    }

    /// Tells one receiver, while the configuration has a section for it.
    async fn tend<S: PartialEq, R: Receiver>(
        &self,
        stop: &CancellationToken,
        section: impl Fn(&Config) -> Option<S>,
        make: impl Fn(&S) -> Result<(R, Manner)>,
    ) -> Result<()> {
        let mut config = self.config.clone();
        loop {
            let told = section(&config.current());
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
                () = changed => self.forget(),
                () = ending => return Ok(()),
            }
        }
    }
}
