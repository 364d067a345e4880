//! Bytes to records and fields (RFC 4180, with any line end). Stricter than most readers about quotes: one that
//! is never closed would make the rest of the file one field, and every row in it would be lost unsaid. Here
//! a record with a quote out of place is one line, and reading goes on with the next.

/// A record, at the line where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Counted from 1.
    pub(super) line: usize,
    /// Its fields, quotes removed; or what is wrong with its quotes.
    pub(super) fields: Result<Vec<Vec<u8>>, Quotes>,
}

/// A quote out of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Quotes {
    /// To the end of the file.
    #[error("a quote (\") is opened and never closed")]
    NeverClosed,
    /// Neither a separator nor the end of the line.
    #[error(
        "text follows a closing quote (\"); a quote inside a quoted cell is written twice (\"\")"
    )]
    TextAfter,
}

/// Records of a file, one after the other. Lines with nothing on them are none.
pub(super) struct Records<'a> {
    rest: &'a [u8],
    line: usize,
    separator: u8,
    lost: Option<Lost>,
}

/// A quote out of place, found by a record that was inside a quoted cell at every line end on its way there. Each later
/// record that is inside one at such a line end comes to the same place, and need not go there: it would be done for
/// each line of a file again.
#[derive(Clone, Copy)]
struct Lost {
    /// Bytes from there to the end of the file.
    left: usize,
    quotes: Quotes,
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8], separator: u8) -> Self {
        Self { rest: bytes, line: 1, separator, lost: None }
    }

    /// What separates cells.
    pub(super) fn separator(&self) -> u8 {
        self.separator
    }

    /// Goes on behind the first `length` bytes of what is left.
    fn advance(&mut self, length: usize) {
        let (done, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        let ends = done.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => done.get(at + 1).or(rest.first()) != Some(&b'\n'),
            _ => false,
        });
        self.line += ends.count();
        self.rest = rest;
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let line = first_line(self.rest);
            if self.rest.is_empty() {
                return None;
            }
            if !line.iter().all(|byte| *byte == b' ') {
                break;
            }
            self.advance(line.len() + line_end(self.rest, line.len()));
        }
        let line = self.line;
        let mut cursor =
            Cursor { bytes: self.rest, at: 0, separator: self.separator, lost: self.lost };
        let fields = cursor.record();
        let length = match &fields {
            Ok(_) => cursor.at,
            Err(quotes) => {
                let here = Lost { left: cursor.left(), quotes: *quotes };
                self.lost = self.lost.filter(|lost| lost.left <= here.left).or(Some(here));
                first_line(self.rest).len()
            }
        };
        self.advance(length + line_end(self.rest, length));
        Some(Record { line, fields })
    }
}

/// `bytes` up to the first line end.
pub(super) fn first_line(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default()
}

/// Length of the line end at `at`.
fn line_end(bytes: &[u8], at: usize) -> usize {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => 2,
        (Some(b'\r' | b'\n'), _) => 1,
        _ => 0,
    }
}

/// A place within one record.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    separator: u8,
    lost: Option<Lost>,
}

