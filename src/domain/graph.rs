//! Who can act as whom: what memberships let a role do now, what after SET ROLE, and what after granting
//! itself more.
//!
//! Source: PostgreSQL's `roles_is_member_of` and `select_best_admin` in `acl.c`. `pg_has_role` is no upper
//! bound: it misses a role reached by SET and then INHERIT, and one that ADMIN lets a role grant to itself.

use super::ids::RoleOid;
use super::powers::Attribute;
use super::words::words;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// First `server_version_num` where CREATEROLE needs ADMIN on a role to grant it.
const CREATE_ROLE_NEEDS_ADMIN: i32 = 160_000;

words! {
    /// What a membership lets an account do; the nearest to use first.
    Can {
        /// It has the role's rights at once.
        UsesNow = "uses_now",
        /// It can become the role with SET ROLE.
        SetRole = "set_role",
        /// It has the role's rights after SET ROLE to another.
        AfterSetRole = "after_set_role",
        /// It can grant itself a role by ADMIN, and then has this one.
        SelfGrant = "self_grant",
        /// It can grant itself a role by CREATEROLE, and then has this one. PostgreSQL 13 to 15.
        CreateRole = "create_role",
        /// It has nothing of the role, but counts as its member where pg_hba.conf says `+role`.
        Listed = "listed",
    }
}

/// What one who stands so to the owner of a database, or is the owner, can do with `pg_database_owner` there: a
/// membership without a row. `inherits`: whoever is its member has its rights at once, which before 16 is an
/// attribute of the owner. Without it SET ROLE gives them, also to the owner's own members.
#[must_use]
pub fn as_database_owner(owner: Option<Can>, inherits: bool) -> Can {
    match owner.unwrap_or(Can::UsesNow) {
        Can::UsesNow if !inherits => Can::SetRole,
        can @ (Can::UsesNow
        | Can::SetRole
        | Can::AfterSetRole
        | Can::SelfGrant
        | Can::CreateRole
        | Can::Listed) => can,
    }
}

/// A row of `pg_auth_members`: `member` was granted `role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The role granted.
    pub role: RoleOid,
    /// To whom.
    pub member: RoleOid,
    /// By whom.
    pub grantor: RoleOid,
    /// The member has the role's rights at once. Before 16 an attribute of the member.
    pub inherit: bool,
    /// The member can SET ROLE. Before 16 always.
    pub set: bool,
    /// The member can grant the role, to itself too.
    pub admin: bool,
}

/// One way to a role: the memberships passed, from the account on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// What it lets the account do at its end.
    pub can: Can,
    /// Each edge's role is the next one's member.
    pub edges: Vec<Edge>,
    /// The role to SET ROLE to, or the first one that it would grant itself.
    pub at: Option<RoleOid>,
}

/// How the account stands to a role on the way. Every edge leads from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stand {
    /// The account itself.
    Itself,
    /// It can SET ROLE to it.
    Sets,
    /// It has its rights.
    Uses,
    /// It has its rights after SET ROLE.
    UsesAfterSet,
    /// After granting itself something it can SET ROLE to it.
    Regained,
    /// After granting itself something it has its rights.
    UsesRegained,
    /// Nothing.
    Listed,
}

impl Stand {
    fn can(self) -> Can {
        match self {
            Self::Itself | Self::Uses => Can::UsesNow,
            Self::Sets => Can::SetRole,
            Self::UsesAfterSet => Can::AfterSetRole,
            Self::Regained | Self::UsesRegained => Can::SelfGrant,
            Self::Listed => Can::Listed,
        }
    }

    /// Where `edge` leads from here; `grantable` if its role may be granted by one who has ADMIN.
    fn over(self, edge: &Edge, grantable: bool) -> impl Iterator<Item = Self> {
        let (set, inherit) = match self {
            Self::Itself => (Some(Self::Sets), Some(Self::Uses)),
            Self::Sets => (Some(Self::Sets), Some(Self::UsesAfterSet)),
            Self::Uses => (None, Some(Self::Uses)),
            Self::UsesAfterSet => (None, Some(Self::UsesAfterSet)),
            Self::Regained => (Some(Self::Regained), Some(Self::UsesRegained)),
            Self::UsesRegained => (None, Some(Self::UsesRegained)),
            Self::Listed => (None, None),
        };
        let admin = edge.admin && grantable && self != Self::Listed;
        [
            inherit.filter(|_| edge.inherit),
            set.filter(|_| edge.set),
            admin.then_some(Self::Regained),
            Some(Self::Listed),
        ]
        .into_iter()
        .flatten()
    }
}

