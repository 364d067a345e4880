//! The button below what is overdue, and who may press it.

use super::check::Reader;
use super::{ConfigError, Secret};
use crate::domain::acknowledged::PAUSE;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// A button below what is overdue: whoever presses it has it in hand, and people are not reminded for a while.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcknowledgeFile {
    /// File that holds the signing secret of the app, by which Slack signs that somebody pressed it.
    signing_secret_file: PathBuf,
    /// People are not reminded for so long, 1m to 7d; 24h without it.
    pause: Option<String>,
    /// Id of the app, as A0123456789: what another one sends is refused.
    app: Option<String>,
    /// Id of the workspace, as T0123456789: what comes from another one is refused.
    team: Option<String>,
    /// Ids of the users who may press it, as U0123456789; without it whoever sees it.
    users: Option<BTreeSet<String>>,
}

/// The button, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledge {
    /// By which Slack signs.
    pub secret: Secret,
    /// People are not reminded for so long.
    pub pause: Duration,
    /// The app.
    pub app: Option<String>,
    /// The workspace.
    pub team: Option<String>,
    /// Who may press it; `None`: whoever sees it.
    pub users: Option<BTreeSet<String>>,
}

/// Whether it is an id of Slack that begins with one of these letters.
#[must_use]
pub fn is_slack_id(id: &str, begins: &[char]) -> bool {
    id.starts_with(begins)
        && (3..=32).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

impl Reader<'_> {
    /// Checks `slack.acknowledge`.
    pub(super) fn acknowledge(
        &mut self,
        file: Option<AcknowledgeFile>,
    ) -> Result<Option<Acknowledge>, ConfigError> {
        const KEY: &str = "slack.acknowledge";
        let Some(file) = file else { return Ok(None) };
        let key = |name: &str| format!("{KEY}.{name}");
        let secret = self.secret_file(&key("signing_secret_file"), &file.signing_secret_file)?;
        let text = secret.expose_secret();
        if text.len() < 16 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            let why = "a signing secret is one word of 16 characters or more; the app has it under Basic Information";
            return Err(self.wrong(&key("signing_secret_file"), why));
        }
        let day = 86_400;
        let pause = self.duration(&key("pause"), file.pause, PAUSE, (60, 7 * day))?;
        for (name, id, begin) in [("app", &file.app, 'A'), ("team", &file.team, 'T')] {
            if id.as_ref().is_some_and(|id| !is_slack_id(id, &[begin])) {
                return Err(self.wrong(&key(name), format!("an id, as {begin}0123456789")));
            }
        }
        let mut users = file.users.iter().flatten();
        if users.any(|id| !is_slack_id(id, &['U', 'W']))
            || file.users.as_ref().is_some_and(BTreeSet::is_empty)
        {
            let why = "ids of users, as [U0123456789]; leave the key out for whoever sees it";
            return Err(self.wrong(&key("users"), why));
        }
        Ok(Some(Acknowledge { secret, pause, app: file.app, team: file.team, users: file.users }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

    fn parse(section: &str, secret: &str) -> Result<Acknowledge, String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), "xoxb-1").unwrap();
        std::fs::write(home.path().join("signing"), secret).unwrap();
        let text = format!(
            "state_dir: /s\nslack: {{token_file: token, channel: C01, acknowledge: {section}}}\n\
             targets: {{orders: {{url: 'postgres://a@db/x'}}}}\n"
        );
        let config = Config::parse(&home.path().join("revoked.yaml"), &text);
        let slack = config.map_err(|error| error.to_string())?.slack.unwrap();
        Ok(slack.acknowledge.unwrap())
    }

    #[test]
    fn who_may_press_it_and_for_how_long() {
        let usual = parse("{signing_secret_file: signing}", SECRET).unwrap();
        assert_eq!((usual.pause, usual.users.clone()), (PAUSE, None));
        assert!(!format!("{usual:?}").contains("8f742231"), "{usual:?}");
        let section =
            "{signing_secret_file: signing, pause: 4h, app: A01, team: T01, users: [U01, W02]}";
        let own = parse(section, SECRET).unwrap();
        assert_eq!(own.pause, Duration::from_secs(4 * 3_600));
        assert_eq!((own.app.as_deref(), own.team.as_deref()), (Some("A01"), Some("T01")));
        assert_eq!(own.users.unwrap().len(), 2);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        for (section, secret, says) in [
            ("{}", SECRET, "the key `signing_secret_file` is missing"),
            ("{signing_secret_file: signing}", "short", "signing_secret_file: a signing secret is"),
            ("{signing_secret_file: signing}", "", "signing_secret_file: the file is empty"),
            (
                "{signing_secret_file: 8f742231b10e8888abcd99yyyzzz85a5}",
                SECRET,
                "slack.acknowledge.signing_secret_file: ",
            ),
            ("{signing_secret_file: signing, pause: 30s}", SECRET, "slack.acknowledge.pause: 60 s"),
            ("{signing_secret_file: signing, app: T01}", SECRET, "slack.acknowledge.app: an id"),
            ("{signing_secret_file: signing, team: acme}", SECRET, "slack.acknowledge.team: an id"),
            (
                "{signing_secret_file: signing, users: [ann]}",
                SECRET,
                "slack.acknowledge.users: ids",
            ),
            ("{signing_secret_file: signing, users: []}", SECRET, "slack.acknowledge.users: ids"),
        ] {
            let error = parse(section, secret).unwrap_err();
            assert!(error.contains(says), "{section}: {error}");
        }
    }
}
