//! Endpoints of other systems that are told by signed requests.

use super::check::Reader;
use super::external::HeaderFile;
use super::file::SignatureFile;
use super::slack::is_safe;
use super::sources::{Scheme, Signing};
use super::{ConfigError, Secret};
use crate::domain::delivery::{Audience, Topic};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Most endpoints, each of which has a connection and a series of its own.
const MOST: usize = 32;
/// Most secrets that are good at the same time.
const SECRETS: usize = 2;
/// Headers that are ours, or HTTP's own.
const TAKEN: &[&str] = &[
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// An endpoint that is told by signed requests: give url or url_file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookFile {
    /// Address, https://host/path, or http:// on this machine.
    url: Option<Secret>,
    /// File that holds the address, where that is a secret.
    url_file: Option<PathBuf>,
    /// Files with one secret each, whsec_ and base64; two while it is changed: then both sign.
    secret_files: Vec<PathBuf>,
    /// Whom it is for, which says what it is told: security, manager or compliance; security without it.
    audience: Option<String>,
    /// What it is told of; everything that its audience is told of without it.
    events: Option<Vec<String>>,
    /// Headers that are sent along, by name.
    #[serde(default)]
    headers: BTreeMap<String, HeaderFile>,
    /// PEM file with the certificates that its own is verified by; those of this machine without it.
    ca_file: Option<PathBuf>,
    /// What could not be sent for so long is told of in one event, 1m to 30d; 3d without it.
    keep: Option<String>,
    /// First pause before another attempt, up to 1m; 2s without it. It doubles up to 15 minutes.
    retry: Option<String>,
    /// Requests in a minute, 1 to 60000; 600 without it.
    per_minute: Option<u32>,
}

/// An endpoint, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookOut {
    /// Its address.
    pub url: Secret,
    /// What requests are signed with.
    pub signing: Signing,
    /// Whom it is for.
    pub audience: Audience,
    /// What it is told of.
    pub events: Vec<Topic>,
    /// Headers that are sent along, by name in lower case.
    pub headers: BTreeMap<String, Secret>,
    /// Certificates in PEM that its own is verified by; those of this machine without it.
    pub ca: Option<String>,
    /// An event is worth sending for so long.
    pub keep: Duration,
    /// First pause before another attempt.
    pub retry: Duration,
    /// Requests in a minute.
    pub per_minute: u32,
}

fn is_header(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let ours = TAKEN.contains(&name) || name.starts_with("webhook-");
    !name.is_empty() && plain && !ours
}