/// Every membership of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    by_member: BTreeMap<RoleOid, Vec<Edge>>,
    attributes: BTreeMap<RoleOid, Vec<Attribute>>,
    create_role_grants_all: bool,
}

type Place = (RoleOid, Stand);

/// What one role reaches.
#[derive(Clone, Debug)]
pub struct Reach<'a> {
    graph: &'a Graph,
    start: RoleOid,
    /// How each place was first come to: the shortest way, since places are visited in order of distance.
    came: BTreeMap<Place, (Place, Edge)>,
}

impl Graph {
    /// The graph of a server of this version; `attributes` of every role that has any.
    #[must_use]
    pub fn new(
        edges: impl IntoIterator<Item = Edge>,
        attributes: BTreeMap<RoleOid, Vec<Attribute>>,
        version_num: i32,
    ) -> Self {
        let mut by_member: BTreeMap<RoleOid, Vec<Edge>> = BTreeMap::new();
        for edge in edges {
            by_member.entry(edge.member).or_default().push(edge);
        }
        for edges in by_member.values_mut() {
            edges.sort();
        }
        let create_role_grants_all = version_num < CREATE_ROLE_NEEDS_ADMIN;
        Self { by_member, attributes, create_role_grants_all }
    }

    /// Memberships of `member` itself.
    #[must_use]
    pub fn direct(&self, member: RoleOid) -> &[Edge] {
        self.by_member.get(&member).map_or(&[], Vec::as_slice)
    }

    /// Every membership.
    pub fn edges(&self) -> impl Iterator<Item = &Edge> {
        self.by_member.values().flatten()
    }

    /// Whether `role` has this attribute itself.
    #[must_use]
    pub fn has(&self, role: RoleOid, attribute: Attribute) -> bool {
        self.attributes.get(&role).is_some_and(|list| list.contains(&attribute))
    }

    /// Whether a role that has ADMIN on `role` may grant it: a superuser's only by a superuser.
    #[must_use]
    pub fn grantable(&self, role: RoleOid) -> bool {
        !self.has(role, Attribute::Superuser)
    }

    /// What `start` reaches.
    #[must_use]
    pub fn reach(&self, start: RoleOid) -> Reach<'_> {
        let mut came: BTreeMap<Place, (Place, Edge)> = BTreeMap::new();
        let mut queue = VecDeque::from([(start, Stand::Itself)]);
        while let Some(place) = queue.pop_front() {
            for edge in self.direct(place.0) {
                for stand in place.1.over(edge, self.grantable(edge.role)) {
                    let next = (edge.role, stand);
                    if edge.role != start && !came.contains_key(&next) {
                        came.insert(next, (place, *edge));
                        queue.push_back(next);
                    }
                }
            }
        }
        Reach { graph: self, start, came }
    }
}

