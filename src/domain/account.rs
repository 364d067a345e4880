//! Accounts: a subject on one target, tracked by OID.

use super::ids::{RoleOid, SystemIdentifier};
use super::time::UtcTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why we hold that an account belongs to a subject.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LinkRule {
    /// A person said so when asked.
    Person,
    /// The notice named this role.
    #[default]
    Stated,
    /// The list in the configuration declares it.
    Mapping,
    /// The mapping file declares it.
    MappingFile,
    /// The mapping query told it.
    MappingQuery,
    /// A naming convention suggests it; by default, that a role is called like the user.
    Template,
    /// Another OID already linked had this name.
    SameName,
}

impl LinkRule {
    /// The operator declared it, in one way or another.
    #[must_use]
    pub fn declared(self) -> bool {
        match self {
            Self::Mapping | Self::MappingFile | Self::MappingQuery => true,
            Self::Person | Self::Stated | Self::Template | Self::SameName => false,
        }
    }

    /// A convention or a name said so, and nobody.
    #[must_use]
    pub fn guessed(self) -> bool {
        match self {
            Self::Template | Self::SameName => true,
            Self::Person
            | Self::Stated
            | Self::Mapping
            | Self::MappingFile
            | Self::MappingQuery => false,
        }
    }
}

/// A subject's role on one target. The OID is the identity; the name is what it was last called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Configured name of the cluster.
    pub target: String,
    /// The cluster the OID is unique in.
    pub system_identifier: SystemIdentifier,
    /// The role's identity in that cluster.
    pub oid: RoleOid,
    /// Name when last seen.
    pub role: String,
    /// Every name it was ever seen under, the present one included.
    pub names: Vec<String>,
    /// What made the link.
    pub rule: LinkRule,
    /// Which template, list, file, query, sender or person that was; empty for what an earlier version linked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_at: Option<UtcTime>,
}

impl Account {
    /// Whether this is the same role on the same target.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (&self.target, self.system_identifier, self.oid)
            == (&other.target, other.system_identifier, other.oid)
    }

    /// Every name it bears or bore.
    pub fn called(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.role).chain(&self.names)
    }
}

/// A role name to search for: on every target, or on one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct AccountName {
    /// `None`: search every target of the revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Exact role name, as `pg_roles.rolname` holds it.
    pub role: String,
    /// Who says so. What a template made may be a person's name: it never enters the log unless a role has it.
    #[serde(default)]
    pub rule: LinkRule,
}

impl AccountName {
    /// Nobody named this role: it is a guess.
    #[must_use]
    pub fn suggested(&self) -> bool {
        self.rule == LinkRule::Template
    }

    /// Whether this name is to be searched on `target`.
    #[must_use]
    pub fn applies_to(&self, target: &str) -> bool {
        self.target.as_deref().is_none_or(|named| named == target)
    }
}
