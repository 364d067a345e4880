//! Every statement that is ever run on a target, in one table.
//!
//! A test prepares each on every supported server as a role without privileges.

use crate::domain::residual::ResidualKind as K;

/// One question to a target.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Name, as in the first line of its file.
    pub name: &'static str,
    /// Text.
    pub sql: &'static str,
    /// Surfaces that stay unread when it fails; the first one stands for it in the coverage. Empty: what
    /// it reads is shown but decides nothing.
    pub surfaces: &'static [K],
    /// Most rows it may give. One more is a gap.
    pub limit: i64,
    /// First `server_version_num` it is valid on.
    pub since: i32,
    /// First `server_version_num` it is no longer valid on.
    pub until: i32,
    /// Extension that has the tables it reads: it is valid only where that is installed.
    pub needs: Option<&'static str>,
}

macro_rules! statement {
    ($name:literal, $limit:expr, $surfaces:expr) => {
        statement!($name, $limit, $surfaces, 0, i32::MAX)
    };
    ($name:literal, $limit:expr, $surfaces:expr, $since:expr, $until:expr) => {
        Statement {
            name: $name,
            sql: include_str!(concat!("sql/", $name, ".sql")),
            surfaces: $surfaces,
            limit: $limit,
            since: $since,
            until: $until,
            needs: None,
        }
    };
}

/// Rows that one look may bring of things every cluster has many of.
const MANY: i64 = 200_000;
/// Rows that one look may bring of findings.
const FINDINGS: i64 = 20_000;
/// Rows that one statement may bring of one role: all privileges on some 700 tables. What is beyond stays open
/// for this role only.
pub(super) const SHARE: i64 = 5_000;
/// Rows of all roles together where each has its share: ten full ones.
const SHARES: i64 = 10 * SHARE;

pub(super) const SERVER: Statement = statement!("server", 1, &[K::Login]);
/// Run by every transaction itself; what it leaves unread is what was to be read there.
pub(super) const BEGIN: Statement = statement!("begin", 1, &[]);
pub(super) const DATABASES: Statement = statement!(
    "databases",
    MANY,
    &[
        K::Privilege,
        K::Ownership,
        K::Membership,
        K::DefaultPrivilege,
        K::Policy,
        K::DanglingAcl,
        K::Job
    ]
);
pub(super) const ROLES: Statement = statement!("roles", MANY, &[K::Login, K::Attribute]);
pub(super) const MEMBERSHIPS_13: Statement =
    statement!("memberships_13", MANY, &[K::Membership, K::AdminOption], 0, 160_000);
pub(super) const MEMBERSHIPS_16: Statement =
    statement!("memberships_16", MANY, &[K::Membership, K::AdminOption], 160_000, i32::MAX);
pub(super) const ROLE_SETTINGS: Statement =
    statement!("role_settings", FINDINGS, &[K::RoleSetting]);
pub(super) const DEPENDENCIES: Statement = statement!(
    "dependencies",
    SHARES,
    &[K::Ownership, K::Privilege, K::DefaultPrivilege, K::Policy, K::UserMapping, K::Subscription]
);
pub(super) const PREPARED: Statement = statement!("prepared", FINDINGS, &[K::PreparedTransaction]);
pub(super) const PREPARED_LOCKS: Statement =
    statement!("prepared_locks", FINDINGS, &[K::PreparedTransaction]);
pub(super) const SESSIONS: Statement =
    statement!("sessions", FINDINGS, &[K::Session, K::VanishedSession, K::Replication]);
pub(super) const INSTANCE_SESSIONS: Statement =
    statement!("instance_sessions", FINDINGS, &[K::Session, K::VanishedSession, K::Replication]);
pub(super) const ARRIVING: Statement =
    statement!("arriving", FINDINGS, &[K::Session, K::VanishedSession, K::Replication]);
