//! Endpoints of other systems, by signed requests (Standard Webhooks). An event is sent at least once, with the same id for
//! every attempt, so that its receiver can tell. Addresses and secrets are in no error and no line: names are.

mod gather;
mod sign;

use super::receiver::{Heard, Receiver, Sending};
use super::render::{Cite, test};
use super::wire::{unheard, wait};
use crate::clock;
use crate::config::{Config, Secret, WebhookOut};
use crate::domain::delivery::{Answer, Topic};
use crate::journal::Journal;
use crate::store::{Delivery, StoreError};
use anyhow::{Context as _, Result};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Method, Response, Url, redirect::Policy};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::time::Duration;

/// What the name of each begins with, in rows and metrics.
pub const PREFIX: &str = "webhook:";
/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// Until the answer begins.
const WHOLE: Duration = Duration::from_secs(20);

/// An endpoint, and who is told where it is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in the configuration.
    pub name: String,
    /// How it is configured.
    pub hook: WebhookOut,
    /// Slack's incoming webhook, if there is one.
    pub fallback: Option<Secret>,
}

impl Endpoint {
    /// The endpoint `name` of a configuration.
    #[must_use]
    pub fn of(config: &Config, name: &str) -> Option<Self> {
        Some(Self {
            name: name.to_owned(),
            hook: config.webhooks_out.get(name)?.clone(),
            fallback: config.slack.as_ref().and_then(|slack| slack.webhook.clone()),
        })
    }
}

/// An endpoint that is told.
#[derive(Debug)]
pub struct Webhook {
    /// As rows and metrics call it.
    name: String,
    endpoint: Endpoint,
    url: Url,
    headers: HeaderMap,
    client: Client,
    /// For the fallback, which is verified by the certificates of this machine.
    plain: Option<Client>,
}

fn client(url: &Url, ca: Option<&str>) -> Result<Client> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .redirect(Policy::none())
        // A connection that is not reused either stands or does not: what failed before that was not sent.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("revoked/", env!("CARGO_PKG_VERSION")));
    if url.scheme() == "http" {
        builder = builder.no_proxy();
    }
    if let Some(pem) = ca {
        let certificates = Certificate::from_pem_bundle(pem.as_bytes())
            .context("ca_file: it is no certificate in PEM")?;
        anyhow::ensure!(!certificates.is_empty(), "ca_file: it has no certificate");
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().context("ca_file: setting up TLS")
}

/// For the fallback, whose address says by itself whether a proxy is between.
fn fallback(webhook: &Secret) -> Result<Client> {
    // The error may repeat a part of it.
    let url = Url::parse(webhook.expose_secret())
        .map_err(|_| anyhow::anyhow!("slack.webhook_file: it holds no address"))?;
    client(&url, None)
}

