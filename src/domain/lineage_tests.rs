use super::*;
use crate::domain::account::LinkRule;

#[test]
fn a_recycled_name_bars_new_roles_only_and_on_its_cluster() {
    let barred = Barred {
        because: Unlinked::Recycled,
        role: "john".into(),
        system_identifier: SystemIdentifier(7),
        oid: None,
        known: [RoleOid(20)].into(),
        by: "hr".into(),
        since: UtcTime::EPOCH,
        said_at: None,
    };
    for (cluster, oid, name, bars) in [
        (7, 20, "john", false),
        (7, 30, "john", true),
        (7, 30, "jane", false),
        (8, 30, "john", false),
    ] {
        let found = barred.bars(SystemIdentifier(cluster), RoleOid(oid), name);
        assert_eq!(found, bars, "{cluster} {oid} {name}");
    }
    let person = Barred { because: Unlinked::Person, oid: Some(RoleOid(30)), ..barred };
    assert!(person.bars(SystemIdentifier(7), RoleOid(30), "renamed"));
    assert!(!person.bars(SystemIdentifier(7), RoleOid(31), "john"));
}

fn named(role: &str, target: Option<&str>, by: LinkRule) -> AccountName {
    AccountName { target: target.map(str::to_owned), role: role.into(), rule: by }
}

#[test]
fn a_name_that_is_told_later_is_followed_and_a_guess_is_not() {
    let at = |second: i64| UtcTime::from_micros(second * 1_000_000).unwrap();
    let account = Account {
        target: "main".into(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(20),
        role: "fay".into(),
        names: vec!["fay".into()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    };
    let mut lineage = Lineage::default();
    assert!(!lineage.name(&named("fay", None, LinkRule::Stated), "hr", at(1)), "nothing bars it");
    lineage.unlink(&Unlink { account: account.clone(), bar: true }, "ops", at(2));
    let bars = |lineage: &Lineage, target: &str, name: &str| {
        lineage.bars(target, SystemIdentifier(7), RoleOid(20), name)
    };
    assert!(bars(&lineage, "main", "fay") && bars(&lineage, "main", "renamed"));
    assert!(!lineage.name(&named("fay", None, LinkRule::Template), "hr", at(3)), "a guess");
    assert!(lineage.name(&named("renamed", Some("main"), LinkRule::Stated), "hr", at(4)));
    assert!(!bars(&lineage, "main", "renamed"), "named by its present name");
    assert!(bars(&lineage, "other", "renamed") && bars(&lineage, "main", "fay"));
    assert!(lineage.name(&named("fay", None, LinkRule::Stated), "hr2", at(5)));
    assert!(!bars(&lineage, "main", "fay"));
    assert!(!lineage.name(&named("fay", None, LinkRule::Stated), "hr2", at(6)), "once is enough");
    // Two people say so again.
    lineage.unlink(&Unlink { account, bar: true }, "ops", at(7));
    assert!(bars(&lineage, "main", "fay"));
    assert_eq!(lineage.barred.len(), 1);
}

#[test]
fn a_rehire_that_is_told_again_keeps_what_was_known_before_the_first() {
    let at = |second: i64| UtcTime::from_micros(second * 1_000_000).unwrap();
    let rehired = |day: i64, before: Option<Earlier>| Rehired {
        at: at(day),
        made_at: at(day),
        by: "hr".into(),
        before,
    };
    let known = Earlier::of([].into_iter(), &[], [].into(), at(10));
    let first = rehired(10, Some(known.clone()));
    let again = first.told_again(rehired(20, None), at(30));
    assert_eq!((again.at, again.made_at, again.before), (at(10), at(20), Some(known)));
    let later = first.told_again(rehired(40, None), at(30));
    assert_eq!((later.at, later.before), (at(40), None), "not back yet");
}
