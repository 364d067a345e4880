//! Requests to Confluence, and what their answers mean.

use super::Filing;
use crate::clock;
use crate::config::Edition;
use crate::deliver::receiver::Heard;
use crate::deliver::wire::{body, unheard, wait};
use crate::domain::delivery::Answer;
use crate::domain::time::UtcTime;
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Client as Http, Method, Url, redirect::Policy};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::time::Duration;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// Until the whole answer is there.
const WHOLE: Duration = Duration::from_secs(20);
/// Most bytes of an answer.
const BODY: usize = 8 * 1024 * 1024;
/// Bounds of a pause that is given as an instant.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(3_600);

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) verb: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) load: Load,
}

/// What a request carries.
#[derive(Clone, Debug)]
pub(super) enum Load {
    Nothing,
    Json(Value),
    File(File),
}

/// A file to attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// An answer that was read.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// Done, or found.
    Good(Value),
    /// It takes no such thing: the form is wrong, or the title is another page's.
    Refused {
        /// Another page has this title.
        taken: bool,
        /// As far as it may stand in rows and lines.
        word: String,
    },
    /// The credential may not, or there is no such thing: it does not say which.
    Hidden(u16),
    /// Another version is there.
    Conflict,
}

/// Confluence, as it is asked.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: Http,
    base: String,
    credential: HeaderValue,
}

