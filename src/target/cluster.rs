//! What the whole cluster shares: roles, memberships, settings, `pg_shdepend`, sessions.

use super::jobs::Home;
use super::rows::{DatabaseRow, DependencyRow, PreparedRow, RoleRow, RoleSettingRow, SelfTestRow};
use super::session::Session;
use super::share::{Partly, of_each};
use super::standby::{self, Standing, Streams};
use super::statements::{self as sql, Statement};
use super::{
    Wanted, activity, attributes, before, catalog, credentials, hba, ident, memberships, prepared,
    selftest, server, shared, slots,
};
use crate::domain::ids::RoleOid;
use crate::domain::observation::{Cause, RosterRole};
use crate::domain::plan::Membership;
use crate::domain::residual::{AccountRef, Residual, ResidualKind as K, Strength as S};
use crate::domain::strength::Known;
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use sqlx::postgres::types::Oid;
use std::collections::{BTreeMap, BTreeSet};

/// OID of `pg_catalog.pg_auth_members`, the same on every server.
const PG_AUTH_MEMBERS: u32 = 1261;
/// OID of `pg_catalog.pg_subscription`, the same on every server.
const PG_SUBSCRIPTION: u32 = 6100;

/// What the databases' part of the look needs of the cluster's part.
#[derive(Default)]
pub(super) struct Cluster {
    pub(super) target: String,
    pub(super) version_num: i32,
    names: BTreeMap<u32, String>,
    called: BTreeSet<String>,
    pub(super) superusers: BTreeSet<String>,
    pub(super) tracked: BTreeSet<u32>,
    pub(super) databases: Vec<DatabaseRow>,
    pub(super) dependencies: Vec<DependencyRow>,
    /// Roles of which `pg_shdepend` has more than was read.
    pub(super) cut: BTreeSet<u32>,
    pub(super) memberships: Vec<Membership>,
    pub(super) cron: Home,
    /// Databases that have prepared transactions.
    pub(super) prepared_in: BTreeSet<String>,
    /// Up to where the snapshot was written, where that was asked.
    pub(super) written: Option<i64>,
    /// What standbys are compared with.
    pub(super) standing: Standing,
    pub(super) streams: Streams,
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

    /// Whether a role is called so.
    pub(super) fn has_role_called(&self, name: &str) -> bool {
        self.called.contains(name)
    }

    /// Whether the roles of the cluster were read.
    pub(super) fn knows_roles(&self) -> bool {
        !self.names.is_empty()
    }

    /// Every role of the cluster as one parameter.
    pub(super) fn known_oids(&self) -> Vec<Oid> {
        self.names.keys().copied().map(Oid).collect()
    }

    /// The tracked OIDs as one parameter.
    pub(super) fn tracked_oids(&self) -> Vec<Oid> {
        self.tracked.iter().copied().map(Oid).collect()
    }

    /// Residual in a database that is not read itself: by class and OID, since names lie in that database.
    pub(super) fn by_dependency_alone(&self, database: &DatabaseRow) -> Vec<Residual> {
        self.by_dependency(database.oid, Some(&database.name))
    }

    /// Residual on what all databases share, when its access lists could not be read.
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
                    "o" if row.class.0 == PG_SUBSCRIPTION => K::Subscription,
                    "o" => K::Ownership,
                    "r" => K::Policy,
                    _ => K::Privilege,
                };
                // Whether it is switched on was not read: then it counts as on.
                let known = if kind == K::Subscription {
                    Known { runs: true, ..Known::NOTHING }
                } else {
                    Known::NOTHING
                };
                let strength = S::of(kind, known);
                let mut found = Residual::new(kind, strength, self.account(row.role.0));
                found.database = name.map(str::to_owned);
                found.object = Some(catalog::unnamed(row.class.0, row.object.0));
                found.privilege = (kind == K::Privilege).then(|| "a privilege".to_owned());
                found.rows = vec![catalog::dependency(row)];
                found.described()
            })
            .collect()
    }
}

