//! A message as Block Kit. Nothing that others wrote is in a field that Slack reads markup in: it stands in cells of raw
//! text and in text elements, which have none. The text beside the blocks, which notifications show, is ours alone.

use crate::deliver::message::{Fact, Message, Part, Table, inert};
use serde_json::{Value, json};
use std::fmt::Write as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// Bytes of the text beside the blocks, after escaping. Slack refuses more than 4,000 in an edit.
const TEXT: usize = 3_000;
/// Characters over all blocks. Slack refuses somewhat above 13,000, although no limit is documented.
const BLOCKS: usize = 10_000;
/// Rows of a table.
const ROWS: usize = 20;
/// What a press of our button is called.
pub const ACKNOWLEDGE: &str = "revoked_acknowledge";
/// Characters of a header.
const HEADER: usize = 150;

/// Text and blocks of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// Shown by notifications, read by screen readers.
    pub text: String,
    /// What is shown; empty for plain text.
    pub blocks: Vec<Value>,
}

/// The three characters that begin what Slack reads: mentions, links and dates.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// As much of `text`, escaped, as fits; nothing is cut in the middle.
fn limited(text: &str) -> String {
    let mut short = String::new();
    for cluster in text.graphemes(true) {
        let cluster = escaped(cluster);
        if short.len() + cluster.len() > TEXT {
            break;
        }
        short.push_str(&cluster);
    }
    short
}

/// What can be said without a word of others.
fn in_our_words(message: &Message) -> String {
    let mut text = message.title.clone();
    for fact in &message.facts {
        add_ours(&mut text, fact);
    }
    if let Some(table) = &message.table {
        let _ = write!(text, "\n{} in all", table.total);
    }
    for note in &message.notes {
        let _ = write!(text, "\n{note}");
    }
    if let Some(next) = &message.next {
        add_ours(&mut text, next);
    }
    format!("{text}\n{}", message.cite)
}

/// Adds a line, if all of it is ours.
fn add_ours(text: &mut String, fact: &Fact) {
    let ours = fact.parts.iter().map(|part| match part {
        Part::Ours(text) | Part::Command(text) => Some(text.as_str()),
        Part::Theirs(_) | Part::SlackUser(_) => None,
    });
    if let Some(parts) = ours.collect::<Option<Vec<_>>>() {
        let _ = write!(text, "\n{}: {}", fact.label, parts.concat());
    }
}

/// The message with blocks, or plain.
#[must_use]
pub fn render(message: &Message, plain: bool) -> Rendered {
    let text = limited(&in_our_words(message));
    if plain {
        return Rendered { text, blocks: Vec::new() };
    }
    let mut rows = ROWS;
    loop {
        let blocks = blocks(message, rows);
        let size: usize = blocks.iter().map(shown).sum();
        if size <= BLOCKS || rows == 0 {
            return Rendered { text, blocks };
        }
        rows -= 1;
    }
}

/// Characters that are shown of a block.
fn shown(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match value.as_str() {
                Some(text) if key == "text" => text.chars().count(),
                _ => shown(value),
            })
            .sum(),
        Value::Array(all) => all.iter().map(shown).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn blocks(message: &Message, rows: usize) -> Vec<Value> {
    let header: String = message.title.chars().take(HEADER).collect();
    let mut blocks = vec![json!({"type": "header", "text": plain_text(&header)})];
    if !message.facts.is_empty() {
        let last = message.facts.len() - 1;
        let lines = message.facts.iter().enumerate().flat_map(|(n, fact)| line(fact, n == last));
        blocks.push(rich(&lines.collect::<Vec<_>>()));
    }
    let mut notes = message.notes.clone();
    if let Some(table) = &message.table {
        let listed = table.rows.len().min(rows);
        if listed > 0 {
            blocks.push(grid(table, listed));
        }
        let more = table.total.saturating_sub(u64::try_from(listed).unwrap_or(u64::MAX));
        if more > 0 {
            notes.insert(0, format!("and {more} more"));
        }
    }
    if !notes.is_empty() {
        blocks.push(rich(&[json!({"type": "text", "text": notes.join("\n")})]));
    }
    if let Some(next) = &message.next {
        blocks.push(rich(&line(next, true)));
    }
    if let Some(value) = &message.acknowledges {
        let label = plain_text("Acknowledge");
        let button =
            json!({"type": "button", "action_id": ACKNOWLEDGE, "text": label, "value": value});
        blocks.push(json!({"type": "actions", "elements": [button]}));
    }
    blocks.push(json!({"type": "context", "elements": [plain_text(&message.cite)]}));
    blocks
}

fn plain_text(text: &str) -> Value {
    json!({"type": "plain_text", "text": inert_line(text), "emoji": false})
}

/// Our own line: it is long enough, and hides nothing.
fn inert_line(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

fn rich(elements: &[Value]) -> Value {
    json!({
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": elements}],
    })
}

fn line(fact: &Fact, last: bool) -> Vec<Value> {
    let mut elements =
        vec![json!({"type": "text", "text": format!("{}: ", fact.label), "style": {"bold": true}})];
    elements.extend(fact.parts.iter().map(|part| match part {
        Part::Ours(text) => json!({"type": "text", "text": inert_line(text)}),
        Part::Command(text) => {
            json!({"type": "text", "text": inert_line(text), "style": {"code": true}})
        }
        Part::Theirs(text) => {
            json!({"type": "text", "text": inert(text), "style": {"code": true}})
        }
        Part::SlackUser(id) => json!({"type": "user", "user_id": id}),
    }));
    if !last {
        elements.push(json!({"type": "text", "text": "\n"}));
    }
    elements
}

fn grid(table: &Table, rows: usize) -> Value {
    let cell = |text: &str| json!({"type": "raw_text", "text": inert(text)});
    let head: Vec<Value> = table.columns.iter().map(|name| cell(name)).collect();
    let body = table.rows.iter().take(rows);
    let body = body.map(|row| row.iter().map(|text| cell(text)).collect::<Vec<_>>());
    let all: Vec<Vec<Value>> = std::iter::once(head).chain(body).collect();
    json!({"type": "table", "rows": all})
}

/// Whether Slack would take a request, by the limits that it documents and those that it has besides.
///
/// # Errors
/// What is wrong with it.
pub fn check(request: &Value) -> Result<(), String> {
    let text = request.get("text").and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() || text.len() > TEXT {
        return Err(format!("its text has {} bytes, and may have 1 to {TEXT}", text.len()));
    }
    let none = Vec::new();
    let blocks = request.get("blocks").and_then(Value::as_array).unwrap_or(&none);
    let size: usize = blocks.iter().map(shown).sum();
    if blocks.len() > 45 || size > BLOCKS {
        return Err(format!("it has {} blocks with {size} characters", blocks.len()));
    }
    let rows = blocks.iter().filter_map(|block| block.get("rows")?.as_array()).flatten();
    let cells = rows.filter_map(Value::as_array).flatten();
    let empty = |cell: &Value| cell.get("text").and_then(Value::as_str).is_none_or(str::is_empty);
    if cells.into_iter().any(empty) {
        return Err("a cell of its table is empty".to_owned());
    }
    Ok(())
}

#[cfg(test)]
#[path = "blocks_tests.rs"]
mod tests;
