//! Slack: messages by a bot token, and an incoming webhook where that way is closed.
//!
//! Slack has no key by which a message sent twice is one: each carries its delivery's id as metadata, and is looked up
//! by it before it is sent again. The token is in no error and no line; addresses, which may be secrets, are left out
//! of errors.

pub(super) mod answer;
pub mod blocks;

use super::group::LATE;
use super::message::Message;
use super::receiver::{Heard, Receiver, Sending};
use super::render::Cite;
use super::text;
use super::wire::{self, body, unheard};
use crate::clock;
use crate::config::{Route, Secret, Slack as Configured};
use crate::domain::delivery::{Answer, Audience, Topic};
use crate::journal::Journal;
use crate::store::{Delivery, Store, StoreError};
use answer::Body;
use anyhow::{Context as _, Result};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect::Policy};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::time::Duration;

/// Its name in rows and metrics, where it tells security; for others that of the audience follows.
pub const NAME: &str = "slack";
/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// Until the whole answer is there.
const WHOLE: Duration = Duration::from_secs(20);
/// Most bytes of an answer.
const BODY: usize = 4 * 1024 * 1024;
/// Pages of a history that are read to find a message, and messages on each.
const PAGES: u32 = 20;
const PAGE: u32 = 100;
/// What metadata of ours is called.
const EVENT: &str = "revoked_delivery";
/// Slack's clock may be behind ours by so much.
const APART: Duration = Duration::from_secs(60);

/// Slack.
#[derive(Debug)]
pub struct Slack {
    name: String,
    audience: Audience,
    /// Where another audience than security is told.
    route: Option<Route>,
    config: Configured,
    client: Client,
    bearer: HeaderValue,
}

/// An answer that was read, or what it means that it was not.
enum Read {
    Body(Box<Body>, Option<Duration>),
    Not(Heard),
}

/// As rows and metrics call it where it tells this audience.
#[must_use]
pub fn name_for(audience: Audience) -> String {
    match audience {
        Audience::Security => NAME.to_owned(),
        Audience::Manager | Audience::Compliance => format!("{NAME}:{audience}"),
    }
}

/// The audience that is told under this name.
#[must_use]
pub fn audience_of(name: &str) -> Option<Audience> {
    Audience::ALL.iter().copied().find(|audience| name_for(*audience) == name)
}

impl Slack {
    /// As configured, telling one audience.
    ///
    /// # Errors
    /// When there is no TLS.
    pub fn new(config: &Configured, audience: Audience) -> Result<Self> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", config.token.expose_secret()))
            .context("slack.token_file: it cannot stand in a header")?;
        bearer.set_sensitive(true);
        let mut builder = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .redirect(Policy::none())
            // A connection that is not reused either stands or does not: what failed before that was not sent.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("revoked/", env!("CARGO_PKG_VERSION")));
        if config.base_url.starts_with("http://") {
            builder = builder.no_proxy();
        }
        let client = builder.build().context("setting up HTTP")?;
        let route = config.audiences.get(&audience).cloned();
        let (name, config) = (name_for(audience), config.clone());
        Ok(Self { name, audience, route, config, client, bearer })
    }

    fn url(&self, method: &str) -> Option<Url> {
        Url::parse(&format!("{}{method}", self.config.base_url)).ok()
    }

    async fn call(&self, method: &str, body: &Value) -> Read {
        let Some(url) = self.url(method) else { return no_address() };
        let request = self.client.post(url).body(body.to_string());
        let request = request.header(CONTENT_TYPE, "application/json; charset=utf-8");
        self.answered(request).await
    }

    async fn ask(&self, method: &str, query: &[(&str, &str)]) -> Read {
        let Some(mut url) = self.url(method) else { return no_address() };
        url.query_pairs_mut().extend_pairs(query);
        self.answered(self.client.get(url)).await
    }

    async fn answered(&self, request: reqwest::RequestBuilder) -> Read {
        let sent = request.header(AUTHORIZATION, self.bearer.clone()).send().await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Read::Not(unheard(&error)),
        };
        let status = response.status().as_u16();
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let wait = wire::wait(header, clock::now());
        let said = header.is_some();
        match status {
            200 => {}
            429 => return Read::Not(Heard::new(Answer::Later(Some(wait)), "ratelimited")),
            503 if said => return Read::Not(Heard::new(Answer::Later(Some(wait)), "http_503")),
            500..=599 => return Read::Not(Heard::new(Answer::Doubtful, format!("http_{status}"))),
            // Not Slack, or not its API: something in between answered, and Slack has nothing.
            _ => return Read::Not(Heard::new(Answer::Later(None), format!("http_{status}"))),
        }
        match body(response, BODY).await {
            Ok(bytes) => match serde_json::from_slice::<Body>(&bytes) {
                Ok(body) => {
                    for message in &body.response_metadata.messages {
                        let said = answer::plain(message);
                        tracing::debug!(said, "slack remarks on a message");
                    }
                    Read::Body(Box::new(body), said.then_some(wait))
                }
                Err(_) => Read::Not(Heard::new(Answer::Doubtful, "unreadable")),
            },
            Err(heard) => Read::Not(heard),
        }
    }
}

