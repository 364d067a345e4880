//! What the whole cluster shares: roles, memberships, settings, `pg_shdepend`, sessions.

use super::rows::{
    DatabaseRow, DependencyRow, PreparedRow, RoleRow, RoleSettingRow, SelfTestRow, ServerRow,
};
use super::session::Session;
use super::statements::{self as sql, Statement};
use super::{Wanted, memberships, prepared, sessions};
use crate::clock;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::{Cause, RosterRole, Server};
use crate::domain::plan::Membership;
use crate::domain::residual::{AccountRef, Residual, ResidualKind as K, Strength as S};
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use sqlx::postgres::types::Oid;
use std::collections::{BTreeMap, BTreeSet};

/// OID of `pg_catalog.pg_auth_members`, the same on every server.
const PG_AUTH_MEMBERS: u32 = 1261;

/// What the databases' part of the look needs of the cluster's part.
#[derive(Default)]
pub(super) struct Cluster {
    pub(super) target: String,
    pub(super) version_num: i32,
    pub(super) names: BTreeMap<u32, String>,
    pub(super) superusers: BTreeSet<String>,
    pub(super) tracked: Vec<u32>,
    pub(super) databases: Vec<DatabaseRow>,
    pub(super) dependencies: Vec<DependencyRow>,
    pub(super) memberships: Vec<Membership>,
}

impl Cluster {
    /// Present name of a role.
    pub(super) fn role_name(&self, oid: u32) -> Option<&str> {
        self.names.get(&oid).map(String::as_str)
    }

    /// The account as shown.
    pub(super) fn account(&self, oid: u32) -> AccountRef {
        AccountRef {
            target: self.target.clone(),
            oid: RoleOid(oid),
            role: self.role_name(oid).map(str::to_owned),
        }
    }

    /// The tracked OIDs as one parameter.
    pub(super) fn tracked_oids(&self) -> Vec<Oid> {
        self.tracked.iter().copied().map(Oid).collect()
    }

    /// Residual in a database that is not read itself: by class and OID, since names lie in that database.
    pub(super) fn by_dependency_alone(&self, database: &DatabaseRow) -> Vec<Residual> {
        self.by_dependency(database.oid, Some(&database.name))
    }

    /// Residual on what all databases share, when no database could be read.
    pub(super) fn shared_by_dependency_alone(&self) -> Vec<Residual> {
        self.by_dependency(Oid(0), None)
    }

    fn by_dependency(&self, database: Oid, name: Option<&str>) -> Vec<Residual> {
        self.dependencies
            .iter()
            .filter(|row| row.database == database)
            // Since 16 a membership depends on its grantor. It is the member's, not the grantor's.
            .filter(|row| row.class.0 != PG_AUTH_MEMBERS)
            .map(|row| {
                let kind = match row.kind.as_str() {
                    "o" => K::Ownership,
                    "r" => K::Policy,
                    _ => K::Privilege,
                };
                let mut found = Residual::new(kind, S::Latent, self.account(row.role.0));
                found.database = name.map(str::to_owned);
                found.object = Some(format!("object {} of catalog {}", row.object.0, row.class.0));
                found.privilege = (kind == K::Privilege).then(|| "a privilege".to_owned());
                found.described()
            })
            .collect()
    }
}

/// Reads the cluster's part of the look.
pub(super) async fn read(session: &mut Session<'_>, wanted: &Wanted) -> Cluster {
    let mut cluster = Cluster { target: session.observation.target.clone(), ..Cluster::default() };

    // Before the snapshot: see sql/prepared.sql.
    session.begin().await;
    server(session, &mut cluster).await;
    let prepared: Option<Vec<PreparedRow>> =
        session.rows(&sql::PREPARED, PgArguments::default()).await;
    self_test(session).await;
    session.end().await;

    session.begin().await;
    let roles: Option<Vec<RoleRow>> = session.rows(&sql::ROLES, PgArguments::default()).await;
    track(&mut cluster, session, wanted, roles.as_deref().unwrap_or_default());
    roles_held(session, &cluster, roles.as_deref().unwrap_or_default());
    cluster.memberships = memberships::read(session, &cluster).await;
    role_settings(session, &cluster).await;
    cluster.dependencies =
        with_tracked(session, &cluster, &sql::DEPENDENCIES).await.unwrap_or_default();
    cluster.databases =
        session.rows(&sql::DATABASES, PgArguments::default()).await.unwrap_or_default();
    prepared::judge(session, &cluster, &prepared.unwrap_or_default());
    session.end().await;

    session.begin().await;
    sessions::read(session, &cluster).await;
    session.end().await;
    cluster
}

/// Runs a statement whose first parameter is the tracked OIDs.
pub(super) async fn with_tracked<T>(
    session: &mut Session<'_>,
    cluster: &Cluster,
    statement: &Statement,
) -> Option<Vec<T>>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    let mut arguments = PgArguments::default();
    if arguments.add(cluster.tracked_oids()).is_err() {
        session.gap(statement, Cause::Internal, "the OIDs could not be bound");
        return None;
    }
    session.rows(statement, arguments).await
}

