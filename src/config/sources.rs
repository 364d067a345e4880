//! Who signs, and how the payload of a source is read.

use super::check::Reader;
use super::file::{FieldFile, MappingFile, SignatureFile, SourceFile};
use super::{ConfigError, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use zeroize::Zeroizing;

/// Names that addresses of the API have already.
const TAKEN: &[&str] = &["hr-events", "vendor-offboarding"];
/// Fewest bytes of a signing secret (Standard Webhooks, 24 to 64; of others, characters).
const SECRET: usize = 16;

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
    /// For a role change: roles that must stay.
    KeepRoles,
    /// For a role change: permissions that must stay.
    KeepPermissions,
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
    /// Every field.
    pub const ALL: &'static [Self] = &[
        Self::EventType,
        Self::EventId,
        Self::Timestamp,
        Self::EmployeeId,
        Self::Username,
        Self::Email,
        Self::TerminationDate,
        Self::LastWorkingDay,
        Self::TerminationReason,
        Self::EffectiveAt,
        Self::Deadline,
        Self::TimeZone,
        Self::Accounts,
        Self::RevokeRoles,
        Self::RevokePermissions,
        Self::KeepRoles,
        Self::KeepPermissions,
        Self::Ticket,
        Self::Until,
        Self::Duration,
        Self::VendorId,
    ];

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
            Self::KeepRoles => "/keep/roles",
            Self::KeepPermissions => "/keep/permissions",
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
    /// It is usually heard within this time.
    pub expect_every: Option<Duration>,
}

impl Reader<'_> {
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
                source.signature.map(|file| self.signing(&format!("{key}.signature"), &file));
            let mapping = source.mapping.map(|file| self.mapping(&format!("{key}.mapping"), file));
            let per_minute = self.rate(&format!("{key}.per_minute"), source.per_minute)?;
            let expect_every = source
                .expect_every
                .map(|text| {
                    let key = format!("{key}.expect_every");
                    self.duration(&key, Some(text), Duration::ZERO, (60, 366 * 86_400))
                })
                .transpose()?;
            let config = SourceConfig {
                time_zone,
                signing: signing.transpose()?,
                mapping: mapping.transpose()?,
                per_minute,
                expect_every,
            };
            sources.insert(name, config);
        }
        Ok(sources)
    }

    pub(super) fn signing(
        &mut self,
        key: &str,
        file: &SignatureFile,
    ) -> Result<Signing, ConfigError> {
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
}

/// The field as the file writes it.
fn name_of(field: Field) -> String {
    let pointer = field.pointer();
    match field {
        Field::RevokeRoles => "revoke_roles".to_owned(),
        Field::RevokePermissions => "revoke_permissions".to_owned(),
        Field::KeepRoles => "keep_roles".to_owned(),
        Field::KeepPermissions => "keep_permissions".to_owned(),
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
