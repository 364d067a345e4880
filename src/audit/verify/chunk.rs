//! Whole lines, read without what comes before them: this part of the work can be done by many threads.

use super::line::Parsed;
use super::report::Flaw;
use super::split_line;
use crate::audit::format::MAX_LINE;

/// Bytes of a log with each line in them read, up to the first that is bad.
///
/// Holds about as much memory beside the bytes as these take themselves.
#[derive(Debug)]
pub struct Chunk {
    pub(super) bytes: Vec<u8>,
    /// Each line with the offset of its first byte and that of its line feed.
    pub(super) lines: Vec<(u32, u32, Parsed)>,
    pub(super) flaw: Option<Flaw>,
}

impl Chunk {
    /// Reads the lines in `bytes`. What follows the last line feed is not looked at, but kept.
    #[must_use]
    pub fn read(bytes: Vec<u8>) -> Self {
        // Lines are rarely shorter.
        let mut lines = Vec::with_capacity(bytes.len() / 512);
        let mut flaw = None;
        // All at once is quicker; where that fails, the line that is bad is found.
        let text = simdutf8::basic::from_utf8(&bytes).ok();
        let mut rest = bytes.as_slice();
        loop {
            let start = bytes.len() - rest.len();
            let (piece, after, has_end) = split_line(rest);
            // Longer lines and more bytes than these are left to the verifier itself.
            let (Ok(from), Ok(to)) = (u32::try_from(start), u32::try_from(start + piece.len()))
            else {
                break;
            };
            if !has_end || piece.len() > MAX_LINE {
                break;
            }
            let parsed = match text.and_then(|text| text.get(start..start + piece.len())) {
                Some(text) => Parsed::of_text(text),
                None => Parsed::of(piece),
            };
            match parsed {
                Ok(parsed) => lines.push((from, to, parsed)),
                Err(found) => {
                    flaw = Some(found);
                    break;
                }
            }
            rest = after;
        }
        Self { bytes, lines, flaw }
    }

    /// Gives the memory of the bytes back.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
