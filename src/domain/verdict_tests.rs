//! The verdict rules as tables.

use super::*;
use crate::domain::account::LinkRule;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::{RosterRole, Server};
use crate::domain::residual::AccountRef;
use crate::domain::time::UtcTime;

/// No surface is switched off.
static EVERYTHING: BTreeSet<ResidualKind> = BTreeSet::new();

const CLUSTER: SystemIdentifier = SystemIdentifier(7);

fn start() -> UtcTime {
    UtcTime::from_micros(0).unwrap()
}

fn ask<'a>(
    kind: Kind,
    accounts: &'a [Account],
    names: &'a [AccountName],
    roles: &'a [String],
) -> Question<'a> {
    Question {
        kind,
        accounts,
        names,
        roles,
        unmapped: &[],
        no_account: false,
        not_required: &EVERYTHING,
        known_as: roles,
        seen: &[],
        gone_since: Some(start()),
        rotation: None,
    }
}

fn account() -> Account {
    Account {
        target: "orders".into(),
        system_identifier: CLUSTER,
        oid: RoleOid(16401),
        role: "john".into(),
        names: vec!["john".into()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    }
}

fn residual(kind: ResidualKind, strength: Strength) -> Residual {
    let account =
        AccountRef { target: "orders".into(), oid: RoleOid(16401), role: Some("john".into()) };
    let mut residual = Residual::new(kind, strength, account);
    residual.privilege = Some("app_rw".into());
    residual
}

fn gap(surface: ResidualKind) -> Gap {
    Gap {
        surface,
        target: "orders".into(),
        database: None,
        reason: "refused".into(),
        fix: "grant".into(),
        cause: Cause::PermissionDenied,
    }
}

fn look(residual: Vec<Residual>, gaps: Vec<Gap>) -> Observation {
    let mut look = Observation::begun("orders", UtcTime::from_micros(0).unwrap());
    look.server = Some(Server {
        system_identifier: CLUSTER,
        version: "15.18".into(),
        version_num: 150_018,
        in_recovery: false,
        timeline: 1,
        clock_skew_us: 0,
        agent_role: "revoked_agent".into(),
    });
    look.tracked = [RoleOid(16401)].into();
    look.roster = ["john", "app_rw"]
        .iter()
        .zip([16401, 16402])
        .map(|(name, oid)| RosterRole { oid: RoleOid(oid), name: (*name).to_owned() })
        .collect();
    look.residual = residual;
    look.gaps = gaps;
    look
}

/// One row a case, read aloud: kind of revocation, what is found, what is unseen, verdict, login milestone.
const TABLE: &str = "
    full      -           -           revoked       revoked
    full      -           privilege   inconclusive  revoked
    full      -           session     inconclusive  inconclusive
    full      privilege   session     residual      inconclusive
    full      session     -           residual      residual
    full      login       privilege   residual      residual
    suspend   privilege   -           revoked       revoked
    suspend   login       -           residual      residual
    suspend   -           privilege   revoked       revoked
    suspend   -           session     inconclusive  inconclusive
    partial   membership  -           residual      revoked
    partial   login       -           revoked       residual
    partial   -           privilege   revoked       revoked
    partial   -           membership  inconclusive  revoked
    rotation  -           -           inconclusive  revoked
    transfer  login       -           inconclusive  residual
    transfer  -           -           residual      revoked
";

#[test]
fn the_table() {
    let roles = ["app_rw".to_owned()];
    for row in TABLE.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let kind = Kind::from_word(words[0]).unwrap();
        let found = ResidualKind::from_word(words[1]).map(|kind| residual(kind, strength(kind)));
        let unseen = ResidualKind::from_word(words[2]).map(gap);
        let accounts = [account()];
        let roles: &[String] = if kind == Kind::Partial { &roles } else { &[] };
        let question = ask(kind, &accounts, &[], roles);
        let look = look(found.into_iter().collect(), unseen.into_iter().collect());
        let judged = judge(&question, &[&look]);
        assert_eq!(judged.verdict.as_str(), words[3], "{row}");
        assert_eq!(judged.login.as_str(), words[4], "{row}");
    }
}

fn strength(kind: ResidualKind) -> Strength {
    if kind == ResidualKind::Session {
        Strength::ActsNow
    } else if kind == ResidualKind::Login {
        Strength::CanLogIn
    } else {
        Strength::Latent
    }
}

