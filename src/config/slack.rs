//! Where people are told, and by which credential.

use super::acknowledge::{AcknowledgeFile, is_slack_id};
use super::check::Reader;
use super::routes::{Route, RoutesFile};
use super::{Acknowledge, Chaser, ConfigError, Secret, TargetConfig};
use crate::domain::delivery::Audience;
use crate::domain::revocation::Reason;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Slack's own address.
const API: &str = "https://slack.com/api/";

/// Slack: who is told of revocations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SlackFile {
    /// File that holds the bot token (xoxb-…) of your own internal app, with the scope chat:write.
    token_file: PathBuf,
    /// Id of the channel, as C0123456789: names can be taken by others.
    channel: String,
    /// Ids of other channels, by the reason of a revocation.
    #[serde(default)]
    channels: BTreeMap<String, String>,
    /// Where others than security are told, each what it is for them.
    #[serde(default)]
    routes: RoutesFile,
    /// A button below what is overdue, by which somebody says that they have it in hand.
    acknowledge: Option<AcknowledgeFile>,
    /// File that holds the URL of an incoming webhook: told when the channel cannot be written to.
    webhook_file: Option<PathBuf>,
    /// Address of the API, where it is not Slack's own: https://, or http:// on this machine.
    base_url: Option<String>,
    /// A message waits so long for others, 0s to 10m; 10s without it.
    gather: Option<String>,
    /// Of more than so many of a kind at once one digest is made, 1 to 1000; 10 without it.
    digest_over: Option<u32>,
    /// Time between two digests of the same thread, 1s to 1d; 15m without it. What is urgent does not wait.
    digest_interval: Option<String>,
    /// First pause before another attempt, up to 1m; 2s without it. It doubles up to 15 minutes.
    retry: Option<String>,
    /// Messages in a minute, 1 to 60000; 60 without it.
    per_minute: Option<u32>,
}

/// Slack, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slack {
    /// Bot token.
    pub token: Secret,
    /// Where everything goes that goes nowhere else.
    pub channel: String,
    /// Where revocations of a reason go.
    pub channels: BTreeMap<String, String>,
    /// Where teams and security are told of campaigns.
    pub routes: BTreeMap<String, String>,
    /// Where others than security are told.
    pub audiences: BTreeMap<Audience, Route>,
    /// Messages of what is overdue have a button.
    pub acknowledge: Option<Acknowledge>,
    /// Told when the channel cannot be written to.
    pub webhook: Option<Secret>,
    /// Address of the API, with a `/` at its end.
    pub base_url: String,
    /// A message waits so long for others.
    pub gather: Duration,
    /// Of more at once a digest is made.
    pub digest_over: usize,
    /// Time between two digests of a thread.
    pub digest_interval: Duration,
    /// First pause before another attempt.
    pub retry: Duration,
    /// Messages in a minute.
    pub per_minute: u32,
}

impl Slack {
    /// The channel of revocations of this reason, or of what is told on this route.
    #[must_use]
    pub fn channel_of(&self, reason: &str) -> &str {
        self.routes.get(reason).or_else(|| self.channels.get(reason)).unwrap_or(&self.channel)
    }
}

/// Whether credentials may go there: encrypted, or no further than this machine. Nothing but an address: no user, no
/// password, no query.
pub(super) fn is_safe(url: &str) -> bool {
    let rest = |scheme| url.strip_prefix(scheme).filter(|rest: &&str| !rest.contains(['@', '#']));
    if let Some(rest) = rest("https://") {
        return rest.split('/').next().is_some_and(|host| !host.is_empty());
    }
    let host = rest("http://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let name = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or_default()
    } else {
        host.split(':').next().unwrap_or_default()
    };
    matches!(name, "127.0.0.1" | "[::1]" | "localhost")
}

pub(super) fn is_channel(id: &str) -> bool {
    is_slack_id(id, &['C', 'G', 'D', 'U', 'W'])
}