impl Cursor<'_> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Reads up to the line end, which it leaves.
    fn record(&mut self) -> Result<Vec<Vec<u8>>, Quotes> {
        let mut fields = Vec::new();
        loop {
            fields.push(self.field()?);
            if self.peek() != Some(self.separator) {
                return Ok(fields);
            }
            self.at += 1;
        }
    }

    fn field(&mut self) -> Result<Vec<u8>, Quotes> {
        let begun = self.at;
        self.skip_blanks();
        if self.peek() == Some(b'"') {
            self.at += 1;
            return self.quoted();
        }
        while let Some(byte) = self.peek() {
            if byte == self.separator || matches!(byte, b'\n' | b'\r') {
                break;
            }
            self.at += 1;
        }
        Ok(self.bytes.get(begun..self.at).unwrap_or_default().to_vec())
    }

    fn quoted(&mut self) -> Result<Vec<u8>, Quotes> {
        let mut field = Vec::new();
        loop {
            let byte = self.peek().ok_or(Quotes::NeverClosed)?;
            self.at += 1;
            if matches!(byte, b'\n' | b'\r')
                && let Some(lost) = self.lost.filter(|lost| lost.left <= self.left())
            {
                return Err(lost.quotes);
            }
            if byte != b'"' {
                field.push(byte);
            } else if self.peek() == Some(b'"') {
                self.at += 1;
                field.push(b'"');
            } else {
                break;
            }
        }
        self.skip_blanks();
        match self.peek() {
            None | Some(b'\n' | b'\r') => Ok(field),
            Some(byte) if byte == self.separator => Ok(field),
            Some(_) => Err(Quotes::TextAfter),
        }
    }

    fn skip_blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Records as `line:field|field`, or `line!` where a quote is out of place.
    fn read(text: &str) -> Vec<String> {
        Records::new(text.as_bytes(), b',')
            .map(|record| match record.fields {
                Err(_) => format!("{}!", record.line),
                Ok(fields) => {
                    let fields: Vec<_> =
                        fields.into_iter().map(|f| String::from_utf8(f).unwrap()).collect();
                    format!("{}:{}", record.line, fields.join("|"))
                }
            })
            .collect()
    }

    #[test]
    fn the_table() {
        for (text, records) in [
            ("", &[][..]),
            ("\n\r\n  \n", &[]),
            ("a,b", &["1:a|b"]),
            ("a,b\nc,d\n", &["1:a|b", "2:c|d"]),
            ("a\r\nb\r\n\r\nc", &["1:a", "2:b", "4:c"]),
            ("a\rb\r\rc", &["1:a", "2:b", "4:c"]),
            (",,\n,", &["1:||", "2:|"]),
            ("\"a,b\", \"c\"\"d\" ,e", &["1:a,b|c\"d|e"]),
            ("\"a\nb\",c\nd", &["1:a\nb|c", "3:d"]),
            ("\"a\r\n\r\nb\"\r\nd", &["1:a\r\n\r\nb", "4:d"]),
            ("a\"b,c", &["1:a\"b|c"]),
            ("\"\",x", &["1:|x"]),
            // A quote out of place costs its own line and no other.
            ("\"a,b\nc,d\ne", &["1!", "2:c|d", "3:e"]),
            ("a,\"b\nc,d\n", &["1!", "2:c|d"]),
            ("\"a\"b,c\nd", &["1!", "2:d"]),
            ("\"a,b\nc,d\n\"e\",f", &["1!", "2:c|d", "3:e|f"]),
            ("x\n\"", &["1:x", "2!"]),
        ] {
            assert_eq!(read(text), records, "{text:?}");
        }
    }

    /// Each line opens a cell that the next one closes and opens again, and none of them is ever closed: whoever went to
    /// the end of the file from each line would read it 200 000 times.
    #[test]
    fn quotes_that_are_never_closed_cost_each_line_once() {
        let text = "a\",\"\n".repeat(200_000);
        let all: Vec<Record> = Records::new(text.as_bytes(), b',').collect();
        assert_eq!(all.len(), 200_000);
        assert!(all.iter().all(|record| record.fields == Err(Quotes::NeverClosed)));
    }

    proptest! {
        #[test]
        fn what_was_lost_before_makes_no_difference(
            text in "(a|,|\"|\"\"|\n|\r\n|\r| ){0,40}",
        ) {
            let together: Vec<Record> = Records::new(text.as_bytes(), b',').collect();
            let mut apart = Vec::new();
            let (mut rest, mut line) = (text.as_bytes(), 1);
            loop {
                // One that knows of no record before.
                let mut one = Records { line, ..Records::new(rest, b',') };
                let Some(record) = one.next() else { break };
                (rest, line) = (one.rest, one.line);
                apart.push(record);
            }
            prop_assert_eq!(together, apart);
        }

        #[test]
        fn what_a_writer_writes_is_read(
            rows in proptest::collection::vec(
                proptest::collection::vec("[ab ,\"\r\n;=é]{0,6}", 2..4), 0..6),
        ) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let read: Vec<Vec<String>> = Records::new(&bytes, b',')
                .map(|record| {
                    record.fields.unwrap().into_iter().map(|f| String::from_utf8(f).unwrap()).collect()
                })
                .collect();
            prop_assert_eq!(read, rows);
        }
    }
}