/// Where to look for a message: the replies of its thread, or the channel.
fn looked_in(sending: &Sending<'_>) -> (String, Option<String>) {
    match sending.thread.and_then(|thread| thread.split_once(' ')) {
        Some((channel, ts)) => (channel.to_owned(), Some(ts.to_owned())),
        None => (sending.destination.to_owned(), None),
    }
}

fn no_address() -> Read {
    Read::Not(Heard::new(Answer::Unknown, "no_address"))
}

/// What a refusal means.
fn refused(body: &Body, wait: Option<Duration>) -> Heard {
    let word = answer::plain(&body.error);
    let needed = body.needed.as_deref().filter(|needed| {
        needed.len() <= 64 && needed.bytes().all(|b| b.is_ascii_lowercase() || b":.,_".contains(&b))
    });
    let word = needed.map_or_else(|| word.to_owned(), |needed| format!("{word} {needed}"));
    Heard::new(answer::of_error(&body.error, wait), word)
}

/// The request that says it.
fn request(sending: &Sending<'_>) -> Value {
    let rendered = blocks::render(sending.message, sending.plain);
    let mut body = json!({
        "text": rendered.text,
        "parse": "none",
        "link_names": false,
        "metadata": {
            "event_type": EVENT,
            "event_payload": {"delivery_id": sending.id, "record": sending.record},
        },
    });
    let mut put = |key: &str, value: Value| {
        if let Value::Object(body) = &mut body {
            body.insert(key.to_owned(), value);
        }
    };
    if !rendered.blocks.is_empty() {
        put("blocks", Value::Array(rendered.blocks));
    }
    let thread = sending.thread.and_then(|thread| thread.split_once(' '));
    put("channel", json!(thread.map_or(sending.destination, |(channel, _)| channel)));
    if sending.edit {
        put("ts", json!(thread.map_or("", |(_, ts)| ts)));
        // An edit keeps the metadata of the message: it is found by the delivery that it was sent for.
        if let Value::Object(body) = &mut body {
            body.remove("metadata");
        }
        return body;
    }
    put("mrkdwn", json!(false));
    put("unfurl_links", json!(false));
    put("unfurl_media", json!(false));
    if let Some((_, ts)) = thread {
        put("thread_ts", json!(ts));
        put("reply_broadcast", json!(sending.message.urgent));
    }
    body
}

impl Receiver for Slack {
    type Content = Message;

    fn name(&self) -> &str {
        &self.name
    }

    fn patience(&self) -> Duration {
        WHOLE
    }

    fn tells(&self, topic: Topic) -> bool {
        self.audience.is_told(topic)
    }

    async fn content(
        &self,
        journal: &Journal,
        row: &Delivery,
        cite: &Cite,
    ) -> Result<Option<Message>, StoreError> {
        let message = text::message(&journal.store, row, self.audience, cite).await?;
        // A button that nobody answers would be noise.
        let answered = self.audience == Audience::Security && self.config.acknowledge.is_some();
        let kept = |value: Option<String>| value.filter(|_| answered);
        Ok(message.map(|one| Message { acknowledges: kept(one.acknowledges), ..one }))
    }

    async fn destination(&self, journal: &Journal, row: &Delivery) -> Result<String, StoreError> {
        match &self.route {
            None => Ok(self.config.channel_of(&row.reason).to_owned()),
            Some(route) => place(&journal.store, route, row).await,
        }
    }

