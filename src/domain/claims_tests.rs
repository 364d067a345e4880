use super::*;
use crate::domain::identity::Unsure;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::lineage::{Unlink, Unlinked};
use crate::domain::observation::Server;
use crate::domain::revocation::sample;

fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(second * 1_000_000).unwrap()
}

fn account(rule: LinkRule) -> Account {
    Account {
        target: "main".into(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(20),
        role: "jsmith".into(),
        names: vec!["jsmith".into()],
        rule,
        source: String::new(),
        linked_at: Some(at(10)),
    }
}

fn name(rule: LinkRule) -> Vec<AccountName> {
    vec![AccountName { target: None, role: "jsmith".into(), rule }]
}

fn claimant<'a>(
    revocation: &'a str,
    subject: &'a str,
    username: Option<&'a str>,
    lineage: &'a Lineage,
) -> Claimant<'a> {
    let called = Called { subject, username };
    let also_called = &[];
    Claimant { revocation, called, also_called, received_at: at(5), all_goes: true, lineage }
}

/// The question that is open.
fn open(
    claims: &Claims<'_>,
    me: &Claimant<'_>,
    account: &Account,
    mapping: &Mapping,
) -> Option<Gap> {
    match claims.doubt(me, account, mapping)? {
        Doubt::Open { gap, .. } => Some(gap),
        Doubt::Answered { note, .. } => panic!("answered: {note:?}"),
    }
}

#[test]
fn two_people_who_fit_one_role_are_a_question() {
    use LinkRule as R;
    let nothing = Lineage::default();
    let me = claimant("rev_1", "EMP-1", Some("jsmith"), &nothing);
    for (mine, theirs, asks) in [
        (R::Template, R::Template, true),
        (R::Template, R::Stated, true),
        (R::SameName, R::Template, true),
        (R::Mapping, R::MappingFile, true),
        (R::Mapping, R::Template, false),
        (R::Stated, R::Template, false),
        (R::Person, R::Stated, false),
    ] {
        let mut claims = Claims::default();
        claims.add(me, name(mine));
        claims.add(claimant("rev_2", "EMP-2", Some("jsmith"), &nothing), name(theirs));
        let gap = open(&claims, &me, &account(mine), &Mapping::default());
        assert_eq!(gap.is_some(), asks, "{mine:?} {theirs:?}");
        assert!(gap.is_none_or(|gap| gap.reason.contains("rev_2")));
    }
}

#[test]
fn a_further_user_name_is_the_same_person() {
    let nothing = Lineage::default();
    let names = ["jd".to_owned(), "jsmith".to_owned()];
    let me = claimant("rev_1", "EMP-1", Some("john.doe"), &nothing);
    for (also_called, asks) in [(names.as_slice(), false), (&[], true)] {
        let me = Claimant { also_called, ..me };
        let other = claimant("rev_2", "jsmith", None, &nothing);
        for (asked, beside) in [(me, other), (other, me)] {
            let mut claims = Claims::default();
            claims.add(asked, name(LinkRule::Template));
            claims.add(beside, name(LinkRule::Template));
            let account = account(LinkRule::Template);
            let gap = open(&claims, &asked, &account, &Mapping::default());
            assert_eq!(gap.is_some(), asks, "{also_called:?}");
        }
    }
}

#[test]
fn one_person_under_two_names_and_a_removed_link_are_none() {
    let nothing = Lineage::default();
    let me = claimant("rev_1", "EMP-1", Some("jsmith"), &nothing);
    let mut claims = Claims::default();
    claims.add(claimant("rev_2", "jsmith", None, &nothing), name(LinkRule::Template));
    let parted = Lineage {
        barred: vec![Barred {
            because: Unlinked::Person,
            role: "jsmith".into(),
            system_identifier: SystemIdentifier(7),
            oid: Some(RoleOid(20)),
            known: [].into(),
            by: "boss".into(),
            since: UtcTime::EPOCH,
            said_at: None,
        }],
        ..Lineage::default()
    };
    claims.add(claimant("rev_3", "EMP-3", Some("jsmith"), &parted), name(LinkRule::Template));
    let mapping = Mapping::default();
    assert_eq!(open(&claims, &me, &account(LinkRule::Template), &mapping), None);
}

