//! A page as blocks, so that the same one can be a page of Confluence, of a browser, or text.

use super::message::inert;
use super::storage::{Colour, Inline, Panel, Storage, escaped};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// Widest column of a table in a text.
const WIDE: usize = 60;

/// Style of a page of its own: for reading and for printing.
const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem;\
    color:#172b4d}h1{font-size:1.5rem}h2{font-size:1.15rem;margin:1.8rem 0 .4rem}table{border-collapse:collapse;\
    margin:.4rem 0 1rem;font-size:.9rem}th,td{border:1px solid #c1c7d0;padding:.25rem .55rem;text-align:left;\
    vertical-align:top}th{background:#f4f5f7}code,pre{font:.85em ui-monospace,monospace}pre{background:#f4f5f7;\
    padding:.6rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}td code{overflow-wrap:anywhere}\
    .s{font-weight:700;padding:.1rem .4rem;border-radius:3px}.Green{background:#e3fcef;color:#006644}\
    .Red{background:#ffebe6;color:#bf2600}.Yellow{background:#fff0b3;color:#172b4d}.Grey{background:#dfe1e6}\
    .panel{border-left:4px solid #ff991f;background:#fffae6;padding:.5rem .8rem}@media print{body{margin:0;max-width:none}\
    tr{break-inside:avoid}}";

/// Words on a line.
pub type Line = Vec<Inline>;

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading(String),
    /// A paragraph.
    Paragraph(Line),
    /// A framed paragraph.
    Panel(Panel, Line),
    /// A list.
    List(Vec<Line>),
    /// What is said of what: one row each.
    Facts(Vec<(String, Line)>),
    /// A table with headings.
    Table(Vec<String>, Vec<Vec<Line>>),
    /// Text that keeps its lines.
    Code(String),
}

/// As the storage format of Confluence.
#[must_use]
pub fn storage(blocks: &[Block]) -> Storage {
    let mut body = Storage::default();
    for block in blocks {
        match block {
            Block::Heading(words) => body.heading(words),
            Block::Paragraph(line) => body.paragraph(line),
            Block::Panel(panel, line) => body.panel(*panel, line),
            Block::List(items) => body.list(items),
            Block::Facts(rows) => {
                let rows: Vec<(&str, Line)> =
                    rows.iter().map(|(label, line)| (label.as_str(), line.clone())).collect();
                body.facts(&rows);
            }
            Block::Table(columns, rows) => {
                let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                body.table(&columns, rows);
            }
            Block::Code(words) => body.code(words),
        }
    }
    body
}

/// As a page of its own for browsers: no script, nothing from elsewhere.
#[must_use]
pub fn html(title: &str, blocks: &[Block]) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>{STYLE}</style></head>\
         <body>\n<h1>{0}</h1>\n",
        escaped(title)
    );
    for block in blocks {
        // Writing into a String does not fail.
        let _ = match block {
            Block::Heading(words) => writeln!(page, "<h2>{}</h2>", escaped(words)),
            Block::Paragraph(line) => writeln!(page, "<p>{}</p>", markup(line)),
            Block::Panel(_, line) => writeln!(page, "<p class=\"panel\">{}</p>", markup(line)),
            Block::List(items) => {
                let items: Vec<_> =
                    items.iter().map(|item| format!("<li>{}</li>", markup(item))).collect();
                writeln!(page, "<ul>{}</ul>", items.concat())
            }
            Block::Facts(rows) => {
                let row = |(label, line): &(String, Line)| {
                    format!("<tr><th>{}</th><td>{}</td></tr>", escaped(label), markup(line))
                };
                let rows: Vec<_> = rows.iter().map(row).collect();
                writeln!(page, "<table>{}</table>", rows.join("\n"))
            }
            Block::Table(columns, rows) => {
                let head: Vec<_> =
                    columns.iter().map(|name| format!("<th>{}</th>", escaped(name))).collect();
                let row = |cells: &Vec<Line>| {
                    let cells: Vec<_> =
                        cells.iter().map(|cell| format!("<td>{}</td>", markup(cell))).collect();
                    format!("<tr>{}</tr>", cells.concat())
                };
                let rows: Vec<_> = rows.iter().map(row).collect();
                writeln!(page, "<table><tr>{}</tr>\n{}</table>", head.concat(), rows.join("\n"))
            }
            Block::Code(words) => writeln!(page, "<pre>{}</pre>", escaped(words)),
        };
    }
    page.push_str("</body></html>\n");
    page
}

