use super::*;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::relapse::{Relapse, RelapseCause};
use crate::domain::time::UtcTime;
use crate::domain::uses::Begun;

use super::super::rows::tests::view;

fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(1_800_000_000_000_000 + second * 1_000_000).unwrap()
}

fn used(class: UseClass, pid: i64) -> Use {
    let begun = Begun {
        target: "main".into(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(1),
        role: Some("john".into()),
        session: format!("pid {pid} since then"),
        instance: None,
        session_since: Some(at(pid)),
        began_at: Some(at(pid)),
    };
    Use { class, begun, seen_at: at(pid + 1) }
}

#[test]
fn what_was_used_and_what_came_back_is_told() {
    let mut one = view(1, "EMP-1", State::Regressed, 60);
    assert!(lines(std::slice::from_ref(&one)).is_empty() && told(&one).is_empty());
    one.uses = (0..7).map(|pid| used(UseClass::AfterEnd, pid)).collect();
    one.uses.push(used(UseClass::LateNotice, 7));
    one.uses_total = 7;
    one.relapse = Some(Relapse {
        at: at(3),
        cause: RelapseCause::LoginOn,
        target: Some("main".into()),
        role: Some("john".into()),
        privilege: None,
        object: None,
        grantor: None,
        sentence: "the login of john was switched on".into(),
    });
    insta::assert_snapshot!(lines(std::slice::from_ref(&one)).join("\n"), @r"
    USED AFTER THE END: 7 sessions of EMP-1 (rev_0000000000000000000001), the newest began 2027-01-15T08:00:06.000000Z
    late notice: 1 session of EMP-1 (rev_0000000000000000000001) began before we were told
    came back (likely login_on): EMP-1 (rev_0000000000000000000001): the login of john was switched on
    ");
    let said = told(&one);
    assert_eq!(said.len(), 7, "{said:#?}");
    assert!(said[0].starts_with("it came back, as seen at 2027-01-15T08:00:03.000000Z (likely"));
    assert!(said[1].starts_with("late notice, used before it came: main/john, pid 7"), "{said:?}");
    assert!(said[2].starts_with("used after the end: main/john, pid 6"), "{said:?}");
    assert_eq!(said[6], "3 sessions more, in -o json");
    // What was proved gone again has come back no more.
    one.state = State::Verified;
    assert_eq!(lines(std::slice::from_ref(&one)).len(), 2);
}
