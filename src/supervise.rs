//! Starts, watches and stops tasks. Knows no task.

use std::future::Future;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Why the whole stopped.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// A task failed.
    #[error("{task} failed")]
    Failed {
        /// Which.
        task: &'static str,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
    /// A task ended although nobody asked it to.
    #[error("{task} ended by itself; this is a defect")]
    Ended {
        /// Which.
        task: &'static str,
    },
    /// A task panicked.
    #[error("a task panicked; this is a defect")]
    Panicked,
    /// Some did not end in time.
    #[error("{left} tasks had not ended {} s after the stop", grace.as_secs())]
    Stuck {
        /// How many.
        left: usize,
        /// How long they were waited for.
        grace: Duration,
    },
}

/// Tasks that live and die together.
#[derive(Debug, Default)]
pub struct Supervisor {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: CancellationToken,
}

impl Supervisor {
    /// The token that every task watches; cancelling it stops all.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a task. It has to end soon after the token is cancelled, and not before.
    pub fn spawn(
        &mut self,
        task: &'static str,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.tasks.spawn(async move { (task, work.await) });
    }

    /// Waits until the token is cancelled or a task ends, then stops the others within `grace`.
    ///
    /// # Errors
    /// The first failure; or that a task did not end in time.
    pub async fn run(mut self, grace: Duration) -> Result<(), Stopped> {
        let first = tokio::select! {
            () = self.stop.cancelled() => Ok(()),
            ended = self.tasks.join_next() => match ended {
                // The token may have been cancelled in the same instant: then ending is right.
                Some(Ok((_, Ok(())))) if self.stop.is_cancelled() => Ok(()),
                Some(Ok((task, Ok(())))) => Err(Stopped::Ended { task }),
                Some(Ok((task, Err(source)))) => Err(Stopped::Failed { task, source }),
                Some(Err(_)) => Err(Stopped::Panicked),
                None => Ok(()),
            },
        };
        self.stop.cancel();
        let mut later = Ok(());
        let drained = tokio::time::timeout(grace, async {
            while let Some(ended) = self.tasks.join_next().await {
                match ended {
                    Ok((task, Err(source))) => {
                        tracing::error!("{task} failed while stopping: {source:#}");
                        later = Err(Stopped::Failed { task, source });
                    }
                    Ok((_, Ok(()))) => {}
                    Err(_) => later = Err(Stopped::Panicked),
                }
            }
        })
        .await;
        if drained.is_err() {
            later = Err(Stopped::Stuck { left: self.tasks.len(), grace });
        }
        first.and(later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn one_failure_stops_all() {
        let mut supervisor = Supervisor::default();
        let stop = supervisor.stop_token();
        supervisor.spawn("waits", async move {
            stop.cancelled().await;
            Ok(())
        });
        supervisor.spawn("fails", async { anyhow::bail!("no") });
        assert!(matches!(supervisor.run(GRACE).await, Err(Stopped::Failed { task: "fails", .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn ending_unasked_is_an_error() {
        let mut supervisor = Supervisor::default();
        supervisor.spawn("ends", async { Ok(()) });
        assert!(matches!(supervisor.run(GRACE).await, Err(Stopped::Ended { task: "ends" })));
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_is_bounded() {
        let mut supervisor = Supervisor::default();
        supervisor.stop_token().cancel();
        supervisor.spawn("hangs", std::future::pending());
        assert!(matches!(supervisor.run(GRACE).await, Err(Stopped::Stuck { left: 1, .. })));
    }
}
