//! One loop per configured target, begun and ended as the configuration changes.

use super::Reconciler;
use crate::config::{Config, TargetConfig};
use crate::target::{BadUrl, Target};
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::future::Future as _;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A target as it is configured.
///
/// # Errors
/// When its URL is not one of Postgres.
pub fn target_of(config: &TargetConfig) -> Result<Target, BadUrl> {
    let target = Target::from_url(&config.name, config.url.expose())?;
    Ok(target.shdepend_only(config.shdepend_only.iter().cloned()))
}

/// A loop that looks at one target.
struct Looking {
    config: TargetConfig,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Looking {
    /// Gives up the look in flight, and waits until it is over.
    async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.task.await.context("looking at a target")?
    }
}

impl Reconciler {
    /// Looks at every configured target until stopped, whatever the configuration becomes meanwhile.
    ///
    /// # Errors
    /// When one of the loops fails or panics; the others are ended then.
    pub async fn run_targets(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let mut live = self.config.clone();
        let mut loops: BTreeMap<String, Looking> = BTreeMap::new();
        let mut config = live.current();
        let outcome = loop {
            if let Err(error) = self.follow(&config, &mut loops, &stop).await {
                break Err(error);
            }
            tokio::select! {
                () = stop.cancelled() => break Ok(()),
                changed = live.changed() => config = changed,
                ended = first_ended(&mut loops) => break ended,
            }
        };
        let mut left = Ok(());
        for looking in std::mem::take(&mut loops).into_values() {
            left = left.and(looking.end().await);
        }
        outcome.and(left)
    }

    /// Ends the loops of targets that are gone or changed, and begins those that are missing.
    async fn follow(
        self: &Arc<Self>,
        config: &Config,
        loops: &mut BTreeMap<String, Looking>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let over: Vec<String> = loops
            .iter()
            .filter(|(name, looking)| config.target(name) != Some(&looking.config))
            .map(|(name, _)| name.clone())
            .collect();
        for name in over {
            if let Some(looking) = loops.remove(&name) {
                looking.end().await?;
            }
            // What was seen there, or at another address under this name, speaks no more.
            self.board.forget(&name);
        }
        self.metrics.set_targets(config.targets.iter().map(|t| t.name.clone()).collect());
        super::show_settings(&self.metrics, config);
        for configured in &config.targets {
            if loops.contains_key(&configured.name) {
                continue;
            }
            let target = target_of(configured)
                .with_context(|| format!("targets.{}.url", configured.name))?;
            let (reconciler, stop) = (self.clone(), stop.child_token());
            let own = stop.clone();
            let task = tokio::spawn(async move { reconciler.run(&target, own).await });
            loops.insert(
                configured.name.clone(),
                Looking { config: configured.clone(), stop, task },
            );
        }
        Ok(())
    }
}

/// Waits until one of the loops ends, which it does not do unasked unless it failed.
async fn first_ended(loops: &mut BTreeMap<String, Looking>) -> anyhow::Result<()> {
    let ended = std::future::poll_fn(|context| {
        for (name, looking) in loops.iter_mut() {
            if let std::task::Poll::Ready(ended) =
                std::pin::Pin::new(&mut looking.task).poll(context)
            {
                return std::task::Poll::Ready((name.clone(), ended));
            }
        }
        std::task::Poll::Pending
    });
    let (name, ended) = ended.await;
    loops.remove(&name);
    ended.with_context(|| format!("looking at {name}"))?
}
