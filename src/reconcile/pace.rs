//! When the next look begins.

use crate::clock;
use std::time::Duration;

/// An interval up to a fifth shorter, so that many agents do not look in step, and never longer: it is what people
/// are promised.
pub(super) fn jittered(interval: Duration) -> Duration {
    let [byte] = clock::random::<1>().unwrap_or([128]);
    interval.mul_f64(0.8 + 0.2 * f64::from(byte) / 255.0)
}

/// From the beginning of a pass that `took` so long until the beginning of one that an arrival asks for. While
/// much arrives, most of the time is left to what takes it in.
pub(super) fn breath(took: Duration, shortest: Duration, interval: Duration) -> Duration {
    shortest.max(took * 8).min(interval).max(took)
}

/// Looks that should have begun while one look took `took`.
pub(super) fn skipped(took: Duration, interval: Duration) -> u64 {
    let interval = interval.as_micros().max(1);
    u64::try_from(took.as_micros() / interval).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_at_most_a_fifth_shorter() {
        let interval = Duration::from_secs(10);
        for _ in 0..200 {
            let jittered = jittered(interval);
            assert!(jittered >= interval.mul_f64(0.8) && jittered <= interval, "{jittered:?}");
        }
    }

    #[test]
    fn passes_that_arrivals_ask_for_leave_room_between_them() {
        let ms = Duration::from_millis;
        for (took, next) in [(10, 500), (400, 3_200), (7_000, 10_000), (12_000, 12_000)] {
            assert_eq!(breath(ms(took), ms(500), ms(10_000)), ms(next), "{took} ms");
        }
    }

    #[test]
    fn a_look_that_takes_long_skips_those_that_were_due() {
        let interval = Duration::from_secs(10);
        for (took, missed) in [(0, 0), (9, 0), (10, 1), (35, 3)] {
            assert_eq!(skipped(Duration::from_secs(took), interval), missed, "{took} s");
        }
    }
}
