use super::*;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::lifecycle::Life;
use crate::domain::revocation::sample;
use crate::store::Gist;

fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(second * 1_000_000).unwrap()
}

fn stored() -> Stored {
    Stored {
        life: Arc::new(Life::begin(at(0), at(0))),
        revocation: sample(at(0)),
        landed_revocation: None,
        subject_id: "s_1".to_owned(),
        accounts: Vec::new(),
        landed: None,
        gist: Gist::default(),
        version: 1,
        records: 0,
        queued_at: at(0),
        watch_until: at(100),
    }
}

fn fay(target: &str) -> Account {
    Account {
        target: target.to_owned(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(20),
        role: "fay".into(),
        names: vec!["fay".into()],
        rule: LinkRule::Mapping,
        source: String::new(),
        linked_at: None,
    }
}

#[test]
fn a_role_of_whom_nobody_knows_answers_for_its_own_target() {
    let name = |target: Option<&str>| AccountName {
        target: target.map(str::to_owned),
        role: "fay".into(),
        rule: LinkRule::Mapping,
    };
    let looks = ["main", "second"].map(|target| Observation::begun(target, at(0)));
    let (both, one): (Vec<&Observation>, Vec<&Observation>) =
        (looks.iter().collect(), looks.iter().take(1).collect());
    let (main, second) = (fay("main"), fay("second"));
    let left = |name: AccountName, doubted: &[(&Account, bool)], looks: &[&Observation]| {
        let mut certain = Certain::default();
        answer_for(&mut certain, &stored(), &[name], doubted, looks);
        assert!(certain.open.is_empty());
        certain.names
    };
    let nothing: [AccountName; 0] = [];
    // While it is there, it is a question by itself.
    assert_eq!(left(name(None), &[(&main, false)], &both), nothing);
    let other = name(Some("second"));
    assert_eq!(
        left(other.clone(), &[(&main, false)], &both),
        std::slice::from_ref(&other),
        "of another target"
    );
    // Once it is gone, it hides the name on its own target alone: that none was there would not be true.
    assert_eq!(left(name(None), &[(&main, true)], &one), nothing);
    assert_eq!(left(name(None), &[(&main, true)], &both), [other]);
    assert_eq!(left(name(None), &[(&main, true), (&second, true)], &both), nothing);
    assert_eq!(left(name(Some("main")), &[(&main, true)], &both), nothing);
    assert_eq!(left(name(None), &[], &both), [name(None)]);
    let mut certain = Certain { accounts: vec![second], ..Certain::default() };
    answer_for(&mut certain, &stored(), &[name(None)], &[(&main, true)], &both);
    assert_eq!(certain.names, [name(None)], "one that is theirs beyond doubt answers for all");
}
