//! The storage format of Confluence: XML whose elements are ours, and in which nothing of others is ever markup.
//!
//! Emitted is a small part of it: headings, paragraphs, lists, tables, and the macros status, code, expand and panels.

use super::message::inert;
use std::fmt::Write as _;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inline {
    /// Our words.
    Text(String),
    /// Our words that matter.
    Strong(String),
    /// Ids and the like of ours, shown letter by letter.
    Code(String),
    /// What others wrote: names of roles and objects. Shown as it is, and never read.
    Theirs(String),
    /// A coloured word.
    Status(&'static str, Colour),
}

/// Colour of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Good.
    Green,
    /// Bad.
    Red,
    /// To be looked at.
    Yellow,
    /// Neither.
    Grey,
}

/// Frames around a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// To know.
    Info,
    /// To be looked at.
    Note,
    /// Bad.
    Warning,
}

/// Our words.
#[must_use]
pub fn text(words: impl Into<String>) -> Inline {
    Inline::Text(words.into())
}

/// A cell of our words alone.
#[must_use]
pub fn cell(words: impl Into<String>) -> Vec<Inline> {
    vec![text(words)]
}

/// A body, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage(String);

impl Colour {
    fn word(self) -> &'static str {
        match self {
            Self::Green => "Green",
            Self::Red => "Red",
            Self::Yellow => "Yellow",
            Self::Grey => "Grey",
        }
    }
}

impl Panel {
    fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

/// Whether XML 1.0 has the character at all.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// `words` as text of an element or an attribute.
#[must_use]
pub fn escaped(words: &str) -> String {
    let mut shown = String::with_capacity(words.len());
    for c in words.chars().filter(|c| is_xml(*c)) {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            c => shown.push(c),
        }
    }
    shown
}

fn inline(parts: &[Inline]) -> String {
    let one = |part: &Inline| match part {
        Inline::Text(words) => escaped(words),
        Inline::Strong(words) => format!("<strong>{}</strong>", escaped(words)),
        Inline::Code(words) => format!("<code>{}</code>", escaped(words)),
        Inline::Theirs(words) => format!("<code>{}</code>", escaped(&inert(words))),
        Inline::Status(word, colour) => format!(
            "<ac:structured-macro ac:name=\"status\"><ac:parameter ac:name=\"title\">{}</ac:parameter>\
             <ac:parameter ac:name=\"colour\">{}</ac:parameter></ac:structured-macro>",
            escaped(word),
            colour.word()
        ),
    };
    joined(parts, one)
}

/// What `one` makes of each, one after the other.
fn joined<T>(items: &[T], one: impl Fn(&T) -> String) -> String {
    items.iter().map(one).collect::<Vec<_>>().concat()
}

impl Storage {
    fn put(&mut self, markup: std::fmt::Arguments<'_>) {
        // Writing into a String does not fail.
        let _ = self.0.write_fmt(markup);
    }

    /// A heading of the second level.
    pub fn heading(&mut self, words: &str) {
        self.put(format_args!("<h2>{}</h2>", escaped(words)));
    }

    /// A heading of the third level.
    pub fn subheading(&mut self, words: &str) {
        self.put(format_args!("<h3>{}</h3>", escaped(words)));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, parts: &[Inline]) {
        self.put(format_args!("<p>{}</p>", inline(parts)));
    }

    /// A list; nothing where there are no items.
    pub fn list(&mut self, items: &[Vec<Inline>]) {
        if items.is_empty() {
            return;
        }
        let items = joined(items, |item| format!("<li>{}</li>", inline(item)));
        self.put(format_args!("<ul>{items}</ul>"));
    }

    /// What is said of what: one row each.
    pub fn facts(&mut self, rows: &[(&str, Vec<Inline>)]) {
        let row = |(label, parts): &(&str, Vec<Inline>)| {
            format!("<tr><th><p>{}</p></th><td><p>{}</p></td></tr>", escaped(label), inline(parts))
        };
        let rows = joined(rows, row);
        self.put(format_args!("<table><tbody>{rows}</tbody></table>"));
    }

    /// A table with headings.
    pub fn table(&mut self, columns: &[&str], rows: &[Vec<Vec<Inline>>]) {
        let head = joined(columns, |name| format!("<th><p>{}</p></th>", escaped(name)));
        let one = |cells: &Vec<Vec<Inline>>| {
            format!(
                "<tr>{}</tr>",
                joined(cells, |cell| format!("<td><p>{}</p></td>", inline(cell)))
            )
        };
        let rows = joined(rows, one);
        self.put(format_args!("<table><tbody><tr>{head}</tr>{rows}</tbody></table>"));
    }

    /// Text that keeps its lines and is read by nobody.
    pub fn code(&mut self, words: &str) {
        let words: String = words.chars().filter(|c| is_xml(*c)).collect();
        let words = words.replace("]]>", "]]]]><![CDATA[>");
        self.put(format_args!(
            "<ac:structured-macro ac:name=\"code\"><ac:parameter ac:name=\"language\">none</ac:parameter>\
             <ac:plain-text-body><![CDATA[{words}]]></ac:plain-text-body></ac:structured-macro>"
        ));
    }

    /// A framed paragraph.
    pub fn panel(&mut self, kind: Panel, parts: &[Inline]) {
        self.put(format_args!(
            "<ac:structured-macro ac:name=\"{}\"><ac:rich-text-body><p>{}</p></ac:rich-text-body>\
             </ac:structured-macro>",
            kind.word(),
            inline(parts)
        ));
    }

    /// A part that is shown when asked for.
    pub fn expand(&mut self, title: &str, inside: &Self) {
        self.put(format_args!(
            "<ac:structured-macro ac:name=\"expand\"><ac:parameter ac:name=\"title\">{}</ac:parameter>\
             <ac:rich-text-body>{}</ac:rich-text-body></ac:structured-macro>",
            escaped(title),
            inside.0
        ));
    }

    /// Adds another part.
    pub fn add(&mut self, part: &Self) {
        self.0.push_str(&part.0);
    }

    /// The markup.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_others_is_markup() {
        let mut body = Storage::default();
        let evil = "</p><ac:structured-macro ac:name=\"html\">&nbsp;]]>\0\u{202e}\n";
        body.paragraph(&[Inline::Theirs(evil.to_owned()), text(evil)]);
        assert_eq!(
            body.as_str(),
            "<p><code>&lt;/p&gt;&lt;ac:structured-macro ac:name=&quot;html&quot;&gt;&amp;nbsp;]]&gt;[U+0000][U+202E]␤</code>\
             &lt;/p&gt;&lt;ac:structured-macro ac:name=&quot;html&quot;&gt;&amp;nbsp;]]&gt;\u{202e}\n</p>"
        );
        let mut code = Storage::default();
        code.code("a]]>b\0");
        assert!(code.as_str().contains("<![CDATA[a]]]]><![CDATA[>b]]>"), "{}", code.as_str());
    }
}
