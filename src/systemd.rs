//! What systemd is told: that the agent is ready, alive, stopping. Started by anything else, nobody listens,
//! and nothing is missing.

use crate::supervise::{Pulses, Trouble};
use sd_notify::NotifyState;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Silence of the journal that is a sign of death. It does something each second, waits up to 30 s for a
/// statement of the store, and for a disk as long as that takes.
pub const JOURNAL: Duration = Duration::from_secs(120);

/// Silence of a look that is a sign of death. Each of its steps has a limit of some seconds, but before it
/// judges it waits for all who judge already.
pub const LOOK: Duration = Duration::from_secs(300);

/// Signs of life are asked for this often when systemd does not watch.
const UNWATCHED: Duration = Duration::from_secs(15);

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(error = error.to_string(), "systemd could not be told");
    }
}

/// Tells that notices are accepted, then each time that all are alive, and at last that the agent stops.
pub async fn keep_told(
    status: String,
    pulses: Pulses,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
    // Half of what systemd grants, so that one that comes late is no end.
    let every = sd_notify::watchdog_enabled().map_or(UNWATCHED, |limit| limit / 2);
    watch(&pulses, every, &stop, |silent| match silent {
        None => tell(&[NotifyState::Watchdog]),
        Some(silent) => {
            let status = format!("no sign of life from {silent}; the watchdog will end this");
            tell(&[NotifyState::Status(&status)]);
        }
    })
    .await;
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: landing the last records")]);
    Ok(())
}

/// Tells systemd that `work` reads the configuration anew, and when that is over.
pub async fn reload<T>(work: impl Future<Output = T>) -> T {
    // systemd 253 and newer ends a service that reloads without saying since when.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(error = error.to_string(), "systemd could not be told"),
    }
    let done = work.await;
    tell(&[NotifyState::Ready]);
    done
}

/// Asks for signs of life until stopped. `told` gets nothing while all are alive, else who is silent.
async fn watch(
    pulses: &Pulses,
    every: Duration,
    stop: &CancellationToken,
    mut told: impl FnMut(Option<&str>),
) {
    let trouble = Trouble::default();
    // A period of zero would be a panic, and systemd's word for no watchdog.
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let silent = pulses.silent();
        for task in &silent {
            if trouble.is(task, "silent") {
                tracing::error!(
                    task,
                    "no sign of life; this is a defect, or the store or the disk hangs"
                );
            }
        }
        if silent.is_empty() {
            told(None);
        } else {
            told(Some(&silent.join(", ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_only_while_all_are_alive() {
        let (pulses, stop) = (Pulses::default(), CancellationToken::new());
        let journal = pulses.watch("the journal", JOURNAL);
        let look = pulses.watch("looking at main", LOOK);
        let told = Mutex::new(Vec::new());
        let every = Duration::from_secs(30);
        let watching = watch(&pulses, every, &stop, |silent| {
            told.lock().unwrap().push(silent.map(ToOwned::to_owned));
        });
        let deadlocked = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                journal.beat();
                look.beat();
            }
            // From here on the journal waits for a lock that nobody gives back.
            let begun = told.lock().unwrap().len();
            look.rest(Duration::from_secs(3600));
            tokio::time::sleep(JOURNAL + every * 2).await;
            stop.cancel();
            begun
        };
        let ((), begun) = tokio::join!(watching, deadlocked);
        let told = told.into_inner().unwrap();
        let (alive, after) = told.split_at(begun);
        assert!(alive.iter().all(Option::is_none) && alive.len() >= 7, "{alive:?}");
        let fed = after.iter().take_while(|silent| silent.is_none()).count();
        assert!((3..=5).contains(&fed), "it may be silent for {JOURNAL:?}: {after:?}");
        assert_eq!(after.last().unwrap().as_deref(), Some("the journal"));
    }
}
