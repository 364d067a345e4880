//! Login and attributes: a role's own, and those of roles that it can become.

use super::catalog;
use super::cluster::Cluster;
use super::memberships::Seen;
use super::rows::RoleRow;
use super::session::Session;
use crate::domain::graph::{Can, Path, Reach};
use crate::domain::plan::bootstrap::BOOTSTRAP;
use crate::domain::powers::Attribute;
use crate::domain::residual::{AccountRef, Residual, ResidualKind as K, Strength as S};
use crate::domain::strength::Known;

/// Attributes that a role has itself.
pub(super) fn of(role: &RoleRow) -> Vec<Attribute> {
    [
        (RoleRow::SUPERUSER, Attribute::Superuser),
        (RoleRow::CREATE_ROLE, Attribute::CreateRole),
        (RoleRow::CREATE_DB, Attribute::CreateDb),
        (RoleRow::REPLICATION, Attribute::Replication),
        (RoleRow::BYPASS_RLS, Attribute::BypassRls),
    ]
    .into_iter()
    .filter_map(|(bit, attribute)| role.has(bit).then_some(attribute))
    .collect()
}

/// Login and attributes of every tracked role itself.
pub(super) fn held(session: &mut Session<'_>, cluster: &Cluster, roles: &[RoleRow]) {
    for role in roles.iter().filter(|role| cluster.tracked.contains(&role.oid.0)) {
        let account = cluster.account(role.oid.0);
        if role.has(RoleRow::LOGIN) {
            let strength = S::of(K::Login, Known::NOTHING);
            let mut found = Residual::new(K::Login, strength, account.clone());
            found.detail = login_detail(role);
            found.rows = vec![catalog::login(role)];
            session.observation.residual.push(found.described());
        }
        for attribute in of(role) {
            let strength = S::of_attribute(attribute);
            let mut found = Residual::new(K::Attribute, strength, account.clone());
            found.privilege = Some(attribute.as_str().to_owned());
            found.detail = Some(attribute.meaning(cluster.version_num).to_owned());
            found.rows = vec![catalog::attribute(&role.name, attribute)];
            session.observation.residual.push(found.described());
        }
        if role.oid.0 == BOOTSTRAP.0 && !role.has(RoleRow::SUPERUSER) {
            session.observation.residual.push(catalogs(role, account).described());
        }
    }
}

/// What initdb made belongs to the role that it made, also once that is no superuser any more (up to 15 it may be): some
/// thousand objects of each database, which are not read one by one, and of which no dependency tells.
fn catalogs(role: &RoleRow, account: AccountRef) -> Residual {
    let mut found = Residual::new(K::Ownership, S::of(K::Ownership, Known::NOTHING), account);
    found.object = Some("the system catalogs of every database".to_owned());
    found.detail = Some(
        "initdb made them and the role; whoever acts as it can read and grant what they hold"
            .to_owned(),
    );
    found.rows = vec![format!("pg_roles: rolname={} oid={BOOTSTRAP}", role.name)];
    found
}

/// Attributes that a role takes by SET ROLE, and has not itself.
pub(super) fn reached(seen: &Seen<'_>, tracked: u32, reach: &Reach<'_>) -> Vec<Residual> {
    let taken = reach.attributes().into_iter();
    let taken = taken.filter(|(attribute, _)| !seen.has(tracked, *attribute));
    taken
        .filter_map(|(attribute, path)| {
            let holder = path.edges.last()?.role;
            let mut found = Residual::new(
                K::Attribute,
                S::of_attribute(attribute),
                seen.cluster.account(tracked),
            );
            found.privilege = Some(attribute.as_str().to_owned());
            found.detail = Some(attribute.meaning(seen.cluster.version_num).to_owned());
            let way = seen.way(&path);
            found.via.clone_from(&way.via);
            found.ways = vec![way];
            found.rows = rows(seen, tracked, &path);
            found.rows.push(catalog::attribute(&seen.name(holder.0), attribute));
            Some(found.described())
        })
        .collect()
}

/// By CREATEROLE no row leads to the role that is granted: the attribute stands for it.
fn rows(seen: &Seen<'_>, tracked: u32, path: &Path) -> Vec<String> {
    if path.can != Can::CreateRole {
        return seen.rows(&path.edges);
    }
    let (last, before) = path.edges.split_last().map_or((None, &[][..]), |(l, b)| (Some(l), b));
    let holder = before.last().map_or(tracked, |edge| edge.role.0);
    let mut rows = seen.rows(before);
    rows.push(catalog::attribute(&seen.name(holder), Attribute::CreateRole));
    rows.extend(last.into_iter().flat_map(|edge| seen.rows(std::slice::from_ref(edge))));
    rows
}

/// Why something that looks like a block is none.
fn login_detail(role: &RoleRow) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(until) = role.valid_until.as_ref().filter(|_| role.expired == Some(true)) {
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
