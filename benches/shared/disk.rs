//! What this machine takes for the least that durability costs: the base that figures are measured against.

use super::Times;
use std::io::Write as _;

/// Bytes of one notice's records.
const BYTES: usize = 2_000;
/// Writes per measurement.
const WRITES: usize = 500;

/// Times of one small write with fdatasync, at the end of a file in the directory for temporary files: the
/// benches keep everything there.
pub(crate) fn write_and_sync() -> Times {
    let mut file = tempfile::tempfile().unwrap();
    let bytes = vec![b'x'; BYTES];
    Times::take(WRITES, || {
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
    })
}