    fn destination_of<'a>(&self, remote: &'a str) -> &'a str {
        remote.split_once(' ').map_or(remote, |(channel, _)| channel)
    }

    async fn send(&self, sending: &Sending<'_>) -> Heard {
        let method = if sending.edit { "chat.update" } else { "chat.postMessage" };
        let heard = match self.call(method, &request(sending)).await {
            Read::Body(body, _) if body.ok => match (body.channel, body.ts) {
                (Some(channel), Some(ts)) => {
                    Heard::new(Answer::Sent(format!("{channel} {ts}")), "ok")
                }
                // It says that it has it, and not where.
                _ => Heard::new(Answer::Doubtful, "unreadable"),
            },
            Read::Body(body, wait) => refused(&body, wait),
            Read::Not(heard) => heard,
        };
        // The same edit twice is the same edit.
        if heard.answer == Answer::Doubtful && sending.edit {
            return Heard::new(Answer::Later(None), heard.word);
        }
        heard
    }

    async fn find(&self, sending: &Sending<'_>) -> Heard {
        let (channel, thread) = looked_in(sending);
        let method =
            if thread.is_some() { "conversations.replies" } else { "conversations.history" };
        let oldest = sending.first_sent_at.micros() / 1_000_000
            - i64::try_from(APART.as_secs()).unwrap_or(0);
        let (oldest, limit, mut cursor) = (oldest.to_string(), PAGE.to_string(), String::new());
        for _ in 0..PAGES {
            let mut query = vec![
                ("channel", channel.as_str()),
                ("oldest", oldest.as_str()),
                ("limit", limit.as_str()),
                ("include_all_metadata", "true"),
            ];
            if let Some(ts) = &thread {
                query.push(("ts", ts));
            }
            if !cursor.is_empty() {
                query.push(("cursor", &cursor));
            }
            let body = match self.ask(method, &query).await {
                Read::Body(body, _) if body.ok => body,
                Read::Body(body, wait) => {
                    let heard = refused(&body, wait);
                    // The token may be good, and not for reading.
                    let unsure = ["missing_scope", "no_permission", "not_allowed_token_type"]
                        .contains(&body.error.as_str());
                    return if unsure { Heard::new(Answer::Unsure, heard.word) } else { heard };
                }
                Read::Not(heard) => return heard,
            };
            let ours = body.messages.iter().find(|kept| {
                kept.metadata.as_ref().is_some_and(|metadata| {
                    let id = metadata.event_payload.get("delivery_id").and_then(Value::as_str);
                    metadata.event_type == EVENT && id == Some(sending.id)
                })
            });
            if let Some(kept) = ours {
                return Heard::new(Answer::Found(format!("{channel} {}", kept.ts)), "found");
            }
            cursor = body.response_metadata.next_cursor;
            if !body.has_more || cursor.is_empty() {
                return Heard::new(Answer::Absent, "absent");
            }
        }
        // More was said there since than anybody reads.
        Heard::new(Answer::Unsure, "history_too_long")
    }

    async fn probe(&self) -> Heard {
        match self.call("auth.test", &json!({})).await {
            Read::Body(body, _) if body.ok => Heard::new(Answer::Sent(String::new()), "ok"),
            Read::Body(body, wait) => refused(&body, wait),
            Read::Not(heard) => heard,
        }
    }

    async fn alarm(&self, text: &str) -> Option<bool> {
        alarm(&self.client, self.config.webhook.as_ref()?, text).await
    }

    async fn preview(&self, sending: &Sending<'_>) -> Result<Value, String> {
        let body = request(sending);
        blocks::check(&body)?;
        Ok(body)
    }
}

/// Tells by an incoming webhook that another way is closed. True: it was heard.
pub(super) async fn alarm(client: &Client, webhook: &Secret, text: &str) -> Option<bool> {
    let url = Url::parse(webhook.expose_secret()).ok()?;
    let body = json!({"text": text}).to_string();
    let sent = client.post(url).header(CONTENT_TYPE, "application/json").body(body);
    let Ok(response) = sent.send().await else { return Some(false) };
    let good = response.status().as_u16() == 200;
    Some(good && body_of(response).await.is_some_and(|body| body == b"ok"))
}

/// Where another audience than security is told of a row.
async fn place(store: &Store, route: &Route, row: &Delivery) -> Result<String, StoreError> {
    // What is told late is of several places.
    if route.is_one() || row.lane == LATE {
        return Ok(route.channel.clone());
    }
    // A digest is of one place: that of any of its rows.
    let about = if row.topic == Topic::Digest {
        let first = store.outbox_carried(&row.id, 1).await?;
        first.into_iter().next().map(|row| row.about).unwrap_or_default()
    } else {
        row.about.clone()
    };
    let vendor = if about.starts_with("chk_") {
        store.vendor_of(&about).await?
    } else {
        store.offboarding_of(&about).await?.0
    };
    let stored = store.revocation(&about).await?;
    let source = stored.as_ref().map_or("", |one| one.revocation.source.as_str());
    let named = stored.iter().flat_map(|one| &one.revocation.accounts);
    let named = named.filter_map(|name| name.target.as_deref());
    let linked = stored.iter().flat_map(|one| &one.accounts).map(|one| one.target.as_str());
    Ok(route.place(vendor.as_deref(), source, named.chain(linked)).to_owned())
}

async fn body_of(response: Response) -> Option<Vec<u8>> {
    body(response, BODY).await.ok()
}
