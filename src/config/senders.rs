//! Who may send and ask, by what proof: tokens, signatures, and how the payload of a source is read.

use super::check::Reader;
use super::file::{FieldFile, MappingFile, SignatureFile, SourceFile, TokenFile, VendorFile};
use super::{ConfigError, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// Requests of one caller in a minute when the configuration does not say: a thousand a second.
const PER_MINUTE: u32 = 60_000;
/// Names that addresses of the API have already.
const TAKEN: &[&str] = &["hr-events", "vendor-offboarding"];
/// Fewest bytes of a signing secret (Standard Webhooks, 24 to 64; of others, characters).
const SECRET: usize = 16;
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

/// How a sender signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature.
    Standard,
    /// As GitHub does: X-Hub-Signature-256.
    Github,
}

/// What a sender signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// How.
    pub scheme: Scheme,
    /// With one of these; several while a secret is changed.
    secrets: Vec<Secret>,
}

impl Signing {
    /// Signs in `scheme` with one of `secrets`.
    #[must_use]
    pub fn new(scheme: Scheme, secrets: Vec<Secret>) -> Self {
        Self { scheme, secrets }
    }

    /// The keys of the secrets.
    pub fn keys(&self) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
        self.secrets.iter().filter_map(|secret| key_of(self.scheme, secret))
    }
}

/// The bytes that a secret stands for; `None` if it is not written as the scheme has it.
fn key_of(scheme: Scheme, secret: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.expose_secret();
    match scheme {
        Scheme::Github => Some(Zeroizing::new(text.as_bytes().to_vec())),
        Scheme::Standard => {
            let text = text.strip_prefix("whsec_")?;
            STANDARD.decode(text).ok().map(Zeroizing::new)
        }
    }
}

/// A field of ours that a source's payload may have elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Type of event.
    EventType,
    /// The sender's id of it.
    EventId,
    /// When it was made.
    Timestamp,
    /// Stable id of the person.
    EmployeeId,
    /// User name.
    Username,
    /// E-mail address.
    Email,
    /// Last day of the contract.
    TerminationDate,
    /// Last day at work.
    LastWorkingDay,
    /// Why, in the sender's words.
    TerminationReason,
    /// When access has to end.
    EffectiveAt,
    /// By when everything has to be gone.
    Deadline,
    /// Where the person works.
    TimeZone,
    /// Database roles of the person.
    Accounts,
    /// For a role change: roles that must be gone.
    RevokeRoles,
    /// For a role change: permissions that must be gone.
    RevokePermissions,
    /// Ticket.
    Ticket,
    /// Until when access is kept.
    Until,
    /// For how long.
    Duration,
    /// The vendor.
    VendorId,
}

impl Field {
    /// Where the documented payload has it.
    #[must_use]
    pub fn pointer(self) -> &'static str {
        match self {
            Self::EventType => "/event_type",
            Self::EventId => "/event_id",
            Self::Timestamp => "/timestamp",
            Self::EmployeeId => "/user/employee_id",
            Self::Username => "/user/username",
            Self::Email => "/user/email",
            Self::TerminationDate => "/user/termination_date",
            Self::TerminationReason => "/user/termination_reason",
            Self::TimeZone => "/user/time_zone",
            Self::Accounts => "/user/accounts",
            Self::LastWorkingDay => "/metadata/last_working_day",
            Self::EffectiveAt => "/effective_at",
            Self::Deadline => "/deadline",
            Self::RevokeRoles => "/revoke/roles",
            Self::RevokePermissions => "/revoke/permissions",
            Self::Ticket => "/ticket",
            Self::Until => "/until",
            Self::Duration => "/duration",
            Self::VendorId => "/vendor_id",
        }
    }
}

/// Where the value of a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the payload, at this JSON Pointer (RFC 6901).
    Pointer(String),
    /// In this header; only the id of an event.
    Header(String),
    /// Always this.
    Value(String),
}

/// How the payload of a source is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Where each field is.
    pub fields: BTreeMap<Field, Origin>,
    /// Our type of event for each of theirs; the same word where it is empty.
    pub events: BTreeMap<String, String>,
}

impl Mapping {
    /// Header with the sender's id of an event.
    #[must_use]
    pub fn id_header(&self) -> Option<&str> {
        match self.fields.get(&Field::EventId) {
            Some(Origin::Header(name)) => Some(name),
            Some(Origin::Pointer(_) | Origin::Value(_)) | None => None,
        }
    }
}