impl Reader<'_> {
    /// Checks the section `webhooks_out`.
    pub(super) fn webhooks_out(
        &mut self,
        file: BTreeMap<String, WebhookFile>,
    ) -> Result<BTreeMap<String, WebhookOut>, ConfigError> {
        if file.len() > MOST {
            return Err(self.wrong("webhooks_out", format!("at most {MOST} endpoints")));
        }
        let mut all = BTreeMap::new();
        for (name, file) in file {
            let key = format!("webhooks_out.{name}");
            self.name_of_server(&key, &name)?;
            all.insert(name, self.webhook_out(&key, file)?);
        }
        Ok(all)
    }

    fn webhook_out(&mut self, key: &str, file: WebhookFile) -> Result<WebhookOut, ConfigError> {
        let url = self.one_of(key, file.url, file.url_file)?;
        if !is_safe(url.expose_secret()) {
            let why = "write it as https://host/path, without a password; http:// is for this machine alone";
            return Err(self.wrong(&format!("{key}.url"), why));
        }
        if file.secret_files.len() > SECRETS {
            let why = "one, or two while it is changed";
            return Err(self.wrong(&format!("{key}.secret_files"), why));
        }
        let secrets = SignatureFile { scheme: Scheme::Standard, secret_files: file.secret_files };
        let signing = self.signing(key, &secrets)?;
        let audience = self.audience(&format!("{key}.audience"), file.audience.as_deref())?;
        let mut headers = BTreeMap::new();
        for (name, header) in file.headers {
            let key = format!("{key}.headers.{name}");
            let name = name.to_ascii_lowercase();
            if !is_header(&name) {
                let why = "a name has letters, digits and `-`, and is not one that is sent anyway";
                return Err(self.wrong(&key, why));
            }
            let value = self.header(&key, header)?;
            let visible = |b: u8| b.is_ascii_graphic() || b == b' ';
            if !value.expose_secret().bytes().all(visible) {
                return Err(self.wrong(&key, "its value is one line of visible characters"));
            }
            headers.insert(name, value);
        }
        let ca = file.ca_file.map(|path| self.text_of(&format!("{key}.ca_file"), &path));
        let per_minute = file.per_minute.unwrap_or(600);
        if !(1..=60_000).contains(&per_minute) {
            return Err(self.wrong(&format!("{key}.per_minute"), "1 to 60000"));
        }
        let seconds = Duration::from_secs;
        let (day, keep, retry) = (86_400, format!("{key}.keep"), format!("{key}.retry"));
        Ok(WebhookOut {
            url,
            signing,
            audience,
            events: self.events(&format!("{key}.events"), audience, file.events)?,
            headers,
            ca: ca.transpose()?,
            keep: self.duration(&keep, file.keep, seconds(3 * day), (60, 30 * day))?,
            retry: self.duration(&retry, file.retry, seconds(2), (0, 60))?,
            per_minute,
        })
    }

    fn audience(&self, key: &str, word: Option<&str>) -> Result<Audience, ConfigError> {
        let Some(word) = word else { return Ok(Audience::Security) };
        Audience::from_word(word).ok_or_else(|| {
            let known: Vec<_> = Audience::ALL.iter().map(|one| one.as_str()).collect();
            self.wrong(key, format!("`{word}` is none of {}", known.join(", ")))
        })
    }

    fn events(
        &self,
        key: &str,
        audience: Audience,
        words: Option<Vec<String>>,
    ) -> Result<Vec<Topic>, ConfigError> {
        let known = audience.events();
        let Some(words) = words else { return Ok(known) };
        if words.is_empty() {
            return Err(self.wrong(key, "an endpoint that is told nothing; take it out instead"));
        }
        let one = |word: String| {
            let found = known.iter().copied().find(|topic| topic.as_str() == word);
            found.ok_or_else(|| {
                let known: Vec<_> = known.iter().map(|one| one.as_str()).collect();
                let why =
                    format!("{audience} is not told of `{word}`, but of {}", known.join(", "));
                self.wrong(key, why)
            })
        };
        let mut topics = words.into_iter().map(one).collect::<Result<Vec<_>, _>>()?;
        topics.sort_unstable();
        topics.dedup();
        Ok(topics)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn parse(section: &str) -> Result<BTreeMap<String, WebhookOut>, String> {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
        write("secret", SECRET);
        write("next", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
        write("plain", "kanarienvogel-kanarienvogel");
        write("url", "https://t.example/hook?key=kanarienvogel\n");
        write("lines", "kanarienvogel\nx: y");
        let text = format!(
            "state_dir: /s\nwebhooks_out: {section}\ntargets: {{orders: {{url: 'postgres://a@db/x'}}}}\n"
        );
        let config = Config::parse(&home.path().join("revoked.yaml"), &text);
        config.map(|config| config.webhooks_out).map_err(|error| error.to_string())
    }

    #[test]
    fn who_is_told() {
        let all = parse(
            "{tickets: {url_file: url, secret_files: [secret, next], events: [verified, opened, opened], \
             headers: {X-Api-Key: {value_file: plain}}, keep: 7d}, \
             boss: {url: 'http://127.0.0.1:8080/x', secret_files: [secret], audience: manager}}",
        )
        .unwrap();
        let tickets = &all["tickets"];
        assert_eq!(tickets.events, [Topic::Opened, Topic::Verified]);
        assert_eq!(tickets.signing.keys().count(), 2);
        assert_eq!((tickets.keep.as_secs(), tickets.retry.as_secs()), (604_800, 2));
        assert_eq!(tickets.headers.keys().collect::<Vec<_>>(), ["x-api-key"]);
        let boss = &all["boss"];
        assert!(!boss.audience.sees_details());
        assert!(!boss.events.contains(&Topic::Residual) && boss.events.contains(&Topic::Overdue));
        let shown = format!("{all:?}");
        assert!(!shown.contains("kanarienvogel") && !shown.contains("MfKQ"), "{shown}");
        assert!(parse("{}").unwrap().is_empty());
    }

    #[test]
    fn nobody_is_told_what_is_for_people() {
        for audience in Audience::ALL {
            let events = audience.events();
            for topic in [Topic::Status, Topic::Digest, Topic::Closure, Topic::Nudge, Topic::Sweep]
            {
                assert!(!events.contains(&topic), "{audience}: {topic}");
            }
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        let with =
            |more: &str| format!("url: 'https://t.example/x', secret_files: [secret], {more}");
        for (section, says) in [
            ("secret_files: [secret]".to_owned(), "webhooks_out.t: give either url or url_file"),
            ("url: 'https://t.example/x'".to_owned(), "the key `secret_files` is missing"),
            (
                "url: 'http://t.example/kanarienvogel', secret_files: [secret]".to_owned(),
                "webhooks_out.t.url: write it as https://host/path",
            ),
            (
                "url: 'https://a:kanarienvogel@t.example/', secret_files: [secret]".to_owned(),
                "webhooks_out.t.url: write it as",
            ),
            (
                "url: 'https://t.example/x', secret_files: []".to_owned(),
                "webhooks_out.t.secret_files: name at least one file",
            ),
            (
                "url: 'https://t.example/x', secret_files: [secret, next, secret]".to_owned(),
                "webhooks_out.t.secret_files: one, or two while it is changed",
            ),
            (
                "url: 'https://t.example/x', secret_files: [plain]".to_owned(),
                "webhooks_out.t.secret_files[0]: a Standard Webhooks secret is whsec_ and base64",
            ),
            (with("audience: everybody"), "`everybody` is none of security, manager, compliance"),
            (with("events: []"), "webhooks_out.t.events: an endpoint that is told nothing"),
            (with("events: [status]"), "webhooks_out.t.events: security is not told of `status`"),
            (
                with("audience: manager, events: [residual]"),
                "webhooks_out.t.events: manager is not told of `residual`, but of regressed",
            ),
            (with("headers: {Webhook-Id: {value: x}}"), "is not one that is sent anyway"),
            (with("headers: {Host: {value: x}}"), "is not one that is sent anyway"),
            (with("headers: {X-A: {value_file: lines}}"), "one line of visible characters"),
            (with("headers: {X-A: {}}"), "give either value or value_file"),
            (with("keep: 10s"), "webhooks_out.t.keep: 60 s to 2592000 s"),
            (with("per_minute: 0"), "webhooks_out.t.per_minute: 1 to 60000"),
            (with("secret: x"), "there is no key `secret` here"),
            (with("ca_file: nothing.pem"), "webhooks_out.t.ca_file: reading"),
        ] {
            let error = parse(&format!("{{t: {{{section}}}}}")).unwrap_err();
            assert!(error.contains(says), "{section}: {error}");
            assert!(!error.contains("kanarienvogel") && !error.contains("MfKQ"), "{error}");
        }
        let error = parse("{'a b': {url: 'https://t/x', secret_files: [secret]}}").unwrap_err();
        assert!(error.contains("a name has 1 to 63 letters"), "{error}");
    }
}
