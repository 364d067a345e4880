//! Lines of a file, one at a time, in bounded memory.

use super::format::MAX_LINE;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::FileExt as _;

/// Read at once.
const CHUNK: usize = 256 * 1024;

/// What the next bytes of a file are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// A line, its line feed left out.
    Line(&'a [u8]),
    /// Bytes without a line feed: the end of the file is torn, or the line is too long.
    Torn(&'a [u8]),
    /// The file ends.
    End,
}

/// Reads from a place of its own, not from the one that the open file has.
struct At {
    file: File,
    at: u64,
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read_at(into, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Reads a file line by line.
pub(super) struct Lines {
    reader: BufReader<At>,
    line: Vec<u8>,
}

impl Lines {
    /// Of `file`, from byte `at` on.
    pub(super) fn of(file: &File, at: u64) -> std::io::Result<Self> {
        let reader = BufReader::with_capacity(CHUNK, At { file: file.try_clone()?, at });
        Ok(Self { reader, line: Vec::new() })
    }

    pub(super) fn next(&mut self) -> std::io::Result<Next<'_>> {
        self.line.clear();
        let limit = MAX_LINE as u64 + 1;
        (&mut self.reader).take(limit).read_until(b'\n', &mut self.line)?;
        Ok(match self.line.strip_suffix(b"\n") {
            Some(line) => Next::Line(line),
            None if self.line.is_empty() => Next::End,
            None => Next::Torn(&self.line),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn lines_torn_ends_and_lines_without_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one\n\ntwo\nthr").unwrap();
        let mut lines = Lines::of(&file, 0).unwrap();
        assert_eq!(lines.next().unwrap(), Next::Line(b"one"));
        assert_eq!(lines.next().unwrap(), Next::Line(b""));
        assert_eq!(lines.next().unwrap(), Next::Line(b"two"));
        assert_eq!(lines.next().unwrap(), Next::Torn(b"thr"));
        assert_eq!(lines.next().unwrap(), Next::End);
        assert_eq!(Lines::of(&file, 5).unwrap().next().unwrap(), Next::Line(b"two"));

        let mut long = tempfile::tempfile().unwrap();
        long.write_all(&vec![b'x'; 3 * MAX_LINE]).unwrap();
        let mut lines = Lines::of(&long, 0).unwrap();
        for _ in 0..2 {
            assert!(
                matches!(lines.next().unwrap(), Next::Torn(part) if part.len() == MAX_LINE + 1)
            );
        }
    }
}
