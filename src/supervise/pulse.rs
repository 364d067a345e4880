//! Signs of life: a task says by when it will be heard of again, and whoever feeds a watchdog asks whether
//! all kept their word.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

/// The signs of life of one task. A task that is gone has none, and is not missed here: the supervisor
/// notices its end.
#[derive(Debug)]
pub struct Pulse {
    task: String,
    /// Longest silence of a task that is alive, whatever it is doing.
    patience: Duration,
    /// Silence is a sign of death from here on.
    due: Mutex<Instant>,
}

impl Pulse {
    /// The task is alive.
    pub fn beat(&self) {
        self.rest(Duration::ZERO);
    }

    /// The task is alive, and does nothing on purpose for up to `time`.
    pub fn rest(&self, time: Duration) {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) =
            Instant::now() + time + self.patience;
    }

    /// Does `work` and beats whenever it gets on by a step. Work whose every step is bounded in time may
    /// take as long as it needs; work that waits for what never comes falls silent. Whoever polls it for
    /// another reason, such as a timer around it, hides the silence.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        std::future::poll_fn(|context| {
            let polled: Poll<T> = work.as_mut().poll(context);
            self.beat();
            polled
        })
        .await
    }

    fn late(&self, now: Instant) -> bool {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) < now
    }
}

/// The pulses of all tasks that have one.
#[derive(Clone, Debug, Default)]
pub struct Pulses(Arc<Mutex<Vec<Weak<Pulse>>>>);

impl Pulses {
    /// A pulse for `task`, watched until it is dropped. It may be silent for `patience`.
    #[must_use]
    pub fn watch(&self, task: impl Into<String>, patience: Duration) -> Arc<Pulse> {
        let due = Mutex::new(Instant::now() + patience);
        let pulse = Arc::new(Pulse { task: task.into(), patience, due });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&pulse));
        pulse
    }

    /// Tasks that have been silent for longer than they may be.
    #[must_use]
    pub fn silent(&self) -> Vec<String> {
        let now = Instant::now();
        let mut pulses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.retain(|pulse| pulse.strong_count() > 0);
        let alive = pulses.iter().filter_map(Weak::upgrade);
        alive.filter(|pulse| pulse.late(now)).map(|pulse| pulse.task.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    async fn seconds(count: u64) {
        tokio::time::sleep(Duration::from_secs(count)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_for_too_long_is_named() {
        let pulses = Pulses::default();
        let (one, two) = (pulses.watch("one", PATIENCE), pulses.watch("two", PATIENCE));
        seconds(59).await;
        one.beat();
        assert!(pulses.silent().is_empty());
        seconds(2).await;
        assert_eq!(pulses.silent(), ["two"]);
        two.beat();
        assert!(pulses.silent().is_empty());
        one.rest(Duration::from_secs(3600));
        seconds(3659).await;
        assert_eq!(pulses.silent(), ["two"], "one said that it would rest for an hour");
        drop(two);
        seconds(2).await;
        assert_eq!(pulses.silent(), ["one"], "who is gone is not missed");
    }

    #[tokio::test(start_paused = true)]
    async fn long_work_in_short_steps_is_a_sign_of_life() {
        let pulses = Pulses::default();
        let pulse = pulses.watch("looking at a frozen target", PATIENCE);
        // Each statement runs into its time limit.
        let look = async {
            for _ in 0..100 {
                let _ = tokio::time::timeout(Duration::from_secs(12), std::future::pending::<()>())
                    .await;
                assert!(pulses.silent().is_empty());
            }
        };
        pulse.during(look).await;
        assert!(pulses.silent().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadlock_is_silence() {
        let pulses = Pulses::default();
        let pulse = pulses.watch("the journal", PATIENCE);
        let lock = tokio::sync::Mutex::new(());
        let held = lock.lock().await;
        let stuck = pulse.during(async { drop(lock.lock().await) });
        tokio::select! {
            biased;
            () = seconds(61) => {}
            () = stuck => panic!("nobody let go of the lock"),
        }
        assert_eq!(pulses.silent(), ["the journal"]);
        drop(held);
    }
}
