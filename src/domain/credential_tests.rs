//! A password as the looks see it, told as scripts.

use super::*;
use crate::domain::account::LinkRule;
use crate::domain::observation::Server;

const CLUSTER: SystemIdentifier = SystemIdentifier(7);

pub(crate) fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(second * 1_000_000).unwrap()
}

fn account() -> Account {
    Account {
        target: "orders".into(),
        system_identifier: CLUSTER,
        oid: RoleOid(16402),
        role: "app_rw".into(),
        names: vec!["app_rw".into()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    }
}

fn look(second: i64, verifier: Verifier, expires_at: Option<UtcTime>) -> Observation {
    let mut look = Observation::begun("orders", at(second));
    look.ended_at = at(second);
    look.server = Some(Server {
        system_identifier: CLUSTER,
        version: "15.18".into(),
        version_num: 150_018,
        in_recovery: false,
        timeline: 1,
        clock_skew_us: 0,
        agent_role: "agent".into(),
    });
    look.credentials = vec![Seen { oid: RoleOid(16402), verifier, expires_at }];
    look
}

fn probe(second: i64, answer: Answer, credential: UtcTime) -> Attested {
    let control = Answer::refused("28P01", Some("auth_failed"));
    let control = answer.needs_control().then_some(control);
    Attested {
        by: "uid:0".into(),
        at: at(second),
        finding: classify(&answer, control.as_ref()).finding,
        path: Path {
            host: "db.example".into(),
            port: 5432,
            transport: "over TCP".into(),
            database: None,
        },
        answer,
        control,
        credential,
    }
}

/// Plays `script`, a step a line: `SECOND STEP`, where a step is a verifier that a look sees (a letter, `none`,
/// `unread`, with `<SECOND` for VALID UNTIL), or what a probe found (`dead`, `valid`).
pub(crate) fn play(script: &str) -> Held {
    let mut held: Vec<Held> = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (second, step) = line.split_once(' ').unwrap();
        let second: i64 = second.parse().unwrap();
        let answer = match step {
            "dead" => Some(Answer::refused("28P01", Some("auth_failed"))),
            "valid" => Some(Answer::refused("3D000", Some("InitPostgres"))),
            _ => None,
        };
        if let Some(answer) = answer {
            let since = held[0].standing.since;
            assert!(held[0].attest(probe(second, answer, since)), "{line}");
            continue;
        }
        let (verifier, expires) = step.split_once('<').unwrap_or((step, ""));
        let verifier = match verifier {
            "unread" => Verifier::Unread,
            "none" => Verifier::Absent,
            letter => Verifier::Digest(letter.to_owned()),
        };
        let expires = expires.parse().ok().map(at);
        held = follow(&held, &[account()], &[&look(second, verifier, expires)]);
    }
    held.remove(0)
}

fn bounds(held: &Held) -> (Option<UtcTime>, Option<UtcTime>) {
    (held.standing.old_until, held.standing.unsure_until)
}

#[test]
fn the_same_look_again_changes_nothing() {
    assert_eq!(play("10 a\n10 a"), play("10 a"));
    assert_eq!(play("10 a\n20 a").standing.since, at(10));
    assert_eq!(play("10 a\n20 b\n20 b"), play("10 a\n20 b"));
}

#[test]
fn a_change_is_one_from_the_first_password_seen() {
    for (script, change) in [
        ("10 unread", Change::Unread),
        ("10 a", Change::Unchanged),
        ("10 a\n20 b", Change::Changed),
        ("10 a\n20 none", Change::Changed),
        ("10 a\n20 b\n30 a", Change::Unchanged),
        ("10 unread\n20 a", Change::Unknown),
        ("10 unread\n20 a\n30 unread\n40 a", Change::Unknown),
        ("10 unread\n20 a\n30 b", Change::Changed),
        ("10 a\n20 unread", Change::Unread),
        ("10 a\n20 unread\n30 b", Change::Changed),
    ] {
        assert_eq!(play(script).standing.change, change, "{script}");
    }
}

