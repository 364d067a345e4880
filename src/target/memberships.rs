//! Who is a member of what, and what that reaches.

use super::cluster::Cluster;
use super::rows::{MembershipRow, RoleRow};
use super::session::Session;
use super::statements as sql;
use super::{attributes, catalog};
use crate::domain::graph::{Can, Edge, Graph, Path, Reach, as_database_owner};
use crate::domain::ids::RoleOid;
use crate::domain::plan::Membership;
use crate::domain::plan::bootstrap::BOOTSTRAP;
use crate::domain::powers::{self, Attribute, DATABASE_OWNER};
use crate::domain::residual::{Dependent, Residual, ResidualKind as K, Strength as S, Way};
use crate::domain::strength::Known;
use sqlx::postgres::PgArguments;
use std::collections::{BTreeMap, BTreeSet};

/// First version where a membership belongs to its grantor.
const PER_GRANTOR: i32 = 160_000;

/// Memberships and roles as they were read.
pub(super) struct Seen<'a> {
    pub(super) cluster: &'a Cluster,
    graph: Graph,
    /// OID of each role, by name.
    oids: BTreeMap<&'a str, u32>,
    /// Roles without INHERIT.
    reserved: BTreeSet<u32>,
}

/// Every membership of the cluster; none with a gap.
pub(super) async fn rows(session: &mut Session<'_>, version_num: i32) -> Vec<MembershipRow> {
    let statement =
        if version_num >= PER_GRANTOR { sql::MEMBERSHIPS_16 } else { sql::MEMBERSHIPS_13 };
    let rows: Option<Vec<MembershipRow>> = session.rows(&statement, PgArguments::default()).await;
    let mut edges = rows.unwrap_or_default();
    edges.sort_unstable_by_key(|row| (row.role.0, row.member.0, row.grantor.0));
    edges
}

/// Residual of everything that a tracked role has through memberships: those it holds, the roles it reaches,
/// ADMIN and attributes on the way, and the databases it owns thereby. Gives all memberships.
pub(super) fn read(
    session: &mut Session<'_>,
    cluster: &Cluster,
    roles: &[RoleRow],
    edges: &[MembershipRow],
) -> Vec<Membership> {
    let inherits: BTreeMap<u32, bool> =
        roles.iter().map(|role| (role.oid.0, role.has(RoleRow::INHERIT))).collect();
    let edges: Vec<Edge> = edges.iter().map(|row| edge(row, &inherits)).collect();
    let attributes = roles.iter().map(|role| (RoleOid(role.oid.0), attributes::of(role)));
    let seen = Seen {
        cluster,
        graph: Graph::new(edges.iter().copied(), attributes.collect(), cluster.version_num),
        oids: roles.iter().map(|role| (role.name.as_str(), role.oid.0)).collect(),
        reserved: roles
            .iter()
            .filter(|role| !role.has(RoleRow::INHERIT))
            .map(|role| role.oid.0)
            .collect(),
    };
    for tracked in &cluster.tracked {
        let reach = seen.graph.reach(RoleOid(*tracked));
        let found = &mut session.observation.residual;
        found.extend(seen.direct(*tracked));
        found.extend(seen.reached(*tracked, &reach));
        found.extend(seen.admins(*tracked, &reach));
        found.extend(attributes::reached(&seen, *tracked, &reach));
        found.extend(seen.databases(*tracked, &reach));
    }
    let members = seen.members();
    session.observation.ambient.extend(members);
    edges.iter().map(|edge| seen.named(edge)).collect()
}

/// A membership; `inherits` has the attribute of each role. A member that nobody read counts as one that inherits.
fn edge(row: &MembershipRow, inherits: &BTreeMap<u32, bool>) -> Edge {
    let of_member = || inherits.get(&row.member.0).copied().unwrap_or(true);
    Edge {
        role: RoleOid(row.role.0),
        member: RoleOid(row.member.0),
        grantor: RoleOid(row.grantor.0),
        inherit: row.inherit_option.unwrap_or_else(of_member),
        set: row.set_option,
        admin: row.admin_option,
    }
}

