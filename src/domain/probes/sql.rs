//! The form of a configured statement: one query, nothing that could leave the brackets it is put in.
//!
//! The server has the last word, by PREPARE in a read-only transaction. Here is what can be said without one.

/// A statement that is one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    text: String,
    parameters: usize,
}

/// Why a text cannot be a probe's statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongSql {
    /// Nothing but blanks and comments.
    #[error("there is no statement in it")]
    Empty,
    /// Something follows a semicolon.
    #[error("it is more than one statement")]
    Several,
    /// Not a query.
    #[error("it is no query: it has to begin with SELECT, WITH, VALUES or TABLE")]
    NoQuery,
    /// A string, a name or a comment has no end.
    #[error("a string, a quoted name or a comment in it is not closed")]
    Open,
    /// Brackets do not match.
    #[error("its brackets do not match")]
    Brackets,
    /// `$3` without `$2`.
    #[error("${0} is missing: parameters are numbered from $1 on, without gaps")]
    Parameter(usize),
    /// `$0`, or one beyond the last.
    #[error("its parameters are $1 to ${PARAMETERS}")]
    Number,
}

/// Words that a query begins with.
const QUERIES: &[&str] = &["select", "with", "values", "table"];

/// Most parameters.
const PARAMETERS: usize = 16;

impl Statement {
    /// Reads `text`; what follows the last word, semicolon and comments included, is left out.
    ///
    /// # Errors
    /// When it cannot be one query.
    pub fn parse(text: &str) -> Result<Self, WrongSql> {
        let mut reading = Reading { rest: text, at: 0, depth: 0, used: [false; PARAMETERS] };
        let (mut end, mut ended, mut first) = (0, false, None);
        while let Some(token) = reading.next()? {
            match token {
                Token::Blank => {}
                Token::Semicolon if reading.depth == 0 => ended = true,
                Token::Semicolon => return Err(WrongSql::Brackets),
                Token::Other if ended => return Err(WrongSql::Several),
                Token::Other => {
                    let begun = end;
                    end = reading.at;
                    first = first.or_else(|| text.get(begun..end).map(first_word));
                }
            }
        }
        if reading.depth != 0 {
            return Err(WrongSql::Brackets);
        }
        let first = first.ok_or(WrongSql::Empty)?;
        if !QUERIES.contains(&first.as_str()) {
            return Err(WrongSql::NoQuery);
        }
        let parameters = reading.used.iter().rposition(|used| *used).map_or(0, |last| last + 1);
        if let Some(gap) = reading.used.iter().take(parameters).position(|used| !used) {
            return Err(WrongSql::Parameter(gap + 1));
        }
        Ok(Self { text: text.get(..end).unwrap_or_default().to_owned(), parameters })
    }

    /// The query, without a semicolon.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many parameters it has.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.parameters
    }
}

/// The last run of letters in what ends with the first token.
fn first_word(text: &str) -> String {
    let word = text.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    word.to_ascii_lowercase()
}

enum Token {
    /// Blanks and comments.
    Blank,
    Semicolon,
    Other,
}

/// A place in the text.
struct Reading<'a> {
    rest: &'a str,
    at: usize,
    depth: usize,
    used: [bool; PARAMETERS],
}

