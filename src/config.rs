//! The configuration file: YAML to checked values. No environment, no network, no clock.

use crate::domain::hex::hex;
use crate::domain::milestone::Allowance;
use crate::domain::profile::Profiles;
use crate::domain::revocation::Reason;
use crate::domain::time::parse_duration;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
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
#[derive(Clone, Debug)]
pub struct TargetConfig {
    /// Its name in messages and metrics.
    pub name: String,
    /// Connection URL.
    pub url: SecretString,
    /// Databases judged by `pg_shdepend` alone.
    pub shdepend_only: Vec<String>,
    /// The agent's store may lie on this cluster.
    pub store_on_target: bool,
}

/// A bearer token.
#[derive(Clone, Debug)]
pub struct TokenConfig {
    /// Its name: who is using it.
    pub id: String,
    /// SHA-256 of the token; the token itself is not kept.
    pub digest: [u8; 32],
}

/// Checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from.
    pub path: PathBuf,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Directory of the agent's state.
    pub state_dir: PathBuf,
    /// Where state is kept.
    pub store: SecretString,
    /// Directory of the log.
    pub log_dir: PathBuf,
    /// Signing key.
    pub key_file: PathBuf,
    /// Socket for commands on this machine.
    pub socket: PathBuf,
    /// Listener of metrics and probes.
    pub metrics_listen: SocketAddr,
    /// Listener of the API.
    pub api_listen: SocketAddr,
    /// Clusters.
    pub targets: Vec<TargetConfig>,
    /// Who may use the API.
    pub tokens: Vec<TokenConfig>,
    /// Time between looks.
    pub look_interval: Duration,
    /// Time between the first clean look and the one that confirms it.
    pub verification_delay: Duration,
    /// How long a verified revocation is looked at.
    pub watch: Duration,
    /// Time allowed per reason.
    pub profiles: Profiles,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    state_dir: PathBuf,
    store: Option<StoreFile>,
    log: Option<LogFile>,
    listen: Option<ListenFile>,
    targets: BTreeMap<String, TargetFile>,
    #[serde(default)]
    tokens: BTreeMap<String, TokenFile>,
    look_interval: Option<String>,
    verification_delay: Option<String>,
    watch: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, ProfileFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFile {
    url: Option<SecretString>,
    url_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogFile {
    dir: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListenFile {
    metrics: Option<String>,
    api: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetFile {
    url: Option<SecretString>,
    url_file: Option<PathBuf>,
    #[serde(default)]
    shdepend_only: Vec<String>,
    #[serde(default)]
    store_on_target: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    token_file: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    login: Option<String>,
    access: Option<String>,
    credentials: Option<String>,
}

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

/// Whether what should be the path of a file is the secret itself: then it may not be named in an error.
fn is_a_secret(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains("://") || (text.len() >= 32 && !text.contains(['/', '.']))
}

/// Reads one file; its path is kept for error messages.
struct Reader<'a> {
    path: &'a Path,
}

impl Config {
    /// Reads and checks the file at `path`. Relative paths in it are relative to its directory.
    ///
    /// # Errors
    /// Names the key and what it should be.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|source| {
            ConfigError::Read { key: "--config".to_owned(), path: path.to_owned(), source }
        })?;
        Self::parse(path, &text)
    }

    /// Checks `text`, which came from `path`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let reader = Reader { path };
        let value: serde_json::Value = serde_saphyr::from_str(text).map_err(|error| {
            ConfigError::Yaml { path: path.to_owned(), reason: place(&error.to_string()) }
        })?;
        let file: File = serde_path_to_error::deserialize(value).map_err(|error| {
            let key = error.path().to_string();
            let key = if key == "." { "the file".to_owned() } else { key };
            reader.wrong(&key, without_values(&error.into_inner().to_string()))
        })?;
        reader.check(file, text)
    }

    /// The target called `name`.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<&TargetConfig> {
        self.targets.iter().find(|target| target.name == name)
    }
}

