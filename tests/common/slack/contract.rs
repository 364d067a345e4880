//! What Slack takes, as far as the agent may use it: any other field, form or length is a violation.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "they are Slack's")]
pub(crate) struct Post {
    pub(crate) channel: String,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) blocks: Vec<Block>,
    pub(crate) thread_ts: Option<String>,
    pub(crate) reply_broadcast: Option<bool>,
    unfurl_links: bool,
    unfurl_media: bool,
    link_names: bool,
    mrkdwn: bool,
    parse: String,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    pub(crate) channel: String,
    pub(crate) ts: String,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) blocks: Vec<Block>,
    link_names: bool,
    parse: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metadata {
    pub(crate) event_type: String,
    pub(crate) event_payload: Payload,
}

/// Readable by everybody in the workspace: ids, and nothing else.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload {
    pub(crate) delivery_id: String,
    pub(crate) record: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hook {
    pub(crate) text: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Block {
    Header { text: Plain },
    RichText { elements: Vec<Section> },
    Table { rows: Vec<Vec<Cell>> },
    Context { elements: Vec<Plain> },
    Actions { elements: Vec<Action> },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    Button { action_id: String, text: Plain, value: String },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Plain {
    PlainText { text: String, emoji: bool },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Section {
    RichTextSection { elements: Vec<Text> },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Text {
    Text { text: String, style: Option<Style> },
    User { user_id: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Style {
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    code: bool,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Cell {
    RawText { text: String },
}

fn demand(good: bool, what: &str) -> Result<(), String> {
    if good { Ok(()) } else { Err(what.to_owned()) }
}

fn length(text: &str, most: usize, what: &str) -> Result<(), String> {
    let chars = text.chars().count();
    demand((1..=most).contains(&chars), &format!("{what} has {chars} characters"))
}

fn plain(text: &Plain, most: usize, what: &str) -> Result<(), String> {
    let Plain::PlainText { text, emoji } = text;
    demand(!emoji, &format!("{what} reads :emoji:"))?;
    length(text, most, what)
}

fn blocks(all: &[Block], text: &str) -> Result<(), String> {
    demand(all.len() <= 50, "more than 50 blocks")?;
    demand(text.len() <= 3_000, "the text has more than 3,000 bytes")?;
    length(text, 4_000, "the text")?;
    let tables = all.iter().filter(|block| matches!(block, Block::Table { .. })).count();
    demand(tables <= 1, "more than one table")?;
    let mut sum = 0;
    for block in all {
        match block {
            Block::Header { text } => plain(text, 150, "a header")?,
            Block::Context { elements } => {
                demand((1..=10).contains(&elements.len()), "elements of a context")?;
                for element in elements {
                    plain(element, 2_000, "a context")?;
                }
            }
            Block::Actions { elements } => {
                demand((1..=25).contains(&elements.len()), "elements of actions")?;
                for Action::Button { action_id, text, value } in elements {
                    length(action_id, 255, "an action's id")?;
                    plain(text, 75, "a button")?;
                    length(value, 2_000, "a button's value")?;
                }
            }
            Block::RichText { elements } => {
                demand(!elements.is_empty(), "an empty rich text")?;
                for Section::RichTextSection { elements } in elements {
                    for element in elements {
                        let (text, style) = match element {
                            Text::Text { text, style } => (text, style),
                            Text::User { user_id } => {
                                demand(is_channel(user_id), "a user that is none")?;
                                continue;
                            }
                        };
                        let marked = style.as_ref().is_none_or(|style| style.bold || style.code);
                        demand(marked, "a style that is none")?;
                        length(text, 12_000, "a text")?;
                        sum += text.chars().count();
                    }
                }
            }
            Block::Table { rows } => {
                demand((2..=100).contains(&rows.len()), "rows of a table")?;
                let width = rows[0].len();
                demand((1..=20).contains(&width), "columns of a table")?;
                for row in rows {
                    demand(row.len() == width, "a row of another width")?;
                    for Cell::RawText { text } in row {
                        length(text, 3_000, "a cell")?;
                        sum += text.chars().count();
                    }
                }
            }
        }
    }
    demand(sum <= 13_200, &format!("{sum} characters over all blocks"))
}

fn is_channel(id: &str) -> bool {
    id.len() > 2
        && id.starts_with(['C', 'D', 'G', 'U', 'W'])
        && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn is_ts(ts: &str) -> bool {
    ts.split_once('.').is_some_and(|(seconds, micros)| {
        let digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
        digits(seconds, 10) && digits(micros, 6)
    })
}

/// Angle brackets begin mentions and links; what we say has none.
fn unread(text: &str) -> Result<(), String> {
    demand(!text.contains(['<', '>']), "the text has something that Slack reads")
}

pub(crate) fn post(body: &Value) -> Result<Post, String> {
    let post: Post = serde_json::from_value(body.clone()).map_err(|error| error.to_string())?;
    demand(is_channel(&post.channel), "no channel id")?;
    demand(post.thread_ts.as_deref().is_none_or(is_ts), "no ts")?;
    demand(!(post.unfurl_links || post.unfurl_media || post.link_names), "something unfurls")?;
    demand(!post.mrkdwn && post.parse == "none", "the text is read")?;
    demand(post.metadata.event_type == "revoked_delivery", "metadata of another type")?;
    let ids = [&post.metadata.event_payload.delivery_id, &post.metadata.event_payload.record];
    let known = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    demand(ids.iter().all(|id| id.chars().all(known)), "metadata that is no id")?;
    unread(&post.text)?;
    blocks(&post.blocks, &post.text)?;
    Ok(post)
}

pub(crate) fn update(body: &Value) -> Result<Update, String> {
    let update: Update = serde_json::from_value(body.clone()).map_err(|error| error.to_string())?;
    demand(is_channel(&update.channel) && !update.channel.starts_with('U'), "no channel id")?;
    demand(is_ts(&update.ts), "no ts")?;
    demand(!update.link_names && update.parse == "none", "the text is read")?;
    unread(&update.text)?;
    blocks(&update.blocks, &update.text)?;
    Ok(update)
}
