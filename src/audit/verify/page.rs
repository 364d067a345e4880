//! Text for people: labels on the left, sentences on the right, and nothing of the input but what prints.

use std::fmt;

/// Columns of a line: those of a terminal before anybody widened it.
const WIDTH: usize = 80;
/// Columns before the text of a paragraph.
const INDENT: usize = 12;

/// The input is not trusted, so nothing of it reaches a terminal but characters that print.
pub(super) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut plain, c| {
        match c {
            '"' | '\'' | '\\' => plain.push(c),
            other => plain.extend(other.escape_debug()),
        }
        plain
    })
}

/// Prints sentences, each on lines of its own, with `title` before the first.
pub(super) fn paragraph(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    sentences: &[String],
) -> fmt::Result {
    for (at, sentence) in sentences.iter().enumerate() {
        labelled(f, if at == 0 { title } else { "" }, sentence)?;
    }
    Ok(())
}

/// Prints `label`, and `text` beside it, wrapped at words.
pub(super) fn labelled(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let text = printable(text);
    let mut column = 0;
    write!(f, "{label:<width$}", width = INDENT - 1)?;
    for word in text.split(' ') {
        let length = word.chars().count() + 1;
        if column > 0 && INDENT + column + length > WIDTH {
            write!(f, "\n{:INDENT$}", "")?;
            column = 0;
        } else {
            write!(f, " ")?;
        }
        write!(f, "{word}")?;
        column += length;
    }
    writeln!(f)
}

/// Prints a signed note as it is.
pub(super) fn note(f: &mut fmt::Formatter<'_>, title: &str, text: &str) -> fmt::Result {
    writeln!(f, "  {}", printable(title))?;
    for line in text.lines() {
        writeln!(f, "    {}", printable(line))?;
    }
    Ok(())
}

/// `one` if there is one, else `many`, with the number before it.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The words in one sentence: `a`, `a and b`, `a, b and c`.
pub(super) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