impl Reader<'_> {
    fn wrong(&self, key: &str, reason: impl Into<String>) -> ConfigError {
        ConfigError::Value {
            path: self.path.to_owned(),
            key: key.to_owned(),
            reason: reason.into(),
        }
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new(".")).join(path)
    }

    fn secret_file(&self, key: &str, path: &Path) -> Result<SecretString, ConfigError> {
        if is_a_secret(path) {
            return Err(
                self.wrong(key, "name the file that holds the secret, not the secret itself")
            );
        }
        let path = self.resolve(path);
        let text = std::fs::read_to_string(&path)
            .map(Zeroizing::new)
            .map_err(|source| ConfigError::Read { key: key.to_owned(), path, source })?;
        let text = text.trim();
        if text.is_empty() {
            return Err(self.wrong(key, "the file is empty"));
        }
        Ok(SecretString::from(text))
    }

    fn one_of(
        &self,
        key: &str,
        url: Option<SecretString>,
        file: Option<PathBuf>,
    ) -> Result<SecretString, ConfigError> {
        match (url, file) {
            (Some(url), None) => Ok(url),
            (None, Some(file)) => self.secret_file(&format!("{key}.url_file"), &file),
            _ => Err(self.wrong(key, "give either url or url_file")),
        }
    }

    fn duration(
        &self,
        key: &str,
        text: Option<&str>,
        default: Duration,
        range: (u64, u64),
    ) -> Result<Duration, ConfigError> {
        let Some(text) = text else { return Ok(default) };
        let wrong = |why: String| self.wrong(key, why);
        let duration = parse_duration(text).map_err(|error| wrong(error.to_string()))?;
        if duration < Duration::from_secs(range.0) || duration > Duration::from_secs(range.1) {
            return Err(wrong(format!("{} s to {} s, not {text}", range.0, range.1)));
        }
        Ok(duration)
    }

    fn address(
        &self,
        key: &str,
        text: Option<String>,
        default: &str,
    ) -> Result<SocketAddr, ConfigError> {
        let text = text.unwrap_or_else(|| default.to_owned());
        text.parse().map_err(|_| {
            self.wrong(key, format!("`{text}` is not an address with a port, such as {default}"))
        })
    }

    fn targets(
        &self,
        file: BTreeMap<String, TargetFile>,
    ) -> Result<Vec<TargetConfig>, ConfigError> {
        if file.is_empty() {
            return Err(self.wrong("targets", "name at least one cluster to look at"));
        }
        file.into_iter()
            .map(|(name, target)| {
                let key = format!("targets.{name}");
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
                    return Err(
                        self.wrong(&key, "a name has 1 to 63 letters, digits, `-`, `_` or `.`")
                    );
                }
                Ok(TargetConfig {
                    url: self.one_of(&key, target.url, target.url_file)?,
                    name,
                    shdepend_only: target.shdepend_only,
                    store_on_target: target.store_on_target,
                })
            })
            .collect()
    }

    fn tokens(&self, file: BTreeMap<String, TokenFile>) -> Result<Vec<TokenConfig>, ConfigError> {
        file.into_iter()
            .map(|(id, token)| {
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                if id.is_empty() || !id.chars().all(plain) {
                    let key = format!("tokens.{id}");
                    return Err(self.wrong(&key, "a name has letters, digits, `-`, `_` or `.`"));
                }
                let key = format!("tokens.{id}.token_file");
                let secret = self.secret_file(&key, &token.token_file)?;
                if secret.expose_secret().len() < 32 {
                    return Err(self.wrong(
                        &key,
                        "a token has at least 32 characters; make one with: openssl rand -hex 32",
                    ));
                }
                Ok(TokenConfig { id, digest: Sha256::digest(secret.expose_secret()).into() })
            })
            .collect()
    }

    fn profiles(&self, file: BTreeMap<String, ProfileFile>) -> Result<Profiles, ConfigError> {
        let mut profiles = Profiles::default();
        for (name, profile) in file {
            let key = format!("profiles.{name}");
            let reason = Reason::from_word(&name).ok_or_else(|| {
                let known: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
                self.wrong(&key, format!("no such reason; they are {}", known.join(", ")))
            })?;
            let before = profiles.allowance(reason);
            let read = |part: &str, text: Option<String>, before: Option<Duration>| {
                let key = format!("{key}.{part}");
                self.duration(&key, text.as_deref(), before.unwrap_or_default(), (0, 366 * 86_400))
                    .map(Some)
            };
            profiles.set(
                reason,
                Allowance {
                    login: read("login", profile.login, before.login)?,
                    access: read("access", profile.access, before.access)?,
                    credentials: read("credentials", profile.credentials, before.credentials)?,
                },
            );
        }
        Ok(profiles)
    }

    fn check(&self, file: File, text: &str) -> Result<Config, ConfigError> {
        let state_dir = self.resolve(&file.state_dir);
        let log = file.log.unwrap_or_default();
        let listen = file.listen.unwrap_or_default();
        let store = match file.store {
            Some(store) => self.one_of("store", store.url, store.url_file)?,
            None => SecretString::from(format!(
                "sqlite://{}",
                file.state_dir.join("revoked.db").display()
            )),
        };
        // A relative path here is like every other one: relative to this file.
        let store = match store.expose_secret().strip_prefix("sqlite://") {
            Some(path) => {
                SecretString::from(format!("sqlite://{}", self.resolve(Path::new(path)).display()))
            }
            None => store,
        };
        Ok(Config {
            path: self.path.to_owned(),
            sha256: hex(&Sha256::digest(text)),
            store,
            log_dir: log.dir.map_or_else(|| state_dir.join("log"), |dir| self.resolve(&dir)),
            key_file: log
                .key_file
                .map_or_else(|| state_dir.join("keys/log.key"), |f| self.resolve(&f)),
            socket: state_dir.join("revoked.sock"),
            state_dir,
            metrics_listen: self.address("listen.metrics", listen.metrics, "127.0.0.1:7391")?,
            api_listen: self.address("listen.api", listen.api, "127.0.0.1:7390")?,
            targets: self.targets(file.targets)?,
            tokens: self.tokens(file.tokens)?,
            look_interval: self.duration(
                "look_interval",
                file.look_interval.as_deref(),
                Duration::from_secs(10),
                (1, 3600),
            )?,
            verification_delay: self.duration(
                "verification_delay",
                file.verification_delay.as_deref(),
                Duration::from_secs(60),
                (1, 86_400),
            )?,
            watch: self.duration(
                "watch",
                file.watch.as_deref(),
                Duration::from_secs(400 * 86_400),
                (86_400, 3_700 * 86_400),
            )?,
            profiles: self.profiles(file.profiles)?,
        })
    }
}

#[cfg(test)]
mod tests;