pub(super) const ADMITTED: Statement =
    statement!("admitted", MANY, &[K::Session, K::VanishedSession, K::Replication]);
pub(super) const CONNECTED: Statement =
    statement!("connected", FINDINGS, &[K::Session, K::VanishedSession, K::Replication]);
pub(super) const WRITTEN: Statement = statement!("written", 1, LAGGING);
pub(super) const REPLAYED: Statement = statement!("replayed", 1, LAGGING);
pub(super) const RECEIVERS: Statement = statement!("receivers", 1, &[]);
/// Unread, nobody is taken for inactive.
pub(super) const ACTIVITY: Statement = statement!("activity", MANY, &[]);
pub(super) const SELF_TEST: Statement = statement!("self_test", 1_000, &[]);
pub(super) const SHARED_ACL_13: Statement =
    statement!("shared_acl_13", MANY, &[K::Privilege], 0, 150_000);
pub(super) const SHARED_ACL_15: Statement =
    statement!("shared_acl_15", MANY, &[K::Privilege], 150_000, i32::MAX);
pub(super) const SHARED_OWNED: Statement = statement!("shared_owned", FINDINGS, &[K::Ownership]);
pub(super) const ACL_SCAN: Statement =
    statement!("acl_scan", SHARES, &[K::Privilege, K::DefaultPrivilege, K::DanglingAcl]);
pub(super) const CHANGES: Statement = statement!("changes", 1, &[]);
pub(super) const OPEN_ROUTINES: Statement = statement!("open_routines", 1, &[]);
pub(super) const OWNED: Statement = statement!("owned", SHARES, &[K::Ownership, K::UserMapping]);
pub(super) const SUBSCRIPTIONS_13: Statement =
    statement!("subscriptions_13", FINDINGS, &[K::Subscription], 0, 140_000);
pub(super) const SUBSCRIPTIONS: Statement =
    statement!("subscriptions", FINDINGS, &[K::Subscription], 140_000, i32::MAX);
pub(super) const LOCAL_DEPENDENCIES: Statement =
    statement!("local_dependencies", SHARES, &[K::Privilege, K::Ownership, K::Policy]);
pub(super) const IDENTIFY: Statement = statement!(
    "identify",
    // Of objects in two lists, which may have been cut at different ones.
    4 * SHARES,
    // Which catalog an owned object is of decides what it is.
    &[K::Privilege, K::Ownership, K::Subscription, K::UserMapping, K::DefaultPrivilege]
);
/// Unread, an owned subscription counts as switched on.
pub(super) const SUBSCRIPTIONS_ENABLED: Statement =
    statement!("subscriptions_enabled", FINDINGS, &[]);
pub(super) const POLICIES: Statement = statement!("policies", SHARES, &[K::Policy]);
pub(super) const DEFAULT_LISTS: Statement =
    statement!("default_lists", FINDINGS, &[K::DefaultPrivilege]);
pub(super) const EXTENSIONS: Statement = statement!("extensions", 100, &[K::Job]);
pub(super) const JOBS: Statement =
    Statement { needs: Some("pg_cron"), ..statement!("jobs", FINDINGS, &[K::Job]) };
pub(super) const CRON_HOME: Statement = statement!("cron_home", 1, &[K::Job]);
pub(super) const SIGHT: Statement = statement!("sight", 100, &[]);
pub(super) const SLOTS: Statement = statement!("slots", 1_000, &[]);
pub(super) const HBA_RULES_13: Statement =
    statement!("hba_rules_13", FINDINGS, &[K::HbaRule], 0, 160_000);
pub(super) const HBA_RULES_16: Statement =
    statement!("hba_rules_16", FINDINGS, &[K::HbaRule], 160_000, i32::MAX);
pub(super) const IDENT_MAPS_15: Statement =
    statement!("ident_maps_15", FINDINGS, &[K::IdentMap], 150_000, 160_000);
