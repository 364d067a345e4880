use super::*;
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::identity::Unsure;
use crate::domain::lineage::Rehired;
use crate::domain::revocation::sample;
use crate::store::Gist;
use std::path::Path;

fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(second * 1_000_000).unwrap()
}

fn config() -> Config {
    let text = "state_dir: s\ntargets: {main: {url: 'postgres://x@h/d'}}";
    Config::parse(Path::new("/nowhere/revoked.yaml"), text).unwrap()
}

/// A revocation of one person, called `username` in it.
fn one(id: &str, kind: Kind, state: State, username: &str) -> Stored {
    let role = AccountName { target: None, role: username.to_owned(), rule: LinkRule::Template };
    let revocation = Revocation {
        id: id.to_owned(),
        subject: "EMP-1".to_owned(),
        username: Some(username.to_owned()),
        kind,
        accounts: vec![role],
        ..sample(at(0))
    };
    Stored {
        life: Arc::new(Life { state, ..Life::begin(at(0), at(0)) }),
        revocation,
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

fn carried(stored: &Stored, other: &Stored) -> Option<Move> {
    learnt(stored, &[stored, other], &config(), at(10))
}

#[test]
fn another_name_is_searched_for_as_if_suggested() {
    let part = one("rev_1", Kind::Partial, State::Open, "jd");
    let mut end = one("rev_2", Kind::Full, State::Scheduled, "Jane");
    end.revocation.emails = vec!["jane@x".to_owned()];
    end.revocation.accounts =
        ["main/adm", "gone/adm"].map(crate::intake::submission::account_name).to_vec();
    let step = carried(&part, &end).unwrap();
    let asked = &step.revocation;
    assert_eq!(
        (&asked.also_called, &asked.emails),
        (&vec!["Jane".to_owned()], &end.revocation.emails)
    );
    let names: Vec<_> = asked.accounts.iter().map(|name| (name.role.as_str(), name.rule)).collect();
    assert_eq!(
        names,
        [("jd", LinkRule::Template), ("adm", LinkRule::Template)],
        "no target is called gone"
    );
    assert_eq!(step.records.len(), 1);
    let after = Stored { revocation: step.revocation, life: Arc::new(step.life), ..part };
    assert!(carried(&after, &end).is_none(), "once");
}

#[test]
fn what_was_proved_is_opened_unless_another_one_expects_everything() {
    let mut proved = one("rev_1", Kind::Full, State::Verified, "jd");
    Arc::make_mut(&mut proved.life).met.access = Some(at(5));
    let part = one("rev_2", Kind::Partial, State::Open, "jane");
    let step = carried(&proved, &part).unwrap();
    assert_eq!((step.life.state, step.life.met.access), (State::Open, Some(at(5))));
    for (state, taken) in [(State::Open, false), (State::Verified, false), (State::Scheduled, true)]
    {
        let end = one("rev_2", Kind::Full, state, "jane");
        assert_eq!(carried(&proved, &end).is_some(), taken, "{state}");
    }
    let over =
        Stored { watch_until: at(9), ..one("rev_2", Kind::Partial, State::Verified, "jane") };
    assert!(carried(&proved, &over).is_none(), "it is watched no more");
    for kind in [Kind::Rotation, Kind::Transfer] {
        assert!(carried(&proved, &one("rev_2", kind, State::Open, "svc")).is_none());
    }
    proved.revocation.subject.clone_from(&proved.subject_id);
    assert!(carried(&proved, &part).is_none(), "it was erased");
}

#[test]
fn what_a_question_left_met_is_met_when_a_name_answers_it() {
    let mut asked = one("rev_1", Kind::Full, State::Open, "jd");
    Arc::make_mut(&mut asked.life).met.access = Some(at(5));
    let part = one("rev_2", Kind::Partial, State::Open, "jane");
    for (verified, clean) in [(true, true), (false, true), (true, false)] {
        Arc::make_mut(&mut asked.life).verified_at = verified.then(|| at(6));
        Arc::make_mut(&mut asked.life).first_clean_at = clean.then(|| at(5));
        Arc::make_mut(&mut asked.life).confirm_from = Some(at(7));
        let life = carried(&asked, &part).unwrap().life;
        assert_eq!((life.state, life.confirm_from), (State::Open, None), "two looks more");
        assert_eq!(life.met.access.is_some(), verified && clean, "{verified} {clean}");
    }
}

#[test]
fn of_two_that_are_proved_one_gets_the_name_that_a_third_learnt() {
    let (first, last) = (
        one("rev_1", Kind::Full, State::Verified, "jd"),
        one("rev_2", Kind::Full, State::Verified, "jd"),
    );
    let part = one("rev_3", Kind::Partial, State::Open, "jane");
    let taken = |stored: &Stored, first: &Stored, last: &Stored| {
        learnt(stored, &[first, last, &part], &config(), at(10)).is_some()
    };
    assert!(!taken(&first, &first, &last), "the other one has it");
    assert!(taken(&last, &first, &last));
    let shorter = Stored { watch_until: at(99), ..last.clone() };
    assert!(taken(&first, &first, &shorter), "nobody would look for it to the end");
    assert!(taken(&shorter, &first, &shorter));
    // Whichever came later, not whichever is called so.
    let mut newer = first.clone();
    newer.revocation.received_at = at(1);
    assert!(taken(&newer, &newer, &last) && !taken(&last, &newer, &last));
}

#[test]
fn what_an_end_knew_is_handed_on_when_it_is_over() {
    let proved = one("rev_1", Kind::Partial, State::Verified, "jd");
    let end = one("rev_2", Kind::Full, State::Open, "jane");
    assert!(carried(&proved, &end).is_none());
    let mut step = unchanged(&end, at(10));
    assert!(!ends_cover(&step), "it expects the same still");
    for state in [State::Withdrawn, State::Excepted, State::Scheduled] {
        step.life.state = state;
        assert!(ends_cover(&step), "{state}");
    }
    step.life.state = State::Verified;
    let back = Rehired { at: at(9), made_at: at(9), by: "hr".into(), before: None };
    step.life.lineage.rehired = Some(back);
    assert!(ends_cover(&step));
    let steps = handed_on(&end, &[&proved, &end], &config(), at(10));
    let taken: Vec<_> =
        steps.iter().map(|step| (step.from.revocation.id.as_str(), step.life.state)).collect();
    assert_eq!(taken, [("rev_1", State::Open)]);
    let told = steps[0].records[0].body.get("state_before");
    assert_eq!(
        told.and_then(|state| state.as_str()),
        Some("verified"),
        "whoever was told of it is told"
    );
    assert!(steps[0].revocation.usernames().any(|name| name == "jane"));
    let another = one("rev_3", Kind::Full, State::Open, "jane");
    let steps = handed_on(&end, &[&proved, &end, &another], &config(), at(10));
    assert!(steps.iter().all(|step| step.from.revocation.id == "rev_3"), "that one goes on");
}

#[test]
fn a_question_about_a_name_is_asked_wherever_the_person_is_searched_for() {
    let mut part = one("rev_1", Kind::Partial, State::Open, "jd");
    Arc::make_mut(&mut part.life).met.access = Some(at(5));
    let mut end = one("rev_2", Kind::Full, State::Open, "jd");
    let unsure = |notice: &str, username: Option<&str>| Unsure {
        notice: notice.into(),
        digest: "d".into(),
        username: username.map(str::to_owned),
        plain: true,
    };
    Arc::make_mut(&mut end.life).lineage.unsure =
        vec![unsure("ntc_1", Some("jane")), unsure("ntc_2", None)];
    let step = carried(&part, &end).unwrap();
    assert_eq!(step.life.lineage.unsure, end.life.lineage.unsure[..1]);
    assert_eq!(step.revocation, part.revocation, "it is no name of theirs yet");
    assert_eq!(step.life.met.access, Some(at(5)), "a question is no access");
    let after = Stored { life: Arc::new(step.life), ..part };
    assert!(carried(&after, &end).is_none(), "once");
}

#[test]
fn a_doubtful_name_stays_so_until_it_is_certain_somewhere() {
    let part = one("rev_1", Kind::Partial, State::Open, "jd");
    let mut end = one("rev_2", Kind::Full, State::Scheduled, "jd");
    end.revocation.also_called = vec!["jane".to_owned()];
    end.revocation.accounts.push(AccountName {
        target: None,
        role: "jane".to_owned(),
        rule: LinkRule::Template,
    });
    Arc::make_mut(&mut end.life).lineage.doubtful.insert("jane".to_owned());
    let step = carried(&part, &end).unwrap();
    assert_eq!(step.life.lineage.doubtful, end.life.lineage.doubtful);
    let after = Stored { revocation: step.revocation, life: Arc::new(step.life), ..part };
    assert!(carried(&after, &end).is_none());
    Arc::make_mut(&mut end.life).lineage.doubtful.clear();
    let step = carried(&after, &end).unwrap();
    assert!(step.life.lineage.doubtful.is_empty());
}
