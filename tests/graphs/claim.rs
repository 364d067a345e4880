//! One thing that somebody says of a role, in words that both sides use.

use revoked::domain::graph::Can;
use revoked::domain::residual::{Residual, ResidualKind, ResidualKind as K, Way};

/// What is still there of a role. Empty text where a thing has no such part.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub(crate) struct Claim {
    pub(crate) role: i64,
    pub(crate) kind: String,
    pub(crate) database: String,
    pub(crate) class: String,
    pub(crate) object: String,
    pub(crate) sub: String,
    pub(crate) privilege: String,
    pub(crate) grantor: String,
    pub(crate) grantable: bool,
    pub(crate) tampered: bool,
}

/// What no row says by itself: had through others, or as the owner of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Derived {
    pub(crate) role: i64,
    pub(crate) kind: ResidualKind,
    /// Role or attribute.
    pub(crate) held: String,
    /// Where it is `pg_database_owner`; empty for what all databases share.
    pub(crate) database: String,
    pub(crate) via: Vec<String>,
    pub(crate) ways: Vec<Way>,
    pub(crate) grantable: bool,
}

impl Derived {
    /// A finding in these words, if it is such a one.
    pub(crate) fn of(residual: &Residual) -> Option<Self> {
        let through = matches!(residual.kind, K::Membership | K::AdminOption | K::Attribute)
            && !residual.via.is_empty();
        let owner = residual.kind == K::Membership && residual.database.is_some();
        (through || owner).then(|| Self {
            role: i64::from(residual.account.oid.0),
            kind: residual.kind,
            held: residual.privilege.clone().unwrap_or_default(),
            database: residual.database.clone().unwrap_or_default(),
            via: residual.via.clone(),
            ways: residual.ways.clone(),
            grantable: residual.grantable,
        })
    }

    /// It has it at once, without SET ROLE or a grant.
    pub(crate) fn now(&self) -> bool {
        self.via.is_empty() || self.ways.iter().any(|way| way.can == Can::UsesNow)
    }
}

impl Claim {
    /// A finding in these words.
    pub(crate) fn of(residual: &Residual) -> Self {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let mut claim = Self {
            role: i64::from(residual.account.oid.0),
            kind: residual.kind.as_str().to_owned(),
            database: text(&residual.database),
            class: text(&residual.class),
            object: text(&residual.object),
            sub: text(&residual.sub_object),
            privilege: text(&residual.privilege),
            grantor: text(&residual.grantor),
            grantable: residual.grantable,
            tampered: residual.tampered,
        };
        match residual.kind {
            // The start of a session is not visible to a role without privileges.
            K::Session | K::VanishedSession | K::Replication => {
                claim.object = claim.object.split(" since ").next().unwrap_or_default().to_owned();
            }
            // Default privileges for tables and for sequences of one role differ in this only.
            K::DefaultPrivilege => {
                claim.object = format!("{} {}", text(&residual.object_type), claim.object);
            }
            // What its options let the role do.
            K::Membership => {
                let cans: Vec<&str> = residual.ways.iter().map(|way| way.can.as_str()).collect();
                claim.sub = cans.join(" ");
            }
            K::Login
            | K::Attribute
            | K::AdminOption
            | K::Ownership
            | K::Privilege
            | K::Policy
            | K::UserMapping
            | K::PreparedTransaction
            | K::Subscription
            | K::Job
            | K::HbaRule
            | K::IdentMap
            | K::RoleSetting
            | K::DanglingAcl
            | K::Credential
            | K::Probe => {}
        }
        claim
    }

    /// Both are about the same object.
    pub(crate) fn same_object(&self, class: &str, database: &str, object: &str) -> bool {
        self.class == class && self.database == database && self.object == object
    }
}
