//! What all databases share, by both paths of evidence, in the snapshot of the roles.

use super::cluster::{Cluster, with_tracked};
use super::compare::{Evidence, compare};
use super::database::identities;
use super::rows::{OwnedRow, SharedAclRow};
use super::session::Session;
use super::statements as sql;
use crate::domain::observation::Cause;
use crate::domain::residual::ResidualKind;
use sqlx::postgres::PgArguments;
use std::collections::BTreeSet;

/// Access lists and owners of databases, tablespaces and parameters, and owners of subscriptions.
pub(super) async fn read(session: &mut Session<'_>, cluster: &Cluster) {
    let before = session.observation.gaps.len();
    let statement =
        if cluster.version_num >= 150_000 { sql::SHARED_ACL_15 } else { sql::SHARED_ACL_13 };
    let acl: Option<Vec<SharedAclRow>> = session.rows(&statement, PgArguments::default()).await;
    let mut owned: Option<Vec<OwnedRow>> = with_tracked(session, cluster, &sql::SHARED_OWNED).await;
    if cluster.version_num >= sql::SUBSCRIPTIONS.since {
        let rows: Option<Vec<OwnedRow>> = with_tracked(session, cluster, &sql::SUBSCRIPTIONS).await;
        owned = owned.zip(rows).map(|(owned, rows)| [owned, rows].concat());
    }
    let complete = acl.is_some() && owned.is_some();
    let acl = acl.unwrap_or_default();
    excess(session, &acl);
    let tracked: BTreeSet<u32> = cluster.tracked.iter().copied().collect();
    let mut evidence = Evidence {
        acl: acl
            .into_iter()
            .map(|row| row.entry)
            .filter(|row| tracked.contains(&row.grantee.0) || tracked.contains(&row.grantor.0))
            .collect(),
        owned: owned.unwrap_or_default(),
        dependencies: cluster
            .dependencies
            .iter()
            .filter(|row| row.database.0 == 0)
            .cloned()
            .collect(),
        ..Evidence::default()
    };
    evidence.identities = identities(session, &evidence).await;
    let compared = compare(cluster, None, &evidence);
    session.observation.residual.extend(compared.residual);
    if complete && session.observation.gaps.len() == before {
        for reason in compared.unexplained {
            session.gap_at(ResidualKind::Privilege, Cause::Internal, &reason, statement.name);
        }
    }
    if !complete {
        // Names could not be read; presence is proved all the same.
        session.observation.residual.extend(cluster.shared_by_dependency_alone());
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
