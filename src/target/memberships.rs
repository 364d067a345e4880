//! Who is a member of what, and what that reaches.

use super::cluster::Cluster;
use super::reach::Reach;
use super::rows::MembershipRow;
use super::session::Session;
use super::statements as sql;
use crate::domain::plan::Membership;
use crate::domain::plan::bootstrap::BOOTSTRAP;
use crate::domain::residual::{Dependent, Residual, ResidualKind as K, Strength as S};
use sqlx::postgres::PgArguments;
use sqlx::postgres::types::Oid;

/// Residual of every membership that a tracked role holds, directly or through others. Gives all memberships.
pub(super) async fn read(session: &mut Session<'_>, cluster: &Cluster) -> Vec<Membership> {
    let statement =
        if cluster.version_num >= 160_000 { sql::MEMBERSHIPS_16 } else { sql::MEMBERSHIPS_13 };
    let rows: Option<Vec<MembershipRow>> = session.rows(&statement, PgArguments::default()).await;
    let edges = rows.unwrap_or_default();
    let name = |oid: Oid| {
        cluster.role_name(oid.0).map_or_else(|| format!("role with OID {}", oid.0), str::to_owned)
    };
    let reach = Reach::by(&edges);
    for tracked in &cluster.tracked {
        for edge in edges.iter().filter(|edge| edge.member.0 == *tracked) {
            let mut found = Residual::new(K::Membership, S::Latent, cluster.account(*tracked));
            found.privilege = Some(name(edge.role));
            found.grantor = cluster.role_name(edge.grantor.0).map(str::to_owned);
            found.detail = Some(options_of(edge));
            if cluster.version_num >= 160_000 {
                found.dependents = dependents(edge, &edges, cluster);
                found.cascade = edges.iter().any(|other| depends(other, edge));
            }
            if edge.admin_option {
                let mut admin = found.clone();
                admin.kind = K::AdminOption;
                admin.strength = S::CanRegain;
                admin.grantable = true;
                session.observation.residual.push(admin.described());
            }
            session.observation.residual.push(found.described());
        }
        for (role, way) in reach.from(*tracked) {
            let mut found = Residual::new(K::Membership, S::Latent, cluster.account(*tracked));
            found.privilege = Some(name(Oid(role)));
            found.via = way.into_iter().map(|oid| name(Oid(oid))).collect();
            session.observation.residual.push(found.described());
        }
    }
    let named = |edge: &MembershipRow| Membership {
        role: name(edge.role),
        member: name(edge.member),
        grantor: name(edge.grantor),
        by_bootstrap: edge.grantor.0 == BOOTSTRAP.0,
        admin: edge.admin_option,
        inherit: edge.inherit_option,
        set: edge.set_option,
    };
    edges.iter().map(named).collect()
}

fn options_of(edge: &MembershipRow) -> String {
    let options: Vec<&str> =
        [(edge.inherit_option, "INHERIT"), (edge.set_option, "SET"), (edge.admin_option, "ADMIN")]
            .into_iter()
            .filter_map(|(on, word)| on.then_some(word))
            .collect();
    if options.is_empty() {
        "no options: inert until altered".to_owned()
    } else {
        options.join(", ")
    }
}

/// Whether `other` was granted by the member of `edge` by virtue of its ADMIN option.
fn depends(other: &MembershipRow, edge: &MembershipRow) -> bool {
    edge.admin_option && other.role == edge.role && other.grantor == edge.member
}

/// Members whom this member granted the role: they lose it when its ADMIN goes with CASCADE.
fn dependents(edge: &MembershipRow, edges: &[MembershipRow], cluster: &Cluster) -> Vec<Dependent> {
    edges
        .iter()
        .filter(|other| depends(other, edge))
        .filter(|other| !cluster.tracked.contains(&other.member.0))
        .filter_map(|other| {
            Some(Dependent {
                grantee: Some(cluster.role_name(other.member.0)?.to_owned()),
                grantable: other.admin_option,
                inherit: Some(other.inherit_option),
                set: Some(other.set_option),
            })
        })
        .collect()
}
