//! Rows as the statements give them.

use sqlx::postgres::types::Oid;

#[derive(Debug, sqlx::FromRow)]
pub(super) struct ServerRow {
    pub system_identifier: String,
    pub version: String,
    pub version_num: i32,
    pub in_recovery: bool,
    pub timeline: i32,
    pub clock_us: i64,
    pub agent_role: String,
}

/// Which server process answers, and whether it takes writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Answering {
    pub read_only: bool,
    /// Start of the server, in microseconds: no two servers share it.
    pub started_us: i64,
    pub in_recovery: bool,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct DatabaseRow {
    pub oid: Oid,
    pub name: String,
    pub allows_connections: bool,
    pub may_connect: bool,
    pub owner: String,
    /// How often rows were written in it, by the server's statistics.
    pub written: String,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct RoleRow {
    pub oid: Oid,
    pub name: String,
    /// Of [`RoleRow::LOGIN`] and so on.
    pub attributes: i32,
    pub connection_limit: i32,
    pub valid_until: Option<String>,
    pub expired: Option<bool>,
}

/// As sql/roles.sql has them.
impl RoleRow {
    pub(super) const LOGIN: i32 = 1;
    pub(super) const SUPERUSER: i32 = 1 << 1;
    pub(super) const CREATE_ROLE: i32 = 1 << 2;
    pub(super) const CREATE_DB: i32 = 1 << 3;
    pub(super) const REPLICATION: i32 = 1 << 4;
    pub(super) const BYPASS_RLS: i32 = 1 << 5;
    pub(super) const INHERIT: i32 = 1 << 6;

    pub(super) fn has(&self, attribute: i32) -> bool {
        self.attributes & attribute != 0
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct ActivityRow {
    pub role: Oid,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct MembershipRow {
    pub role: Oid,
    pub member: Oid,
    pub grantor: Oid,
    pub admin_option: bool,
    /// `None` before 16, where it is the member's attribute.
    pub inherit_option: Option<bool>,
    pub set_option: bool,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct RoleSettingRow {
    pub role: Oid,
    pub database: Option<String>,
    pub setting: String,
}

/// A row of `pg_shdepend`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct DependencyRow {
    pub role: Oid,
    pub database: Oid,
    pub class: Oid,
    pub object: Oid,
    pub sub_object: i32,
    pub kind: String,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct PreparedRow {
    pub role: Oid,
    pub gid: String,
    pub database: Option<String>,
    pub prepared_us: i64,
    pub locked_roles: Vec<Oid>,
    pub changes_roles: bool,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct PreparedLockRow {
    pub gid: String,
    pub role: Oid,
    pub database: String,
    pub relation: String,
    pub mode: String,
}

/// A process that may have let somebody in, and its transaction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub(super) struct ArrivingRow {
    pub pid: i32,
    pub transaction: String,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct AdmittedRow {
    pub oid: Oid,
}

/// A place in the WAL, in bytes from its beginning; `None` where a server has replayed none.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct PositionRow {
    pub position: Option<i64>,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct ReceiversRow {
    /// Connections that take WAL from the server as standbys do.
    pub sends: i32,
    /// It takes WAL from another.
    pub receives: bool,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct SessionRow {
    pub pid: i32,
    pub role: Oid,
    pub database: Option<String>,
    pub backend_type: Option<String>,
    pub application: Option<String>,
    pub client: Option<String>,
    pub started_us: Option<i64>,
    pub vanished: bool,
}

impl SessionRow {
    /// What makes it the same session in two lists.
    pub(super) fn identity(&self) -> (i32, u32, Option<i64>) {
        (self.pid, self.role.0, self.started_us)
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct SelfTestRow {
    pub role: String,
    pub excess: String,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct AclRow {
    pub class: Oid,
    pub object: Oid,
    pub sub_object: i32,
    pub owner: Oid,
    pub grantee: Oid,
    pub grantor: Oid,
    pub privilege: String,
    pub grantable: bool,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct OwnedRow {
    pub class: Oid,
    pub object: Oid,
    pub role: Oid,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct IdentityRow {
    pub class: Oid,
    pub object: Oid,
    pub sub_object: i32,
    pub catalog: String,
    #[sqlx(rename = "type")]
    pub kind: Option<String>,
    pub identity: Option<String>,
    pub names: Option<Vec<String>>,
    pub args: Option<Vec<String>>,
    pub column_name: Option<String>,
    pub security_definer: Option<bool>,
    pub fires_on: Option<String>,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct SubscriptionRow {
    pub identity: String,
    pub enabled: bool,
}

/// A policy that names a role, and one of the others that it names.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct PolicyRow {
    pub policy: Oid,
    pub role: Oid,
    /// There is another, PUBLIC if it has no name.
    pub shared: bool,
    pub other: Option<String>,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct DefaultListRow {
    pub list: Oid,
    pub to_public: bool,
    pub grantee: Option<String>,
}

/// What the access lists of one database hold of one class and privilege; or, with an object, one entry that
/// names a tracked role.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct AclScanRow {
    pub class: String,
    pub privilege: String,
    /// Objects that users made and PUBLIC has it on.
    pub to_public: Option<i64>,
    /// The agent's role, or one it holds, is grantee.
    pub own: Option<bool>,
    /// Objects that list a role which no longer exists.
    pub dangling: Option<i64>,
    /// The tracked role that the entry is about: its grantee or its grantor. One that is about two is there twice.
    pub role: Option<Oid>,
    pub catalog: Option<Oid>,
    pub object: Option<Oid>,
    pub sub_object: Option<i32>,
    pub owner: Option<Oid>,
    pub grantee: Option<Oid>,
    pub grantor: Option<Oid>,
    pub grantable: Option<bool>,
}

impl AclScanRow {
    /// The entry, if it is one.
    pub(super) fn entry(&self) -> Option<AclRow> {
        Some(AclRow {
            class: self.catalog?,
            object: self.object?,
            sub_object: self.sub_object?,
            owner: self.owner?,
            grantee: self.grantee?,
            grantor: self.grantor?,
            privilege: self.privilege.clone(),
            grantable: self.grantable?,
        })
    }
}

/// An entry of an access list that all databases share.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct SharedAclRow {
    #[sqlx(flatten)]
    pub entry: AclRow,
    /// The agent's role, or one it holds, is grantee.
    pub own: bool,
}

/// A privilege that the agent's role lacks.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct SightRow {
    pub object: String,
    pub fix: String,
}

/// A line of `pg_hba.conf` or `pg_ident.conf` that names somebody, or is in error.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct LineRow {
    pub file: Option<String>,
    pub line: Option<i32>,
    pub role: Option<Oid>,
    pub word: Option<String>,
    pub rule: Option<String>,
    pub error: Option<String>,
    /// It is the user of the system whom it names, and not the role that it lets in.
    #[sqlx(default)]
    pub system: bool,
    /// The name by which that user is meant.
    #[sqlx(default)]
    pub caller: Option<String>,
    /// As whom that user comes in.
    #[sqlx(default)]
    pub leads: Option<String>,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct FileStateRow {
    pub file: String,
    pub changed_us: i64,
    pub loaded_us: i64,
    pub newer: bool,
    pub unsure: bool,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct SlotRow {
    pub name: String,
    pub kind: String,
    pub database: Option<String>,
    pub pid: Option<i32>,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct ExtensionRow {
    pub name: String,
    pub agent: String,
    pub may_enter: bool,
    pub may_select: bool,
    pub sees_all: bool,
}

/// Where pg_cron keeps its jobs.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct CronRow {
    pub database: Option<String>,
    pub hidden: bool,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct JobRow {
    pub job: i64,
    pub name: String,
    pub database: String,
    pub active: bool,
    pub role: Option<Oid>,
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct SurveyRow {
    pub version_num: i32,
    pub agent_role: String,
    pub superuser: bool,
    pub database: String,
    pub cron_database: Option<String>,
    pub closed: Vec<String>,
}
