//! Hand-made plans that go wrong as the server would have it, and random graphs for which the plan must not.

use super::*;
use crate::domain::plan::step::{Object, Right};
use crate::domain::plan::{Placed, plan};
use crate::domain::residual::{AccountRef, Dependent, Strength};
use proptest::prelude::*;

const ROLES: &[&str] = &["x", "z", "y", "boss", "team", "app"];
const LEAVERS: &[&str] = &["x", "z"];

fn account(name: &str) -> AccountRef {
    let number = ROLES.iter().position(|role| *role == name).unwrap_or(90);
    let oid = RoleOid(20_000 + u32::try_from(number).unwrap());
    AccountRef { target: "main".into(), oid, role: Some(name.to_owned()) }
}

fn found(kind: K, who: &str) -> Residual {
    Residual::new(kind, Strength::Latent, account(who))
}

fn setting(version_num: i32) -> Setting {
    Setting {
        version_num,
        database_owner: [("orders".to_owned(), "app".to_owned())].into(),
        superusers: ["postgres".to_owned()].into(),
        leavers: LEAVERS.iter().map(|name| (*name).to_owned()).collect(),
        ..Setting::default()
    }
}

/// A grant: who, to whom, with grant option.
type Grant = (String, String, bool);

fn dependents<'a>(of: &str, grants: impl Iterator<Item = &'a Grant>) -> Vec<Dependent> {
    grants
        .filter(|(by, to, _)| by == of && !LEAVERS.contains(&to.as_str()))
        .map(|(_, to, grantable)| Dependent {
            grantee: Some(to.clone()),
            grantable: *grantable,
            inherit: Some(true),
            set: Some(true),
        })
        .collect()
}

/// What a look would find of one privilege on one object.
fn privileges(privilege: &str, column: Option<&str>, grants: &BTreeSet<Grant>) -> Vec<Residual> {
    let mine = grants.iter().filter(|(_, to, _)| LEAVERS.contains(&to.as_str()));
    mine.map(|(by, to, grantable)| {
        let mut one = found(K::Privilege, to);
        one.database = Some("orders".into());
        one.class = Some("pg_class".into());
        one.object_type = Some("table".into());
        one.object = Some("s.t".into());
        one.sub_object = column.map(str::to_owned);
        one.privilege = Some(privilege.to_owned());
        one.grantor = Some(by.clone());
        one.owner = Some("app".into());
        one.grantable = *grantable;
        one.cascade = *grantable && grants.iter().any(|(by, _, _)| by == to);
        if *grantable {
            one.dependents = dependents(to, grants.iter());
        }
        one.described()
    })
    .collect()
}

fn memberships(grants: &BTreeSet<Grant>) -> (Vec<Residual>, Vec<Membership>) {
    let edges = grants.iter().map(|(by, to, admin)| Membership {
        role: "g".into(),
        member: to.clone(),
        grantor: by.clone(),
        by_bootstrap: by == "app",
        admin: *admin,
        inherit: true,
        set: true,
    });
    let mine = grants.iter().filter(|(_, to, _)| LEAVERS.contains(&to.as_str()));
    let rows = mine.flat_map(|(by, to, admin)| {
        let mut one = found(K::Membership, to);
        one.privilege = Some("g".into());
        one.grantor = Some(by.clone());
        one.cascade = *admin && grants.iter().any(|(by, _, _)| by == to);
        if *admin {
            one.dependents = dependents(to, grants.iter());
        }
        let mut power = one.clone();
        power.kind = K::AdminOption;
        power.grantable = true;
        [Some(one.described()), admin.then(|| power.described())].into_iter().flatten()
    });
    (rows.collect(), edges.collect())
}

/// Grants as the server would have let them be made: by the owner, or by virtue of an option, and not in a circle.
fn made(wishes: &[(usize, usize, bool)]) -> BTreeSet<Grant> {
    let mut grants: BTreeSet<Grant> = BTreeSet::new();
    for (by, to, grantable) in wishes {
        let (by, to) = (ROLES[by % ROLES.len()], ROLES[to % ROLES.len()]);
        let may = by == "app" || grants.iter().any(|(_, who, option)| who == by && *option);
        if !may || to == "app" || by == to || rests_on(&grants, by, to) {
            continue;
        }
        let key = |option| (by.to_owned(), to.to_owned(), option);
        let option = *grantable || grants.contains(&key(true));
        grants.remove(&key(false));
        grants.insert(key(option));
    }
    grants
}

