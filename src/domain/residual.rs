//! Access that is still there.

mod sentence;

use super::graph::Can;
use super::ids::RoleOid;
use super::time::UtcTime;
use super::words::words;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

words! {
    /// What kind of access; also the values of the metric label `surface`.
    ResidualKind {
        /// `rolcanlogin`.
        Login = "login",
        /// SUPERUSER, CREATEROLE, CREATEDB, REPLICATION, BYPASSRLS.
        Attribute = "attribute",
        /// A role held, directly or through others.
        Membership = "membership",
        /// The right to grant a role, to oneself too.
        AdminOption = "admin_option",
        /// An object owned.
        Ownership = "ownership",
        /// An entry in an object's access list.
        Privilege = "privilege",
        /// `ALTER DEFAULT PRIVILEGES` in favour of the role, or made by it.
        DefaultPrivilege = "default_privilege",
        /// A row security policy that names the role.
        Policy = "policy",
        /// A credential for a foreign server.
        UserMapping = "user_mapping",
        /// An open session.
        Session = "session",
        /// A session whose role no longer exists.
        VanishedSession = "vanished_session",
        /// A prepared transaction waiting to be committed.
        PreparedTransaction = "prepared_transaction",
        /// A walsender or replication slot in use.
        Replication = "replication",
        /// A subscription owned.
        Subscription = "subscription",
        /// A scheduled job.
        Job = "job",
        /// A line of pg_hba.conf.
        HbaRule = "hba_rule",
        /// A line of pg_ident.conf.
        IdentMap = "ident_map",
        /// `ALTER ROLE … SET`.
        RoleSetting = "role_setting",
        /// An access list entry for a role that no longer exists.
        DanglingAcl = "dangling_acl",
        /// A password or secret known to be usable.
        Credential = "credential",
        /// A configured check of another system.
        Probe = "probe",
    }
}

words! {
    /// How near a residual is to use; the order is the order in which people should read them.
    Strength {
        /// Somebody may be using it at this moment.
        ActsNow = "acts_now",
        /// A new session can be opened.
        CanLogIn = "can_log_in",
        /// More can be granted to oneself.
        CanRegain = "can_regain",
        /// Usable only after a login, or not at once.
        Latent = "latent",
        /// Anybody has it.
        ViaPublic = "via_public",
    }
}

/// [`Residual::object_type`] of a line of `pg_ident.conf` that lets a user of the system in who is called as the account is.
pub const SYSTEM_USER: &str = "system user";

impl ResidualKind {
    /// Surfaces that a target may require beside those that are always asked for.
    pub const OPTIONAL: &'static [Self] =
        &[Self::HbaRule, Self::IdentMap, Self::Credential, Self::Probe];
}

/// The account a residual belongs to, as shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct AccountRef {
    /// Configured name of the cluster.
    pub target: String,
    /// The role's identity.
    pub oid: RoleOid,
    /// Name when looked at; `None` when the role no longer exists and its name is not known.
    pub role: Option<String>,
}

impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.role {
            Some(role) => f.write_str(role),
            None => write!(f, "role with OID {}", self.oid),
        }
    }
}

/// Somebody whose right depends on the account's grant option, and has to be granted again by another
/// before the account's own right can be revoked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Dependent {
    /// Role name; `None` is PUBLIC.
    pub grantee: Option<String>,
    /// Has the grant option or admin option.
    pub grantable: bool,
    /// Membership only, PostgreSQL 16 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherit: Option<bool>,
    /// Membership only, PostgreSQL 16 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<bool>,
}

/// One thing that a role held lets the account do, and the shortest way to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Way {
    /// What it lets the account do.
    pub can: Can,
    /// Roles on the way, nearest first; none for a membership of the account itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
    /// The role to SET ROLE to first, or the one that the account can grant itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Who granted its first step, where a REVOKE without GRANTED BY would not remove that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<String>,
}