impl Reach<'_> {
    /// Every role reached and the shortest path to each thing that the account can do with it, nearest to use
    /// first. What says nothing new beside another is left out: rights after SET ROLE where it has them now,
    /// or may SET ROLE to the role itself; what it could grant itself where it has it.
    #[must_use]
    pub fn roles(&self) -> BTreeMap<RoleOid, Vec<Path>> {
        let roles: BTreeSet<RoleOid> = self.came.keys().map(|(role, _)| *role).collect();
        roles.into_iter().map(|role| (role, self.ways(role))).collect()
    }

    fn ways(&self, role: RoleOid) -> Vec<Path> {
        let now: Vec<Path> =
            [Stand::Uses, Stand::Sets].into_iter().filter_map(|s| self.path((role, s))).collect();
        if !now.is_empty() {
            return now;
        }
        let best = self
            .path((role, Stand::UsesAfterSet))
            .or_else(|| self.regained(role))
            .or_else(|| self.path((role, Stand::Listed)));
        best.into_iter().collect()
    }

    fn regained(&self, role: RoleOid) -> Option<Path> {
        [Stand::Regained, Stand::UsesRegained]
            .into_iter()
            .filter_map(|stand| self.path((role, stand)))
            .min_by_key(|path| path.edges.len())
    }

    /// ADMIN that other roles hold and the account can exercise, without granting itself anything first: the
    /// row that holds it, and the path to its member. One per role that can be granted, the shortest.
    #[must_use]
    pub fn admins(&self) -> BTreeMap<RoleOid, (Path, Edge)> {
        let mut found: BTreeMap<RoleOid, (Path, Edge)> = BTreeMap::new();
        let mut places: Vec<Path> = self
            .came
            .keys()
            .filter(|(_, stand)| !matches!(stand.can(), Can::SelfGrant | Can::Listed))
            .filter_map(|place| self.path(*place))
            .collect();
        places.sort_by_key(|path| path.edges.len());
        for path in places {
            let Some(holder) = path.edges.last().map(|edge| edge.role) else { continue };
            for edge in self.graph.direct(holder).iter().filter(|edge| edge.admin) {
                if edge.role != self.start && self.graph.grantable(edge.role) {
                    found.entry(edge.role).or_insert_with(|| (path.clone(), *edge));
                }
            }
        }
        found
    }

    /// Attributes of roles that the account can become: attributes are not inherited, SET ROLE takes them.
    /// The shortest path to each, one that needs no grant before one that does.
    #[must_use]
    pub fn attributes(&self) -> BTreeMap<Attribute, Path> {
        let mut found: BTreeMap<Attribute, Path> = BTreeMap::new();
        let mut places: Vec<(RoleOid, Path)> = self
            .came
            .keys()
            .filter(|(_, stand)| matches!(stand, Stand::Sets | Stand::Regained))
            .filter_map(|place| Some((place.0, self.path(*place)?)))
            .collect();
        places.sort_by_key(|(_, path)| (path.can, path.edges.len()));
        for (role, path) in places {
            for attribute in self.graph.attributes.get(&role).into_iter().flatten() {
                found.entry(*attribute).or_insert_with(|| path.clone());
            }
        }
        if let Some(path) = self.by_create_role(found.get(&Attribute::CreateRole)) {
            found.entry(Attribute::Superuser).or_insert(path);
        }
        found
    }

    /// Up to PostgreSQL 15 CREATEROLE grants every role that is no superuser, also one which is a member of a
    /// superuser: the shortest such way.
    fn by_create_role(&self, reached: Option<&Path>) -> Option<Path> {
        let own = self.graph.has(self.start, Attribute::CreateRole);
        if !self.graph.create_role_grants_all || (!own && reached.is_none()) {
            return None;
        }
        let to = self.graph.edges().find(|edge| {
            !self.graph.grantable(edge.role) && self.graph.grantable(edge.member) && edge.set
        })?;
        let mut edges = match reached {
            Some(path) if !own => path.edges.clone(),
            _ => Vec::new(),
        };
        edges.push(*to);
        Some(Path { can: Can::CreateRole, edges, at: Some(to.member) })
    }

    /// The shortest path to a place, if the account comes there.
    fn path(&self, place: Place) -> Option<Path> {
        let (mut here, mut edges, mut at) = (place, Vec::new(), None);
        let can = place.1.can();
        while let Some((from, edge)) = self.came.get(&here) {
            edges.push(*edge);
            let turns = match can {
                Can::AfterSetRole => here.1 == Stand::UsesAfterSet && from.1 == Stand::Sets,
                Can::SelfGrant => !matches!(from.1, Stand::Regained | Stand::UsesRegained),
                Can::UsesNow | Can::SetRole | Can::CreateRole | Can::Listed => false,
            };
            if turns && at.is_none() {
                at = Some(if can == Can::AfterSetRole { edge.member } else { edge.role });
            }
            here = *from;
        }
        edges.reverse();
        (!edges.is_empty()).then_some(Path { can, edges, at })
    }
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