/// What is particular to a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceConfig {
    /// Zone in which its dates and local times are meant.
    pub time_zone: Option<String>,
    /// What it signs with; then it has to.
    pub signing: Option<Signing>,
    /// How its payload is read; the documented one without it.
    pub mapping: Option<Mapping>,
    /// Signed requests in a minute.
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

    fn rate(&self, key: &str, given: Option<u32>) -> Result<u32, ConfigError> {
        match given {
            None => Ok(PER_MINUTE),
            Some(0) => Err(self.wrong(key, "1 or more requests in a minute")),
            Some(rate) => Ok(rate),
        }
    }

    pub(super) fn sources(
        &mut self,
        file: BTreeMap<String, SourceFile>,
    ) -> Result<BTreeMap<String, SourceConfig>, ConfigError> {
        let mut sources = BTreeMap::new();
        for (name, source) in file {
            let key = format!("sources.{name}");
            let time_zone = self.zone(&format!("{key}.time_zone"), source.time_zone)?;
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let sends = source.signature.is_some() || source.mapping.is_some();
            if sends && (name.is_empty() || !name.chars().all(plain)) {
                let why = "what is signed or mapped has an address of its own, \
                           /api/v1/webhooks/NAME: letters, digits, `-`, `_` or `.`";
                return Err(self.wrong(&key, why));
            }
            if sends && TAKEN.contains(&name.as_str()) {
                let why =
                    format!("/api/v1/webhooks/{name} is another address; choose another name");
                return Err(self.wrong(&key, why));
            }
            let signing =
                source.signature.map(|file| self.signing(&format!("{key}.signature"), file));
            let mapping = source.mapping.map(|file| self.mapping(&format!("{key}.mapping"), file));
            let per_minute = self.rate(&format!("{key}.per_minute"), source.per_minute)?;
            let config = SourceConfig {
                time_zone,
                signing: signing.transpose()?,
                mapping: mapping.transpose()?,
                per_minute,
            };
            sources.insert(name, config);
        }
        Ok(sources)
    }

    fn signing(&mut self, key: &str, file: SignatureFile) -> Result<Signing, ConfigError> {
        let mut secrets = Vec::new();
        for (number, path) in file.secret_files.iter().enumerate() {
            let key = format!("{key}.secret_files[{number}]");
            let secret = self.secret_file(&key, path)?;
            let Some(bytes) = key_of(file.scheme, &secret) else {
                return Err(self.wrong(&key, "a Standard Webhooks secret is whsec_ and base64"));
            };
            if bytes.len() < SECRET {
                return Err(self.wrong(&key, format!("a secret has at least {SECRET} bytes")));
            }
            secrets.push(secret);
        }
        if secrets.is_empty() {
            return Err(self.wrong(&format!("{key}.secret_files"), "name at least one file"));
        }
        Ok(Signing::new(file.scheme, secrets))
    }

    fn mapping(&self, key: &str, file: MappingFile) -> Result<Mapping, ConfigError> {
        let mut fields = BTreeMap::new();
        for (field, from) in file.fields {
            let key = format!("{key}.fields.{}", name_of(field));
            fields.insert(field, self.origin(&key, field, from)?);
        }
        if !fields.contains_key(&Field::EventType) {
            let why = "say where the type of event is, or that it is always the same: {value: …}";
            return Err(self.wrong(&format!("{key}.fields.event_type"), why));
        }
        let who = [Field::EmployeeId, Field::Username, Field::VendorId];
        if !who.iter().any(|field| fields.contains_key(field)) {
            let why = "say where employee_id, username or vendor_id is";
            return Err(self.wrong(&format!("{key}.fields"), why));
        }
        Ok(Mapping { fields, events: file.events })
    }

    fn origin(&self, key: &str, field: Field, file: FieldFile) -> Result<Origin, ConfigError> {
        match file {
            FieldFile::Pointer(text) => {
                let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
                if !text.starts_with('/') || !escapes {
                    let why = "a JSON Pointer such as /data/worker/id; a constant is {value: …}";
                    return Err(self.wrong(key, why));
                }
                Ok(Origin::Pointer(text))
            }
            FieldFile::Value { value } if value.trim().is_empty() => {
                Err(self.wrong(key, "the constant is empty"))
            }
            FieldFile::Value { value } => Ok(Origin::Value(value)),
            FieldFile::Header { header } if field == Field::EventId && !header.is_empty() => {
                Ok(Origin::Header(header.to_ascii_lowercase()))
            }
            FieldFile::Header { .. } => {
                Err(self.wrong(key, "only event_id can be taken from a header, which has a name"))
            }
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

/// The field as the file writes it.
fn name_of(field: Field) -> String {
    let pointer = field.pointer();
    match field {
        Field::RevokeRoles => "revoke_roles".to_owned(),
        Field::RevokePermissions => "revoke_permissions".to_owned(),
        Field::EventType
        | Field::EventId
        | Field::Timestamp
        | Field::EmployeeId
        | Field::Username
        | Field::Email
        | Field::TerminationDate
        | Field::LastWorkingDay
        | Field::TerminationReason
        | Field::EffectiveAt
        | Field::Deadline
        | Field::TimeZone
        | Field::Accounts
        | Field::Ticket
        | Field::Until
        | Field::Duration
        | Field::VendorId => pointer.rsplit('/').next().unwrap_or(pointer).to_owned(),
    }
}
