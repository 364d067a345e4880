//! `log`: how the audit log is cut into files, and how long it may be silent.

use super::ConfigError;
use super::check::Reader;
use super::file::LogFile;
use std::time::Duration;

const DAY: u64 = 86_400;
const KIB: u64 = 1024;
/// A segment has 64 KiB to 1 TiB.
const BYTES: std::ops::RangeInclusive<u64> = 64 * KIB..=KIB * KIB * KIB * KIB;

/// How the audit log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Bytes after which a new file is begun.
    pub segment_bytes: u64,
    /// Time after which one is.
    pub segment_age: Duration,
    /// Longest silence while the agent runs; zero for no promise.
    pub heartbeat: Duration,
}

impl Reader<'_> {
    pub(super) fn log(&self, file: &LogFile) -> Result<LogConfig, ConfigError> {
        let (seconds, age) = (Duration::from_secs, (60, 366 * DAY));
        let (bytes, old, beat) = (&file.segment_bytes, &file.segment_age, &file.heartbeat);
        Ok(LogConfig {
            segment_bytes: self.bytes("log.segment_bytes", bytes.as_deref(), 256 * KIB * KIB)?,
            segment_age: self.duration("log.segment_age", old.clone(), seconds(DAY), age)?,
            heartbeat: self.duration("log.heartbeat", beat.clone(), seconds(60), (0, DAY))?,
        })
    }

    fn bytes(&self, key: &str, text: Option<&str>, default: u64) -> Result<u64, ConfigError> {
        let Some(text) = text else { return Ok(default) };
        let units = [("KiB", KIB), ("MiB", KIB * KIB), ("GiB", KIB * KIB * KIB)];
        let bytes = units.iter().find_map(|(unit, size)| {
            let count: u64 = text.trim().strip_suffix(unit)?.trim().parse().ok()?;
            count.checked_mul(*size)
        });
        bytes
            .filter(|bytes| BYTES.contains(bytes))
            .ok_or_else(|| self.wrong(key, format!("64KiB to 1024GiB, such as 256MiB, not {text}")))
    }
}
