//! The configuration file: YAML to checked values. No environment, no network, no clock.

mod acknowledge;
mod anchors;
mod attestations;
mod canary;
mod chaser;
mod check;
mod checklist;
mod confluence;
mod exceptions;
mod external;
mod file;
mod inactivity;
mod inbox;
mod live;
mod log;
mod probes;
mod routes;
mod secret;
mod seed;
mod senders;
mod servers;
mod slack;
mod sources;
mod ssf;
mod subjects;
mod template;
mod ticket;
mod web;
mod webhooks;
mod words;

pub use acknowledge::{Acknowledge, is_slack_id};
pub use anchors::{Anchors, GitConfig, TsaConfig, WitnessConfig};
pub use attestations::AttestationConfig;
pub use chaser::{Campaign, Chaser, ConsumerList, Team, Tracker};
pub use checklist::{ItemConfig, SecretConfig};
pub use confluence::{Confluence, Edition};
pub use exceptions::Exceptions;
pub use external::{Check, CommandCheck, ExternalConfig, HttpCheck, Means};
pub use file::Approvals;
pub use inactivity::Inactivity;
pub use inbox::{Inbox, Principal};
pub use live::{Live, Replacer};
pub use log::LogConfig;
pub use routes::Route;
pub use secret::Secret;
pub use senders::{Scope, TokenConfig, VendorConfig};
pub use servers::Endpoint;
pub use slack::Slack;
pub use sources::{Field, Mapping as PayloadMapping, Origin, Scheme, Signing, SourceConfig};
pub use ssf::{Ssf, SsfIssuer, SsfKeys, SubjectForm};
pub use template::Template;
pub use ticket::TicketPattern;
pub use web::{ClientAuth, WebConfig, WebTls};
pub use webhooks::WebhookOut;

use crate::domain::canary::Canary;
use crate::domain::probes::SqlProbe;
use crate::domain::profile::Profiles;
use crate::domain::residual::ResidualKind;
use crate::domain::subject::Mapping;
use check::Reader;
use file::File;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// What is wrong with a configuration, in the operator's words.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("{key}: reading {path}")]
    Read {
        /// Key of the configuration, or `--config`.
        key: String,
        /// File.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not YAML.
    #[error("{path} is not YAML: {reason}")]
    Yaml {
        /// File.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A key or value is wrong.
    #[error("{path}: {key}: {reason}")]
    Value {
        /// File.
        path: PathBuf,
        /// Key.
        key: String,
        /// Why.
        reason: String,
    },
}

/// A cluster to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetConfig {
    /// Its name in messages and metrics.
    pub name: String,
    /// Connection URL.
    pub url: Secret,
    /// Connection URLs of further instances of the cluster, by name.
    pub instances: BTreeMap<String, Secret>,
    /// Databases judged by `pg_shdepend` alone.
    pub shdepend_only: Vec<String>,
    /// Surfaces that have to be seen there beside those that always have to.
    pub required: BTreeSet<ResidualKind>,
    /// The agent's store may lie on this cluster.
    pub store_on_target: bool,
    /// What is planted there and must be found.
    pub canary: Option<Canary>,
    /// Statements that are asked about each subject.
    pub probes: Vec<SqlProbe>,
}

/// Checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it came from.
    pub path: PathBuf,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Directory of the agent's state.
    pub state_dir: PathBuf,
    /// Where state is kept.
    pub store: Secret,
    /// Directory of the log.
    pub log_dir: PathBuf,
    /// Signing key.
    pub key_file: PathBuf,
    /// How the log is kept.
    pub log: LogConfig,
    /// Who is given the log's checkpoints.
    pub anchors: Anchors,
    /// Socket for commands on this machine.
    pub socket: PathBuf,
    /// Listener of metrics and probes.
    pub metrics_listen: SocketAddr,
    /// TLS and basic authentication of it.
    pub metrics_web: Option<WebConfig>,
    /// Listener of the API.
    pub api_listen: SocketAddr,
    /// Clusters.
    pub targets: Vec<TargetConfig>,
    /// Other systems that are asked about each subject.
    pub external: Vec<ExternalConfig>,
    /// What people attest.
    pub checklist: Vec<ItemConfig>,
    /// Shared secrets.
    pub secrets: Vec<SecretConfig>,
    /// Who may use the API.
    pub tokens: Vec<TokenConfig>,
    /// Time between looks.
    pub look_interval: Duration,
    /// Longest time between two readings of all access lists of a database.
    pub deep_interval: Duration,
    /// Time between the first clean look and the one that confirms it.
    pub verification_delay: Duration,
    /// How long a verified revocation is looked at.
    pub watch: Duration,
    /// Time allowed per reason.
    pub profiles: Profiles,
    /// Zone in which dates and local times are meant; UTC without it.
    pub time_zone: Option<String>,
    /// What is particular to a sender, by who is known to have sent, or by that and the system named.
    pub sources: BTreeMap<String, SourceConfig>,
    /// What belongs to a vendor, by its id.
    pub vendors: BTreeMap<String, VendorConfig>,
    /// Who has to agree to what keeps access.
    pub approvals: Approvals,
    /// Somebody else approves an emergency within so long.
    pub emergency_approval: Duration,
    /// Most time that a notice may allow after the effect by its own deadline.
    pub longest_deadline: Duration,
    /// What tickets look like, where that is said.
    pub ticket_pattern: Option<TicketPattern>,
    /// What is decided about exceptions.
    pub exceptions: Exceptions,
    /// Which roles belong to whom.
    pub subjects: Mapping,
    /// Roles that give a permission.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// Who may push security event tokens.
    pub ssf: Ssf,
    /// A folder whose files of notices are read.
    pub inbox: Option<Inbox>,
    /// Where people are told; `None`: nobody is.
    pub slack: Option<Slack>,
    /// Where closure records are filed; `None`: nowhere.
    pub confluence: Option<Confluence>,
    /// Periodic attestations.
    pub attestations: Vec<AttestationConfig>,
    /// Endpoints that are told by signed requests, by name.
    pub webhooks_out: BTreeMap<String, WebhookOut>,
    /// Rotation campaigns; `None`: there are none.
    pub chaser: Option<Chaser>,
    /// Accounts that nobody uses; `None`: nobody asks.
    pub inactivity: Option<Inactivity>,
    /// Surfaces that are not asked for.
    pub not_required: BTreeSet<ResidualKind>,
    /// What the operator should know of the file, without anything being wrong.
    pub notes: Vec<String>,
    /// The file and every file it names: what to watch for changes.
    pub files: BTreeSet<PathBuf>,
}

/// In place of a key, where all of it is meant.
const WHOLE: &str = "the file";

/// Name of the socket in the directory of the state.
const SOCKET: &str = "revoked.sock";

/// The first line of the YAML reader's message. The lines after it quote the file, passwords and all.
fn place(message: &str) -> String {
    without_values(message.lines().next().unwrap_or_default())
}

/// A message without the values it quotes (`string "…"`): a value may be a secret in the wrong place.
fn without_values(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}…{}", &message[..=first], &message[last..])
        }
        _ => message.to_owned(),
    }
}