impl Reading<'_> {
    fn take(&mut self, length: usize) {
        self.at += length;
        self.rest = self.rest.get(length..).unwrap_or_default();
    }

    fn next(&mut self) -> Result<Option<Token>, WrongSql> {
        let mut letters = self.rest.chars();
        let Some(first) = letters.next() else { return Ok(None) };
        let second = letters.next();
        match (first, second) {
            (' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{b}', _) => {
                self.take(1);
                Ok(Some(Token::Blank))
            }
            ('-', Some('-')) => {
                let length = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
                self.take(length);
                Ok(Some(Token::Blank))
            }
            ('/', Some('*')) => self.comment().map(|()| Some(Token::Blank)),
            (';', _) => {
                self.take(1);
                Ok(Some(Token::Semicolon))
            }
            ('(' | '[', _) => {
                self.depth += 1;
                self.take(1);
                Ok(Some(Token::Other))
            }
            (')' | ']', _) => {
                self.depth = self.depth.checked_sub(1).ok_or(WrongSql::Brackets)?;
                self.take(1);
                Ok(Some(Token::Other))
            }
            ('\'' | '"', _) => self.quoted(first, false).map(|()| Some(Token::Other)),
            ('$', _) => self.dollar().map(|()| Some(Token::Other)),
            (c, _) if word(c) => self.word().map(|()| Some(Token::Other)),
            (c, _) => {
                self.take(c.len_utf8());
                Ok(Some(Token::Other))
            }
        }
    }

    /// Comments nest.
    fn comment(&mut self) -> Result<(), WrongSql> {
        let mut depth = 0_usize;
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
                if depth == 0 {
                    return Ok(());
                }
            } else {
                let next = self.rest.chars().next().ok_or(WrongSql::Open)?;
                self.take(next.len_utf8());
            }
        }
    }

    /// A string or a quoted name; a backslash counts in `E'…'` only.
    fn quoted(&mut self, quote: char, escapes: bool) -> Result<(), WrongSql> {
        self.take(1);
        loop {
            let mut letters = self.rest.chars();
            let letter = letters.next().ok_or(WrongSql::Open)?;
            self.take(letter.len_utf8());
            if letter == '\\' && escapes {
                let next = letters.next().ok_or(WrongSql::Open)?;
                self.take(next.len_utf8());
            } else if letter == quote {
                if letters.next() != Some(quote) {
                    return Ok(());
                }
                self.take(1);
            }
        }
    }

    /// `$1`, or a string between `$tag$`.
    fn dollar(&mut self) -> Result<(), WrongSql> {
        let rest = self.rest.get(1..).unwrap_or_default();
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits > 0 {
            let number: usize = rest.get(..digits).and_then(|n| n.parse().ok()).unwrap_or(0);
            let place = number.checked_sub(1).and_then(|place| self.used.get_mut(place));
            *place.ok_or(WrongSql::Number)? = true;
            self.take(1 + digits);
            return Ok(());
        }
        let tag = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
        if !rest.get(tag..).unwrap_or_default().starts_with('$') {
            self.take(1);
            return Ok(());
        }
        let mark = self.rest.get(..tag + 2).unwrap_or_default();
        let inside = self.rest.get(tag + 2..).unwrap_or_default();
        let length = inside.find(mark).ok_or(WrongSql::Open)?;
        self.take(2 * (tag + 2) + length);
        Ok(())
    }

    /// A word; `E` before a quote makes backslashes count.
    fn word(&mut self) -> Result<(), WrongSql> {
        let length = self.rest.find(|c: char| !word(c) && c != '$').unwrap_or(self.rest.len());
        let escapes = self.rest.get(..length).is_some_and(|word| word.eq_ignore_ascii_case("e"));
        self.take(length);
        if escapes && self.rest.starts_with('\'') { self.quoted('\'', true) } else { Ok(()) }
    }
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_query_is_taken_without_what_follows_it() {
        for (text, kept, parameters) in [
            ("SELECT 1", "SELECT 1", 0),
            (
                "SELECT COUNT(*) FROM t WHERE id = $1;\n-- Expected: 0\n",
                "SELECT COUNT(*) FROM t WHERE id = $1",
                1,
            ),
            (
                " /* a /* b; */ ; */ with x AS (SELECT $2, $1) TABLE x ; ",
                " /* a /* b; */ ; */ with x AS (SELECT $2, $1) TABLE x",
                2,
            ),
            (
                "select ';', \"a;b\", 'it''s;', E'\\';', $q$;$1$q$ ;",
                "select ';', \"a;b\", 'it''s;', E'\\';', $q$;$1$q$",
                0,
            ),
            ("VALUES ($1)", "VALUES ($1)", 1),
            ("SELECT a$1 FROM t", "SELECT a$1 FROM t", 0),
        ] {
            let statement = Statement::parse(text).unwrap();
            assert_eq!((statement.text(), statement.parameters()), (kept, parameters), "{text}");
        }
    }

    #[test]
    fn whatever_else_it_is_is_said() {
        for (text, wrong) in [
            ("", WrongSql::Empty),
            ("-- nothing", WrongSql::Empty),
            ("SELECT 1; SELECT 2", WrongSql::Several),
            ("DELETE FROM t", WrongSql::NoQuery),
            ("(SELECT 1)", WrongSql::NoQuery),
            ("COMMIT", WrongSql::NoQuery),
            ("SELECT 1) AS x, (SELECT 2", WrongSql::Brackets),
            ("SELECT (1", WrongSql::Brackets),
            ("SELECT (1;)", WrongSql::Brackets),
            ("SELECT 'a", WrongSql::Open),
            ("SELECT /* a", WrongSql::Open),
            ("SELECT $a$ b", WrongSql::Open),
            ("SELECT $2", WrongSql::Parameter(1)),
            ("SELECT $0", WrongSql::Number),
            ("SELECT $17", WrongSql::Number),
        ] {
            assert_eq!(Statement::parse(text).unwrap_err(), wrong, "{text}");
        }
    }
}
