//! `listen.metrics_web_config`: TLS and basic authentication, in the format of the Prometheus exporters.
//!
//! The file, and those it names, are part of the configuration: they are watched, and a wrong one changes nothing.

use super::check::Reader;
use super::{Config, ConfigError, Secret, without_values};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const KEY: &str = "listen.metrics_web_config";
/// A check of a hash of this cost takes about a second; each step more doubles that.
const COSTLIEST: u32 = 14;

/// Who may scrape, and through what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebConfig {
    /// TLS; plain HTTP without it.
    pub tls: Option<WebTls>,
    /// Hashes of passwords (bcrypt), by user. Empty: nobody is asked for one.
    pub users: BTreeMap<String, Secret>,
    /// The greatest cost of these hashes.
    pub cost: u32,
}

impl WebConfig {
    /// Whether not everybody is answered in the open.
    #[must_use]
    pub fn guards(&self) -> bool {
        self.tls.is_some() || !self.users.is_empty()
    }
}

/// TLS of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebTls {
    /// The certificate and those that lead to its issuer, PEM.
    pub cert: String,
    /// Its key, PEM.
    pub key: Secret,
    /// Who has to show a certificate.
    pub client_auth: ClientAuth,
    /// Only TLS 1.3.
    pub only_tls13: bool,
}

/// Who has to show a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// Nobody.
    Nobody,
    /// Whoever shows one shows one of these authorities (PEM).
    IfGiven(String),
    /// Everybody shows one of these authorities (PEM).
    Everybody(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebFile {
    tls_server_config: Option<TlsFile>,
    #[serde(default)]
    basic_auth_users: BTreeMap<String, Secret>,
    /// Of exporters: HTTP/2 and headers of answers for browsers. There is neither here.
    #[serde(rename = "http_server_config")]
    _http_server_config: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsFile {
    cert_file: PathBuf,
    key_file: PathBuf,
    #[serde(default)]
    client_auth_type: ClientAuthType,
    client_ca_file: Option<PathBuf>,
    min_version: Option<MinVersion>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum ClientAuthType {
    #[default]
    NoClientCert,
    VerifyClientCertIfGiven,
    RequireAndVerifyClientCert,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum MinVersion {
    #[serde(rename = "TLS12")]
    Tls12,
    #[serde(rename = "TLS13")]
    Tls13,
}

impl Reader<'_> {
    /// What the file at `path` says.
    pub(super) fn web(&mut self, path: Option<&Path>) -> Result<Option<WebConfig>, ConfigError> {
        let Some(path) = path else { return Ok(None) };
        let text = self.text_of(KEY, path)?;
        let place = self.resolve(path);
        // An empty file asks for nothing.
        let value = if text.trim().is_empty() {
            serde_json::json!({})
        } else {
            Config::yaml(&place, &text)?
        };
        let file: WebFile = serde_path_to_error::deserialize(value).map_err(|error| {
            let within = error.path().to_string();
            let reason = without_values(&error.into_inner().to_string());
            self.wrong_web(path, if within == "." { "the file" } else { &within }, reason)
        })?;
        let tls = file.tls_server_config.map(|tls| self.web_tls(path, tls)).transpose()?;
        let mut cost = 0;
        for (user, hash) in &file.basic_auth_users {
            let found = self.web_user(path, user, hash)?;
            cost = cost.max(found);
        }
        Ok(Some(WebConfig { tls, users: file.basic_auth_users, cost }))
    }

    fn wrong_web(&self, path: &Path, within: &str, reason: impl Into<String>) -> ConfigError {
        self.wrong(&format!("{KEY}: {}: {within}", path.display()), reason)
    }

    fn web_tls(&mut self, path: &Path, file: TlsFile) -> Result<WebTls, ConfigError> {
        // As exporters do it, relative to their own file.
        let beside = |file: &Path| path.parent().unwrap_or(Path::new("")).join(file);
        let key = |name: &str| format!("{KEY}: {}: tls_server_config.{name}", path.display());
        let cert = self.text_of(&key("cert_file"), &beside(&file.cert_file))?;
        let secret = self.secret_file(&key("key_file"), &beside(&file.key_file))?;
        let ca = file
            .client_ca_file
            .map(|ca| self.text_of(&key("client_ca_file"), &beside(&ca)))
            .transpose()?;
        let within = "tls_server_config.client_auth_type";
        let client_auth = match (file.client_auth_type, ca) {
            (ClientAuthType::NoClientCert, None) => ClientAuth::Nobody,
            (ClientAuthType::VerifyClientCertIfGiven, Some(ca)) => ClientAuth::IfGiven(ca),
            (ClientAuthType::RequireAndVerifyClientCert, Some(ca)) => ClientAuth::Everybody(ca),
            (ClientAuthType::NoClientCert, Some(_)) => {
                let why = "there is a client_ca_file and nobody has to show a certificate; say \
                           RequireAndVerifyClientCert, or take client_ca_file out";
                return Err(self.wrong_web(path, within, why));
            }
            (
                ClientAuthType::VerifyClientCertIfGiven
                | ClientAuthType::RequireAndVerifyClientCert,
                None,
            ) => {
                let why = "certificates are verified by client_ca_file; name it";
                return Err(self.wrong_web(path, within, why));
            }
        };
        let only_tls13 = file.min_version == Some(MinVersion::Tls13);
        Ok(WebTls { cert, key: secret, client_auth, only_tls13 })
    }

    /// The cost of a user's hash.
    fn web_user(&self, path: &Path, user: &str, hash: &Secret) -> Result<u32, ConfigError> {
        let within = format!("basic_auth_users.{user}");
        if user.is_empty() || user.contains(':') {
            let why = "a user has a name, without a colon";
            return Err(self.wrong_web(path, &within, why));
        }
        let parts: bcrypt::HashParts = hash.expose_secret().parse().map_err(|_| {
            let why = "no bcrypt hash; make one with: htpasswd -nBC 10 '' | tr -d ':\\n'";
            self.wrong_web(path, &within, why)
        })?;
        let cost = parts.get_cost();
        if !(4..=COSTLIEST).contains(&cost) {
            let why = format!("a hash has a cost of 4 to {COSTLIEST}, not {cost}");
            return Err(self.wrong_web(path, &within, why));
        }
        Ok(cost)
    }
}

#[cfg(test)]
#[path = "web_tests.rs"]
mod tests;
