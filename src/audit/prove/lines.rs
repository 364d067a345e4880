//! Every line of a log's files, one after the other, in bounded memory.

use super::ProveError;
use crate::audit::format::MAX_LINE;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// Read at once.
const BUFFER: usize = 256 * 1024;

/// A walk over the lines of a log, from line 0 on.
pub(super) struct Lines {
    files: std::vec::IntoIter<(u64, PathBuf)>,
    open: Option<(BufReader<File>, PathBuf)>,
    line: Vec<u8>,
    seq: u64,
}

impl Lines {
    /// Of the files in `dir`, in the order of their first lines.
    pub(super) fn of(dir: &Path) -> Result<Self, ProveError> {
        let mut files = Vec::new();
        let unread = |source| ProveError::Io { path: dir.to_owned(), source };
        for entry in std::fs::read_dir(dir).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            if let Some(first) = entry.file_name().to_str().and_then(first_of) {
                files.push((first, entry.path()));
            }
        }
        if files.is_empty() {
            return Err(ProveError::NoLog(dir.to_owned()));
        }
        files.sort();
        Ok(Self { files: files.into_iter(), open: None, line: Vec::new(), seq: 0 })
    }

    /// The next line, without its line feed, and its place. `None` at the end, and where the last line is not
    /// finished.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, ProveError> {
        loop {
            let Some((file, path)) = &mut self.open else {
                let Some((first, path)) = self.files.next() else { return Ok(None) };
                if first != self.seq {
                    return Err(ProveError::Damaged(format!(
                        "{} should begin with line {}, going by the files before it",
                        path.display(),
                        self.seq
                    )));
                }
                let opened = File::open(&path);
                let opened =
                    opened.map_err(|source| ProveError::Io { path: path.clone(), source })?;
                self.open = Some((BufReader::with_capacity(BUFFER, opened), path));
                continue;
            };
            self.line.clear();
            let most = MAX_LINE as u64 + 1;
            let read = file.take(most).read_until(b'\n', &mut self.line);
            let read = read.map_err(|source| ProveError::Io { path: path.clone(), source })?;
            if read == 0 {
                self.open = None;
                continue;
            }
            if self.line.pop() != Some(b'\n') {
                if self.files.len() == 0 && read as u64 != most {
                    return Ok(None);
                }
                return Err(ProveError::Damaged(format!("line {} has no end", self.seq)));
            }
            self.seq += 1;
            return Ok(Some((self.seq - 1, &self.line)));
        }
    }
}

/// The first line of the file of that name, if it is one of a log.
fn first_of(name: &str) -> Option<u64> {
    name.strip_prefix("revlog-")?.strip_suffix(".jsonl")?.parse().ok()
}

/// The type of a line. It stands before anything that people wrote.
pub(super) fn kind(line: &[u8]) -> &[u8] {
    const KEY: &[u8] = b"\"type\":\"";
    let head = line.get(..line.len().min(256)).unwrap_or_default();
    let begin = head.windows(KEY.len()).position(|window| window == KEY);
    let text = begin.and_then(|begin| head.get(begin + KEY.len()..)).unwrap_or_default();
    text.split(|byte| *byte == b'"').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_that_of_the_line_and_not_of_its_content() {
        let zeros = "0".repeat(64);
        let record = format!(
            r#"{{"prev":"{zeros}","seq":18446744073709551615,"time":"2026-11-21T21:00:00.000000Z","type":"subject","what":{{"x":"\"type\":\"key\""}}}}"#
        );
        assert_eq!(kind(record.as_bytes()), b"subject");
        assert_eq!(kind(br#"{"prev":"0","seq":1,"type":"checkpoint","what":{}}"#), b"checkpoint");
        assert_eq!(kind(b"{}"), b"");
    }

    #[test]
    fn a_missing_file_is_told_and_an_unfinished_line_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let read = || {
            let mut lines = Lines::of(dir.path())?;
            let mut found = Vec::new();
            while let Some((seq, line)) = lines.next()? {
                found.push((seq, String::from_utf8(line.to_vec()).unwrap()));
            }
            Ok::<_, ProveError>(found)
        };
        assert!(matches!(read(), Err(ProveError::NoLog(_))));
        write("revlog-000000000000.jsonl", "a\nb\n");
        write("revlog-000000000002.jsonl", "c\nd");
        write("notes.txt", "x\n");
        let found: Vec<_> = (0..).zip(["a", "b", "c"].map(str::to_owned)).collect();
        assert_eq!(read().unwrap(), found);
        write("revlog-000000000004.jsonl", "e\n");
        assert!(read().unwrap_err().to_string().contains("line 3 has no end"));
        std::fs::remove_file(dir.path().join("revlog-000000000002.jsonl")).unwrap();
        assert!(read().unwrap_err().to_string().contains("should begin with line 2"));
        write("revlog-000000000000.jsonl", &"x".repeat(MAX_LINE + 2));
        assert!(read().unwrap_err().to_string().contains("has no end"));
    }
}