/// The cut role's revocation alone is concerned, and by what was not read only as far as it asks for that.
#[test]
fn what_was_read_in_part_of_one_role_says_nothing_about_another() {
    let privilege = residual(ResidualKind::Privilege, Strength::Latent);
    for (role, kind, found, verdict) in [
        (16401, Kind::Full, vec![privilege.clone()], Verdict::Residual),
        (16401, Kind::Full, vec![], Verdict::Inconclusive),
        (16401, Kind::Suspend, vec![], Verdict::Revoked),
        (16402, Kind::Full, vec![], Verdict::Revoked),
    ] {
        let accounts = [account()];
        let mut look = look(found, vec![]);
        look.partly.insert(RoleOid(role), vec![gap(ResidualKind::Privilege)]);
        let judged = judge(&ask(kind, &accounts, &[], &[]), &[&look]);
        assert_eq!(judged.verdict, verdict, "{role} {kind}");
        assert_eq!(judged.login, Verdict::Revoked);
        let is_open = role == 16401 && kind == Kind::Full;
        assert_eq!(judged.gaps.len(), usize::from(is_open), "{role} {kind}");
    }
}

/// What nobody asks for leaves nothing open, whether it was read in part or not at all.
#[test]
fn what_was_read_in_part_and_is_not_asked_for_leaves_nothing_open() {
    let (accounts, not_required) = ([account()], [ResidualKind::Privilege].into());
    let mut look = look(vec![], vec![]);
    for (surface, verdict) in [
        (ResidualKind::Privilege, Verdict::Revoked),
        (ResidualKind::Ownership, Verdict::Inconclusive),
    ] {
        look.partly.insert(RoleOid(16401), vec![gap(surface)]);
        let question =
            Question { not_required: &not_required, ..ask(Kind::Full, &accounts, &[], &[]) };
        let judged = judge(&question, &[&look]);
        assert_eq!(judged.verdict, verdict, "{surface}");
        assert_eq!(judged.gaps.len(), usize::from(verdict == Verdict::Inconclusive), "{surface}");
    }
}

/// The number of a role of another cluster, or at another target, is somebody else's.
#[test]
fn what_was_read_in_part_elsewhere_is_not_the_subjects() {
    let accounts = [account()];
    let question = ask(Kind::Full, &accounts, &[], &[]);
    let fat = |target: &str| {
        let mut look = look(vec![residual(ResidualKind::Privilege, Strength::Latent)], vec![]);
        look.target = target.to_owned();
        look.partly.insert(RoleOid(16401), vec![gap(ResidualKind::Privilege)]);
        look
    };
    let judged = judge(&question, &[&look(vec![], vec![]), &fat("billing")]);
    assert_eq!((judged.verdict, judged.gaps), (Verdict::Revoked, vec![]), "another target");
    let mut copy = fat("orders");
    copy.server.as_mut().unwrap().system_identifier = SystemIdentifier(8);
    let judged = judge(&question, &[&copy]);
    assert_eq!(
        (judged.verdict, judged.residual),
        (Verdict::Inconclusive, vec![]),
        "another cluster"
    );
    assert!(judged.gaps.iter().all(|gap| gap.surface == ResidualKind::Login), "{:?}", judged.gaps);
}

#[test]
fn a_partial_revocation_of_nothing_named_is_a_question() {
    let accounts = [account()];
    let question = ask(Kind::Partial, &accounts, &[], &[]);
    let judged = judge(&question, &[&look(vec![], vec![])]);
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert!(judged.gaps[0].fix.contains("--role"));
}

#[test]
fn a_name_nobody_has_is_inconclusive_and_says_what_was_searched() {
    let names = [AccountName { target: None, role: "jon".into(), rule: LinkRule::Template }];
    let question = ask(Kind::Full, &[], &names, &[]);
    let judged = judge(&question, &[&look(vec![], vec![])]);
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert!(judged.gaps[0].reason.contains("no role is called jon"));
    assert!(judged.no_account);
}

#[test]
fn where_a_name_is_not_searched_for_nobody_says_that_it_never_was() {
    let name = |target: &str, role: &str| AccountName {
        target: Some(target.into()),
        role: role.into(),
        rule: LinkRule::Template,
    };
    let looks = ["orders", "second", "third"]
        .map(|target| Observation { target: target.into(), ..look(vec![], vec![]) });
    let names = [name("second", "jon"), name("third", "jon")];
    let judged = judge(&ask(Kind::Full, &[], &names, &[]), &looks.each_ref());
    let gap = &judged.gaps[0];
    assert_eq!((judged.verdict, gap.target.as_str()), (Verdict::Inconclusive, "second, third"));
    assert!(gap.reason.contains("no role is called jon;"), "{}", gap.reason);
    let names = [name("elsewhere", "jon")];
    let judged = judge(&ask(Kind::Full, &[], &names, &[]), &looks.each_ref());
    assert_eq!(judged.gaps[0].target, "orders, second, third");
}

