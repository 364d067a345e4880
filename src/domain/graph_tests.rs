//! The truth table of memberships, and paths.

use super::*;

const X: RoleOid = RoleOid(1);

/// `ism`: INHERIT, SET, ADMIN; any other letter is off.
fn edge(member: u32, role: u32, options: &str) -> Edge {
    Edge {
        role: RoleOid(role),
        member: RoleOid(member),
        grantor: RoleOid(10),
        inherit: options.contains('i'),
        set: options.contains('s'),
        admin: options.contains('a'),
    }
}

fn graph(edges: &[Edge]) -> Graph {
    Graph::new(edges.iter().copied(), BTreeMap::new(), 160_000)
}

/// What role 1 can do with each role it reaches, and by which roles: `can via at`.
fn reached(edges: &[Edge]) -> BTreeMap<u32, Vec<String>> {
    let graph = graph(edges);
    let words = |path: &Path| {
        let via: Vec<String> = path.edges.iter().map(|e| e.role.to_string()).collect();
        let at = path.at.map_or(String::new(), |at| format!(" at {at}"));
        format!("{} {}{at}", path.can, via.join(">"))
    };
    let roles = graph.reach(X).roles();
    roles.iter().map(|(role, ways)| (role.0, ways.iter().map(words).collect())).collect()
}

#[test]
fn the_truth_table() {
    for (options, expected) in [
        ("is", vec!["uses_now 2", "set_role 2"]),
        ("s", vec!["set_role 2"]),
        ("i", vec!["uses_now 2"]),
        ("a", vec!["self_grant 2 at 2"]),
        ("", vec!["listed 2"]),
        ("isa", vec!["uses_now 2", "set_role 2"]),
        ("ia", vec!["uses_now 2"]),
    ] {
        let found = reached(&[edge(1, 2, options)]);
        assert_eq!(found.get(&2).unwrap(), &expected, "{options:?}");
    }
}

/// As `pg_has_role` and SET ROLE say on 14, 15 and 16.
#[test]
fn a_database_owner_without_inherit_has_to_set_role() {
    for (owner, inherits, expected) in [
        (None, true, Can::UsesNow),
        (None, false, Can::SetRole),
        (Some(Can::UsesNow), true, Can::UsesNow),
        (Some(Can::UsesNow), false, Can::SetRole),
        (Some(Can::SetRole), false, Can::SetRole),
        (Some(Can::SelfGrant), false, Can::SelfGrant),
    ] {
        assert_eq!(as_database_owner(owner, inherits), expected, "{owner:?} {inherits}");
    }
}

#[test]
fn set_and_then_inherit() {
    let found = reached(&[edge(1, 2, "s"), edge(2, 3, "i")]);
    assert_eq!(found[&3], ["after_set_role 2>3 at 2"]);
    let deeper = reached(&[edge(1, 2, "s"), edge(2, 3, "s"), edge(3, 4, "i"), edge(4, 5, "i")]);
    assert_eq!(deeper[&5], ["after_set_role 2>3>4>5 at 3"]);
}

#[test]
fn what_is_only_inherited_cannot_be_set_to_nor_lead_on_by_set() {
    assert_eq!(reached(&[edge(1, 2, "i"), edge(2, 3, "s")])[&3], ["listed 2>3"]);
    assert_eq!(reached(&[edge(1, 2, "i"), edge(2, 3, "is")])[&3], ["uses_now 2>3"]);
    assert_eq!(reached(&[edge(1, 2, ""), edge(2, 3, "isa")])[&3], ["listed 2>3"]);
}

#[test]
fn admin_is_exercised_where_rights_are_used_or_after_set_role() {
    for options in ["i", "s"] {
        let found = reached(&[edge(1, 2, options), edge(2, 3, "a"), edge(3, 4, "i")]);
        assert_eq!(found[&3], ["self_grant 2>3 at 3"], "{options}");
        assert_eq!(found[&4], ["self_grant 2>3>4 at 3"], "{options}");
    }
    assert_eq!(reached(&[edge(1, 2, ""), edge(2, 3, "a")])[&3], ["listed 2>3"]);
    // One grant leads to the next.
    let chain = reached(&[edge(1, 2, "a"), edge(2, 3, "a"), edge(3, 4, "s")]);
    assert_eq!(chain[&4], ["self_grant 2>3>4 at 2"]);
}

#[test]
fn the_shortest_way_for_each_and_no_loop() {
    let edges =
        [edge(1, 2, "is"), edge(2, 3, "is"), edge(3, 4, "is"), edge(2, 4, "s"), edge(4, 1, "isa")];
    let found = reached(&edges);
    assert_eq!(found[&4], ["uses_now 2>3>4", "set_role 2>4"]);
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn admin_held_by_others() {
    let edges = [edge(1, 2, "i"), edge(2, 3, "a"), edge(1, 4, ""), edge(4, 5, "a")];
    let graph = graph(&edges);
    let admins = graph.reach(X).admins();
    assert_eq!(admins.keys().copied().collect::<Vec<_>>(), [RoleOid(3)]);
    assert_eq!(admins[&RoleOid(3)].1, edges[1]);
    assert_eq!(admins[&RoleOid(3)].0.edges, [edges[0]]);
}

#[test]
fn attributes_come_by_set_role_and_not_by_inheriting() {
    let attributes = BTreeMap::from([
        (RoleOid(3), vec![Attribute::Superuser]),
        (RoleOid(4), vec![Attribute::BypassRls]),
    ]);
    let of = |edges: &[Edge]| {
        let graph = Graph::new(edges.iter().copied(), attributes.clone(), 160_000);
        let found = graph.reach(X).attributes();
        found.into_iter().map(|(a, p)| (a, p.can, p.edges.len())).collect::<Vec<_>>()
    };
    assert_eq!(of(&[edge(1, 2, "i"), edge(2, 3, "i")]), []);
    assert_eq!(
        of(&[edge(1, 2, "s"), edge(2, 3, "s"), edge(1, 4, "a")]),
        [(Attribute::Superuser, Can::SetRole, 2), (Attribute::BypassRls, Can::SelfGrant, 1)]
    );
    // Only a superuser grants a superuser's role: ADMIN on it is of no use.
    assert_eq!(of(&[edge(1, 3, "a")]), []);
    assert_eq!(
        of(&[edge(1, 2, "a"), edge(2, 3, "s")]),
        [(Attribute::Superuser, Can::SelfGrant, 2)]
    );
}

#[test]
fn create_role_reaches_a_superuser_up_to_15() {
    let attributes = BTreeMap::from([
        (RoleOid(3), vec![Attribute::Superuser]),
        (RoleOid(7), vec![Attribute::CreateRole]),
    ]);
    let edges = [edge(1, 7, "s"), edge(2, 3, "s")];
    let of = |version| {
        let graph = Graph::new(edges, attributes.clone(), version);
        let found = graph.reach(X).attributes();
        found.get(&Attribute::Superuser).map(|p| (p.can, p.edges.clone(), p.at))
    };
    assert_eq!(of(150_000), Some((Can::CreateRole, edges.to_vec(), Some(RoleOid(2)))));
    assert_eq!(of(160_000), None);
}