pub(super) const IDENT_MAPS_16: Statement =
    statement!("ident_maps_16", FINDINGS, &[K::IdentMap], 160_000, i32::MAX);
pub(super) const FILE_STATE: Statement = statement!("file_state", 1_000, &[]);
pub(super) const SURVEY: Statement = statement!("survey", 1, &[]);
pub(super) const CREDENTIAL_TERMS: Statement =
    statement!("credential_terms", FINDINGS, &[K::Credential]);
pub(super) const CREDENTIALS: Statement = statement!("credentials", FINDINGS, &[K::Credential]);
/// Not a question: what holds for the configured statement that follows it.
pub(super) const PROBE_GUARD: Statement = statement!("probe_guard", 1, &[]);
pub(super) const BACKEND_PID: Statement = statement!("backend_pid", 1, &[]);

/// Surfaces that each instance of a cluster has for itself.
pub(super) const INSTANCE_SURFACES: &[K] = &[K::Session, K::VanishedSession, K::Replication];
/// Surfaces that a standby has as the primary had them earlier.
pub(super) const LAGGING: &[K] = &[
    K::Login,
    K::Attribute,
    K::Membership,
    K::AdminOption,
    K::Ownership,
    K::Privilege,
    K::Credential,
];
/// Who answers on a further instance: without it its sessions stay unread, and nothing else.
pub(super) const INSTANCE: Statement = Statement { surfaces: INSTANCE_SURFACES, ..SERVER };

/// Every statement, for the test that prepares them.
pub const STATEMENTS: &[Statement] = &[
    SERVER,
    BEGIN,
    DATABASES,
    ROLES,
    MEMBERSHIPS_13,
    MEMBERSHIPS_16,
    ROLE_SETTINGS,
    DEPENDENCIES,
    PREPARED,
    PREPARED_LOCKS,
    SESSIONS,
    INSTANCE_SESSIONS,
    ARRIVING,
    ADMITTED,
    CONNECTED,
    WRITTEN,
    REPLAYED,
    RECEIVERS,
    ACTIVITY,
    SELF_TEST,
    SHARED_ACL_13,
    SHARED_ACL_15,
    SHARED_OWNED,
    SUBSCRIPTIONS_13,
    SUBSCRIPTIONS,
    ACL_SCAN,
    CHANGES,
    OPEN_ROUTINES,
    OWNED,
    LOCAL_DEPENDENCIES,
    IDENTIFY,
    SUBSCRIPTIONS_ENABLED,
    POLICIES,
    DEFAULT_LISTS,
    EXTENSIONS,
    JOBS,
    CRON_HOME,
    SIGHT,
    SLOTS,
    HBA_RULES_13,
    HBA_RULES_16,
    IDENT_MAPS_15,
    IDENT_MAPS_16,
    FILE_STATE,
    SURVEY,
    CREDENTIAL_TERMS,
    CREDENTIALS,
    PROBE_GUARD,
    BACKEND_PID,
];

/// Surfaces that a look reads: what stays unread when nobody answers.
pub const CLUSTER_SURFACES: &[K] = &[
    K::Login,
    K::Attribute,
    K::Membership,
    K::AdminOption,
    K::RoleSetting,
    K::Ownership,
    K::Privilege,
    K::DefaultPrivilege,
    K::Policy,
    K::UserMapping,
    K::Subscription,
    K::PreparedTransaction,
    K::Session,
    K::VanishedSession,
    K::Replication,
    K::DanglingAcl,
    K::Job,
];

/// Surfaces of an instance's files, read where the agent's role may, and required where the configuration says so.
pub const FILES: &[K] = &[K::HbaRule, K::IdentMap];

/// Surfaces of one database: what stays unread when it cannot be connected to.
pub(super) const DATABASE_SURFACES: &[K] =
    &[K::Privilege, K::Ownership, K::DefaultPrivilege, K::Policy, K::DanglingAcl, K::Job];
