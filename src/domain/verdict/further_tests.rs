//! What is asked beyond the catalogs, as tables.

use super::*;
use crate::domain::account::LinkRule;
use crate::domain::graph::Can;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::{RosterRole, Server};
use crate::domain::probes::{Answered, Declared, Expect, Lacks, Silent, Told};
use crate::domain::residual::{AccountRef, Way};
use std::sync::Arc;

static EVERYTHING: BTreeSet<ResidualKind> = BTreeSet::new();

fn start() -> UtcTime {
    UtcTime::from_micros(0).unwrap()
}

fn account() -> Account {
    Account {
        target: "orders".into(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(16401),
        role: "john".into(),
        names: vec!["john".into()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    }
}

fn look() -> Observation {
    let mut look = Observation::begun("orders", start());
    look.server = Some(Server {
        system_identifier: SystemIdentifier(7),
        version: "15.18".into(),
        version_num: 150_018,
        in_recovery: false,
        timeline: 1,
        clock_skew_us: 0,
        agent_role: "agent".into(),
    });
    look.tracked = [RoleOid(16401)].into();
    look.roster = [("john", 16401), ("admins", 2), ("readers", 3)]
        .map(|(name, oid)| RosterRole { oid: RoleOid(oid), name: name.to_owned() })
        .into();
    look
}

fn found(kind: ResidualKind, privilege: &str, can: Option<Can>) -> Residual {
    let account =
        AccountRef { target: "orders".into(), oid: RoleOid(16401), role: Some("john".into()) };
    let mut found = Residual::new(kind, Strength::Latent, account);
    found.privilege = Some(privilege.to_owned());
    let way = |can| Way { can, via: Vec::new(), at: None, granted_by: None };
    found.ways = can.map(way).into_iter().collect();
    found
}

fn ask(kind: Kind, accounts: &[Account]) -> Question<'_> {
    Question {
        kind,
        accounts,
        names: &[],
        roles: &[],
        unmapped: &[],
        no_account: false,
        not_required: &EVERYTHING,
        known_as: &[],
        seen: &[],
        gone_since: Some(start()),
        rotation: None,
    }
}

fn person(kind: Kind, permissions: &[&str], required: &[&str]) -> Person {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    Person {
        key: "rev_1".into(),
        subject: "EMP-1".into(),
        kind: Some(kind),
        permissions: names(permissions),
        required: names(required),
        ..Person::default()
    }
}

/// Puts a probe that shows `api.admin` into a look; `answer` is how many it found, or why nobody knows.
fn probe(look: &mut Observation, required: bool, answer: Option<Result<u64, &str>>) {
    look.probing.declared.push(Arc::new(Declared {
        name: "tokens".into(),
        place: look.target.clone(),
        database: None,
        expect: Expect::ZeroRows,
        required,
        strength: Strength::CanLogIn,
        sentence: "has tokens".into(),
        columns: Vec::new(),
        parameters: Vec::new(),
        permissions: ["api.admin".to_owned()].into(),
        kinds: [Kind::Full, Kind::Suspend, Kind::Rotation].into(),
        sha256: String::new(),
    }));
    let Some(answer) = answer else { return };
    let answer = match answer {
        Ok(count) => Ok(Told { count, ..Told::default() }),
        Err(reason) => Err(Silent {
            cause: Cause::PermissionDenied,
            reason: reason.to_owned(),
            fix: "grant".into(),
        }),
    };
    let answered = Answered { values: vec![Vec::new()], read_at: start(), answer };
    look.probing.answers.insert(("tokens".into(), "rev_1".into()), answered);
}

/// Kind, required probe, what it told (`-`: it was not asked), verdict.
const PROBES: &str = "
    full     yes 0      revoked
    full     yes 2      residual
    full     yes denied inconclusive
    full     yes -      inconclusive
    full     no  denied revoked
    full     no  -      revoked
    full     no  2      residual
    suspend  yes 2      residual
    suspend  yes -      inconclusive
    partial  yes 0      revoked
    partial  yes 2      residual
    partial  yes denied inconclusive
    partial  yes -      inconclusive
    partial  no  denied inconclusive
    partial  no  -      inconclusive
    partial  no  0      revoked
";

#[test]
fn what_probes_tell_decides() {
    for row in PROBES.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let kind = Kind::from_word(words[0]).unwrap();
        let told = match words[2] {
            "-" => None,
            "denied" => Some(Err("denied")),
            count => Some(Ok(count.parse().unwrap())),
        };
        let (accounts, permissions): (_, &[&str]) =
            ([account()], if kind == Kind::Partial { &["api.admin"] } else { &[] });
        let person = person(kind, permissions, &[]);
        let question = ask(kind, &accounts);
        // The same on a target and in another system.
        let mut here = look();
        probe(&mut here, words[1] == "yes", told);
        let further = Further { person: Some(&person), ..Further::default() };
        let judged = judge_further(&question, &further, &[&here]);
        assert_eq!(judged.verdict.as_str(), words[3], "{row}");
        assert_eq!(judged.login, Verdict::Revoked, "{row}: a probe says nothing of the login");
        let mut elsewhere = Observation::begun("github", start());
        probe(&mut elsewhere, words[1] == "yes", told);
        let further = Further { external: &[&elsewhere], ..further };
        let judged = judge_further(&question, &further, &[&look()]);
        assert_eq!(judged.verdict.as_str(), words[3], "{row}, elsewhere");
        // Switched off, it is shown and decides nothing.
        let off = BTreeSet::from([ResidualKind::Probe]);
        let question = Question { not_required: &off, ..question };
        let judged = judge_further(&question, &further, &[&here]);
        assert_eq!(judged.verdict, Verdict::Revoked, "{row}, switched off");
    }
}