#[test]
fn a_second_name_for_one_id_and_a_role_declared_twice_are_questions() {
    let doubtful = Lineage { doubtful: ["jsmith".to_owned()].into(), ..Lineage::default() };
    let me = claimant("rev_1", "EMP-1", Some("jane"), &doubtful);
    let claims = Claims::default();
    let mut mapping = Mapping::default();
    let gap = open(&claims, &me, &account(LinkRule::Template), &mapping).unwrap();
    assert!(gap.reason.contains("another user name"), "{gap:?}");
    assert_eq!(open(&claims, &me, &account(LinkRule::Person), &mapping), None);
    for subject in ["EMP-1", "EMP-2"] {
        mapping.accounts.insert(subject.into(), name(LinkRule::Mapping));
    }
    mapping.index();
    let gap = open(&claims, &me, &account(LinkRule::Mapping), &mapping).unwrap();
    assert!(gap.reason.contains("declared for 1 more"), "{gap:?}");
}

#[test]
fn what_only_another_name_is_declared_for_is_a_question() {
    let doubtful = Lineage { doubtful: ["jsmith".to_owned()].into(), ..Lineage::default() };
    let me = claimant("rev_1", "EMP-1", Some("jane"), &doubtful);
    let (claims, mapping) = (Claims::default(), Mapping::default());
    let gap = open(&claims, &me, &account(LinkRule::MappingFile), &mapping).unwrap();
    assert!(gap.reason.contains("another user name"), "{gap:?}");
    assert_eq!(open(&claims, &me, &account(LinkRule::Stated), &mapping), None);
}

#[test]
fn a_name_that_a_held_notice_gives_asks_about_what_nothing_else_reaches() {
    let unsure = |plain: bool| Lineage {
        unsure: vec![Unsure {
            notice: "ntc_1".into(),
            digest: "d".into(),
            username: Some("bob".into()),
            plain,
        }],
        ..Lineage::default()
    };
    let mut asked = sample(at(5));
    (asked.subject, asked.username) = ("EMP-1".into(), Some("jane".into()));
    let mut mapping = Mapping::default();
    let declared = |target: Option<&str>, role: &str| AccountName {
        target: target.map(str::to_owned),
        role: role.to_owned(),
        rule: LinkRule::Mapping,
    };
    mapping.accounts.insert("bob".into(), vec![declared(None, "bob_adm"), declared(None, "app")]);
    mapping.accounts.insert("EMP-1".into(), vec![declared(Some("main"), "app")]);
    let look = look(&[(30, "bob"), (31, "bob_adm"), (32, "app"), (33, "jane")]);
    let names = mapping.names_of(&asked);
    let asks = |lineage: &Lineage, accounts: &[Account]| -> Vec<String> {
        let me = claimant("rev_1", "EMP-1", Some("jane"), lineage);
        let gaps = called_in_question(&me, (&asked, &mapping), (accounts, &names), &look);
        let role = |gap: Gap| gap.reason.split(' ').nth(1).unwrap().to_owned();
        gaps.into_iter().map(role).collect()
    };
    assert_eq!(asks(&unsure(false), &[]), ["main/bob_adm"], "the id itself has main/app");
    assert_eq!(asks(&unsure(true), &[]), ["main/bob", "main/bob_adm"]);
    let linked = Account { oid: RoleOid(31), ..account(LinkRule::Person) };
    assert!(asks(&unsure(false), &[linked]).is_empty(), "a person said whose it is");
    assert!(asks(&Lineage::default(), &[]).is_empty());
}

