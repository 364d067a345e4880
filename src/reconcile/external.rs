//! The loop that asks external systems.

use super::Reconciler;
use crate::config::ExternalConfig;
use crate::external::Asker;
use crate::store::StoreError;
use crate::supervise::Pulse;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Passes that are asked for by an arrival are at least this far apart.
const BREATH: Duration = Duration::from_millis(500);

impl Reconciler {
    /// Asks every configured system again and again until stopped, whatever the configuration becomes meanwhile.
    ///
    /// # Errors
    /// When HTTP cannot be set up.
    pub async fn run_external(
        self: Arc<Self>,
        stop: CancellationToken,
        pulse: Arc<Pulse>,
    ) -> anyhow::Result<()> {
        let mut asker = Asker::new()?;
        let mut live = self.config.clone();
        let mut wishes = self.board.asked();
        loop {
            let begun = Instant::now();
            let config = live.current();
            for system in &config.external {
                let passed = tokio::select! {
                    // What was on its way is given up: it wrote nothing.
                    () = stop.cancelled() => return Ok(()),
                    passed = pulse.during(self.ask(&mut asker, system)) => passed,
                };
                self.say_judged(&system.name, passed);
            }
            pulse.rest(config.look_interval);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(begun + config.look_interval) => {}
                _ = live.changed() => {}
                _ = wishes.changed() => tokio::time::sleep_until(begun + BREATH).await,
            }
            wishes.mark_unchanged();
        }
    }

    async fn ask(&self, asker: &mut Asker, system: &ExternalConfig) -> Result<(), StoreError> {
        let config = self.config.current();
        let people = Self::people(&self.watched().await?, &config);
        let whole = self.board.take_whole(&system.name);
        let pass = asker.look(system, &people, whole, config.deep_interval).await;
        self.board.put(Arc::new(pass.look));
        if pass.fresh {
            Box::pin(self.judge_all(&system.name)).await?;
            self.board.passed();
            self.show_levels().await?;
        }
        Ok(())
    }
}
