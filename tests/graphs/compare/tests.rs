//! That the harness can fail: wrong answers are noticed.

use super::*;
use crate::graphs::claim::{Claim, Derived};
use crate::graphs::rows::{Row, Rows};
use crate::graphs::truth::{Held, Reaches, Role};
use revoked::domain::graph::Can;
use revoked::domain::residual::{ResidualKind as K, Way};

fn table(role: i64) -> Claim {
    Claim {
        role,
        kind: "privilege".into(),
        database: "orders".into(),
        class: "pg_class".into(),
        object: "s.t".into(),
        privilege: "SELECT".into(),
        grantor: "postgres".into(),
        ..Claim::default()
    }
}

fn member(role: i64, held: &str) -> Claim {
    Claim {
        role,
        kind: "membership".into(),
        privilege: held.into(),
        sub: "uses_now set_role".into(),
        ..Claim::default()
    }
}

fn through(role: i64, other: &str, kind: K, held: &str) -> Derived {
    let via = vec![other.to_owned()];
    Derived {
        role,
        kind,
        held: held.into(),
        database: String::new(),
        via: via.clone(),
        ways: vec![Way { can: Can::SetRole, via, at: None, granted_by: None }],
        grantable: true,
    }
}

fn held(role: i64) -> Held {
    Held {
        role,
        database: "orders".into(),
        class: "pg_class".into(),
        object: "s.t".into(),
        sub: String::new(),
        privilege: "SELECT".into(),
        option: false,
    }
}

fn row(member: &str, held: &str) -> Row {
    let (inherit, set, admin) = (true, true, false);
    let (member, held) = (member.into(), held.into());
    Row { member, held, grantor: "postgres".into(), inherit, set, admin }
}

/// `boss` may read a table, `x` is a member of `boss`, `clean` has nothing.
fn both() -> (Truth, Answer) {
    let role = |name: &str| Role { tag: "g1_".into(), name: Some(name.into()), ..Role::default() };
    let claims = [table(1), member(2, "boss")];
    let reaches = Reaches {
        database: "orders".into(),
        role: 2,
        held: "boss".into(),
        held_oid: 1,
        usage: true,
        set: true,
        member: true,
        admin: false,
    };
    let truth = Truth {
        major: 18,
        roles: [(1, role("boss")), (2, role("x")), (3, role("clean"))].into(),
        oids: [("boss".into(), 1), ("x".into(), 2), ("clean".into(), 3)].into(),
        claims: claims.clone().into(),
        held: vec![held(1), held(2)],
        reaches: vec![reaches],
        rows: Rows { all: [row("x", "boss")].into(), ..Rows::default() },
        drops: [(1, "2BP01".into()), (2, "00000".into()), (3, "00000".into())].into(),
        ..Truth::default()
    };
    let verdicts = [(1, Verdict::Residual), (2, Verdict::Residual), (3, Verdict::Revoked)];
    let mut answer =
        Answer { claims: claims.into(), verdicts: verdicts.into(), ..Answer::default() };
    answer.gather();
    (truth, answer)
}

fn said(truth: &Truth, answer: &Answer) -> Vec<String> {
    compare(truth, answer).into_iter().map(|difference| difference.what).collect()
}

fn one_begins_with(said: &[String], words: &str) {
    assert!(said.iter().any(|text| text.starts_with(words)), "{words}: {said:#?}");
}

#[test]
fn a_true_answer_has_no_differences() {
    let (truth, answer) = both();
    assert_eq!(said(&truth, &answer), [""; 0]);
}

#[test]
fn a_finding_left_out_is_a_false_revoked() {
    let (truth, mut answer) = both();
    answer.claims.remove(&table(1));
    answer.verdicts.insert(1, Verdict::Revoked);
    let said = said(&truth, &answer);
    one_begins_with(&said, "not listed");
    one_begins_with(&said, "FALSE REVOKED");
    one_begins_with(&said, "DROP ROLE is refused");
    // Of the member too, who is nobody's to clear.
    assert_eq!(said.iter().filter(|text| text.starts_with("has_*_privilege says")).count(), 2);
}

#[test]
fn each_oracle_notices_by_itself() {
    // Not even the catalogs' copy has it: what the server does with it remains.
    let (mut truth, mut answer) = both();
    for claims in [&mut truth.claims, &mut answer.claims] {
        claims.clear();
    }
    for verdict in answer.verdicts.values_mut() {
        *verdict = Verdict::Revoked;
    }
    answer.gather();
    let said = said(&truth, &answer);
    for words in [
        "has_*_privilege says",
        "pg_has_role says",
        "no membership is listed",
        "reaches boss by rows",
        "DROP ROLE is refused",
        "FALSE REVOKED",
    ] {
        one_begins_with(&said, words);
    }
}

#[test]
fn a_finding_invented_is_denied() {
    let (truth, mut answer) = both();
    answer.claims.insert(table(3));
    answer.claims.insert(member(3, "boss"));
    for (kind, held) in
        [(K::Membership, "other"), (K::AdminOption, "boss"), (K::Attribute, "CREATEDB")]
    {
        answer.derived.push(through(3, "boss", kind, held));
    }
    answer.gather();
    answer.verdicts.insert(3, Verdict::Residual);
    let said = said(&truth, &answer);
    for words in [
        "denied by the catalogs",
        "denied by pg_has_role",
        "no memberships lead",
        "its end has nothing of it",
        "ADMIN does not follow",
        "attribute does not follow",
        "DROP ROLE succeeds",
        "residual, and every oracle says",
    ] {
        one_begins_with(&said, words);
    }
}

#[test]
fn what_a_role_could_do_is_an_oracle_too() {
    let (mut truth, mut answer) = both();
    let act = |role, code: &str| Act {
        role,
        database: "orders".into(),
        class: "pg_class".into(),
        object: "s.t".into(),
        privilege: "SELECT".into(),
        statement: "SELECT 1 FROM s.t LIMIT 0".into(),
        code: code.into(),
        nobodys_code: "42501".into(),
    };
    truth.acts = vec![act(1, "42501"), act(3, "00000")];
    truth.logins.insert(3, true);
    let first = said(&truth, &answer);
    one_begins_with(&first, "was refused");
    one_begins_with(&first, "could do it");
    one_begins_with(&first, "logged in");
    one_begins_with(&first, "FALSE REVOKED");
    answer.gaps.push("privilege: no reason".into());
    one_begins_with(&said(&truth, &answer), "a gap where all is open");
}