#[test]
fn a_question_that_comes_up_later_hides_no_presence() {
    let nothing = Lineage::default();
    let me = claimant("rev_1", "EMP-1", Some("jsmith"), &nothing);
    let other = claimant("rev_2", "EMP-2", Some("jsmith"), &nothing);
    let template = LinkRule::Template;
    for (received, knew) in [(vec![5], false), (vec![20], true), (vec![20, 5], false)] {
        let mut claims = Claims::default();
        for second in &received {
            claims.add(Claimant { received_at: at(*second), ..other }, name(template));
        }
        match claims.doubt(&me, &account(template), &Mapping::default()) {
            Some(Doubt::Open { known, .. }) => assert_eq!(known, knew, "{received:?}"),
            doubt => panic!("{doubt:?}"),
        }
    }
}

#[test]
fn a_person_s_link_answers_for_the_other_only_where_nothing_is_lost_by_it() {
    let (nothing, mut linked) = (Lineage::default(), Lineage::default());
    linked.link(&name(LinkRule::Person)[0], "boss", at(30));
    let me = claimant("rev_1", "EMP-1", Some("jsmith"), &nothing);
    let other = claimant("rev_2", "EMP-2", Some("jsmith"), &linked);
    let doubt = |rule: LinkRule, other: Claimant<'_>| {
        let mut claims = Claims::default();
        claims.add(other, name(LinkRule::Person));
        claims.doubt(&me, &account(rule), &Mapping::default())
    };
    let Some(Doubt::Answered { note, at: said }) = doubt(LinkRule::Template, other) else {
        panic!()
    };
    assert_eq!(said, at(30));
    assert!(note.surface.contains("main/jsmith") && note.reason.contains("rev_2"), "{note:?}");
    // It was seen as theirs before, or it need not go there: then a second person decides.
    for other in [Claimant { received_at: at(20), ..other }, Claimant { all_goes: false, ..other }]
    {
        let Some(Doubt::Open { gap, .. }) = doubt(LinkRule::Template, other) else { panic!() };
        assert!(gap.reason.contains("somebody said"), "{gap:?}");
        assert!(gap.fix.contains("unlink rev_1"), "{gap:?}");
    }
    assert_eq!(doubt(LinkRule::Stated, other), None, "a notice named it");
}

fn look(roles: &[(u32, &str)]) -> Observation {
    let mut look = Observation::begun("main", at(0));
    look.server = Some(Server {
        system_identifier: SystemIdentifier(7),
        version: "15".into(),
        version_num: 150_000,
        in_recovery: false,
        timeline: 1,
        clock_skew_us: 0,
        agent_role: "agent".into(),
    });
    let role = |(oid, name): &(u32, &str)| RosterRole { oid: RoleOid(*oid), name: (*name).into() };
    look.roster = roles.iter().map(role).collect();
    look
}

#[test]
fn what_is_declared_and_was_said_not_to_be_theirs_is_a_question() {
    let mut lineage = Lineage::default();
    lineage.unlink(&Unlink { account: account(LinkRule::Stated), bar: true }, "ops", at(20));
    let asked = |lineage: &Lineage, rule: LinkRule, look: &Observation| {
        let me = claimant("rev_1", "EMP-1", None, lineage);
        declared_yet_barred(&me, (&[], &name(rule)), look).len()
    };
    let here = look(&[(20, "jsmith")]);
    assert_eq!(asked(&lineage, LinkRule::Mapping, &here), 1);
    assert_eq!(asked(&lineage, LinkRule::Mapping, &look(&[(20, "renamed")])), 1);
    assert_eq!(asked(&lineage, LinkRule::Mapping, &look(&[(30, "renamed")])), 0, "it is gone");
    assert_eq!(asked(&lineage, LinkRule::Template, &here), 0, "two people say more than a guess");
    lineage.link(&name(LinkRule::Person)[0], "boss", at(30));
    assert_eq!(asked(&lineage, LinkRule::Mapping, &here), 0, "it is linked again");
}