impl Reader<'_> {
    /// Checks the section `slack`; `chaser` has where teams are told.
    pub(super) fn slack(
        &mut self,
        file: Option<SlackFile>,
        chaser: Option<&Chaser>,
        targets: &[TargetConfig],
    ) -> Result<Option<Slack>, ConfigError> {
        let Some(file) = file else { return Ok(None) };
        let token = self.secret_file("slack.token_file", &file.token_file)?;
        // It stands in a header.
        if !token.expose_secret().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(self.wrong("slack.token_file", "a bot token is one word, xoxb-…"));
        }
        let channels = std::iter::once(("slack.channel".to_owned(), &file.channel)).chain(
            file.channels.iter().map(|(reason, id)| (format!("slack.channels.{reason}"), id)),
        );
        for (key, id) in channels {
            if !is_channel(id) {
                let why = "the id of a channel, as C0123456789; its name may become another's";
                return Err(self.wrong(&key, why));
            }
        }
        for reason in file.channels.keys() {
            if Reason::from_word(reason).is_none() {
                let known: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
                let why = format!("no such reason; they are {}", known.join(", "));
                return Err(self.wrong(&format!("slack.channels.{reason}"), why));
            }
        }
        let webhook = file.webhook_file.as_ref();
        let webhook =
            webhook.map(|path| self.secret_file("slack.webhook_file", path)).transpose()?;
        let safe = "it is told secrets: write https://host/path, or http:// on 127.0.0.1, ::1 and localhost";
        if webhook.as_ref().is_some_and(|url| !is_safe(url.expose_secret())) {
            return Err(self.wrong("slack.webhook_file", safe));
        }
        let mut base_url = file.base_url.unwrap_or_else(|| API.to_owned());
        if !base_url.ends_with('/') {
            base_url.push('/');
        }
        if !is_safe(&base_url) || base_url.contains('?') {
            return Err(self.wrong("slack.base_url", safe));
        }
        let seconds = Duration::from_secs;
        let over = file.digest_over.unwrap_or(10);
        let per_minute = file.per_minute.unwrap_or(60);
        if !(1..=1000).contains(&over) {
            return Err(self.wrong("slack.digest_over", "1 to 1000"));
        }
        if !(1..=60_000).contains(&per_minute) {
            return Err(self.wrong("slack.per_minute", "1 to 60000"));
        }
        let interval = file.digest_interval;
        Ok(Some(Slack {
            token,
            channel: file.channel,
            channels: file.channels,
            routes: chaser.map(Chaser::routes).unwrap_or_default(),
            audiences: self.routes(file.routes, targets)?,
            acknowledge: self.acknowledge(file.acknowledge)?,
            webhook,
            base_url,
            gather: self.duration("slack.gather", file.gather, seconds(10), (0, 600))?,
            digest_over: usize::try_from(over).unwrap_or(usize::MAX),
            digest_interval: self.duration(
                "slack.digest_interval",
                interval,
                seconds(900),
                (1, 86_400),
            )?,
            retry: self.duration("slack.retry", file.retry, seconds(2), (0, 60))?,
            per_minute,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const TOKEN: &str = "xoxb-kanarienvogel";

    fn parse(slack: &str, webhook: &str) -> Result<Option<Slack>, String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), TOKEN).unwrap();
        std::fs::write(home.path().join("hook"), webhook).unwrap();
        let text =
            format!("state_dir: /s\n{slack}\ntargets: {{orders: {{url: 'postgres://a@db/x'}}}}\n");
        let config = Config::parse(&home.path().join("revoked.yaml"), &text);
        config.map(|config| config.slack).map_err(|error| error.to_string())
    }

    #[test]
    fn where_people_are_told() {
        let slack = parse(
            "slack: {token_file: token, channel: C0123456789, webhook_file: hook, \
             channels: {vendor_offboarded: C0999}, base_url: 'http://127.0.0.1:8080/api'}",
            "https://hooks.slack.example/services/T/B/x",
        );
        let slack = slack.unwrap().unwrap();
        assert_eq!(slack.base_url, "http://127.0.0.1:8080/api/");
        assert_eq!(slack.channel_of("vendor_offboarded"), "C0999");
        assert_eq!(slack.channel_of("terminated"), "C0123456789");
        assert_eq!((slack.gather.as_secs(), slack.retry.as_secs()), (10, 2));
        assert_eq!((slack.digest_over, slack.digest_interval.as_secs()), (10, 900));
        assert!(!format!("{slack:?}").contains("kanarienvogel"), "{slack:?}");
        assert_eq!(parse("", "").unwrap(), None);
        let usual = parse("slack: {token_file: token, channel: C01}", "").unwrap().unwrap();
        assert_eq!((usual.base_url.as_str(), usual.webhook), (API, None));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        let hook = "https://hooks.slack.example/x";
        for (slack, webhook, says) in [
            ("{token_file: token}", hook, "the key `channel` is missing"),
            ("{channel: C01}", hook, "the key `token_file` is missing"),
            ("{token_file: token, channel: '#ops'}", hook, "slack.channel: the id of a channel"),
            ("{token_file: token, channel: C}", hook, "slack.channel: the id of a channel"),
            (
                "{token_file: token, channel: C01, channels: {fired: C02}}",
                hook,
                "slack.channels.fired: no such reason",
            ),
            (
                "{token_file: token, channel: C01, base_url: 'http://slack.example/'}",
                hook,
                "slack.base_url: it is told secrets",
            ),
            (
                "{token_file: token, channel: C01, base_url: 'http://127.0.0.1@evil.example/'}",
                hook,
                "slack.base_url: it is told secrets",
            ),
            (
                "{token_file: token, channel: C01, base_url: 'http://127.0.0.1.evil.example/'}",
                hook,
                "slack.base_url: it is told secrets",
            ),
            (
                "{token_file: token, channel: C01, webhook_file: hook}",
                "http://hooks.example/geheim",
                "slack.webhook_file: it is told secrets",
            ),
            (
                "{token_file: xoxb-0123456789012345678901234567890123456789, channel: C01}",
                hook,
                "slack.token_file: name the file that holds the secret",
            ),
            ("{token_file: token, channel: C01, digest_over: 0}", hook, "slack.digest_over: 1 to"),
            ("{token_file: token, channel: C01, per_minute: 0}", hook, "slack.per_minute: 1 to"),
            ("{token_file: token, channel: C01, retry: 2m}", hook, "slack.retry: 0 s to 60 s"),
            ("{token_file: token, channel: C01, token: x}", hook, "there is no key `token` here"),
        ] {
            let error = parse(&format!("slack: {slack}"), webhook).unwrap_err();
            assert!(error.contains(says), "{slack}: {error}");
            assert!(!error.contains("geheim") && !error.contains("0123456789012345"), "{error}");
        }
    }
}
