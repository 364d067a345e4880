//! A JSON file of notices: one object, or an array of them; one result per notice. Pure.

use super::csv::{Row, Wrong, refuse_one_event_told_differently};
use super::submission::Submission;
use serde_json::value::RawValue;

/// What a JSON file is.
#[derive(Debug)]
pub enum Sheet {
    /// Its notices, good or bad, in its order; `line` is the place, counted from 1.
    Rows(Vec<Row>),
    /// It ends in the middle of something.
    Cut,
    /// It is no JSON, or none of notices.
    Unusable(String),
}

impl Sheet {
    /// Reads a file.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::Unusable("the file is not UTF-8 text".to_owned());
        };
        let list = text.trim_start().starts_with('[');
        let read = if list {
            serde_json::from_str::<Vec<&RawValue>>(text)
        } else {
            serde_json::from_str::<&RawValue>(text).map(|one| vec![one])
        };
        match read {
            Ok(notices) => {
                let mut rows: Vec<Row> =
                    notices.into_iter().enumerate().map(|(n, raw)| row(n + 1, raw)).collect();
                refuse_one_event_told_differently(&mut rows, |expected| Wrong {
                    column: Some("event_id".to_owned()),
                    expected: expected.to_owned(),
                });
                Self::Rows(rows)
            }
            Err(error) if error.is_eof() || is_cut(text) => Self::Cut,
            Err(error) => Self::Unusable(format!("the file is no JSON: {error}")),
        }
    }
}

/// Whether it would end in the middle but for the newline that some programs put after whatever they write.
fn is_cut(text: &str) -> bool {
    let cut = serde_json::from_str::<serde::de::IgnoredAny>(text.trim_end());
    cut.is_err_and(|error| error.is_eof())
}

fn row(line: usize, raw: &RawValue) -> Row {
    let notice = Submission::parse(raw.get().as_bytes()).map_err(|error| wrong(&error.to_string()));
    let username = notice.as_ref().map(|asked| asked.username.clone()).unwrap_or_default();
    Row { line, username, notice }
}

/// A refusal in the file's words: `/effective_at: …` is about that member.
#[must_use]
pub fn wrong(detail: &str) -> Wrong {
    let about = detail.strip_prefix('/').and_then(|rest| rest.split_once(": "));
    match about {
        Some((field, reason)) => {
            Wrong { column: Some(field.to_owned()), expected: reason.to_owned() }
        }
        None => Wrong { column: None, expected: detail.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<String> {
        match Sheet::read(text.as_bytes()) {
            Sheet::Rows(rows) => rows
                .into_iter()
                .map(|row| match row.notice {
                    Ok(asked) => format!("{} {}", row.line, asked.username),
                    Err(wrong) => {
                        format!(
                            "{}! {}: {}",
                            row.line,
                            wrong.column.unwrap_or_default(),
                            wrong.expected
                        )
                    }
                })
                .collect(),
            Sheet::Cut => vec!["cut".to_owned()],
            Sheet::Unusable(why) => vec![why],
        }
    }

    #[test]
    fn one_notice_or_several() {
        let one = r#"{"username":"a","reason":"left"}"#;
        assert_eq!(rows(one), ["1 a"]);
        assert_eq!(rows(&format!("\u{feff} [{one},\n{one}]\n")), ["1 a", "2 a"]);
        assert_eq!(rows("[]"), Vec::<String>::new());
    }

    #[test]
    fn a_bad_one_stops_no_other() {
        let told = rows(
            r#"[{"username":"a","reason":"left","usr":1}, 7, {"username":" ","reason":"left"},
                {"username":"a","username":"b","reason":"left"}, {"username":"z","reason":"left"}]"#,
        );
        assert!(told[0].starts_with("1! usr: unknown field"), "{told:?}");
        assert!(told[1].starts_with("2! : "), "{told:?}");
        assert!(told[2].starts_with("3! username: 1 to"), "{told:?}");
        assert!(told[3].contains("duplicate field"), "{told:?}");
        assert_eq!(told[4], "5 z");
    }

    #[test]
    fn what_is_cut_off_is_told_from_what_is_wrong() {
        for text in ["", " ", "[", r#"[{"username":"a","#, r#"{"username":"a""#] {
            assert_eq!(rows(text), ["cut"], "{text:?}");
        }
        for text in ["{} {}", "username,reason", "[{}],"] {
            assert!(rows(text)[0].contains("no JSON"), "{text:?}: {:?}", rows(text));
        }
        assert!(matches!(Sheet::read(b"\"\xff\""), Sheet::Unusable(_)));
    }

    #[test]
    fn one_event_that_says_two_things_is_refused_the_second_time() {
        let told = rows(
            r#"[{"username":"a","reason":"left","event_id":"e"},{"username":"b","reason":"left","event_id":"e"}]"#,
        );
        assert_eq!(told[0], "1 a");
        assert!(told[1].starts_with("2! event_id: an id of its own"), "{told:?}");
    }

    #[test]
    fn a_newline_at_the_end_makes_nothing_whole() {
        for text in ["{\"username\":\"x\",\"rea\n", "[{\"username\":\"x\"},\n"] {
            assert!(matches!(Sheet::read(text.as_bytes()), Sheet::Cut), "{text:?}");
        }
        let wrong = Sheet::read(b"{\"username\":\"x\n\"}");
        assert!(matches!(wrong, Sheet::Unusable(_)), "a newline within a text");
    }
}