#[test]
fn while_roles_are_unread_nobody_knows_whether_there_is_an_account() {
    let names = [AccountName { target: None, role: "jon".into(), rule: LinkRule::Template }];
    let question = ask(Kind::Full, &[], &names, &[]);
    let mut down = look(vec![], vec![gap(ResidualKind::Login)]);
    down.roster.clear();
    let judged = judge(&question, &[&down]);
    assert_eq!((judged.verdict, judged.no_account), (Verdict::Inconclusive, false));
    assert!(judged.gaps.iter().all(|gap| !gap.reason.contains("no role is called")));
    down.gaps.clear();
    let judged = judge(&question, &[&down]);
    assert_eq!(judged.verdict, Verdict::Inconclusive, "an unread roster is no absence");
}

#[test]
fn a_partial_revocation_of_a_misspelt_role_is_inconclusive() {
    let (accounts, roles) = ([account()], ["app_rv".to_owned()]);
    let question = ask(Kind::Partial, &accounts, &[], &roles);
    let held = residual(ResidualKind::Membership, Strength::Latent);
    let judged = judge(&question, &[&look(vec![held], vec![])]);
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert!(judged.gaps[0].reason.contains("no role is called app_rv"));
}

#[test]
fn a_role_that_was_renamed_is_no_slip() {
    let (accounts, roles) = ([account()], ["app_rv".to_owned()]);
    let verdict = |cluster, name: &str, look: &Observation| {
        let seen = [(cluster, name.to_owned())];
        let question = Question { seen: &seen, ..ask(Kind::Partial, &accounts, &[], &roles) };
        judge(&question, &[look]).verdict
    };
    let clean = look(vec![], vec![]);
    assert_eq!(verdict(CLUSTER, "app_rv", &clean), Verdict::Revoked, "it is there, and not held");
    assert_eq!(verdict(SystemIdentifier(8), "app_rv", &clean), Verdict::Inconclusive);
    assert_eq!(verdict(CLUSTER, "app_rw", &clean), Verdict::Inconclusive);
    // It is held under the name that it bears now.
    let mut held = residual(ResidualKind::Membership, Strength::Latent);
    held.privilege = Some("app_old".to_owned());
    let renamed = look(vec![held], vec![]);
    let names = ["app_rv".to_owned(), "app_old".to_owned()];
    let seen = [(CLUSTER, "app_rv".to_owned())];
    let question =
        Question { seen: &seen, known_as: &names, ..ask(Kind::Partial, &accounts, &[], &roles) };
    assert_eq!(judge(&question, &[&renamed]).verdict, Verdict::Residual);
}

#[test]
fn another_cluster_at_the_same_address_proves_nothing() {
    let mut elsewhere = look(vec![], vec![]);
    elsewhere.server.as_mut().unwrap().system_identifier = SystemIdentifier(8);
    let accounts = [account()];
    let question = ask(Kind::Full, &accounts, &[], &[]);
    assert_eq!(judge(&question, &[&elsewhere]).verdict, Verdict::Inconclusive);
}

#[test]
fn a_look_that_did_not_search_for_the_account_proves_nothing() {
    let mut blind = look(vec![], vec![]);
    blind.tracked.clear();
    let accounts = [account()];
    let question = ask(Kind::Full, &accounts, &[], &[]);
    assert_eq!(judge(&question, &[&blind]).verdict, Verdict::Inconclusive);
}

#[test]
fn no_look_is_no_proof() {
    let accounts = [account()];
    let question = ask(Kind::Full, &accounts, &[], &[]);
    assert_eq!(judge(&question, &[]).verdict, Verdict::Inconclusive);
}

#[test]
fn what_another_account_holds_does_not_count() {
    let mut other = residual(ResidualKind::Login, Strength::CanLogIn);
    other.account.oid = RoleOid(999);
    let accounts = [account()];
    let question = ask(Kind::Full, &accounts, &[], &[]);
    assert_eq!(judge(&question, &[&look(vec![other], vec![])]).verdict, Verdict::Revoked);
}

#[test]
fn a_named_account_that_nobody_ever_saw_leaves_a_gap() {
    let name = |role: &str| AccountName { target: None, role: role.into(), rule: LinkRule::Stated };
    let (accounts, names) = ([account()], [name("john"), name("jhon")]);
    let question = ask(Kind::Full, &accounts, &names, &[]);
    let judged = judge(&question, &[&look(vec![], vec![])]);
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert!(judged.gaps[0].reason.contains("no role is called jhon"), "{:?}", judged.gaps);
}

#[test]
fn a_session_of_nobody_known_may_be_the_subjects() {
    let accounts = [account()];
    let question = ask(Kind::Full, &accounts, &[], &[]);
    let mut look = look(vec![], vec![]);
    look.vanished = vec![residual(ResidualKind::VanishedSession, Strength::ActsNow)];
    assert_eq!(judge(&question, &[&look]).verdict, Verdict::Inconclusive);
}

