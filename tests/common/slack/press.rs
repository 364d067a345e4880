//! Somebody presses a button: the request that Slack sends for it, signed as Slack signs.

use super::Message;
use crate::common::http::{Answer, ask, client};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fmt::Write as _;

/// The signing secret of the app.
pub(crate) const SIGNING: &str = "hush7f3a8f742231b10e8888abcd99yy";
/// Who presses.
pub(crate) const USER: &str = "U0PRESSER1";

/// A request that somebody pressed a button, before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Press {
    pub(crate) payload: Value,
    /// By Slack's clock, in Unix seconds.
    pub(crate) time: u64,
    pub(crate) secret: &'static str,
}

impl Message {
    /// The value of its button, if it has one.
    pub(crate) fn button(&self) -> Option<String> {
        let rows = self.blocks.as_array()?.iter().filter(|block| block["type"] == "actions");
        let mut buttons = rows.flat_map(|row| row["elements"].as_array().unwrap());
        let button = buttons.next()?;
        assert!(buttons.next().is_none(), "one button: {:#}", self.blocks);
        assert_eq!(button["action_id"], "revoked_acknowledge");
        Some(button["value"].as_str().unwrap().to_owned())
    }

    /// That somebody presses it now.
    pub(crate) fn pressed(&self) -> Press {
        let value = self.button().expect("a button");
        let now = std::time::UNIX_EPOCH.elapsed().unwrap();
        let action_ts = format!("{}.{:06}", now.as_secs(), now.subsec_micros());
        let (ts, channel) = (&self.ts, &self.channel);
        let payload = json!({
            "type": "block_actions", "api_app_id": "A0123456789", "token": "verification-token",
            "user": {"id": USER, "username": "ann.example", "name": "ann.example", "team_id": "T0123456789"},
            "team": {"id": "T0123456789", "domain": "acme"}, "enterprise": null,
            "is_enterprise_install": false, "trigger_id": "12466734323.1395872398",
            "channel": {"id": channel, "name": "security"},
            "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": false},
            "message": {"type": "message", "text": self.text, "ts": ts, "blocks": self.blocks, "bot_id": "B01"},
            "state": {"values": {}},
            "response_url": "https://hooks.slack.example/actions/T0/1/x",
            "actions": [{
                "type": "button", "action_id": "revoked_acknowledge", "block_id": "r4nd0m", "value": value,
                "text": {"type": "plain_text", "text": "Acknowledge", "emoji": false}, "action_ts": action_ts,
            }],
        });
        Press { payload, time: now.as_secs(), secret: SIGNING }
    }
}

impl Press {
    /// The bytes that are signed.
    pub(crate) fn form(&self) -> String {
        let mut form = reqwest::Url::parse("form:").unwrap();
        form.query_pairs_mut().append_pair("payload", &self.payload.to_string());
        form.query().unwrap().to_owned()
    }

    pub(crate) fn signature(&self) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(format!("v0:{}:{}", self.time, self.form()).as_bytes());
        let mut text = "v0=".to_owned();
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// The same by another user.
    pub(crate) fn by(mut self, user: &str) -> Self {
        self.payload["user"]["id"] = user.into();
        self
    }

    /// The same so many seconds earlier.
    pub(crate) fn earlier(mut self, seconds: u64) -> Self {
        self.time -= seconds;
        self
    }

    /// Sends it to the API at this port.
    pub(crate) async fn send(&self, port: u16) -> Answer {
        self.send_signed(port, &self.signature()).await
    }

    pub(crate) async fn send_signed(&self, port: u16, signature: &str) -> Answer {
        let request = client()
            .post(format!("http://127.0.0.1:{port}/api/v1/slack/interactions"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
            .header("x-slack-request-timestamp", self.time.to_string())
            .header("x-slack-signature", signature)
            .body(self.form());
        ask(request).await
    }
}
