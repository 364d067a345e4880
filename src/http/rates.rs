//! How often one caller may ask: a bucket each, which fills as time passes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// Of the requests of a minute, as many may come at once: those of ten seconds.
const BURST: f64 = 10.0 / 60.0;

/// The buckets. Callers are those of the configuration, so there are not many.
#[derive(Debug, Default)]
pub struct Rates(Mutex<HashMap<String, Bucket>>);

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Rates {
    /// Takes one request of `caller`, who has `per_minute`.
    ///
    /// # Errors
    /// Seconds until the next one is taken.
    pub(super) fn take(&self, caller: &str, per_minute: u32, now: Instant) -> Result<(), u64> {
        let each = f64::from(per_minute) / 60.0;
        let room = (f64::from(per_minute) * BURST).max(1.0);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(caller.to_owned()).or_insert(Bucket { left: room, at: now });
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * each).min(room);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "up to a minute, and above 0"
        )]
        let wait = ((1.0 - bucket.left) / each).ceil() as u64;
        Err(wait.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_is_emptied_and_fills_again() {
        let rates = Rates::default();
        let now = Instant::now();
        for _ in 0..10 {
            assert_eq!(rates.take("hr", 60, now), Ok(()));
        }
        assert_eq!(rates.take("hr", 60, now), Err(1));
        assert_eq!(rates.take("ci", 60, now), Ok(()), "each has its own");
        let later = now + Duration::from_secs(2);
        assert_eq!(rates.take("hr", 60, later), Ok(()));
        assert_eq!(rates.take("hr", 60, later), Ok(()));
        assert_eq!(rates.take("hr", 60, later), Err(1));
        assert_eq!(rates.take("rare", 1, now), Ok(()), "at least one at once");
        assert_eq!(rates.take("rare", 1, now), Err(60));
    }
}
