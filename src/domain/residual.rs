//! Access that is still there.

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

/// The account a residual belongs to, as shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
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

/// Access, a session or a usable credential that is still there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
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
    /// Owner of the object, where it is not the grantor: a REVOKE by the owner then removes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// With grant or admin option.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grantable: bool,
    /// Roles on the way from the account to this right, nearest first.
    pub via: Vec<String>,
    /// The access list has an entry that `pg_shdepend` does not know: somebody edited a catalog.
    pub tampered: bool,
    /// Since when, where the server knows (session start, prepare time; its own clock).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<UtcTime>,
    /// Instance of the cluster, for sessions on another one than the primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Further facts for people: address and program of a session, options of a membership.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Somebody's right depends on this one, the subject's other accounts included: only CASCADE revokes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cascade: bool,
    /// Who else would lose access if this were revoked with CASCADE.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependents: Vec<Dependent>,
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
            tampered: false,
            since: None,
            instance: None,
            detail: None,
            cascade: false,
            dependents: Vec::new(),
            sentence: String::new(),
        }
    }

    /// Writes the sentence from the other fields. Call it last.
    #[must_use]
    pub fn described(mut self) -> Self {
        self.sentence = self.describe();
        self
    }

    /// The parts that make this the same residual in two looks.
    #[must_use]
    pub fn identity(&self) -> String {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        format!(
            "{}|{}|{}|{}|{}|{}|{}|{}|{}",
            self.kind,
            self.account.target,
            self.account.oid,
            part(&self.database),
            part(&self.class),
            part(&self.object),
            part(&self.sub_object),
            part(&self.privilege),
            part(&self.grantor),
        )
    }

    fn describe(&self) -> String {
        use ResidualKind as K;
        let who = &self.account;
        let object = self.object_in_words();
        let privilege = self.privilege.as_deref().unwrap_or("a right");
        let mut sentence = match self.kind {
            K::Login => format!("{who} can log in"),
            K::Attribute => format!("{who} has {privilege}"),
            K::Membership if self.via.is_empty() => format!("{who} is a member of {privilege}"),
            K::Membership => {
                format!("{who} reaches {privilege} through {}", self.via.join(" and then "))
            }
            K::AdminOption if self.via.is_empty() => {
                format!("{who} may grant {privilege} to anyone, also to itself")
            }
            K::AdminOption => format!(
                "{who} may grant {privilege} to anyone, through {}",
                self.via.join(" and then ")
            ),
            K::Ownership | K::Subscription => format!("{who} owns {object}"),
            K::Privilege => format!("{who} has {privilege} on {object}"),
            K::DefaultPrivilege => match &self.privilege {
                Some(privilege) => format!("{who} will get {privilege} on new {object}"),
                None => format!("{who} has default privileges of its own: {object}"),
            },
            K::Policy => format!("{object} names {who}"),
            K::UserMapping => format!("{who} has a credential for another server: {object}"),
            K::Session => format!("{who} has an open session"),
            K::VanishedSession => {
                format!("a session of {who} is open although the role no longer exists")
            }
            K::PreparedTransaction => format!("{who} left a prepared transaction {object}"),
            K::Replication => format!("{who} has an open replication connection"),
            K::RoleSetting => format!("{who} has a role setting {privilege}"),
            K::DanglingAcl => {
                format!("{object} still lists {who}, which no longer exists, for {privilege}")
            }
            K::Job | K::HbaRule | K::IdentMap | K::Credential | K::Probe => {
                format!("{who}: {object}")
            }
        };
        if let (Some(database), true) =
            (&self.database, !matches!(self.kind, K::Login | K::Attribute))
        {
            sentence = format!("{sentence} in database {database}");
        }
        if let Some(detail) = &self.detail {
            sentence = format!("{sentence} ({detail})");
        }
        if self.grantable && self.kind == K::Privilege {
            sentence.push_str(", with grant option");
        }
        if let Some(grantor) = &self.grantor {
            sentence = format!("{sentence}; granted by {grantor}");
            if let Some(owner) = self.owner.as_ref().filter(|owner| *owner != grantor) {
                sentence =
                    format!("{sentence}, so a REVOKE by the owner {owner} does not remove it");
            }
        }
        if self.tampered {
            sentence.push_str(
                "; pg_shdepend does not know it, so somebody has edited a system catalog directly",
            );
        }
        sentence
    }

    fn object_in_words(&self) -> String {
        let object = self.object.as_deref().unwrap_or("an object");
        let Some(kind) = &self.object_type else { return object.to_owned() };
        // As the server calls the row that holds the list; people call it a parameter.
        let kind = if kind == "parameter ACL" { "parameter" } else { kind };
        match (self.kind, &self.sub_object) {
            (ResidualKind::Policy, Some(policy)) => format!("policy {policy} on {object}"),
            // The schema it is limited to stands in the object's words already.
            (ResidualKind::DefaultPrivilege, Some(_)) | (_, None) => format!("{kind} {object}"),
            (_, Some(column)) => format!("column {column} of {kind} {object}"),
        }
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
    fn a_grant_by_another_says_what_the_owner_cannot_do() {
        let mut grant = Residual::new(ResidualKind::Privilege, Strength::Latent, john());
        grant.database = Some("orders".into());
        grant.object_type = Some("table".into());
        grant.object = Some("sales.orders".into());
        grant.privilege = Some("SELECT".into());
        grant.grantor = Some("boss".into());
        grant.owner = Some("app".into());
        assert_eq!(
            grant.described().sentence,
            "john has SELECT on table sales.orders in database orders; granted by boss, \
             so a REVOKE by the owner app does not remove it"
        );
    }
}