/// As text.
#[must_use]
pub fn text(title: &str, blocks: &[Block]) -> String {
    let mut page = format!("{title}\n{}\n", "=".repeat(title.width()));
    for block in blocks {
        page.push('\n');
        // Writing into a String does not fail.
        let _ = match block {
            Block::Heading(words) => writeln!(page, "{words}\n{}", "-".repeat(words.width())),
            Block::Paragraph(line) | Block::Panel(_, line) => writeln!(page, "{}", plain(line)),
            Block::List(items) => {
                let items: Vec<_> =
                    items.iter().map(|item| format!("- {}\n", plain(item))).collect();
                write!(page, "{}", items.concat())
            }
            Block::Facts(rows) => {
                let cells = |(label, line): &(String, Line)| vec![format!("{label}:"), plain(line)];
                write!(page, "{}", columns(rows.iter().map(cells).collect()))
            }
            Block::Table(heads, rows) => {
                let heads: Vec<String> = heads.clone();
                let rows = rows.iter().map(|cells| cells.iter().map(|cell| plain(cell)).collect());
                write!(page, "{}", columns(std::iter::once(heads).chain(rows).collect()))
            }
            Block::Code(words) => {
                let lines: Vec<_> = words.lines().map(|line| format!("    {line}\n")).collect();
                write!(page, "{}", lines.concat())
            }
        };
    }
    page
}

/// Columns that begin below each other.
fn columns(rows: Vec<Vec<String>>) -> String {
    let mut wide: Vec<usize> = Vec::new();
    for row in &rows {
        for (n, cell) in row.iter().enumerate() {
            match wide.get_mut(n) {
                Some(known) => *known = (*known).max(cell.width()).min(WIDE),
                None => wide.push(cell.width().min(WIDE)),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, wide) in row.iter().zip(&wide) {
            line.push_str(cell);
            line.push_str(&" ".repeat(wide.saturating_sub(cell.width()) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn markup(line: &[Inline]) -> String {
    let one = |part: &Inline| match part {
        Inline::Text(words) => escaped(words),
        Inline::Strong(words) => format!("<strong>{}</strong>", escaped(words)),
        Inline::Code(words) => format!("<code>{}</code>", escaped(words)),
        Inline::Theirs(words) => format!("<code>{}</code>", escaped(&inert(words))),
        Inline::Status(word, colour) => {
            format!("<span class=\"s {}\">{}</span>", class(*colour), escaped(word))
        }
    };
    line.iter().map(one).collect::<Vec<_>>().concat()
}

fn class(colour: Colour) -> &'static str {
    match colour {
        Colour::Green => "Green",
        Colour::Red => "Red",
        Colour::Yellow => "Yellow",
        Colour::Grey => "Grey",
    }
}

fn plain(line: &[Inline]) -> String {
    let one = |part: &Inline| match part {
        Inline::Text(words) | Inline::Strong(words) | Inline::Code(words) => words.clone(),
        Inline::Theirs(words) => inert(words),
        Inline::Status(word, _) => format!("[{word}]"),
    };
    line.iter().map(one).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::storage::{cell, text as words};

    #[test]
    fn nothing_of_others_is_markup_in_any_form() {
        let evil = "</td><script>alert(1)</script>\u{202e}";
        let theirs = vec![Inline::Theirs(evil.to_owned()), words(" & more")];
        let blocks = [
            Block::Heading("A & B".to_owned()),
            Block::Paragraph(theirs.clone()),
            Block::Facts(vec![("of".to_owned(), theirs.clone())]),
            Block::Table(vec!["x".to_owned()], vec![vec![theirs.clone()]]),
            Block::List(vec![theirs.clone()]),
            Block::Panel(Panel::Note, theirs),
        ];
        let page = html("T", &[Block::Code(evil.to_owned())]);
        assert!(!page.contains("<script"), "{page}");
        let page = html("T<i>", &blocks);
        assert!(!page.contains("<script") && page.contains("T&lt;i&gt;"), "{page}");
        assert!(page.contains("[U+202E]"), "{page}");
        assert!(text("T", &blocks).contains("[U+202E]"));
        assert!(!storage(&blocks).as_str().contains("<script"));
    }

    #[test]
    fn columns_begin_below_each_other() {
        let rows = vec![vec![cell("a"), cell("1")], vec![cell("long"), cell("22")]];
        let table = Block::Table(vec!["name".to_owned(), "n".to_owned()], rows);
        assert_eq!(text("T", &[table]), "T\n=\n\nname  n\na     1\nlong  22\n");
    }
}