impl Webhook {
    /// As configured.
    ///
    /// # Errors
    /// Names the key that is wrong. The address is not repeated.
    pub fn new(endpoint: Endpoint) -> Result<Self> {
        let key = format!("webhooks_out.{}", endpoint.name);
        let hook = &endpoint.hook;
        // The error may repeat a part of it.
        let url = Url::parse(hook.url.expose_secret())
            .map_err(|_| anyhow::anyhow!("{key}.url: it is no address"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &hook.headers {
            let of = || format!("{key}.headers.{name}");
            let mut value = HeaderValue::from_str(value.expose_secret()).with_context(of)?;
            value.set_sensitive(true);
            headers.insert(HeaderName::try_from(name).with_context(of)?, value);
        }
        let made = client(&url, hook.ca.as_deref()).with_context(|| key.clone())?;
        let plain = endpoint.fallback.as_ref().map(fallback).transpose()?;
        let name = format!("{PREFIX}{}", endpoint.name);
        Ok(Self { name, url, headers, client: made, plain, endpoint })
    }

    /// Sends an event that says nothing, and gives what was answered.
    pub async fn try_out(&self) -> Heard {
        let id = clock::new_id("test", clock::now()).unwrap_or_else(|_| "test".to_owned());
        self.post(&sign::id(&id), &test(clock::now())).await
    }

    async fn post(&self, id: &str, body: &Value) -> Heard {
        let body = body.to_string();
        let now = clock::now().micros() / 1_000_000;
        let signatures = sign::signatures(&self.endpoint.hook.signing, id, now, &body);
        let request = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", signatures);
        match request.body(body).send().await {
            // What else it says is not read.
            Ok(response) => meaning(&response, id),
            Err(error) => unheard(&error),
        }
    }
}

/// What an answer to an event means.
fn meaning(response: &Response, id: &str) -> Heard {
    let status = response.status().as_u16();
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Heard::new(of_status(status, header, id), format!("http_{status}"))
}

fn of_status(status: u16, retry_after: Option<&str>, id: &str) -> Answer {
    let pause = || Some(wait(retry_after, clock::now()));
    match status {
        200..=299 => Answer::Sent(id.to_owned()),
        429 => Answer::Later(pause()),
        503 if retry_after.is_some() => Answer::Later(pause()),
        408 | 425 => Answer::Later(None),
        401 | 403 | 407 => Answer::Token,
        410 => Answer::Gone,
        400 | 413 | 415 | 422 => Answer::Payload,
        // Elsewhere, or nothing that takes requests: the configuration names another place.
        300..=399 | 404 | 405 => Answer::Destination,
        500..=599 => Answer::Doubtful,
        _ => Answer::Unknown,
    }
}

impl Receiver for Webhook {
    type Content = Value;

    fn name(&self) -> &str {
        &self.name
    }

    fn patience(&self) -> Duration {
        WHOLE
    }

    fn takes_each(&self) -> bool {
        true
    }

    fn tells(&self, topic: Topic) -> bool {
        self.endpoint.hook.events.contains(&topic)
    }

    async fn content(
        &self,
        journal: &Journal,
        row: &Delivery,
        cite: &Cite,
    ) -> Result<Option<Value>, StoreError> {
        gather::body(journal, row, &self.endpoint.hook, cite).await
    }

    async fn destination(&self, _: &Journal, _: &Delivery) -> Result<String, StoreError> {
        Ok(String::new())
    }

    fn destination_of<'a>(&self, _remote: &'a str) -> &'a str {
        ""
    }

    async fn send(&self, sending: &Sending<'_, Value>) -> Heard {
        self.post(&sign::id(sending.id), sending.message).await
    }

    /// What was sent cannot be asked for: the same id says that it is the same.
    async fn find(&self, _sending: &Sending<'_, Value>) -> Heard {
        Heard::new(Answer::Unsure, "cannot_be_looked_up")
    }

    /// Whether anybody answers there. What it answers to a question that is no event says nothing else.
    async fn probe(&self) -> Heard {
        let request = self.client.request(Method::HEAD, self.url.clone());
        match request.headers(self.headers.clone()).send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                let answer = match status {
                    410 => Answer::Gone,
                    500 | 502..=599 => Answer::Doubtful,
                    300..=399 => Answer::Destination,
                    _ => Answer::Sent(String::new()),
                };
                Heard::new(answer, format!("http_{status}"))
            }
            Err(error) => unheard(&error),
        }
    }

    fn probe_proves(&self) -> bool {
        false
    }

    async fn alarm(&self, text: &str) -> Option<bool> {
        super::slack::alarm(self.plain.as_ref()?, self.endpoint.fallback.as_ref()?, text).await
    }

    async fn preview(&self, sending: &Sending<'_, Value>) -> Result<Value, String> {
        Ok(json!({"body": sending.message, "headers": {"webhook-id": sign::id(sending.id)}}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_its_class() {
        for (status, class) in [
            (200, "sent"),
            (202, "sent"),
            (204, "sent"),
            (301, "destination"),
            (302, "destination"),
            (308, "destination"),
            (400, "payload"),
            (401, "token"),
            (403, "token"),
            (404, "destination"),
            (408, "retry"),
            (409, "unknown"),
            (410, "gone"),
            (413, "payload"),
            (422, "payload"),
            (429, "retry"),
            (500, "ambiguous"),
            (502, "ambiguous"),
            (503, "ambiguous"),
            (504, "ambiguous"),
            (100, "unknown"),
        ] {
            assert_eq!(of_status(status, None, "m").class(), class, "{status}");
        }
        let paused = |status| of_status(status, Some("7"), "m");
        let seven = Answer::Later(Some(Duration::from_secs(7)));
        assert_eq!((paused(429), paused(503)), (seven.clone(), seven));
        assert_eq!(of_status(429, None, "m"), Answer::Later(Some(Duration::from_secs(30))));
    }
}