impl Call {
    pub(super) fn get(path: String, query: Vec<(&'static str, String)>) -> Self {
        Self { verb: Method::GET, path, query, load: Load::Nothing }
    }

    /// What is put is in the address.
    pub(super) fn put(path: String, query: Vec<(&'static str, String)>) -> Self {
        Self { verb: Method::PUT, path, query, load: Load::Nothing }
    }

    pub(super) fn json(verb: Method, path: String, body: Value) -> Self {
        Self { verb, path, query: Vec::new(), load: Load::Json(body) }
    }

    pub(super) fn file(verb: Method, path: String, file: File) -> Self {
        Self { verb, path, query: Vec::new(), load: Load::File(file) }
    }
}

impl Client {
    pub(super) fn new(filing: &Filing) -> Result<Self> {
        let section = &filing.section;
        let token = section.token.expose_secret();
        let credential = match (section.edition, &section.email) {
            (Edition::Cloud, Some(email)) => {
                format!("Basic {}", STANDARD.encode(format!("{email}:{token}")))
            }
            (Edition::Cloud | Edition::DataCenter, _) => format!("Bearer {token}"),
        };
        let mut credential = HeaderValue::from_str(&credential)
            .context("confluence.token_file: it cannot stand in a header")?;
        credential.set_sensitive(true);
        let mut builder = Http::builder()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .redirect(Policy::none())
            // A connection that is not reused either stands or does not: what failed before that was not sent.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("revoked/", env!("CARGO_PKG_VERSION")));
        if section.base_url.starts_with("http://") {
            builder = builder.no_proxy();
        }
        let http = builder.build().context("setting up HTTP")?;
        Ok(Self { http, base: section.base_url.clone(), credential })
    }

    /// What it answers. What is no answer of Confluence is an error, with what it means.
    pub(super) async fn ask(&self, call: Call) -> Result<Said, Heard> {
        let reads = call.verb == Method::GET;
        let heard = self.asked(call).await;
        // Nothing was to be kept by it.
        heard.map_err(|heard| {
            let answer = if reads && heard.answer == Answer::Doubtful {
                Answer::Later(None)
            } else {
                heard.answer
            };
            Heard::new(answer, heard.word)
        })
    }

    async fn asked(&self, call: Call) -> Result<Said, Heard> {
        let unknown = || Heard::new(Answer::Unknown, "no_address");
        let mut url = Url::parse(&format!("{}{}", self.base, call.path)).map_err(|_| unknown())?;
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let request = self.http.request(call.verb, url);
        let request = request
            .header(AUTHORIZATION, self.credential.clone())
            .header(ACCEPT, "application/json");
        let request = match call.load {
            Load::Nothing => request,
            Load::Json(body) => {
                request.header(CONTENT_TYPE, "application/json").body(body.to_string())
            }
            Load::File(file) => {
                let (kind, bytes) = form(&file)?;
                // Without it a form is taken for one that another site made a browser send.
                request
                    .header(CONTENT_TYPE, kind)
                    .header("X-Atlassian-Token", "nocheck")
                    .body(bytes)
            }
        };
        let response = request.send().await.map_err(|error| unheard(&error))?;
        let status = response.status().as_u16();
        if let Some(heard) = put_off(status, response.headers()) {
            return Err(heard);
        }
        let read = body(response, BODY).await?;
        match status {
            200..=299 if read.is_empty() => Ok(Said::Good(Value::Null)),
            200..=299 => match serde_json::from_slice(&read) {
                Ok(value) => Ok(Said::Good(value)),
                // A page to log in, or something in between.
                Err(_) => Err(Heard::new(Answer::Doubtful, "unreadable")),
            },
            401 => Err(Heard::new(Answer::Token, "http_401")),
            403 | 404 => Ok(Said::Hidden(status)),
            409 => Ok(Said::Conflict),
            413 => Ok(Said::Refused { taken: false, word: "too_large".to_owned() }),
            400 => Ok(refused(&read)),
            _ => Err(Heard::new(Answer::Unknown, format!("http_{status}"))),
        }
    }
}

/// What a status means whatever the body says: a wait, an outage, or somebody else who answered.
fn put_off(status: u16, headers: &HeaderMap) -> Option<Heard> {
    let of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let asked = of(RETRY_AFTER.as_str());
    let pause = || match (asked, of("x-ratelimit-reset").map(str::parse::<UtcTime>)) {
        (None, Some(Ok(at))) => at.since(clock::now()).clamp(SHORTEST, LONGEST),
        _ => wait(asked, clock::now()),
    };
    match status {
        429 => {
            let reason = of("ratelimit-reason").filter(|reason| is_word(reason));
            tracing::warn!(reason = reason.unwrap_or("not said"), "Confluence asks for a pause");
            let word =
                reason.map_or_else(|| "ratelimited".to_owned(), |why| format!("ratelimited {why}"));
            Some(Heard::new(Answer::Later(Some(pause())), word))
        }
        503 if asked.is_some() => Some(Heard::new(Answer::Later(Some(pause())), "http_503")),
        500..=599 => Some(Heard::new(Answer::Doubtful, format!("http_{status}"))),
        // Its address, if any, is followed by nobody: the credential goes to the configured host alone.
        300..=399 => {
            let known = headers.contains_key(LOCATION);
            tracing::debug!(status, known, "an answer that leads elsewhere");
            Some(Heard::new(Answer::Later(None), format!("http_{status}")))
        }
        _ => None,
    }
}

fn is_word(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !text.is_empty() && text.len() <= 64 && text.bytes().all(good)
}

/// What a 400 says: a text for people, in one of two forms, of which nothing is repeated.
fn refused(read: &[u8]) -> Said {
    let body: Value = serde_json::from_slice(read).unwrap_or_default();
    let said = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let text =
        format!("{} {} {}", said("/errors/0/title"), said("/errors/0/detail"), said("/message"));
    let text = text.to_lowercase();
    let taken = text.contains("title") && text.contains("already exist");
    let word = if taken {
        "title_taken"
    } else if text.contains("xhtml") || text.contains("converted") {
        "invalid_body"
    } else {
        "http_400"
    };
    Said::Refused { taken, word: word.to_owned() }
}

/// A file as a form has it (RFC 7578). Names are ours: letters, digits, `.`, `-` and `_`.
fn form(file: &File) -> Result<(String, Vec<u8>), Heard> {
    let random = clock::random::<16>();
    let random = random.map_err(|_| Heard::new(Answer::Later(None), "no_random"))?;
    let edge = format!("revoked-{}", crate::domain::hex::hex(&random));
    let mut bytes = format!(
        "--{edge}\r\ncontent-disposition: form-data; name=\"minorEdit\"\r\n\r\ntrue\r\n--{edge}\r\n\
         content-disposition: form-data; name=\"file\"; filename=\"{}\"\r\ncontent-type: {}\r\n\r\n",
        file.name, file.kind
    )
    .into_bytes();
    bytes.extend_from_slice(&file.bytes);
    bytes.extend_from_slice(format!("\r\n--{edge}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={edge}"), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_pause_is_kept_and_its_reason_named() {
        let seconds = |answer: &Answer| {
            if let Answer::Later(Some(wait)) = answer { Some(wait.as_secs()) } else { None }
        };
        for (status, all, wanted, word) in [
            (429, vec![("retry-after", "7")], Some(7), "ratelimited"),
            (
                429,
                vec![("retry-after", "7"), ("ratelimit-reason", "jira-burst-based")],
                Some(7),
                "ratelimited jira-burst-based",
            ),
            (429, vec![("ratelimit-reason", "<b>")], Some(30), "ratelimited"),
            (503, vec![("retry-after", "12")], Some(12), "http_503"),
            (302, vec![("location", "https://evil.example/")], None, "http_302"),
        ] {
            let heard = put_off(status, &headers(&all)).unwrap();
            assert_eq!((seconds(&heard.answer), heard.word.as_str()), (wanted, word), "{status}");
        }
        assert_eq!(put_off(500, &HeaderMap::new()).unwrap().answer, Answer::Doubtful);
        assert_eq!(put_off(503, &HeaderMap::new()).unwrap().answer, Answer::Doubtful);
        assert_eq!(put_off(404, &HeaderMap::new()), None);
    }

    #[test]
    fn both_forms_of_a_refusal_are_read_and_none_is_repeated() {
        for (text, taken, word) in [
            (
                r#"{"errors":[{"status":400,"code":"BAD_REQUEST","title":"A page with this title already exists: X","detail":null}]}"#,
                true,
                "title_taken",
            ),
            (
                r#"{"statusCode":400,"message":"A page already exists with the same TITLE in this space"}"#,
                true,
                "title_taken",
            ),
            (r#"{"message":"Error parsing xhtml: Unexpected character"}"#, false, "invalid_body"),
            (r#"{"errors":[{"title":"secret"}]}"#, false, "http_400"),
            ("<html>", false, "http_400"),
        ] {
            let Said::Refused { taken: was, word: said } = refused(text.as_bytes()) else {
                panic!("{text}")
            };
            assert_eq!((was, said.as_str()), (taken, word), "{text}");
        }
    }
}
