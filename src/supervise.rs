//! Starts, watches and stops tasks. Knows no task.

mod pulse;
mod trouble;

pub use pulse::{Pulse, Pulses};
pub use trouble::Trouble;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Why the whole stopped.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// A task failed.
    #[error("{task} failed")]
    Failed {
        /// Which.
        task: String,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
    /// A task ended although nobody asked it to.
    #[error("{task} ended by itself; this is a defect")]
    Ended {
        /// Which.
        task: String,
    },
    /// A task panicked.
    #[error("{task} panicked: {message}; this is a defect")]
    Panicked {
        /// Which.
        task: String,
        /// What it said.
        message: String,
    },
    /// Some did not end in time.
    #[error("not ended {} s after the stop: {}", grace.as_secs(), tasks.join(", "))]
    Stuck {
        /// Which.
        tasks: Vec<String>,
        /// How long they were waited for.
        grace: Duration,
    },
}

/// Tasks that live and die together.
#[derive(Debug, Default)]
pub struct Supervisor {
    tasks: JoinSet<anyhow::Result<()>>,
    /// A task that panicked leaves nothing but its id.
    names: HashMap<Id, String>,
    stop: CancellationToken,
    pulses: Pulses,
}

impl Supervisor {
    /// The token that every task watches; cancelling it stops all.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Signs of life of the tasks that give any.
    #[must_use]
    pub fn pulses(&self) -> Pulses {
        self.pulses.clone()
    }

    /// Starts a task. It has to end soon after the token is cancelled, and not before.
    pub fn spawn(
        &mut self,
        task: impl Into<String>,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let started = self.tasks.spawn(work);
        self.names.insert(started.id(), task.into());
    }

    /// Waits until the token is cancelled or a task ends, then stops the others within `grace`.
    ///
    /// # Errors
    /// The first failure; or that a task did not end in time.
    pub async fn run(mut self, grace: Duration) -> Result<(), Stopped> {
        let first = tokio::select! {
            () = self.stop.cancelled() => Ok(()),
            ended = self.tasks.join_next_with_id() => match ended {
                None => Ok(()),
                Some(ended) => {
                    // The token may have been cancelled in the same instant: then ending is right.
                    let asked = self.stop.is_cancelled();
                    self.outcome(ended, asked)
                }
            },
        };
        if let Err(stopped) = &first {
            tell(stopped);
        }
        self.stop.cancel();
        let mut later = Ok(());
        let drained = tokio::time::timeout(grace, async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                if let Err(stopped) = self.outcome(ended, true) {
                    tell(&stopped);
                    later = Err(stopped);
                }
            }
        })
        .await;
        if drained.is_err() {
            let mut tasks: Vec<String> = self.names.into_values().collect();
            tasks.sort();
            let stuck = Stopped::Stuck { tasks, grace };
            tell(&stuck);
            later = Err(stuck);
        }
        first.and(later)
    }

    fn outcome(
        &mut self,
        ended: Result<(Id, anyhow::Result<()>), JoinError>,
        asked: bool,
    ) -> Result<(), Stopped> {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let task = self.names.remove(&id).unwrap_or_else(|| "a task".to_owned());
        match ended {
            Ok((_, Ok(()))) if asked => Ok(()),
            Ok((_, Ok(()))) => Err(Stopped::Ended { task }),
            Ok((_, Err(source))) => Err(Stopped::Failed { task, source }),
            Err(error) => Err(Stopped::Panicked { task, message: panic_message(error) }),
        }
    }
}

/// Told at once: what follows may take the whole time of grace, and may have more to tell.
fn tell(stopped: &Stopped) {
    match stopped {
        Stopped::Failed { task, source } => {
            tracing::error!(task, error = format!("{source:#}"), "a task failed");
        }
        Stopped::Ended { task } => tracing::error!(task, "a task ended by itself"),
        Stopped::Panicked { task, message } => {
            tracing::error!(task, error = message, "a task panicked");
        }
        Stopped::Stuck { tasks, .. } => {
            for task in tasks {
                tracing::error!(task, "a task did not end after the stop");
            }
        }
    }
}

/// What a task said when it panicked.
#[must_use]
pub fn panic_message(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "it did not say why".to_owned()),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    /// A supervisor with tasks that only stop when they are told to.
    fn with_others() -> Supervisor {
        let mut supervisor = Supervisor::default();
        for task in ["one that waits", "another that waits"] {
            let stop = supervisor.stop_token();
            supervisor.spawn(task, async move {
                stop.cancelled().await;
                Ok(())
            });
        }
        supervisor
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_in_any_task_stops_all_and_is_the_reason() {
        for place in 0..3 {
            let mut supervisor = Supervisor::default();
            for n in 0..3 {
                let stop = supervisor.stop_token();
                supervisor.spawn(format!("task {n}"), async move {
                    if n == place {
                        anyhow::bail!("no");
                    }
                    stop.cancelled().await;
                    Ok(())
                });
            }
            let error = anyhow::Error::new(supervisor.run(GRACE).await.unwrap_err());
            assert_eq!(format!("{error:#}"), format!("task {place} failed: no"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_stops_all_and_names_the_task_and_what_it_said() {
        let cases: [(fn(), &str); 3] = [
            (|| panic!("one word"), "one word"),
            (|| panic!("{} words", 2), "2 words"),
            (|| std::panic::panic_any(3), "it did not say why"),
        ];
        for (work, says) in cases {
            let mut supervisor = with_others();
            supervisor.spawn("the task", async move {
                tokio::task::yield_now().await;
                work();
                Ok(())
            });
            let error = supervisor.run(GRACE).await.unwrap_err();
            let expected = format!("the task panicked: {says}; this is a defect");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_while_stopping_is_told_too() {
        let mut supervisor = with_others();
        let stop = supervisor.stop_token();
        stop.cancel();
        supervisor.spawn("the last", async move {
            stop.cancelled().await;
            panic!("too late");
        });
        let error = supervisor.run(GRACE).await.unwrap_err();
        assert_eq!(error.to_string(), "the last panicked: too late; this is a defect");
    }

    #[tokio::test(start_paused = true)]
    async fn ending_unasked_is_an_error() {
        let mut supervisor = with_others();
        supervisor.spawn("ends", async { Ok(()) });
        let error = supervisor.run(GRACE).await.unwrap_err();
        assert!(matches!(error, Stopped::Ended { task } if task == "ends"));
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_is_bounded_and_names_who_is_late() {
        let mut supervisor = with_others();
        supervisor.stop_token().cancel();
        supervisor.spawn("hangs", std::future::pending());
        let error = supervisor.run(GRACE).await.unwrap_err();
        assert_eq!(error.to_string(), "not ended 10 s after the stop: hangs");
    }
}