#[test]
fn who_is_nobody_is_asked_about_by_no_probe_and_it_is_said() {
    let (accounts, mut here) = ([account()], look());
    probe(&mut here, true, Some(Ok(2)));
    let judged = judge(&ask(Kind::Full, &accounts), &[&here]);
    assert_eq!(judged.verdict, Verdict::Revoked);
    assert!(judged.not_covered.iter().any(|skipped| skipped.surface == "probes of orders"));
}

#[test]
fn what_a_probe_finds_is_late_though_there_is_no_account() {
    let (mut here, person) = (look(), person(Kind::Full, &[], &[]));
    probe(&mut here, true, Some(Ok(1)));
    let further = Further { person: Some(&person), ..Further::default() };
    let judged = judge_further(&ask(Kind::Full, &[]), &further, &[&here]);
    assert_eq!((judged.verdict, judged.no_account), (Verdict::Residual, false));
}

fn required(name: &str, permission: bool, roles: &[&str]) -> Required {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    Required { name: name.to_owned(), permission, roles }
}

#[test]
fn what_must_be_there_is_held_so_that_it_can_be_used() {
    let (accounts, roles) = ([account()], ["admins".to_owned()]);
    let question = Question { roles: &roles, known_as: &roles, ..ask(Kind::Partial, &accounts) };
    let person = person(Kind::Partial, &[], &[]);
    let wanted = [required("readers", false, &["readers"])];
    let further = Further { person: Some(&person), required: &wanted, ..Further::default() };
    for (can, verdict) in [
        (Some(Can::UsesNow), Verdict::Revoked),
        (Some(Can::SetRole), Verdict::Revoked),
        (Some(Can::AfterSetRole), Verdict::Revoked),
        (Some(Can::SelfGrant), Verdict::Residual),
        (Some(Can::Listed), Verdict::Residual),
        (None, Verdict::Residual),
    ] {
        let mut here = look();
        here.residual = vec![found(ResidualKind::Membership, "readers", can)];
        let judged = judge_further(&question, &further, &[&here]);
        assert_eq!(judged.verdict, verdict, "{can:?}: {judged:?}");
        let missing: Vec<_> = judged.missing.iter().map(|m| (m.what, m.name.as_str())).collect();
        let expected: &[_] =
            if verdict == Verdict::Revoked { &[] } else { &[(Lacks::Role, "readers")] };
        assert_eq!(missing, expected);
    }
    // What could not be read may be there, and another cluster's roles say nothing.
    let mut blind = look();
    blind.gaps.push(Gap {
        surface: ResidualKind::Membership,
        target: "orders".into(),
        database: None,
        reason: "refused".into(),
        fix: "grant".into(),
        cause: Cause::PermissionDenied,
    });
    let mut other = look();
    other.server.as_mut().unwrap().system_identifier = SystemIdentifier(8);
    for look in [&blind, &other] {
        let judged = judge_further(&question, &further, &[look]);
        assert_eq!((judged.verdict, judged.missing.len()), (Verdict::Inconclusive, 0));
    }
}