impl Seen<'_> {
    /// A membership as a plan needs it.
    fn named(&self, edge: &Edge) -> Membership {
        Membership {
            role: self.name(edge.role.0),
            member: self.name(edge.member.0),
            grantor: self.name(edge.grantor.0),
            by_bootstrap: edge.grantor == BOOTSTRAP,
            admin: edge.admin,
            inherit: edge.inherit,
            set: edge.set,
        }
    }

    pub(super) fn name(&self, oid: u32) -> String {
        let name = self.cluster.role_name(oid);
        name.map_or_else(|| format!("role with OID {oid}"), str::to_owned)
    }

    /// Whether a role has an attribute itself.
    pub(super) fn has(&self, role: u32, attribute: Attribute) -> bool {
        self.graph.has(RoleOid(role), attribute)
    }

    /// A path as shown: every role passed, the one it ends at included.
    pub(super) fn way(&self, path: &Path) -> Way {
        let mut via: Vec<String> = path.edges.iter().map(|edge| self.name(edge.role.0)).collect();
        let at = path.at.map(|oid| self.name(oid.0));
        if let (Can::CreateRole, Some(granted)) = (path.can, &at) {
            via.insert(via.len().saturating_sub(1), granted.clone());
        }
        Way { can: path.can, via, at, granted_by: None }
    }

    /// The rows of a path.
    pub(super) fn rows(&self, edges: &[Edge]) -> Vec<String> {
        let mut rows = Vec::new();
        for edge in edges {
            let version = self.cluster.version_num;
            rows.push(catalog::membership(edge, |oid| self.name(oid), version));
            if version < PER_GRANTOR {
                rows.push(catalog::inherits(&self.name(edge.member.0), edge.inherit));
            }
        }
        rows
    }

    /// For whom a REVOKE without GRANTED BY acts, where that removes nothing of what `grantor` gave: a
    /// superuser's always acts for the bootstrap superuser.
    fn inferred_grantor(&self, grantor: RoleOid) -> Option<String> {
        let other = self.cluster.version_num >= PER_GRANTOR && grantor != BOOTSTRAP;
        other.then(|| self.cluster.role_name(BOOTSTRAP.0).map(str::to_owned)).flatten()
    }

    /// Every row that names the role as member, and the ADMIN option of each as a residual of its own.
    fn direct(&self, tracked: u32) -> Vec<Residual> {
        let mut all = Vec::new();
        for edge in self.graph.direct(RoleOid(tracked)) {
            let role = self.name(edge.role.0);
            let grantable = self.graph.grantable(edge.role);
            let ways = ways_of(edge, grantable);
            let usable = ways.iter().any(|way| way.can != Can::Listed);
            let strength = S::of(K::Membership, Known::gives(usable && powers::breaks_out(&role)));
            let mut found = Residual::new(K::Membership, strength, self.cluster.account(tracked));
            found.grantor = self.cluster.role_name(edge.grantor.0).map(str::to_owned);
            found.inferred_grantor = self.inferred_grantor(edge.grantor);
            found.rows = self.rows(std::slice::from_ref(edge));
            if self.cluster.version_num >= PER_GRANTOR {
                found.dependents = self.dependents(edge);
                found.cascade = self.graph.edges().any(|other| depends(other, edge));
            }
            let mut admin = found.clone();
            found.detail = powers::predefined(&role).map(str::to_owned);
            found.privilege = Some(role.clone());
            found.ways = ways;
            if edge.admin {
                admin.kind = K::AdminOption;
                admin.strength = S::of(K::AdminOption, Known::gives(grantable));
                admin.grantable = grantable;
                admin.privilege = Some(role);
                all.push(admin.described());
            }
            all.push(found.described());
        }
        all
    }

    /// Roles reached through others: one residual each, with what no direct membership gives already.
    fn reached(&self, tracked: u32, reach: &Reach<'_>) -> Vec<Residual> {
        let admins = reach.admins();
        let mut all = Vec::new();
        for (role, paths) in reach.roles() {
            // One that it could grant itself by somebody else's ADMIN is that ADMIN's residual.
            let by_admin = |path: &Path| {
                path.can == Can::SelfGrant && path.at == Some(role) && admins.contains_key(&role)
            };
            let paths: Vec<&Path> =
                paths.iter().filter(|path| path.edges.len() > 1 && !by_admin(path)).collect();
            let Some(first) = paths.first() else { continue };
            let name = self.name(role.0);
            let gives = first.can == Can::SelfGrant
                || (first.can != Can::Listed && powers::breaks_out(&name));
            let strength = S::of(K::Membership, Known::gives(gives));
            let mut found = Residual::new(K::Membership, strength, self.cluster.account(tracked));
            found.detail = powers::predefined(&name).map(str::to_owned);
            found.privilege = Some(name);
            self.lead(&mut found, tracked, &paths);
            all.push(found.described());
        }
        all
    }

    /// Fills in ways and rows; the role itself is no part of its own way.
    fn lead(&self, found: &mut Residual, tracked: u32, paths: &[&Path]) {
        for path in paths {
            let mut way = self.way(path);
            way.via.pop();
            for row in self.rows(&path.edges) {
                if !found.rows.contains(&row) {
                    found.rows.push(row);
                }
            }
            if found.via.is_empty() {
                found.via.clone_from(&way.via);
                found.inferred_grantor = self.blame(&mut way, tracked, path);
            }
            found.ways.push(way);
        }
    }

    /// Says in `way` who has granted the first step of a path, and gives for whom a plain REVOKE would act
    /// instead, where that is somebody else.
    fn blame(&self, way: &mut Way, tracked: u32, path: &Path) -> Option<String> {
        let first = path.edges.first()?;
        let same = self.graph.direct(RoleOid(tracked)).iter().filter(|e| e.role == first.role);
        let mut others =
            same.filter_map(|edge| Some((edge.grantor, self.inferred_grantor(edge.grantor)?)));
        let (grantor, inferred) = others.next()?;
        way.granted_by = Some(self.name(grantor.0));
        Some(inferred)
    }

    /// ADMIN that others hold and the role can exercise.
    fn admins(&self, tracked: u32, reach: &Reach<'_>) -> Vec<Residual> {
        let own =
            |role| self.graph.direct(RoleOid(tracked)).iter().any(|e| e.role == role && e.admin);
        let mut all = Vec::new();
        for (role, (path, edge)) in reach.admins() {
            if own(role) {
                continue;
            }
            let strength = S::of(K::AdminOption, Known::gives(true));
            let mut found = Residual::new(K::AdminOption, strength, self.cluster.account(tracked));
            found.privilege = Some(self.name(role.0));
            found.grantable = true;
            let mut way = self.way(&path);
            found.via.clone_from(&way.via);
            found.inferred_grantor = self.blame(&mut way, tracked, &path);
            found.ways = vec![way];
            found.rows = self.rows(&path.edges);
            found.rows.extend(self.rows(&[edge]));
            all.push(found.described());
        }
        all
    }

    /// pg_database_owner in each database that the role owns, itself or as one it can act as. A superuser is
    /// more than that.
    fn databases(&self, tracked: u32, reach: &Reach<'_>) -> Vec<Residual> {
        if self.cluster.version_num < 140_000 || self.has(tracked, Attribute::Superuser) {
            return Vec::new();
        }
        let roles = reach.roles();
        let mut all = Vec::new();
        for database in &self.cluster.databases {
            let Some(owner) = self.oids.get(database.owner.as_str()) else { continue };
            let path = roles.get(&RoleOid(*owner)).and_then(|paths| paths.first());
            let path = path.filter(|path| path.can != Can::Listed);
            // With SET ROLE to a superuser it has everything, and that is said already.
            let set = path.is_some_and(|path| path.can == Can::SetRole);
            let more = set && self.has(*owner, Attribute::Superuser);
            if (*owner != tracked && path.is_none()) || more {
                continue;
            }
            let strength = S::of(K::Membership, Known::gives(true));
            let mut found = Residual::new(K::Membership, strength, self.cluster.account(tracked));
            found.privilege = Some(DATABASE_OWNER.to_owned());
            found.database = Some(database.name.clone());
            if self.cluster.version_num >= 150_000 {
                found.detail = Some(
                    "by default that role owns schema public and can make objects there".into(),
                );
            }
            let inherits =
                self.cluster.version_num >= PER_GRANTOR || !self.reserved.contains(owner);
            let can = as_database_owner(path.map(|path| path.can), inherits);
            let set =
                || Way { can, via: Vec::new(), at: Some(DATABASE_OWNER.into()), granted_by: None };
            if let Some(path) = path {
                let way = self.way(path);
                found.via.clone_from(&way.via);
                found.rows = self.rows(&path.edges);
                let sets = !inherits && can == Can::SetRole;
                found.ways = vec![if sets { Way { via: way.via, ..set() } } else { way }];
            } else if can == Can::SetRole {
                found.ways = vec![set()];
            }
            found.rows.push(catalog::database_owner(&database.name, &database.owner));
            if !inherits {
                found.rows.push(catalog::inherits(&database.owner, false));
            }
            all.push(found.described());
        }
        all
    }

    /// Others who are members of a tracked role. What it is granted is theirs too, but it is their access and
    /// not the leaver's: shown, never decides.
    fn members(&self) -> Vec<String> {
        // They come from a set, in order.
        let tracked = |oid: RoleOid| self.cluster.tracked.contains(&oid.0);
        let mut all: Vec<String> = self
            .graph
            .edges()
            .filter(|edge| tracked(edge.role) && !tracked(edge.member))
            .map(|edge| {
                let (member, role) = (self.name(edge.member.0), self.name(edge.role.0));
                format!("{member} is a member of {role}: what {role} keeps is of use to {member}")
            })
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// Members whom this member granted the role: they lose it when its ADMIN goes with CASCADE.
    fn dependents(&self, edge: &Edge) -> Vec<Dependent> {
        self.graph
            .edges()
            .filter(|other| depends(other, edge))
            .filter(|other| !self.cluster.tracked.contains(&other.member.0))
            .filter_map(|other| {
                Some(Dependent {
                    grantee: Some(self.cluster.role_name(other.member.0)?.to_owned()),
                    grantable: other.admin,
                    inherit: Some(other.inherit),
                    set: Some(other.set),
                })
            })
            .collect()
    }
}

/// What one row lets its member do; `grantable` if ADMIN on its role is of use.
fn ways_of(edge: &Edge, grantable: bool) -> Vec<Way> {
    let (admin, other) = (edge.admin && grantable, edge.inherit || edge.set);
    let can = [
        (edge.inherit, Can::UsesNow),
        (edge.set, Can::SetRole),
        (admin && !other, Can::SelfGrant),
        (!admin && !other, Can::Listed),
    ];
    let given = can.into_iter().filter(|(given, _)| *given);
    given.map(|(_, can)| Way { can, via: Vec::new(), at: None, granted_by: None }).collect()
}

/// Whether `other` was granted by the member of `edge` by virtue of its ADMIN option.
fn depends(other: &Edge, edge: &Edge) -> bool {
    edge.admin && other.role == edge.role && other.grantor == edge.member
}
