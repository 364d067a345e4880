//! What the levels count, and what is under a hold.

use super::*;
use crate::domain::revocation::sample;
use crate::store::Gist;
use std::sync::Arc;

fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(second * 1_000_000).unwrap()
}

fn exception(kind: ExceptionKind, phase: Phase, until: Option<i64>) -> Exception {
    Exception {
        id: "exc_1".into(),
        kind,
        phase,
        requested_by: "hr".into(),
        requested_at: at(0),
        until: until.map(at),
        opened: false,
        why: None,
        approved_by: Some("it".into()),
        approved_at: Some(at(1)),
        uncovered: None,
        allowed_us: None,
        deadlines: None,
        release: None,
        ended_at: None,
        ended_by: None,
        ending: None,
        review_at: None,
        reviewed_by: None,
        reviewed_at: None,
    }
}

/// As committed, and as the log holds it.
fn stored(committed: Exception, landed: Option<Exception>) -> Stored {
    let mut life = Life::begin(at(0), at(0));
    let mut before = life.clone();
    life.exceptions.push(committed);
    before.exceptions.extend(landed);
    Stored {
        revocation: sample(at(0)),
        landed_revocation: None,
        subject_id: "s_1".into(),
        accounts: Vec::new(),
        life: Arc::new(life),
        landed: Some(Arc::new(before)),
        gist: Gist::default(),
        version: 1,
        records: 0,
        queued_at: at(0),
        watch_until: at(0),
    }
}

fn counted(stored: &Stored, now: i64) -> Levels {
    let mut levels = Levels::default();
    count(&mut levels, stored, at(now));
    levels
}

#[test]
fn what_looks_worse_counts_at_once_and_what_looks_better_once_it_landed() {
    let granted = exception(ExceptionKind::Grace, Phase::Granted, Some(90));
    let over = exception(ExceptionKind::Grace, Phase::Over, Some(90));
    let new = counted(&stored(granted.clone(), None), 10);
    assert_eq!((new.exceptions["grace"], new.next_expiry["grace"]), (1, 90.0));
    let ended = counted(&stored(over.clone(), Some(granted)), 10);
    assert_eq!(ended.exceptions["grace"], 1, "its end is not in the log yet");
    let gone = counted(&stored(over.clone(), Some(over)), 10);
    assert_eq!((gone.exceptions.len(), gone.next_expiry.len()), (0, 0));
}

#[test]
fn a_review_that_nobody_did_counts_until_it_is_on_record() {
    let mut used = exception(ExceptionKind::BreakGlass, Phase::Over, Some(90));
    used.review_at = Some(at(100));
    assert!(counted(&stored(used.clone(), Some(used.clone())), 99).reviews_overdue.is_empty());
    let late = counted(&stored(used.clone(), Some(used.clone())), 100);
    assert_eq!(late.reviews_overdue["break_glass"], 1);
    let mut reviewed = used.clone();
    reviewed.reviewed_at = Some(at(101));
    let queued = counted(&stored(reviewed.clone(), Some(used)), 102);
    assert_eq!(queued.reviews_overdue["break_glass"], 1);
    assert!(counted(&stored(reviewed.clone(), Some(reviewed)), 103).reviews_overdue.is_empty());
}

#[test]
fn a_hold_counts_once_the_log_has_it_and_no_longer_than_it_is_committed() {
    let hold = exception(ExceptionKind::LegalHold, Phase::Granted, None);
    let over = exception(ExceptionKind::LegalHold, Phase::Over, None);
    let asked = exception(ExceptionKind::LegalHold, Phase::Requested, None);
    for (committed, landed, counts) in [
        (&hold, Some(&hold), true),
        (&hold, Some(&asked), false),
        (&hold, None, false),
        (&over, Some(&hold), false),
        (&asked, Some(&asked), false),
    ] {
        let mut one = stored(committed.clone(), landed.cloned());
        let all = [Arc::new(one.clone())];
        assert_eq!(is_held(&one, &held(&all)), counts, "{committed:?} {landed:?}");
        Arc::make_mut(&mut one.life).state = State::Verified;
        assert!(!is_held(&one, &held(&all)), "what is verified is judged by everything");
    }
}

#[test]
fn what_is_over_by_now_moves_with_its_record() {
    let rules = Rules { single: false, review_after: Duration::from_secs(60) };
    let mut one = stored(exception(ExceptionKind::Temporary, Phase::Granted, Some(90)), None);
    Arc::make_mut(&mut one.life).state = State::Excepted;
    assert!(expired(&one, at(89), &rules).is_none());
    let step = expired(&one, at(500), &rules).unwrap();
    assert_eq!((step.life.state, step.life.due_from), (State::Open, Some(at(90))));
    assert_eq!(step.records[0].kind, "exception_expired");
    assert_eq!(step.records[0].body["ended_at"], at(90).to_string());
    assert_eq!(step.at, at(500));
}
