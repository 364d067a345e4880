//! The only reader of the system clock, and of the operating system's randomness.

use crate::domain::hex::hex;
use crate::domain::time::UtcTime;

/// The present instant, to the microsecond.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
pub fn now() -> UtcTime {
    UtcTime::from_timestamp(jiff::Timestamp::now())
}

/// Microseconds since the machine started, by a clock that nobody can set; time asleep counts (`CLOCK_BOOTTIME`).
/// `None` where the kernel does not tell.
#[must_use]
pub fn since_boot() -> Option<u64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_nsec).ok()?);
    seconds.checked_mul(1_000_000)?.checked_add(nanos / 1_000)
}

/// `N` random bytes from the operating system.
///
/// # Errors
/// When the operating system has none to give, as in a chroot without `/dev/urandom`.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes)
}

/// An id that sorts by time and that nobody can guess: `prefix_` + 14 hex digits of microseconds + 8 of
/// randomness.
///
/// # Errors
/// As [`random`].
pub fn new_id(prefix: &str, now: UtcTime) -> std::io::Result<String> {
    let tail = hex(&random::<4>()?);
    Ok(format!("{prefix}_{:014x}{tail}", now.micros()))
}