impl Config {
    /// Reads and checks the file at `path`. Relative paths in it are relative to its directory.
    ///
    /// # Errors
    /// Names the key and what it should be.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(path, &Self::text(path)?)
    }

    /// Where the agent's socket is by the file at `path`, whatever else is wrong with it.
    ///
    /// # Errors
    /// When the file cannot be read, is not YAML, or has no `state_dir`.
    pub fn socket_of(path: &Path) -> Result<PathBuf, ConfigError> {
        let value = Self::yaml(path, &Self::text(path)?)?;
        let reader = Reader::new(path);
        let dir = value.get("state_dir").and_then(serde_json::Value::as_str);
        let dir =
            dir.ok_or_else(|| reader.wrong("state_dir", "name the directory of the state"))?;
        Ok(reader.resolve(Path::new(dir)).join(SOCKET))
    }

    /// Where the log is by the file at `path`, whatever else is wrong with it.
    ///
    /// # Errors
    /// As [`socket_of`](Self::socket_of).
    pub fn log_dir_of(path: &Path) -> Result<PathBuf, ConfigError> {
        let value = Self::yaml(path, &Self::text(path)?)?;
        let reader = Reader::new(path);
        let dir = |pointer| value.pointer(pointer).and_then(serde_json::Value::as_str);
        if let Some(dir) = dir("/log/dir") {
            return Ok(reader.resolve(Path::new(dir)));
        }
        let dir = dir("/state_dir")
            .ok_or_else(|| reader.wrong("state_dir", "name the directory of the state"))?;
        Ok(reader.resolve(Path::new(dir)).join("log"))
    }

    fn text(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
        std::fs::read_to_string(path).map(Zeroizing::new).map_err(|source| ConfigError::Read {
            key: "--config".to_owned(),
            path: path.to_owned(),
            source,
        })
    }

    fn yaml(path: &Path, text: &str) -> Result<serde_json::Value, ConfigError> {
        serde_saphyr::from_str(text).map_err(|error| {
            let twice = serde_saphyr::Error::without_snippet(&error);
            if let serde_saphyr::Error::DuplicateMappingKey { key, location } = twice {
                let key = key.as_deref().unwrap_or("a key");
                let line = location.line();
                let reason =
                    format!("it is there twice, again at line {line}; keep one of the two");
                return Reader::new(path).wrong(key, reason);
            }
            ConfigError::Yaml { path: path.to_owned(), reason: place(&error.to_string()) }
        })
    }

    /// Checks `text`, which came from `path`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let reader = Reader::new(path);
        let value = Self::yaml(path, text)?;
        if let Some(reason) = words::no_keys(&value) {
            return Err(reader.wrong(WHOLE, reason));
        }
        let file: File = serde_path_to_error::deserialize(value).map_err(|error| {
            let key = error.path().to_string();
            let key = if key == "." { WHOLE } else { &key };
            reader.wrong(key, words::in_words(&without_values(&error.inner().to_string())))
        })?;
        reader.check(file, text)
    }

    /// The JSON schema (draft 2020-12) of the file.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(File).to_value()
    }

    /// What differs from `other` and cannot be changed while the agent runs.
    #[must_use]
    pub fn fixed_differences(&self, other: &Self) -> Vec<&'static str> {
        [
            ("state_dir", self.state_dir != other.state_dir),
            ("store", self.store != other.store),
            ("log.dir", self.log_dir != other.log_dir),
            ("log.key_file", self.key_file != other.key_file),
            ("log.segment_bytes", self.log.segment_bytes != other.log.segment_bytes),
            ("log.segment_age", self.log.segment_age != other.log.segment_age),
            ("log.heartbeat", self.log.heartbeat != other.log.heartbeat),
            ("listen.metrics", self.metrics_listen != other.metrics_listen),
            ("listen.api", self.api_listen != other.api_listen),
        ]
        .into_iter()
        .filter_map(|(key, differs)| differs.then_some(key))
        .collect()
    }

    /// Whether a probe of a target or an external system shows `permission`.
    #[must_use]
    pub fn probes_show(&self, permission: &str) -> bool {
        let sql = self.targets.iter().flat_map(|target| &target.probes).map(|p| &p.declared);
        let external = self.external.iter().flat_map(|system| &system.checks);
        sql.chain(external.map(|check| &check.declared))
            .any(|declared| declared.permissions.contains(permission))
    }

    /// The target called `name`.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<&TargetConfig> {
        self.targets.iter().find(|target| target.name == name)
    }
}

#[cfg(test)]
mod tests;