#[test]
fn a_required_permission_is_what_a_role_or_a_probe_shows() {
    let (accounts, roles) = ([account()], ["admins".to_owned()]);
    let question = Question { roles: &roles, known_as: &roles, ..ask(Kind::Partial, &accounts) };
    let person = person(Kind::Partial, &[], &["api.admin"]);
    for (giving, told, verdict) in [
        (&["readers"][..], Some(Ok(0)), Verdict::Residual),
        (&["readers"][..], Some(Ok(3)), Verdict::Revoked),
        (&[][..], Some(Ok(3)), Verdict::Revoked),
        (&[][..], Some(Ok(0)), Verdict::Residual),
        (&[][..], Some(Err("denied")), Verdict::Inconclusive),
        (&[][..], None, Verdict::Inconclusive),
    ] {
        let wanted = [required("api.admin", true, giving)];
        let further = Further { person: Some(&person), required: &wanted, ..Further::default() };
        // Also where nobody has to know what the probe tells.
        for needed in [true, false] {
            let mut here = look();
            probe(&mut here, needed, told);
            let judged = judge_further(&question, &further, &[&here]);
            assert_eq!(judged.verdict, verdict, "{giving:?} {told:?}: {judged:?}");
            assert_eq!(judged.residual, [], "what is to be there is no residual");
        }
        let unmapped = judge_further(&question, &further, &[&look()]);
        let expected = if giving.is_empty() { Verdict::Inconclusive } else { Verdict::Residual };
        assert_eq!(unmapped.verdict, expected, "{giving:?} without a probe");
    }
}

#[test]
fn a_transfer_has_another_owner() {
    let accounts = [account()];
    let question = ask(Kind::Transfer, &accounts);
    let person = Person { usernames: vec!["ann".into()], ..person(Kind::Transfer, &[], &[]) };
    let mut here = look();
    here.residual = vec![found(ResidualKind::Login, "", None)];
    for (owner, says) in [
        (None, "nobody said who owns john"),
        (Some("EMP-1"), "is who gives it away"),
        (Some("ann"), "is who gives it away"),
        (Some("bob"), ""),
    ] {
        let further = Further { person: Some(&person), new_owner: owner, ..Further::default() };
        let judged = judge_further(&question, &further, &[&here]);
        let about = |gap: &&Gap| gap.reason.contains("owns") || gap.reason.contains("owner");
        let said = judged.gaps.iter().find(about).map_or("", |gap| gap.reason.as_str());
        assert!(said.contains(says) && (says.is_empty() == said.is_empty()), "{owner:?}: {said}");
        assert_eq!(judged.missing, []);
        assert_eq!(judged.verdict, Verdict::Inconclusive, "the password is a question too");
    }
    let judged = judge(&question, &[&look()]);
    assert_eq!(judged.missing.first().map(|missing| missing.what), Some(Lacks::Login));
}

#[test]
fn whose_a_role_is_leaves_the_login_open_too() {
    let open = [Gap {
        surface: ResidualKind::Login,
        target: "orders".into(),
        database: None,
        reason: "whose is it?".into(),
        fix: "say it".into(),
        cause: Cause::Internal,
    }];
    let question = Question { no_account: true, ..ask(Kind::Full, &[]) };
    let further = Further { open: &open, ..Further::default() };
    let judged = judge_further(&question, &further, &[&look()]);
    assert_eq!((judged.verdict, judged.login), (Verdict::Inconclusive, Verdict::Inconclusive));
    assert!(!judged.disabled && !judged.no_account);
    assert_eq!(judged.gaps, open);
}