#[test]
fn a_suggested_role_that_is_declared_for_another_is_said() {
    let nothing = Lineage::default();
    let me = claimant("rev_1", "EMP-1", Some("jsmith"), &nothing);
    let withheld = |rule: LinkRule| {
        let [name] = <[AccountName; 1]>::try_from(name(LinkRule::Template)).unwrap();
        [Withheld { name, subject: "EMP-9".into(), rule }]
    };
    let here = look(&[(20, "jsmith")]);
    let (gaps, notes) = withheld_from(&me, &withheld(LinkRule::MappingFile), &[], &here);
    assert_eq!((gaps.len(), notes.len()), (0, 1));
    assert!(notes[0].surface.contains("main/jsmith") && notes[0].reason.contains("EMP-9"));
    let (gaps, notes) = withheld_from(&me, &withheld(LinkRule::MappingQuery), &[], &here);
    assert_eq!((gaps.len(), notes.len()), (1, 0));
    assert!(gaps[0].reason.contains("EMP-9") && gaps[0].fix.contains("expect link rev_1"));
    let query = withheld(LinkRule::MappingQuery);
    let (none, linked) = (look(&[(20, "other")]), [account(LinkRule::Stated)]);
    assert_eq!(withheld_from(&me, &query, &[], &none), (vec![], vec![]), "no role bears it");
    assert_eq!(withheld_from(&me, &query, &linked, &here), (vec![], vec![]), "it is linked");
}

#[test]
fn a_name_that_was_the_subject_s_once_is_a_question_unless_a_certain_one_fits_too() {
    let lineage = Lineage { former: ["jsmith".to_owned()].into(), ..Lineage::default() };
    let once = name(LinkRule::Template);
    let renamed = |role: &str| {
        let names = vec!["jsmith".to_owned(), role.to_owned()];
        Account { role: role.to_owned(), names, ..account(LinkRule::Template) }
    };
    let gap = lineage.former_gap(&renamed("jold"), &once, "rev_1").unwrap();
    assert!(gap.reason.contains("main/jold") && gap.reason.contains("earlier notices"), "{gap:?}");
    assert!(gap.fix.contains("expect link rev_1 main/jold"), "{gap:?}");
    assert_eq!(lineage.former_gap(&account(LinkRule::Stated), &once, "rev_1"), None);
    let now = AccountName { target: None, role: "jane".into(), rule: LinkRule::Template };
    let both = [once, vec![now]].concat();
    assert_eq!(lineage.former_gap(&renamed("jane"), &both, "rev_1"), None, "it was renamed");
    let slip = Lineage { taken_back: ["jsmith".to_owned()].into(), ..Lineage::default() };
    let gap = slip.former_gap(&account(LinkRule::SameName), &both, "rev_1").unwrap();
    assert!(gap.reason.contains("taken back"), "{gap:?}");
}

#[test]
fn a_role_by_a_recycled_name_is_a_question_to_who_is_called_so_later() {
    let mut look = Observation::begun("main", at(20));
    look.server = Some(Server {
        system_identifier: SystemIdentifier(7),
        version: "17".into(),
        version_num: 170_000,
        in_recovery: false,
        timeline: 1,
        clock_skew_us: 0,
        agent_role: "agent".into(),
    });
    look.roster = vec![RosterRole { oid: RoleOid(20), name: "jsmith".into() }];
    let barred = |because: Unlinked, oid: Option<RoleOid>, said: i64| Barred {
        because,
        role: "jsmith".into(),
        system_identifier: SystemIdentifier(7),
        oid,
        known: std::collections::BTreeSet::new(),
        by: "hr".into(),
        since: at(said),
        said_at: Some(at(said)),
    };
    let own = name(LinkRule::Template);
    for (said, asked) in [(1, 1), (9, 0)] {
        let barred = vec![barred(Unlinked::Recycled, None, said)];
        let lineage = Lineage { barred, ..Lineage::default() };
        let me = claimant("rev_1", "EMP-1", Some("jsmith"), &lineage);
        assert_eq!(called_yet_barred(&me, (&[], &own), &look).len(), asked, "said at {said}");
    }
    let both =
        vec![barred(Unlinked::Recycled, None, 1), barred(Unlinked::Person, Some(RoleOid(20)), 8)];
    let lineage = Lineage { barred: both, ..Lineage::default() };
    let me = claimant("rev_1", "EMP-1", Some("jsmith"), &lineage);
    assert_eq!(called_yet_barred(&me, (&[], &own), &look), [], "two people said whose it is not");
}
