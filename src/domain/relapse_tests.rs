//! Which cause is told of access that is back.

use super::*;
use crate::domain::account::LinkRule;
use crate::domain::ids::RoleOid;
use crate::domain::observation::Server;
use crate::domain::residual::{AccountRef, Strength};

fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(second * 1_000_000).unwrap()
}

fn look(system_identifier: u64, timeline: i32) -> Observation {
    let mut look = Observation::begun("main", at(9));
    look.server = Some(Server {
        system_identifier: SystemIdentifier(system_identifier),
        version: "15.18".into(),
        version_num: 150_018,
        in_recovery: false,
        timeline,
        clock_skew_us: 0,
        agent_role: "revoked".into(),
    });
    look
}

fn account() -> Account {
    Account {
        target: "main".into(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(1),
        role: "john".into(),
        names: vec!["jsmith".into(), "john".into()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    }
}

fn found(kind: ResidualKind, oid: u32) -> Residual {
    let account =
        AccountRef { target: "main".into(), oid: RoleOid(oid), role: Some("john".into()) };
    Residual::new(kind, Strength::Latent, account)
}

fn granted(role: &str, grantor: &str) -> Residual {
    Residual {
        privilege: Some(role.into()),
        grantor: Some(grantor.into()),
        ..found(ResidualKind::Membership, 1)
    }
}

/// The cause and its sentence, where `root` once granted `admins` to john, on cluster 7, timeline 1.
fn told(residual: &[Residual], now: &Observation) -> String {
    let mut before = Arc::<Before>::default();
    before.remember(&[granted("admins", "root")]);
    before.was_clean_on(&[&look(7, 1)]);
    let relapse = explain(&before, &[account()], residual, &[now], at(9));
    assert_eq!(relapse.at, at(9));
    format!("{}: {}", relapse.cause, relapse.sentence)
}

#[test]
fn the_table() {
    let same = look(7, 1);
    let table = Residual {
        privilege: Some("SELECT".into()),
        object: Some("public.t".into()),
        grantor: Some("boss".into()),
        ..found(ResidualKind::Privilege, 1)
    };
    let login = found(ResidualKind::Login, 1);
    for (residual, now, sentence) in [
        (vec![login.clone()], &same, "login_on: the login of john was switched on"),
        (
            vec![granted("admins", "boss")],
            &same,
            "other_grantor: boss granted john membership in admins; what was taken away came from root",
        ),
        (vec![granted("admins", "root")], &same, "granted: root granted john membership in admins"),
        (vec![granted("team", "boss")], &same, "granted: boss granted john membership in team"),
        (vec![table.clone()], &same, "granted: boss granted john SELECT on public.t"),
        (
            vec![found(ResidualKind::Ownership, 1)],
            &same,
            "unknown: nothing tells what brought it back",
        ),
        (vec![], &same, "unknown: nothing tells what brought it back"),
        (
            vec![found(ResidualKind::Login, 2)],
            &same,
            "new_role: role john was made anew: its OID is 2, that of the one that was proved gone is 1",
        ),
        (
            vec![login.clone(), table.clone()],
            &look(7, 2),
            "restored: main was restored, or failed over: its timeline was 1 at the last clean look, and is 2",
        ),
        (
            vec![found(ResidualKind::Login, 2)],
            &look(8, 1),
            "restored: main is another cluster than the one that was clean: its system_identifier was 7, and is 8",
        ),
        // The worst tells, and what follows from something else tells nothing.
        (
            vec![found(ResidualKind::Session, 1), login, table],
            &same,
            "login_on: the login of john was switched on",
        ),
    ] {
        assert_eq!(told(&residual, now), sentence);
    }
}

#[test]
fn what_is_reached_through_others_is_no_grant_to_the_account() {
    let reached = Residual { via: vec!["team".into()], ..granted("admins", "boss") };
    assert_eq!(membership(&reached), None);
    let mut before = Arc::<Before>::default();
    before.remember(&[reached]);
    assert!(before.is_empty());
}

#[test]
fn a_role_that_nobody_had_is_new() {
    let login = found(ResidualKind::Login, 5);
    let relapse = explain(&Before::default(), &[], &[login], &[&look(7, 1)], at(9));
    assert_eq!(relapse.cause, RelapseCause::NewRole);
    assert_eq!(relapse.role.as_deref(), Some("john"));
}

#[test]
fn what_is_remembered_has_a_limit() {
    let mut before = Arc::<Before>::default();
    let many: Vec<_> = (0..300).map(|n| granted(&format!("r{n}"), "root")).collect();
    before.remember(&many);
    assert_eq!(before.memberships.len(), REMEMBERED);
}