#[test]
fn partial_is_not_proved_for_superusers_and_sessions_begun_before() {
    let (accounts, roles) = ([account()], ["app_rw".to_owned()]);
    let question = ask(Kind::Partial, &accounts, &[], &roles);
    let mut superuser = residual(ResidualKind::Attribute, Strength::CanRegain);
    superuser.privilege = Some("SUPERUSER".into());
    let found = look(vec![superuser], vec![]);
    assert_eq!(judge(&question, &[&found]).verdict, Verdict::Residual);
    // Also where attributes need not be taken away.
    let off = BTreeSet::from([ResidualKind::Attribute]);
    let judged = judge(&Question { not_required: &off, ..question }, &[&found]);
    assert_eq!(judged.verdict, Verdict::Residual);
    let mut session = residual(ResidualKind::Session, Strength::ActsNow);
    let judged = judge(&question, &[&look(vec![session.clone()], vec![])]);
    assert_eq!(judged.verdict, Verdict::Inconclusive, "nobody knows when it began");
    session.since = UtcTime::from_micros(1);
    let judged = judge(&question, &[&look(vec![session.clone()], vec![])]);
    assert_eq!(judged.verdict, Verdict::Revoked);
    // By the clock of the standby where it is, which nobody knows.
    session.instance = Some("standby".into());
    let judged = judge(&question, &[&look(vec![session], vec![])]);
    assert_eq!(judged.verdict, Verdict::Inconclusive);
}

#[test]
fn whatever_kind_a_session_is_of_it_may_keep_a_revoked_role() {
    let (accounts, roles) = ([account()], ["app_rw".to_owned()]);
    let question = ask(Kind::Partial, &accounts, &[], &roles);
    for kind in SESSIONS {
        let mut session = residual(*kind, Strength::ActsNow);
        session.since = UtcTime::from_micros(-1);
        let judged = judge(&question, &[&look(vec![session.clone()], vec![])]);
        assert_eq!(judged.verdict, Verdict::Inconclusive, "{kind}: begun before");
        assert_eq!(judged.gaps[0].surface, *kind);
        session.since = UtcTime::from_micros(1);
        let judged = judge(&question, &[&look(vec![session], vec![])]);
        assert_eq!(judged.verdict, Verdict::Revoked, "{kind}: begun after");
        let unread = judge(&question, &[&look(vec![], vec![gap(*kind)])]);
        assert_eq!(unread.verdict, Verdict::Inconclusive, "{kind}: unread");
    }
}

#[test]
fn what_began_while_the_look_went_on_may_have_the_role_too() {
    let (accounts, roles) = ([account()], ["app_rw".to_owned()]);
    let question = Question { gone_since: None, ..ask(Kind::Partial, &accounts, &[], &roles) };
    let verdict = |since: i64| {
        let mut session = residual(ResidualKind::Session, Strength::ActsNow);
        session.since = UtcTime::from_micros(since);
        let mut look = look(vec![session], vec![]);
        look.ended_at = UtcTime::from_micros(100).unwrap();
        judge(&question, &[&look]).verdict
    };
    assert_eq!((verdict(50), verdict(150)), (Verdict::Inconclusive, Verdict::Revoked));
}

#[test]
fn without_its_canary_a_target_proves_no_absence() {
    let (accounts, roles) = ([account()], ["app_rw".to_owned()]);
    let everything: BTreeSet<_> = ResidualKind::ALL.iter().copied().collect();
    // Wherever it lies, and whatever the configuration does not ask for.
    let missed = Gap { cause: Cause::CanaryMissed, ..gap(ResidualKind::RoleSetting) };
    for kind in [Kind::Full, Kind::Suspend, Kind::Partial] {
        let question = ask(kind, &accounts, &[], &roles);
        assert_eq!(judge(&question, &[&look(vec![], vec![])]).verdict, Verdict::Revoked, "{kind}");
        for question in [question, Question { not_required: &everything, ..question }] {
            let judged = judge(&question, &[&look(vec![], vec![missed.clone()])]);
            assert!(judged.gaps.contains(&missed), "{kind}");
            let answers = (judged.verdict, judged.login, judged.disabled);
            assert_eq!(answers, (Verdict::Inconclusive, Verdict::Inconclusive, false), "{kind}");
        }
        let there = residual(ResidualKind::AdminOption, Strength::CanRegain);
        let found = judge(&question, &[&look(vec![there], vec![missed.clone()])]);
        let expected =
            if kind == Kind::Suspend { Verdict::Inconclusive } else { Verdict::Residual };
        assert_eq!(found.verdict, expected, "{kind}: presence is proved by any look");
    }
}