#[test]
fn sessions_before_the_first_change_are_old() {
    assert_eq!(bounds(&play("10 a\n20 b")), (Some(at(20)), None));
    assert_eq!(bounds(&play("10 a\n20 b\n30 dead\n40 b")), (Some(at(20)), None));
}

#[test]
fn sessions_of_a_password_that_nobody_tried_are_unsure() {
    assert_eq!(bounds(&play("10 a\n20 b\n30 c")), (Some(at(20)), Some(at(30))));
    assert_eq!(
        bounds(&play("10 a\n20 b\n25 dead\n30 c")),
        (Some(at(20)), None),
        "b was another one"
    );
}

#[test]
fn sessions_of_a_password_that_was_the_old_one_are_old() {
    assert_eq!(bounds(&play("10 a\n20 b\n25 valid\n30 c")), (Some(at(30)), None));
}

#[test]
fn unread_it_was_changed_before_it_was_refused() {
    assert_eq!(bounds(&play("10 unread\n30 dead")), (None, Some(at(30))));
    assert_eq!(bounds(&play("10 unread\n30 dead\n40 dead")), (None, Some(at(30))));
    let late = play("10 unread\n20 dead\n30 a\n40 b");
    assert_eq!(bounds(&late), (None, Some(at(20))), "the first one read was not the old one");
    assert_eq!(bounds(&play("10 unread\n20 a\n30 dead")), (None, Some(at(20))), "a was read then");
    let back = play("10 unread\n20 a\n30 b\n40 a\n50 dead");
    assert_eq!(bounds(&back), (Some(at(30)), Some(at(40))));
}

#[test]
fn a_probe_is_of_the_password_and_valid_until_of_its_time() {
    let dead = |script: &str| play(script).standing.dead(0).is_some();
    assert!(dead("10 a\n20 b\n30 dead"));
    assert!(!dead("10 a\n20 b\n30 dead\n40 c"), "changed since");
    assert!(!dead("10 a\n20 b<25\n30 dead"), "past VALID UNTIL everything is refused");
    assert!(!dead("10 a\n20 b\n30 dead\n40 b<25\n50 b"), "and lifted again it may be valid");
    assert!(dead("10 a\n20 b<99\n30 dead"));
    assert!(dead("10 a\n20 b<35\n30 dead\n40 b<35"), "it was refused while passwords counted");
}

#[test]
fn a_secret_that_was_valid_is_valid_while_the_password_is_seen_to_be_the_same() {
    let valid = |script: &str| play(script).standing.valid().is_some();
    assert!(valid("10 a\n20 b\n30 valid\n40 dead"));
    assert!(!valid("10 a\n20 b\n30 valid\n35 c\n40 dead"));
    assert!(valid("10 unread\n20 a\n30 valid\n40 dead"));
    assert!(!valid("10 unread\n15 valid\n20 a\n40 dead"), "it may have been changed unseen");
    assert!(!valid("10 unread\n30 valid\n40 dead"), "the newest counts where changes are not seen");
}

#[test]
fn there_is_a_limit_to_paths() {
    let mut held = play("10 a\n20 b");
    let refused = Answer::refused("28P01", Some("auth_failed"));
    for port in 0..u16::try_from(PATHS).unwrap() {
        let mut one = probe(30, refused.clone(), at(20));
        one.path.port = port;
        assert!(held.attest(one));
    }
    assert!(!held.attest(probe(30, refused, at(20))));
    assert_eq!(held.standing.probes.len(), PATHS);
}

#[test]
fn what_is_remembered_reads_back_and_what_is_shown_has_no_verifier() {
    let held = play("10 a-digest\n20 b-digest\n30 dead");
    let text = serde_json::to_string(&held).unwrap();
    assert_eq!(serde_json::from_str::<Held>(&text).unwrap(), held);
    let shown = serde_json::to_string(&held.standing).unwrap();
    assert!(!shown.contains("digest"), "{shown}");
}

#[test]
fn another_cluster_says_nothing_of_it() {
    let mut elsewhere = look(20, Verifier::Digest("b".into()), None);
    elsewhere.server.as_mut().unwrap().system_identifier = SystemIdentifier(8);
    let before = vec![play("10 a")];
    assert_eq!(follow(&before, &[account()], &[&elsewhere]), before);
}
