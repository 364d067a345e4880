//! One database: access lists and owners, both evidence paths in one snapshot.

use super::cluster::{Cluster, same_server, with_tracked};
use super::compare::{Evidence, compare};
use super::jobs;
use super::rows::{
    AclRow, DatabaseRow, DefaultListRow, DependencyRow, IdentityRow, OwnedRow, PolicyRow,
    PublicGrantRow,
};
use super::session::Session;
use super::statements as sql;
use crate::domain::observation::Cause;
use crate::domain::residual::ResidualKind;
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use sqlx::postgres::types::Oid;
use std::collections::BTreeSet;

/// Reads one database's part of the look; gives whether all of it could be read.
pub(super) async fn read(
    session: &mut Session<'_>,
    cluster: &Cluster,
    database: &DatabaseRow,
) -> bool {
    let before = session.observation.gaps.len();
    session.begin().await;
    let same = same_server(session).await;
    jobs::read(session, cluster).await;
    ambient(session, database).await;
    let acl_statement = if cluster.version_num >= 150_000 { sql::ACL_15 } else { sql::ACL_13 };
    let acl: Option<Vec<AclRow>> = with_tracked(session, cluster, &acl_statement).await;
    let owned: Option<Vec<OwnedRow>> = with_tracked(session, cluster, &sql::OWNED).await;
    let local: Option<Vec<DependencyRow>> =
        with_tracked(session, cluster, &sql::LOCAL_DEPENDENCIES).await;
    let policies: Option<Vec<PolicyRow>> = with_tracked(session, cluster, &sql::POLICIES).await;
    let lists: Option<Vec<DefaultListRow>> =
        with_tracked(session, cluster, &sql::DEFAULT_LISTS).await;

    let complete = same && acl.is_some() && owned.is_some() && local.is_some();
    let mut evidence = Evidence {
        acl: acl.unwrap_or_default(),
        owned: owned.unwrap_or_default(),
        dependencies: local.unwrap_or_default(),
        policies: policies.unwrap_or_default(),
        default_lists: lists.unwrap_or_default(),
        identities: Vec::new(),
    };
    evidence.identities = identities(session, &evidence).await;
    session.end().await;

    let compared = compare(cluster, database, &evidence);
    session.observation.residual.extend(compared.residual);
    if complete && session.observation.gaps.len() == before {
        let unexplained =
            compared.unexplained.into_iter().chain(gone_since(cluster, database, &evidence));
        for reason in unexplained {
            session.gap_at(ResidualKind::Privilege, Cause::Internal, &reason, "acl");
        }
    }
    if !complete {
        // Names could not be read; presence is proved all the same.
        session.observation.residual.extend(cluster.by_dependency_alone(database));
    }
    complete
}

/// What the look's first snapshot had in this database and this one has not: removed in between, or another
/// server answered. The next look tells.
fn gone_since(cluster: &Cluster, database: &DatabaseRow, evidence: &Evidence) -> Vec<String> {
    let still = |row: &DependencyRow| {
        evidence.dependencies.iter().any(|now| {
            (now.role, now.class, now.object, now.sub_object, &now.kind)
                == (row.role, row.class, row.object, row.sub_object, &row.kind)
        })
    };
    let gone = cluster
        .dependencies
        .iter()
        .filter(|row| row.database == database.oid && !still(row))
        .count();
    if gone == 0 {
        return Vec::new();
    }
    vec![format!("{gone} dependencies that were there when the look began are not there now")]
}

async fn ambient(session: &mut Session<'_>, database: &DatabaseRow) {
    let rows: Option<Vec<PublicGrantRow>> =
        session.rows(&sql::PUBLIC_GRANTS, PgArguments::default()).await;
    for row in rows.unwrap_or_default() {
        session.observation.ambient.push(format!(
            "PUBLIC has {} on {} {}{} in database {}",
            row.privilege,
            row.objects,
            row.class,
            if row.objects == 1 { "" } else { "s" },
            database.name
        ));
    }
    let writes: Option<Vec<(String,)>> =
        session.rows(&sql::SELF_WRITES, PgArguments::default()).await;
    let writes: Vec<String> = writes.unwrap_or_default().into_iter().map(|(word,)| word).collect();
    if !writes.is_empty() {
        session.observation.excess.push(format!(
            "{} granted in database {}",
            writes.join(", "),
            database.name
        ));
    }
}

/// Names of everything found.
async fn identities(session: &mut Session<'_>, evidence: &Evidence) -> Vec<IdentityRow> {
    let mut keys: BTreeSet<(u32, u32, i32)> = BTreeSet::new();
    keys.extend(evidence.acl.iter().map(|row| (row.class.0, row.object.0, row.sub_object)));
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
