//! Identifiers that hold a promise.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// `pg_authid.oid`. Survives `ALTER ROLE … RENAME`, unlike the name; unique in one cluster only.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = u64, minimum = 0, maximum = 4_294_967_295_u64)]
pub struct RoleOid(pub u32);

impl fmt::Display for RoleOid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `pg_control_system().system_identifier`: made by `initdb`, shared by a primary and its standbys.
///
/// 64 bits, so JSON carries it as a string (RFC 8259 section 6: receivers may hold numbers as doubles).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9]{1,20}$")]
pub struct SystemIdentifier(pub u64);

impl fmt::Display for SystemIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<SystemIdentifier> for String {
    fn from(id: SystemIdentifier) -> Self {
        id.0.to_string()
    }
}

impl TryFrom<String> for SystemIdentifier {
    type Error = std::num::ParseIntError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

/// Position of a line in one audit log: 0, 1, 2, … without gaps, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
