//! Who may send and ask: tokens and what they are for, vendors and what belongs to them.

use super::ConfigError;
use super::check::Reader;
use super::file::{TokenFile, VendorFile};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Requests of one caller in a minute when the configuration does not say: a thousand a second.
const PER_MINUTE: u32 = 60_000;
/// Senders that the configuration does not name.
const OTHERS: &str = "other";
/// Most accounts and subjects of a vendor.
const OWNED: usize = 1_000;

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Sending events of people.
    Hr,
    /// Sending events of vendors.
    Vendor,
    /// Expecting, amending and withdrawing revocations.
    Expect,
    /// Approving what somebody else asked for, dismissing notices, erasing people.
    Approve,
    /// Reading.
    Read,
    /// Asking for a look at once.
    Recheck,
}

impl Scope {
    /// Every scope.
    pub const ALL: &'static [Self] =
        &[Self::Hr, Self::Vendor, Self::Expect, Self::Approve, Self::Read, Self::Recheck];

    /// As the configuration writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hr => "hr",
            Self::Vendor => "vendor",
            Self::Expect => "expect",
            Self::Approve => "approve",
            Self::Read => "read",
            Self::Recheck => "recheck",
        }
    }
}

/// A bearer token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    /// Its name: who is using it.
    pub id: String,
    /// SHA-256 of the token; the token itself is not kept.
    pub digest: [u8; 32],
    /// The same of the one that takes its place.
    pub next: Option<[u8; 32]>,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// Requests in a minute.
    pub per_minute: u32,
}

/// What belongs to a vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorConfig {
    /// Database roles, each as `ROLE` or `TARGET/ROLE`.
    pub accounts: BTreeSet<String>,
    /// Stable ids of people and services.
    pub subjects: BTreeSet<String>,
}

impl super::Config {
    /// Who may be told apart in metrics: configured sources, tokens, and all others together.
    pub fn senders(&self) -> impl Iterator<Item = &str> {
        let sources = self.sources.keys().map(String::as_str);
        let tokens = self.tokens.iter().map(|token| token.id.as_str());
        let known = |id: &&str| !self.sources.contains_key(*id);
        sources.chain(tokens.filter(known)).chain([OTHERS])
    }

    /// The one of them that sends as `source`.
    #[must_use]
    pub fn sender<'a>(&'a self, source: &'a str) -> &'a str {
        let token = source.split('/').next().unwrap_or_default();
        let known = |name: &str| {
            self.sources.contains_key(name) || self.tokens.iter().any(|token| token.id == name)
        };
        [source, token].into_iter().find(|name| known(name)).unwrap_or(OTHERS)
    }
}

impl Reader<'_> {
    pub(super) fn tokens(
        &mut self,
        file: BTreeMap<String, TokenFile>,
    ) -> Result<Vec<TokenConfig>, ConfigError> {
        let mut tokens = Vec::new();
        let mut seen = BTreeSet::new();
        for (id, token) in file {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if id.is_empty() || !id.chars().all(plain) {
                let key = format!("tokens.{id}");
                return Err(self.wrong(&key, "a name has letters, digits, `-`, `_` or `.`"));
            }
            let mut digest = |key: &str, path: &std::path::Path| {
                let key = format!("tokens.{id}.{key}");
                let secret = self.secret_file(&key, path)?;
                if secret.expose_secret().len() < 32 {
                    return Err(self.wrong(
                        &key,
                        "a token has at least 32 characters; make one with: openssl rand -hex 32",
                    ));
                }
                let digest: [u8; 32] = Sha256::digest(secret.expose_secret()).into();
                if !seen.insert(digest) {
                    return Err(
                        self.wrong(&key, "this token is configured twice; each has its own")
                    );
                }
                Ok(digest)
            };
            let current = digest("token_file", &token.token_file)?;
            let next =
                token.next_token_file.map(|path| digest("next_token_file", &path)).transpose()?;
            let all = || Scope::ALL.iter().copied().collect();
            let scopes: BTreeSet<Scope> =
                token.scopes.map_or_else(all, |scopes| scopes.into_iter().collect());
            if scopes.is_empty() {
                let key = format!("tokens.{id}.scopes");
                return Err(self.wrong(&key, "a token that may do nothing; take it out instead"));
            }
            let per_minute = self.rate(&format!("tokens.{id}.per_minute"), token.per_minute)?;
            tokens.push(TokenConfig { id, digest: current, next, scopes, per_minute });
        }
        Ok(tokens)
    }

    pub(super) fn rate(&self, key: &str, given: Option<u32>) -> Result<u32, ConfigError> {
        match given {
            None => Ok(PER_MINUTE),
            Some(0) => Err(self.wrong(key, "1 or more requests in a minute")),
            Some(rate) => Ok(rate),
        }
    }

    pub(super) fn vendors(
        &mut self,
        file: BTreeMap<String, VendorFile>,
    ) -> Result<BTreeMap<String, VendorConfig>, ConfigError> {
        let mut vendors: BTreeMap<String, VendorConfig> = BTreeMap::new();
        for (id, vendor) in file {
            let key = format!("vendors.{id}");
            let named = vendor.accounts.iter().chain(&vendor.subjects);
            if id.trim().is_empty() || named.clone().any(|name| name.trim().is_empty()) {
                return Err(self.wrong(&key, "a vendor, its accounts and subjects have names"));
            }
            let one = vendors.entry(id).or_default();
            one.accounts.extend(vendor.accounts);
            one.subjects.extend(vendor.subjects);
        }
        for (id, subjects) in std::mem::take(&mut self.owned) {
            vendors.entry(id).or_default().subjects.extend(subjects);
        }
        for (id, vendor) in &vendors {
            if vendor.accounts.len() + vendor.subjects.len() > OWNED {
                let why = format!("more than {OWNED} accounts and subjects of one vendor");
                return Err(self.wrong(&format!("vendors.{id}"), why));
            }
        }
        Ok(vendors)
    }
}