/// Reads the cluster's part of the look; `follow` if other instances are to be compared with it.
pub(super) async fn read(
    session: &mut Session<'_>,
    wanted: &Wanted,
    required: &BTreeSet<K>,
    follow: bool,
) -> Cluster {
    let mut cluster = Cluster { target: session.observation.target.clone(), ..Cluster::default() };

    session.begin().await;
    server::begin_with(session).await;
    cluster.version_num = session.observation.server.as_ref().map_or(0, |s| s.version_num);
    self_test(session).await;
    let admitted = before::admitted(session).await;
    session.end().await;

    let mut before = before::read(session, admitted).await;

    session.begin().await;
    // The snapshot is taken: whatever it shows was written before this.
    cluster.written = standby::written(session, follow).await;
    let mut roles: Option<Vec<RoleRow>> = session.rows(&sql::ROLES, PgArguments::default()).await;
    // Ours to sort: the server's processor is not.
    if let Some(roles) = &mut roles {
        roles.sort_unstable_by_key(|role| role.oid.0);
    }
    let roles = roles.unwrap_or_default();
    track(&mut cluster, session, wanted, &roles);
    before.doubt(session, &cluster, &roles);
    attributes::held(session, &cluster, &roles);
    // What follows a statement that is refused is of a newer snapshot. Roles and memberships decide every kind of question,
    // so they come first, and what decides few comes last.
    let edges = memberships::rows(session, cluster.version_num).await;
    let mut partly = Partly::default();
    cluster.dependencies =
        of_each(session, &cluster, &sql::DEPENDENCIES, &mut partly).await.unwrap_or_default();
    cluster.cut = partly.roles();
    partly.tell(session.observation);
    cluster.databases =
        session.rows(&sql::DATABASES, PgArguments::default()).await.unwrap_or_default();
    cluster.memberships = memberships::read(session, &cluster, &roles, &edges);
    cluster.standing = Standing::of(&cluster.tracked, &roles, &edges, &cluster.dependencies);
    shared::read(session, &cluster).await;
    role_settings(session, &cluster).await;
    credentials::read(session, wanted).await;
    session.end().await;

    before::sessions(session, &cluster, &mut before).await;
    slots::read(session).await;
    selftest::sessions(session).await;
    activity::read(session, wanted).await;
    cluster.streams.count(session).await;
    // Once more, and last: a session of which nobody saw anything but its end may have prepared one.
    let prepared: Vec<PreparedRow> =
        session.rows(&sql::PREPARED, PgArguments::default()).await.unwrap_or_default();
    session.end().await;
    let mut prepared = prepared::both(before.prepared, prepared);
    prepared::judge(session, &cluster, &prepared);
    cluster.prepared_in = prepared.drain(..).filter_map(|row| row.database).collect();
    if let Some(activity) = &mut session.observation.activity {
        let logins = roles.iter().filter(|role| role.has(RoleRow::LOGIN));
        activity.logins = logins.map(|role| RoleOid(role.oid.0)).collect();
    }

    hba::read(session, &cluster, wanted, required.contains(&K::HbaRule)).await;
    ident::read(session, &cluster, wanted, required.contains(&K::IdentMap)).await;
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

async fn self_test(session: &mut Session<'_>) {
    let rows: Option<Vec<SelfTestRow>> =
        session.rows(&sql::SELF_TEST, PgArguments::default()).await;
    for row in rows.unwrap_or_default().into_iter().filter(|row| !row.excess.is_empty()) {
        session.observation.excess.push(format!("{}: {}", row.role, row.excess));
    }
}

fn track(cluster: &mut Cluster, session: &mut Session<'_>, wanted: &Wanted, roles: &[RoleRow]) {
    cluster.names = roles.iter().map(|role| (role.oid.0, role.name.clone())).collect();
    cluster.called = roles.iter().map(|role| role.name.clone()).collect();
    let superusers = roles.iter().filter(|role| role.has(RoleRow::SUPERUSER));
    cluster.superusers = superusers.map(|role| role.name.clone()).collect();
    let mut tracked: BTreeSet<u32> = wanted.oids.iter().map(|oid| oid.0).collect();
    // A new role under a name that a tracked one bears, or that was asked for, is looked at at once.
    tracked.extend(roles.iter().filter(|r| wanted.names.contains(&r.name)).map(|r| r.oid.0));
    session.observation.tracked = tracked.iter().copied().map(RoleOid).collect();
    let logins = roles.iter().filter(|role| role.has(RoleRow::LOGIN));
    session.observation.logins = logins.map(|role| RoleOid(role.oid.0)).collect();
    session.observation.roster = roles
        .iter()
        .map(|role| RosterRole { oid: RoleOid(role.oid.0), name: role.name.clone() })
        .collect();
    cluster.tracked = tracked;
}

async fn role_settings(session: &mut Session<'_>, cluster: &Cluster) {
    let rows: Option<Vec<RoleSettingRow>> =
        with_tracked(session, cluster, &sql::ROLE_SETTINGS).await;
    for row in rows.unwrap_or_default() {
        let mut found = Residual::new(
            K::RoleSetting,
            S::of(K::RoleSetting, Known::NOTHING),
            cluster.account(row.role.0),
        );
        found.database = row.database;
        // The name of the setting only: a value may hold a secret.
        found.privilege = row.setting.split_once('=').map(|(name, _)| name.to_owned());
        session.observation.residual.push(found.described());
    }
}
