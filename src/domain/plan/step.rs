//! One thing that a plan does, typed, so that it can be printed, given as JSON, and tried out on what was seen.

use crate::domain::ids::RoleOid;
use serde::Serialize;

/// An object that has an owner or an access list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Object {
    /// Catalog that holds it, such as `pg_class`.
    pub class: String,
    /// Kind of object as `pg_identify_object` calls it.
    pub kind: Option<String>,
    /// Its name, quoted as SQL needs it.
    pub name: String,
}

/// One privilege, of a column where one is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Right {
    /// Such as `SELECT`.
    pub privilege: String,
    /// Name of the column.
    pub column: Option<String>,
}

/// How a REVOKE comes to act for the role that granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Acting {
    /// Who granted.
    pub role: String,
    /// It has become a superuser since: a superuser's REVOKE acts for the owner, so it is none for a moment.
    pub demoted: bool,
}

/// One step of a plan. Role names are names, not SQL; `None` as a grantee is PUBLIC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// `ROLLBACK PREPARED`.
    RollBack {
        /// The transaction's global identifier.
        gid: String,
        /// Who prepared it, where that is none of those who are to lose their access.
        #[serde(skip_serializing_if = "Option::is_none")]
        prepared_by: Option<String>,
    },
    /// `ALTER ROLE` with options such as NOLOGIN.
    AlterRole {
        /// Whose.
        role: String,
        /// Sorted.
        options: Vec<String>,
    },
    /// Ends the sessions of an OID, whatever the role is called.
    Terminate {
        /// Whose sessions.
        oid: RoleOid,
        /// The same, in words.
        account: String,
        /// The server can wait until they are gone (PostgreSQL 14 and later).
        wait: bool,
    },
    /// `ALTER ROLE … RESET ALL`.
    ResetSettings {
        /// Whose.
        role: String,
        /// In one database only.
        in_database: Option<String>,
    },
    /// Grants a role.
    GrantMembership {
        /// The role.
        group: String,
        /// Who gets it.
        member: String,
        /// Options to be set. What is not named stays as it is.
        options: Vec<(MemberOption, bool)>,
    },
    /// Takes a role away.
    RevokeMembership {
        /// The role.
        group: String,
        /// Who loses it.
        member: String,
        /// Whose grant; PostgreSQL 16 and later.
        grantor: Option<String>,
        /// With what was granted by virtue of it.
        cascade: bool,
    },
    /// Grants privileges for the owner.
    GrantPrivilege {
        /// The object.
        on: Object,
        /// What.
        rights: Vec<Right>,
        /// Who gets them.
        grantee: Option<String>,
        /// With grant option.
        grantable: bool,
    },
    /// Takes privileges away, for the owner unless another granted them.
    RevokePrivilege {
        /// The object.
        on: Object,
        /// What.
        rights: Vec<Right>,
        /// Who loses them.
        grantee: String,
        /// Whose grant, where it is not the owner's.
        acting: Option<Acting>,
        /// With what was granted by virtue of them.
        cascade: bool,
        /// An entry that `pg_shdepend` does not know.
        tampered: bool,
    },
    /// `ALTER POLICY … TO`.
    AlterPolicy {
        /// Table, quoted as SQL needs it.
        table: String,
        /// The policy.
        policy: String,
        /// Whom it names from now on.
        to: Vec<Option<String>>,
        /// It named nobody else: it is kept for its definition, for a role that no policy binds.
        parked: bool,
    },
    /// Takes from somebody what it would get on objects that another makes.
    RevokeDefault {
        /// Who makes them.
        owner: String,
        /// In one schema only.
        schema: Option<String>,
        /// Such as `TABLES`.
        objects: String,
        /// What.
        privileges: Vec<String>,
        /// Who loses it.
        grantee: String,
    },
    /// Makes a role's own default privileges what they are without ALTER DEFAULT PRIVILEGES.
    ResetDefaults {
        /// Whose.
        role: String,
        /// In one schema only.
        schema: Option<String>,
        /// Such as `TABLES`.
        objects: String,
        /// Everybody its list names.
        grantees: Vec<Option<String>>,
    },
    /// `DROP USER MAPPING`.
    DropUserMapping {
        /// Whose.
        role: String,
        /// Name of the foreign server.
        server: String,
    },
    /// `SELECT cron.unschedule(…)`.
    Unschedule {
        /// `cron.job.jobid`.
        job: i64,
        /// What it is, in words.
        what: String,
    },
    /// `REASSIGN OWNED`: all of one database, and whatever the cluster shares.
    ReassignOwned {
        /// Who owns.
        from: String,
        /// Who gets it.
        to: String,
    },
    /// `ALTER … OWNER TO`.
    AlterOwner {
        /// What.
        on: Object,
        /// Who owned it.
        from: String,
        /// Who gets it.
        to: String,
    },
}

/// An option of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberOption {
    /// May grant the role.
    Admin,
    /// Has the role's privileges.
    Inherit,
    /// May `SET ROLE`.
    Set,
}
