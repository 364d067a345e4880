//! What all databases share, by both paths of evidence, in the snapshot of the roles.

use super::cluster::{Cluster, with_tracked};
use super::compare::{Evidence, compare};
use super::database::identities;
use super::rows::{OwnedRow, SharedAclRow, SubscriptionRow};
use super::session::Session;
use super::statements as sql;
use crate::domain::observation::Cause;
use crate::domain::residual::ResidualKind;
use sqlx::postgres::PgArguments;
use std::collections::{BTreeMap, BTreeSet};

/// OID of `pg_catalog.pg_database`, the same on every server.
const PG_DATABASE: u32 = 1262;
/// OID of `pg_catalog.pg_tablespace`, the same on every server.
const PG_TABLESPACE: u32 = 1213;

/// Access lists and owners of databases, tablespaces and parameters, and owners of subscriptions.
pub(super) async fn read(session: &mut Session<'_>, cluster: &Cluster) {
    let before = session.troubles();
    let statement =
        if cluster.version_num >= 150_000 { sql::SHARED_ACL_15 } else { sql::SHARED_ACL_13 };
    let acl: Option<Vec<SharedAclRow>> = session.rows(&statement, PgArguments::default()).await;
    let mut owned: Option<Vec<OwnedRow>> = with_tracked(session, cluster, &sql::SHARED_OWNED).await;
    let since = sql::SUBSCRIPTIONS.since;
    let subscriptions =
        if cluster.version_num >= since { sql::SUBSCRIPTIONS } else { sql::SUBSCRIPTIONS_13 };
    let rows: Option<Vec<OwnedRow>> = with_tracked(session, cluster, &subscriptions).await;
    owned = owned.zip(rows).map(|(owned, rows)| [owned, rows].concat());
    let complete = acl.is_some() && owned.is_some();
    let acl = acl.unwrap_or_default();
    ambient(session, &acl);
    excess(session, &acl);
    let mut evidence = Evidence {
        acl: acl
            .into_iter()
            .map(|row| row.entry)
            .filter(|row| {
                cluster.tracked.contains(&row.grantee.0) || cluster.tracked.contains(&row.grantor.0)
            })
            .collect(),
        owned: owned.unwrap_or_default(),
        dependencies: cluster
            .dependencies
            .iter()
            .filter(|row| row.database.0 == 0)
            .cloned()
            .collect(),
        cut: cluster.cut.clone(),
        ..Evidence::default()
    };
    evidence.identities = identities(session, &evidence).await;
    if evidence.identities.iter().any(|row| row.catalog == "pg_subscription") {
        let rows: Option<Vec<SubscriptionRow>> =
            session.rows(&sql::SUBSCRIPTIONS_ENABLED, PgArguments::default()).await;
        evidence.subscriptions = rows.unwrap_or_default();
    }
    let compared = compare(cluster, None, &evidence);
    session.observation.residual.extend(compared.residual);
    if complete && session.troubles() == before {
        for reason in compared.unexplained {
            session.gap_at(ResidualKind::Privilege, Cause::Internal, &reason, statement.name);
        }
    }
    if !complete {
        // Names could not be read; presence is proved all the same.
        session.observation.residual.extend(cluster.shared_by_dependency_alone());
    }
}

/// What everybody has there beyond what every database gives: CONNECT and TEMPORARY.
fn ambient(session: &mut Session<'_>, acl: &[SharedAclRow]) {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in acl.iter().map(|row| &row.entry).filter(|row| row.grantee.0 == 0) {
        let class = match row.class.0 {
            PG_DATABASE => "database",
            PG_TABLESPACE => "tablespace",
            _ => "parameter",
        };
        if class != "database" || row.privilege == "CREATE" {
            *counts.entry((class, row.privilege.as_str())).or_default() += 1;
        }
    }
    for ((class, privilege), count) in counts {
        let several = if count == 1 { "" } else { "s" };
        session
            .observation
            .ambient
            .push(format!("PUBLIC has {privilege} on {count} {class}{several}"));
    }
}

/// What the agent's role was granted there beyond connecting.
fn excess(session: &mut Session<'_>, acl: &[SharedAclRow]) {
    let words: BTreeSet<&str> = acl
        .iter()
        .filter(|row| row.own && row.entry.privilege != "CONNECT")
        .map(|row| row.entry.privilege.as_str())
        .collect();
    if !words.is_empty() {
        let words: Vec<&str> = words.into_iter().collect();
        session
            .observation
            .excess
            .push(format!("{} granted on what all databases share", words.join(", ")));
    }
}
