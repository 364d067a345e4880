//! How each receiver is told, by its configuration.

use super::confluence::Filing;
use super::webhook::{Endpoint, Webhook};
use crate::config::{Config, Slack as SlackConfig, WebhookOut};
use crate::domain::delivery::Pace;
use anyhow::{Context as _, Result};
use secrecy::ExposeSecret as _;
use std::time::Duration;

/// How a receiver is told, as configured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) gather: Duration,
    pub(super) digest_over: usize,
    pub(super) digest_interval: Duration,
    pub(super) pace: Pace,
    /// Between two messages.
    pub(super) apart: Duration,
}

impl Manner {
    pub(super) fn of(config: &SlackConfig) -> Self {
        Self {
            gather: config.gather,
            digest_over: config.digest_over,
            digest_interval: config.digest_interval,
            pace: Pace(config.retry),
            apart: Duration::from_secs(60) / config.per_minute.max(1),
        }
    }

    /// Pages wait for nobody and are filed one by one.
    pub(super) fn filing(filing: &Filing) -> Self {
        Self::each(filing.section.retry, filing.section.per_minute)
    }

    /// So do events for programs.
    pub(super) fn hook(hook: &WebhookOut) -> Self {
        Self::each(hook.retry, hook.per_minute)
    }

    fn each(retry: Duration, per_minute: u32) -> Self {
        Self {
            gather: Duration::ZERO,
            digest_over: usize::MAX,
            digest_interval: Duration::ZERO,
            pace: Pace(retry),
            apart: Duration::from_secs(60) / per_minute.max(1),
        }
    }

    /// Time for which a circuit stays open: a minute, by the usual pace.
    pub(super) fn open_for(&self) -> Duration {
        self.pace.0.saturating_mul(30)
    }

    /// Time for which a destination is left alone: a quarter of an hour, by the usual pace.
    pub(super) fn park_for(&self) -> Duration {
        self.pace.0.saturating_mul(450)
    }
}

/// What the form of the configuration does not show: that the address can be asked.
///
/// # Errors
/// Names the key that is wrong.
pub fn usable(config: &Config) -> Result<()> {
    if let Some(filing) = &config.confluence {
        reqwest::Url::parse(&filing.base_url)
            .context("confluence.base_url: it is not an address")?;
    }
    for name in config.webhooks_out.keys() {
        Endpoint::of(config, name).map(Webhook::new).transpose()?;
    }
    usable_slack(config.slack.as_ref())
}

/// The same of Slack alone.
///
/// # Errors
/// Names the key that is wrong.
pub fn usable_slack(slack: Option<&SlackConfig>) -> Result<()> {
    let Some(slack) = slack else { return Ok(()) };
    reqwest::Url::parse(&slack.base_url).context("slack.base_url: it is not an address")?;
    if let Some(webhook) = &slack.webhook {
        let parsed = reqwest::Url::parse(webhook.expose_secret());
        // The error may repeat a part of it.
        parsed.map_err(|_| anyhow::anyhow!("slack.webhook_file: it holds no address"))?;
    }
    Ok(())
}
