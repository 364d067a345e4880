//! What a role reaches through memberships.

use super::rows::MembershipRow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The memberships that give anything: INHERIT, SET or ADMIN. `pg_has_role` would miss a role reached by SET
/// and then INHERIT, and one that ADMIN lets the role grant to itself.
pub(super) struct Reach(BTreeMap<u32, BTreeSet<u32>>);

impl Reach {
    pub(super) fn by(edges: &[MembershipRow]) -> Self {
        let mut by_member: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for edge in edges.iter().filter(|e| e.inherit_option || e.set_option || e.admin_option) {
            by_member.entry(edge.member.0).or_default().insert(edge.role.0);
        }
        Self(by_member)
    }

    /// Roles that `start` reaches through others (not its direct memberships), each with the shortest way:
    /// the roles passed, nearest first.
    pub(super) fn from(&self, start: u32) -> BTreeMap<u32, Vec<u32>> {
        let mut ways: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut queue = VecDeque::from([(start, Vec::new())]);
        while let Some((role, way)) = queue.pop_front() {
            for next in self.0.get(&role).into_iter().flatten() {
                if *next == start || ways.contains_key(next) {
                    continue;
                }
                ways.insert(*next, way.clone());
                let mut further = way.clone();
                further.push(*next);
                queue.push_back((*next, further));
            }
        }
        ways.retain(|_, way| !way.is_empty());
        ways
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::postgres::types::Oid;

    fn edge(member: u32, role: u32, inherit: bool, set: bool, admin: bool) -> MembershipRow {
        MembershipRow {
            role: Oid(role),
            member: Oid(member),
            grantor: Oid(10),
            admin_option: admin,
            inherit_option: inherit,
            set_option: set,
        }
    }

    #[test]
    fn by_set_then_inherit_and_by_admin_alone() {
        let edges = [
            edge(1, 2, false, true, false),
            edge(2, 3, true, false, false),
            edge(1, 4, false, false, true),
            edge(4, 5, true, true, false),
            edge(1, 6, false, false, false),
            edge(6, 7, true, true, false),
        ];
        assert_eq!(Reach::by(&edges).from(1), BTreeMap::from([(3, vec![2]), (5, vec![4])]));
    }

    #[test]
    fn the_shortest_way_and_no_loop() {
        let edges = [
            edge(1, 2, true, true, false),
            edge(2, 3, true, true, false),
            edge(3, 4, true, true, false),
            edge(2, 4, true, true, false),
            edge(4, 1, true, true, true),
        ];
        assert_eq!(Reach::by(&edges).from(1), BTreeMap::from([(3, vec![2]), (4, vec![2])]));
    }
}