/// What a residual is a consequence of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis<'a> {
    /// The membership in this role.
    Membership(&'a str),
    /// The attribute CREATEROLE.
    CreateRole,
    /// The ownership of this database.
    Ownership(&'a str),
}

/// Access, a session or a usable credential that is still there.
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on one another")]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Residual {
    /// How near to use. First, so that the derived order is worst first.
    pub strength: Strength,
    /// What it is.
    pub kind: ResidualKind,
    /// Whose.
    pub account: AccountRef,
    /// Database it lies in; `None` for what the whole cluster shares.
    pub database: Option<String>,
    /// Catalog that holds it, such as `pg_class`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Kind of object as `pg_identify_object` calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_type: Option<String>,
    /// Identity of the object, quoted as SQL needs it.
    pub object: Option<String>,
    /// Column, for column privileges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_object: Option<String>,
    /// Privilege, attribute or granted role.
    pub privilege: Option<String>,
    /// Role that granted it.
    pub grantor: Option<String>,
    /// Owner of the object, where it is not the grantor: a REVOKE by the owner then removes nothing. Of a prepared
    /// transaction: who prepared it, where that is not the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// With grant or admin option.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grantable: bool,
    /// Roles on the way from the account to this right, nearest first.
    pub via: Vec<String>,
    /// What a membership, or the way to somebody else's right, lets the account do; nearest to use first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
    /// Of a membership since PostgreSQL 16: the role for which a REVOKE without GRANTED BY acts, where that
    /// is not who granted it. Such a REVOKE removes nothing and only warns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inferred_grantor: Option<String>,
    /// The access list has an entry that `pg_shdepend` does not know: somebody edited a catalog.
    pub tampered: bool,
    /// Since when, where the server knows (session start, prepare time; its own clock).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<UtcTime>,
    /// Instance of the cluster, for sessions on another one than the primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// A process that the server began by itself, such as a parallel worker: its start is not that of a session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub background: bool,
    /// Further facts for people: address and program of a session, options of a membership.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Somebody's right depends on this one, the subject's other accounts included: only CASCADE revokes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cascade: bool,
    /// Who else would lose access if this were revoked with CASCADE.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependents: Vec<Dependent>,
    /// Of a probe: how many it found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The catalog rows behind it as they were seen: catalog, then columns. Empty where the other fields
    /// are the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<String>,
    /// The residual as one sentence.
    pub sentence: String,
}

impl Residual {
    /// A residual with nothing filled in but what every one has.
    #[must_use]
    pub fn new(kind: ResidualKind, strength: Strength, account: AccountRef) -> Self {
        Self {
            strength,
            kind,
            account,
            database: None,
            class: None,
            object_type: None,
            object: None,
            sub_object: None,
            privilege: None,
            grantor: None,
            owner: None,
            grantable: false,
            via: Vec::new(),
            ways: Vec::new(),
            inferred_grantor: None,
            tampered: false,
            since: None,
            instance: None,
            background: false,
            detail: None,
            cascade: false,
            dependents: Vec::new(),
            count: None,
            rows: Vec::new(),
            sentence: String::new(),
        }
    }

    /// What this rests on, if it is only a consequence: it goes when that goes, and by itself nobody can take it
    /// away.
    #[must_use]
    pub fn basis(&self) -> Option<Basis<'_>> {
        use ResidualKind as K;
        if !matches!(self.kind, K::Membership | K::AdminOption | K::Attribute) {
            return None;
        }
        if let Some(first) = self.via.first() {
            let own = self
                .ways
                .first()
                .is_some_and(|way| way.can == Can::CreateRole && way.at.as_ref() == Some(first));
            return Some(if own { Basis::CreateRole } else { Basis::Membership(first) });
        }
        // Whoever owns a database is pg_database_owner there.
        let database = self.database.as_deref().filter(|_| self.kind == K::Membership)?;
        Some(Basis::Ownership(database))
    }

    /// The parts that make this the same residual in two looks.
    #[must_use]
    pub fn identity(&self) -> String {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        format!(
            "{}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
            self.kind,
            self.account.target,
            self.account.oid,
            part(&self.database),
            part(&self.class),
            part(&self.object_type),
            part(&self.object),
            part(&self.sub_object),
            part(&self.privilege),
            part(&self.grantor),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn john() -> AccountRef {
        AccountRef { target: "orders".into(), oid: RoleOid(16401), role: Some("john".into()) }
    }

    #[test]
    fn the_worst_comes_first() {
        let mut residual = [
            Residual::new(ResidualKind::Privilege, Strength::Latent, john()),
            Residual::new(ResidualKind::Login, Strength::CanLogIn, john()),
            Residual::new(ResidualKind::Session, Strength::ActsNow, john()),
        ];
        residual.sort();
        let order: Vec<_> = residual.iter().map(|r| r.kind.as_str()).collect();
        assert_eq!(order, ["session", "login", "privilege"]);
    }

    #[test]
    fn default_privileges_of_one_maker_for_two_kinds_of_object_are_two() {
        let on = |kind: &str| {
            let mut found = Residual::new(ResidualKind::DefaultPrivilege, Strength::Latent, john());
            found.object = Some("of app in schema sales".into());
            found.object_type = Some(kind.into());
            found.privilege = Some("USAGE".into());
            found
        };
        assert_ne!(on("sequences").identity(), on("types").identity());
        assert_eq!(on("types").identity(), on("types").identity());
    }

    #[test]
    fn what_an_earlier_version_stored_is_still_read() {
        let stored = r#"{"strength":"latent","kind":"membership","account":{"target":"orders","oid":16401,
            "role":"john"},"database":null,"object":null,"privilege":"g","grantor":"boss","via":["team"],
            "tampered":false,"sentence":"john reaches g through team"}"#;
        let read: Residual = serde_json::from_str(stored).unwrap();
        assert!(read.ways.is_empty() && read.rows.is_empty());
        assert_eq!(read.identity(), "membership|orders|16401||||||g|boss");
        assert_eq!(read.described().sentence, "john reaches g through team; granted by boss");
    }
}
