//! One thing that somebody says of a role, in words that both sides use.

use revoked::domain::residual::{Residual, ResidualKind as K};

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

/// Options of a membership that stand in a text.
fn options(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_uppercase());
    let found: Vec<&str> =
        words.filter(|word| matches!(*word, "INHERIT" | "SET" | "ADMIN")).collect();
    found.join(" ")
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
            // Which options it has; the words around them are for people.
            K::Membership | K::AdminOption => claim.sub = options(&text(&residual.detail)),
            K::Login
            | K::Attribute
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
