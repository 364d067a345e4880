//! One database, read whole: access lists and owners, both evidence paths in one snapshot.

use super::cluster::{Cluster, with_tracked};
use super::compare::{Evidence, PG_DEFAULT_ACL, PG_POLICY, compare};
use super::jobs;
use super::memory::Found;
use super::rows::{
    AclRow, AclScanRow, DatabaseRow, DefaultListRow, DependencyRow, IdentityRow, OwnedRow,
    PolicyRow,
};
use super::session::Session;
use super::share::of_each;
use super::statements as sql;
use crate::domain::observation::Cause;
use crate::domain::residual::ResidualKind;
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use sqlx::postgres::types::Oid;
use std::collections::BTreeSet;

/// Privileges that an agent which only looks does not need.
const WRITES: &[&str] =
    &["INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "MAINTAIN", "CREATE", "TEMPORARY"];

/// What one database gave.
pub(super) struct Read {
    pub(super) found: Found,
    /// Everything could be read: what was not found is not there.
    pub(super) whole: bool,
}

/// How often this database's access was written, as far as the server's statistics know. To be read before the
/// snapshot that it speaks for: what is written in between is then counted as new.
pub(super) async fn changes(session: &mut Session<'_>) -> Option<String> {
    session.begin().await;
    let rows: Option<Vec<(Option<String>,)>> =
        session.rows(&sql::CHANGES, PgArguments::default()).await;
    session.end().await;
    rows.and_then(|mut rows| rows.pop()).and_then(|(written,)| written)
}

/// Reads one database's part of the look.
pub(super) async fn read(
    session: &mut Session<'_>,
    cluster: &Cluster,
    database: &DatabaseRow,
) -> Read {
    let before = session.troubles();
    let covered = session.observation.coverage.len();
    session.begin().await;
    let mut found = jobs_of(session, cluster).await;
    let partly = &mut found.partly;
    let scan: Option<Vec<AclScanRow>> = of_each(session, cluster, &sql::ACL_SCAN, partly).await;
    let owned: Option<Vec<OwnedRow>> = of_each(session, cluster, &sql::OWNED, partly).await;
    let local: Option<Vec<DependencyRow>> =
        of_each(session, cluster, &sql::LOCAL_DEPENDENCIES, partly).await;
    let policies: Option<Vec<PolicyRow>> = of_each(session, cluster, &sql::POLICIES, partly).await;
    for_everybody(session, database, scan.as_deref().unwrap_or_default(), &mut found).await;

    let complete = scan.is_some() && owned.is_some() && local.is_some();
    let mut evidence = Evidence {
        acl: entries(scan.as_deref().unwrap_or_default()),
        owned: owned.unwrap_or_default(),
        dependencies: local.unwrap_or_default(),
        policies: policies.unwrap_or_default(),
        cut: found.partly.roles(),
        ..Evidence::default()
    };
    default_lists(session, cluster, &mut evidence).await;
    evidence.identities = identities(session, &evidence).await;
    session.end().await;

    let compared = compare(cluster, Some(&database.name), &evidence);
    found.residual.extend(compared.residual);
    if complete && session.troubles() == before {
        let unexplained =
            compared.unexplained.into_iter().chain(gone_since(cluster, database, &evidence));
        for reason in unexplained {
            session.gap_at(ResidualKind::Privilege, Cause::Internal, &reason, "acl");
        }
    }
    if !complete {
        // Names could not be read; presence is proved all the same.
        found.residual.extend(cluster.by_dependency_alone(database));
    }
    found.coverage = session.observation.coverage.get(covered..).unwrap_or_default().to_vec();
    Read { found, whole: complete && session.troubles() == before }
}

/// The entries, each once: one between two tracked roles comes for each of them.
fn entries(scan: &[AclScanRow]) -> Vec<AclRow> {
    let key = |row: &AclRow| {
        let object = (row.class.0, row.object.0, row.sub_object);
        (object, row.grantee.0, row.grantor.0, row.privilege.clone(), row.grantable)
    };
    let mut seen = BTreeSet::new();
    scan.iter().filter_map(AclScanRow::entry).filter(|row| seen.insert(key(row))).collect()
}

/// What runs by itself in this database, apart from the look: it is remembered with the rest.
async fn jobs_of(session: &mut Session<'_>, cluster: &Cluster) -> Found {
    let (residual, ambient) =
        (session.observation.residual.len(), session.observation.ambient.len());
    jobs::read(session, cluster).await;
    Found {
        residual: session.observation.residual.split_off(residual),
        ambient: session.observation.ambient.split_off(ambient),
        ..Found::default()
    }
}

/// Whom the default privileges made by tracked roles favour, read only when such a role has some.
async fn default_lists(session: &mut Session<'_>, cluster: &Cluster, evidence: &mut Evidence) {
    let classes = evidence.owned.iter().map(|row| row.class.0);
    let mut classes = classes.chain(evidence.dependencies.iter().map(|row| row.class.0));
    if !classes.any(|class| class == PG_DEFAULT_ACL) {
        return;
    }
    let lists: Option<Vec<DefaultListRow>> =
        with_tracked(session, cluster, &sql::DEFAULT_LISTS).await;
    evidence.default_lists = lists.unwrap_or_default();
}

/// What the look's first snapshot had in this database and this one has not: removed in between, or another
/// server answered. The next look tells.
fn gone_since(cluster: &Cluster, database: &DatabaseRow, evidence: &Evidence) -> Vec<String> {
    let key = |row: &DependencyRow| {
        let kind = row.kind.bytes().next();
        (row.role.0, row.class.0, row.object.0, row.sub_object, kind)
    };
    let now: BTreeSet<_> = evidence.dependencies.iter().map(key).collect();
    let gone = cluster
        .dependencies
        .iter()
        .filter(|row| row.database == database.oid && !evidence.cut.contains(&row.role.0))
        .filter(|row| !now.contains(&key(row)))
        .count();
    if gone == 0 {
        return Vec::new();
    }
    vec![format!("{gone} dependencies that were there when the look began are not there now")]
}

/// What everybody has, what nobody can use any more, and what the agent itself was given.
async fn for_everybody(
    session: &mut Session<'_>,
    database: &DatabaseRow,
    scan: &[AclScanRow],
    found: &mut Found,
) {
    let name = &database.name;
    let several = |count: i64| if count == 1 { "" } else { "s" };
    for row in scan {
        let objects = row.to_public.unwrap_or_default();
        if objects > 0 {
            found.ambient.push(format!(
                "PUBLIC has {} on {objects} {}{} in database {name}",
                row.privilege,
                row.class,
                several(objects)
            ));
        }
        let objects = row.dangling.unwrap_or_default();
        if objects > 0 {
            found.ambient.push(format!(
                "{objects} {}{} in database {name} list for {} a role that no longer exists",
                row.class,
                several(objects),
                row.privilege
            ));
        }
    }
    let rows: Option<Vec<(i64,)>> = session.rows(&sql::OPEN_ROUTINES, PgArguments::default()).await;
    let open = rows.and_then(|mut rows| rows.pop()).map_or(0, |(routines,)| routines);
    if open > 0 {
        found.ambient.push(format!(
            "PUBLIC may execute {open} SECURITY DEFINER routine{} in database {name}",
            several(open)
        ));
    }
    found.ambient.sort();
    let writes: BTreeSet<&str> = scan
        .iter()
        .filter(|row| row.own == Some(true))
        .map(|row| row.privilege.as_str())
        .filter(|privilege| WRITES.contains(privilege))
        .collect();
    if !writes.is_empty() {
        let writes: Vec<&str> = writes.into_iter().collect();
        found.excess.push(format!("{} granted in database {name}", writes.join(", ")));
    }
}

/// Names of everything found.
pub(super) async fn identities(session: &mut Session<'_>, evidence: &Evidence) -> Vec<IdentityRow> {
    let mut keys: BTreeSet<(u32, u32, i32)> = BTreeSet::new();
    keys.extend(evidence.acl.iter().map(|row| (row.class.0, row.object.0, row.sub_object)));
    keys.extend(evidence.policies.iter().map(|row| (PG_POLICY, row.policy.0, 0)));
    keys.extend(evidence.owned.iter().map(|row| (row.class.0, row.object.0, 0)));
    keys.extend(
        evidence.dependencies.iter().map(|row| (row.class.0, row.object.0, row.sub_object)),
    );
    if keys.is_empty() {
        return Vec::new();
    }
    let classes: Vec<Oid> = keys.iter().map(|key| Oid(key.0)).collect();
    let objects: Vec<Oid> = keys.iter().map(|key| Oid(key.1)).collect();
    let subs: Vec<i32> = keys.iter().map(|key| key.2).collect();
    let mut arguments = PgArguments::default();
    let bound = arguments
        .add(classes)
        .and_then(|()| arguments.add(objects))
        .and_then(|()| arguments.add(subs));
    if bound.is_err() {
        session.gap(&sql::IDENTIFY, Cause::Internal, "the objects could not be bound");
        return Vec::new();
    }
    session.rows(&sql::IDENTIFY, arguments).await.unwrap_or_default()
}