/// Whether this connection reached the server that the look began with: behind a proxy it may not have.
pub(super) async fn same_server(session: &mut Session<'_>) -> bool {
    let rows: Option<Vec<ServerRow>> = session.rows(&sql::SERVER, PgArguments::default()).await;
    let Some(row) = rows.and_then(|mut rows| rows.pop()) else { return false };
    let Some(first) = &session.observation.server else { return false };
    let same = row.system_identifier == first.system_identifier.to_string()
        && (row.timeline, row.in_recovery) == (first.timeline, first.in_recovery);
    if !same {
        for surface in sql::DATABASE_SURFACES {
            session.gap_at(
                *surface,
                Cause::Internal,
                "this connection reached another server than the first one of the look",
                "server",
            );
        }
    }
    same
}

async fn server(session: &mut Session<'_>, cluster: &mut Cluster) {
    let asked = clock::now();
    let rows: Option<Vec<ServerRow>> = session.rows(&sql::SERVER, PgArguments::default()).await;
    let answered = clock::now();
    let Some(row) = rows.and_then(|mut rows| rows.pop()) else { return };
    let Ok(system_identifier) = row.system_identifier.parse() else {
        session.gap(&sql::SERVER, Cause::Internal, "system_identifier is not a number");
        return;
    };
    cluster.version_num = row.version_num;
    if row.in_recovery {
        // Its catalogs lag and it shows neither prepared transactions nor the primary's sessions: what it
        // shows is there, what it does not show may be there all the same.
        for surface in sql::CLUSTER_SURFACES {
            session.gap_at(*surface, Cause::Internal, "the server is a standby", "server");
        }
    }
    // Half the round trip is the best guess at when the server read its clock.
    let middle = i64::midpoint(asked.micros(), answered.micros());
    session.observation.server = Some(Server {
        system_identifier: SystemIdentifier(system_identifier),
        version: row.version,
        version_num: row.version_num,
        in_recovery: row.in_recovery,
        timeline: row.timeline,
        clock_skew_us: row.clock_us - middle,
        agent_role: row.agent_role,
    });
}

async fn self_test(session: &mut Session<'_>) {
    let rows: Option<Vec<SelfTestRow>> =
        session.rows(&sql::SELF_TEST, PgArguments::default()).await;
    for row in rows.unwrap_or_default().into_iter().filter(|row| !row.excess.is_empty()) {
        session.observation.excess.push(format!("{}: {}", row.role, row.excess));
    }
}

fn track(cluster: &mut Cluster, session: &mut Session<'_>, wanted: &Wanted, roles: &[RoleRow]) {
    cluster.names = roles.iter().map(|role| (role.oid.0, role.name.clone())).collect();
    cluster.superusers = roles.iter().filter(|r| r.superuser).map(|r| r.name.clone()).collect();
    let mut tracked: BTreeSet<u32> = wanted.oids.iter().map(|oid| oid.0).collect();
    // A new role under a name that a tracked one bears, or that was asked for, is looked at at once.
    tracked.extend(roles.iter().filter(|r| wanted.names.contains(&r.name)).map(|r| r.oid.0));
    session.observation.tracked = tracked.iter().copied().map(RoleOid).collect();
    session.observation.roster = roles
        .iter()
        .map(|role| RosterRole { oid: RoleOid(role.oid.0), name: role.name.clone() })
        .collect();
    cluster.tracked = tracked.into_iter().collect();
}

fn roles_held(session: &mut Session<'_>, cluster: &Cluster, roles: &[RoleRow]) {
    for role in roles.iter().filter(|role| cluster.tracked.contains(&role.oid.0)) {
        let account = cluster.account(role.oid.0);
        if role.can_login {
            let mut found = Residual::new(K::Login, S::CanLogIn, account.clone());
            found.detail = login_detail(role);
            session.observation.residual.push(found.described());
        }
        let attributes = [
            (role.superuser, "SUPERUSER", S::CanRegain),
            (role.create_role, "CREATEROLE", S::CanRegain),
            (role.create_db, "CREATEDB", S::Latent),
            (role.replication, "REPLICATION", S::Latent),
            (role.bypass_rls, "BYPASSRLS", S::Latent),
        ];
        for (_, name, strength) in attributes.into_iter().filter(|(has, _, _)| *has) {
            let mut found = Residual::new(K::Attribute, strength, account.clone());
            found.privilege = Some(name.to_owned());
            session.observation.residual.push(found.described());
        }
    }
}

/// Why something that looks like a block is none.
fn login_detail(role: &RoleRow) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(until) = role.valid_until.as_ref().filter(|_| role.expired) {
        parts.push(format!("VALID UNTIL {until} is past, but only password logins check it"));
    }
    if role.connection_limit == 0 {
        parts.push(
            "CONNECTION LIMIT 0 is lifted by one ALTER ROLE and not applied to superusers"
                .to_owned(),
        );
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

async fn role_settings(session: &mut Session<'_>, cluster: &Cluster) {
    let rows: Option<Vec<RoleSettingRow>> =
        with_tracked(session, cluster, &sql::ROLE_SETTINGS).await;
    for row in rows.unwrap_or_default() {
        let mut found = Residual::new(K::RoleSetting, S::Latent, cluster.account(row.role.0));
        found.database = row.database;
        // The name of the setting only: a value may hold a secret.
        found.privilege = row.setting.split_once('=').map(|(name, _)| name.to_owned());
        session.observation.residual.push(found.described());
    }
}