/// Whether the option of `who` could come from `from`.
fn rests_on(grants: &BTreeSet<Grant>, who: &str, from: &str) -> bool {
    who == from
        || grants
            .iter()
            .any(|(by, to, option)| *option && to == who && by != who && rests_on(grants, by, from))
}

prop_compose! {
    fn wishes()(list in prop::collection::vec((0..6_usize, 0..6_usize, any::<bool>()), 0..24)) -> BTreeSet<Grant> {
        made(&list)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_leaves_only_what_it_says(
        table in wishes(), column in wishes(), roles in wishes(), old in any::<bool>(),
        kinds in prop::collection::vec(0..9_usize, 0..8),
    ) {
        let mut setting = setting(if old { 150_000 } else { 160_000 });
        let mut residual = privileges("SELECT", None, &table);
        residual.extend(privileges("UPDATE", Some("a"), &column));
        residual.extend(privileges("SELECT", Some("a"), &column));
        if !old {
            let (found, edges) = memberships(&roles);
            residual.extend(found);
            setting.memberships = edges;
        }
        residual.extend(kinds.iter().enumerate().map(|(number, kind)| other(*kind, number)));
        let planned = plan(&residual, &setting);
        let simulated = simulate(&planned.steps, &residual, &setting);
        prop_assert_eq!(&simulated.stops, &None, "{:#?}", planned);
        let noted: BTreeSet<&String> = planned.by_hand.iter().flat_map(|note| &note.about).collect();
        let left: BTreeSet<String> = simulated.would_remain.iter().map(Residual::identity).collect();
        prop_assert_eq!(left.iter().collect::<BTreeSet<_>>(), noted, "{:#?}", planned);
        prop_assert!(simulated.others_lose.is_empty(), "{:?} {:#?}", simulated.others_lose, planned);
    }
}

/// Something of another kind; `number` tells it from others.
fn other(kind: usize, number: usize) -> Residual {
    let name = Some(format!("s.o{number}"));
    let who = LEAVERS[number % 2];
    let with = |kind: K, class: &str, database: Option<&str>| {
        let mut one = found(kind, who);
        one.class = Some(class.to_owned());
        one.database = database.map(str::to_owned);
        one.object.clone_from(&name);
        one
    };
    match kind {
        0 => with(K::Ownership, "pg_class", Some("orders")),
        1 => with(K::Ownership, "pg_event_trigger", Some("orders")),
        2 => with(K::Ownership, "pg_database", None),
        3 => with(K::Ownership, "pg_extension", Some("orders")),
        4 => with(K::Subscription, "pg_subscription", None),
        5 => with(K::Ownership, "pg_class", Some("nobody's")),
        6 => with(K::UserMapping, "pg_user_mapping", Some("orders")),
        7 => with(K::HbaRule, "pg_hba_file_rules", None),
        _ => {
            let mut one = with(K::Policy, "pg_policy", Some("orders"));
            one.sub_object = Some(format!("p{number}"));
            one
        }
    }
    .described()
}

fn select(acting: Option<&str>, cascade: bool) -> Placed {
    Placed {
        part: Part::Database,
        database: Some("orders".into()),
        step: Step::RevokePrivilege {
            on: Object { class: "pg_class".into(), kind: Some("table".into()), name: "s.t".into() },
            rights: vec![Right { privilege: "SELECT".into(), column: None }],
            grantee: "x".into(),
            acting: acting.map(|role| crate::domain::plan::step::Acting {
                role: role.into(),
                demoted: false,
            }),
            cascade,
            tampered: false,
        },
    }
}

fn grants(list: &[(&str, &str, bool)]) -> BTreeSet<Grant> {
    list.iter().map(|(by, to, option)| ((*by).to_owned(), (*to).to_owned(), *option)).collect()
}

#[test]
fn a_revoke_by_the_owner_leaves_what_another_granted() {
    let residual = privileges("SELECT", None, &grants(&[("boss", "x", false)]));
    let after = |step: Placed| simulate(&[step], &residual, &setting(160_000)).would_remain.len();
    assert_eq!(after(select(None, false)), 1);
    assert_eq!(after(select(Some("boss"), false)), 0);
    let mut promoted = setting(160_000);
    promoted.superusers.insert("boss".into());
    let simulated = simulate(&[select(Some("boss"), false)], &residual, &promoted);
    assert_eq!(simulated.would_remain.len(), 1, "a superuser acts for the owner");
}

#[test]
fn a_revoke_without_cascade_stops_and_undoes_its_transaction() {
    let graph = grants(&[("app", "x", true), ("x", "y", false)]);
    let mut residual = privileges("SELECT", None, &graph);
    residual.extend(privileges("UPDATE", None, &grants(&[("app", "x", false)])));
    let mut update = select(None, false);
    if let Step::RevokePrivilege { rights, .. } = &mut update.step {
        rights[0].privilege = "UPDATE".into();
    }
    let simulated = simulate(&[update.clone(), select(None, false)], &residual, &setting(160_000));
    assert_eq!(simulated.would_remain.len(), 2);
    assert!(simulated.stops.unwrap().reason.contains("dependent privileges"));

    let simulated = simulate(&[update, select(None, true)], &residual, &setting(160_000));
    assert_eq!(simulated.would_remain, []);
    assert_eq!(simulated.others_lose, ["y loses SELECT on s.t in database orders"]);
}

#[test]
fn one_grantors_row_leaves_the_others() {
    let (residual, edges) = memberships(&grants(&[("boss", "x", false), ("team", "x", false)]));
    let step = |grantor: Option<&str>| Placed {
        part: Part::Shared,
        database: None,
        step: Step::RevokeMembership {
            group: "g".into(),
            member: "x".into(),
            grantor: grantor.map(str::to_owned),
            cascade: false,
        },
    };
    let left = |version, steps: &[Placed]| {
        let setting = Setting { memberships: edges.clone(), ..setting(version) };
        simulate(steps, &residual, &setting).would_remain.len()
    };
    assert_eq!(left(160_000, &[step(None)]), 2, "there is no row of the bootstrap superuser");
    assert_eq!(left(160_000, &[step(Some("boss"))]), 1);
    assert_eq!(left(160_000, &[step(Some("boss")), step(Some("team"))]), 0);
    assert_eq!(left(150_000, &[step(None)]), 0, "one row per member before 16");
}

#[test]
fn reassign_owned_takes_shared_objects_along_and_fails_on_what_only_superusers_own() {
    let step = |to: &str| Placed {
        part: Part::Database,
        database: Some("orders".into()),
        step: Step::ReassignOwned { from: "x".into(), to: to.into() },
    };
    let after =
        |residual: &[Residual], to: &str| simulate(&[step(to)], residual, &setting(160_000));
    let mut shared = vec![other(0, 0), other(2, 0)];
    assert_eq!(after(&shared, "app").would_remain, []);
    assert_eq!(after(&shared, "z").would_remain.len(), 2, "z leaves too");
    shared.push(other(5, 0));
    assert_eq!(after(&shared, "app").would_remain.len(), 1, "another database");
    shared.push(other(1, 0));
    let stopped = after(&shared, "app");
    assert_eq!((stopped.would_remain.len(), stopped.stops.is_some()), (4, true));
    assert_eq!(after(&shared, "postgres").would_remain.len(), 1);
}

/// Whoever edits a catalog may name as grantor whom he likes, the grantee itself too.
#[test]
fn what_an_edited_catalog_made_up_is_left_for_a_person_with_all_that_hangs_on_it() {
    let setting = setting(160_000);
    let planned = |list: &[(&str, &str, bool)], tampered: &[&str]| {
        let mut residual = privileges("SELECT", None, &grants(list));
        for found in &mut residual {
            let by = found.grantor.clone().unwrap_or_default();
            found.tampered = tampered.contains(&by.as_str());
            *found = found.clone().described();
        }
        let planned = plan(&residual, &setting);
        let simulated = simulate(&planned.steps, &residual, &setting);
        assert_eq!(simulated.stops, None, "{planned:#?}");
        let noted: BTreeSet<String> =
            planned.by_hand.iter().flat_map(|note| note.about.clone()).collect();
        let left: BTreeSet<String> =
            simulated.would_remain.iter().map(Residual::identity).collect();
        assert_eq!(left, noted, "{planned:#?}");
        left.len()
    };
    assert_eq!(planned(&[("boss", "x", false)], &["boss"]), 1);
    assert_eq!(planned(&[("x", "x", true)], &["x"]), 1, "by itself");
    assert_eq!(planned(&[("z", "x", true), ("x", "z", true)], &["x", "z"]), 2, "in a circle");
    // A real grant by an option that was made up can be revoked as its grantor.
    assert_eq!(planned(&[("boss", "x", true), ("x", "z", false)], &["boss"]), 1);
    // What was really granted goes, and takes along what was made up to hang on it.
    assert_eq!(planned(&[("app", "x", true), ("x", "z", false)], &["x"]), 0);
}
