//! One loop per configured target, begun and ended as the configuration changes.

use super::Reconciler;
use crate::config::{Config, TargetConfig};
use crate::supervise::{Pulses, panic_message};
use crate::target::{BadUrl, Pace, Target};
use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A target as it is configured.
///
/// # Errors
/// When a URL is not one of Postgres.
pub fn target_of(config: &TargetConfig) -> Result<Target, BadUrl> {
    let mut target = Target::from_url(&config.name, config.url.expose_secret())?;
    for (name, url) in &config.instances {
        target = target.instance(name, url.expose_secret())?;
    }
    let target = target.shdepend_only(config.shdepend_only.iter().cloned());
    let target = target.probes(config.probes.iter().cloned());
    Ok(target.require(config.required.iter().copied()))
}

/// The loops that look, one per target.
struct Loops {
    pulses: Pulses,
    /// How long a loop may show no sign of life.
    silence: Duration,
    tasks: JoinSet<(String, anyhow::Result<()>)>,
    /// With what each runs.
    running: BTreeMap<String, (TargetConfig, Duration, CancellationToken)>,
}

impl Loops {
    fn new(pulses: Pulses, silence: Duration) -> Self {
        Self { pulses, silence, tasks: JoinSet::new(), running: BTreeMap::new() }
    }

    /// Waits until one of them ends, and gives its name.
    async fn ended(&mut self) -> anyhow::Result<String> {
        let Some(ended) = self.tasks.join_next().await else {
            // Without a target there is nothing to wait for.
            return std::future::pending().await;
        };
        let (name, result) = ended.map_err(|error| {
            anyhow::anyhow!(
                "looking at a target panicked: {}; this is a defect",
                panic_message(error)
            )
        })?;
        result.with_context(|| format!("looking at {name}"))?;
        Ok(name)
    }

    /// Gives up the look in flight at `name`, and waits until it is over.
    async fn end(&mut self, name: &str) -> anyhow::Result<()> {
        let Some((_, _, stop)) = self.running.remove(name) else { return Ok(()) };
        stop.cancel();
        while self.ended().await? != name {}
        Ok(())
    }

    /// Names of those whose target `config` does not have, or has with other settings.
    fn outdated(&self, config: &Config) -> Vec<String> {
        self.running
            .iter()
            .filter(|(name, (running, deep, _))| {
                config.target(name) != Some(running) || config.deep_interval != *deep
            })
            .map(|(name, _)| name.clone())
            .collect()
    }
}

impl Reconciler {
    /// Looks at every configured target until stopped, whatever the configuration becomes meanwhile. Each loop
    /// shows a sign of life within `silence`.
    ///
    /// # Errors
    /// When one of the loops fails or panics; the others are ended then.
    pub async fn run_targets(
        self: Arc<Self>,
        stop: CancellationToken,
        pulses: Pulses,
        silence: Duration,
    ) -> anyhow::Result<()> {
        let mut live = self.config.clone();
        let mut loops = Loops::new(pulses, silence);
        let mut config = live.current();
        let outcome = loop {
            if let Err(error) = self.follow(&config, &mut loops, &stop).await {
                break Err(error);
            }
            tokio::select! {
                () = stop.cancelled() => break Ok(()),
                changed = live.changed() => config = changed,
                ended = loops.ended() => match ended {
                    // The stop may have come in the same instant.
                    Ok(_) if stop.is_cancelled() => break Ok(()),
                    Ok(name) => break Err(anyhow::anyhow!("looking at {name} ended by itself")),
                    Err(error) => break Err(error),
                },
            }
        };
        let mut left = Ok(());
        for (_, _, own) in loops.running.values() {
            own.cancel();
        }
        while !loops.tasks.is_empty() {
            left = left.and(loops.ended().await.map(|_| ()));
        }
        outcome.and(left)
    }

    /// Ends the loops of targets that are gone or changed, and begins those that are missing.
    async fn follow(
        self: &Arc<Self>,
        config: &Config,
        loops: &mut Loops,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        for name in loops.outdated(config) {
            loops.end(&name).await?;
            // What was seen there, or at another address under this name, speaks no more.
            self.board.forget(&name);
        }
        self.metrics.set_targets(config.targets.iter().map(|t| t.name.clone()).collect());
        let systems = config.external.iter().map(|system| system.name.clone());
        self.metrics.set_systems(systems.collect());
        super::show_settings(&self.metrics, config);
        for configured in &config.targets {
            if loops.running.contains_key(&configured.name) {
                continue;
            }
            let name = configured.name.clone();
            let target = target_of(configured).with_context(|| format!("targets.{name}.url"))?;
            let target = target.pace(Pace { deep: config.deep_interval, ..Pace::default() });
            let (reconciler, own) = (self.clone(), stop.child_token());
            let pulse = loops.pulses.watch(format!("looking at {name}"), loops.silence);
            loops
                .running
                .insert(name.clone(), (configured.clone(), config.deep_interval, own.clone()));
            loops.tasks.spawn(async move {
                let result = Box::pin(reconciler.run(&target, own, &pulse)).await;
                (name, result)
            });
        }
        Ok(())
    }
}
