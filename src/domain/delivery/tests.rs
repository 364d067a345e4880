use super::*;

const PACE: Pace = Pace(Duration::from_secs(2));

fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(second * 1_000_000).unwrap()
}

fn row(standing: Standing) -> Row {
    Row {
        standing,
        attempts: 0,
        unknown: 0,
        plain: false,
        doubled: false,
        due_at: at(0),
        expires_at: Some(at(86_400)),
    }
}

fn every() -> Vec<Answer> {
    vec![
        Answer::Sent("C1 1.2".to_owned()),
        Answer::Later(None),
        Answer::Later(Some(Duration::from_secs(30))),
        Answer::Doubtful,
        Answer::Token,
        Answer::Destination,
        Answer::Thread,
        Answer::Gone,
        Answer::Payload,
        Answer::Unknown,
        Answer::Found("C1 1.2".to_owned()),
        Answer::Absent,
        Answer::Unsure,
    ]
}

fn step(row: &Row, answer: &Answer) -> (Row, Effect) {
    next(row, answer, at(100), PACE, 1.0)
}

#[test]
fn the_table() {
    use Effect as E;
    use Standing as S;
    let hold = E::Hold(Duration::from_secs(36));
    let sending = [
        (S::Sent, E::Good),
        (S::Due, E::Strike),
        (S::Due, hold),
        (S::Ambiguous, E::Strike),
        (S::Due, E::Trip),
        (S::Due, E::Park),
        (S::Due, E::Rethread),
        (S::Due, E::Close),
        (S::Due, E::None),
        (S::Due, E::None),
        (S::Sent, E::Good),
        (S::Due, E::Good),
        (S::Due, E::None),
    ];
    let looking = [
        (S::Sent, E::Good),
        (S::Ambiguous, E::Strike),
        (S::Ambiguous, hold),
        (S::Ambiguous, E::Strike),
        (S::Ambiguous, E::Trip),
        (S::Due, E::None),
        (S::Due, E::None),
        (S::Due, E::None),
        (S::Due, E::None),
        (S::Ambiguous, E::None),
        (S::Sent, E::Good),
        (S::Due, E::Good),
        (S::Due, E::None),
    ];
    for (from, expected) in [(S::Sending, sending), (S::Ambiguous, looking)] {
        for (answer, (standing, effect)) in every().iter().zip(expected) {
            let (after, followed) = step(&row(from), answer);
            assert_eq!((after.standing, followed), (standing, effect), "{from} {answer:?}");
            assert_eq!(after.attempts, 1);
            assert!(after.due_at >= at(100), "{from} {answer:?}: nothing is due in the past");
        }
    }
}

#[test]
fn nothing_is_sent_again_that_may_be_there_unless_the_row_says_so() {
    // Over all ways of four answers: whenever a doubtful one was followed by sending again, it was looked up and
    // absent, or the row is marked.
    let answers = every();
    let mut ways = vec![(row(Standing::Sending), false)];
    for _ in 0..4 {
        let mut longer = Vec::new();
        for (before, doubt) in &ways {
            for answer in &answers {
                let looks = matches!(answer, Answer::Found(_) | Answer::Absent | Answer::Unsure);
                if looks != (before.standing == Standing::Ambiguous)
                    && matches!(
                        answer,
                        Answer::Sent(_) | Answer::Found(_) | Answer::Absent | Answer::Unsure
                    )
                {
                    continue;
                }
                let (after, _) = step(before, answer);
                let doubt = (*doubt || *answer == Answer::Doubtful) && *answer != Answer::Absent;
                if after.standing == Standing::Due {
                    assert!(!doubt || after.doubled, "{before:?} {answer:?} {after:?}");
                    longer.push((
                        Row { standing: Standing::Sending, ..after },
                        doubt && !after.doubled,
                    ));
                } else if after.standing == Standing::Ambiguous {
                    longer.push((after, doubt));
                }
            }
        }
        ways = longer;
    }
    assert!(ways.len() > 1_000);
}

#[test]
fn a_pause_grows_with_jitter_and_has_an_end() {
    for attempts in 0..40 {
        let whole = PACE.pause(attempts, 1.0);
        assert!(whole <= SLOWEST);
        assert_eq!(PACE.pause(attempts, 0.5), whole.mul_f64(0.5));
        assert!(PACE.pause(attempts, 0.0) > Duration::ZERO, "never at once");
        assert!(whole >= PACE.pause(attempts.saturating_sub(1), 1.0));
    }
    assert_eq!(PACE.pause(0, 1.0), Duration::from_secs(2));
    assert_eq!(PACE.pause(3, 1.0), Duration::from_secs(16));
    assert_eq!(PACE.pause(39, 1.0), SLOWEST);
}

#[test]
fn what_was_asked_for_is_waited_and_a_little_more() {
    for dice in [0.0, 0.3, 1.0] {
        let asked = Answer::Later(Some(Duration::from_secs(30)));
        let (after, effect) = next(&row(Standing::Sending), &asked, at(0), PACE, dice);
        assert!(after.due_at >= at(30) && after.due_at <= at(36), "{dice}");
        let Effect::Hold(wait) = effect else { panic!("{effect:?}") };
        assert!(wait >= Duration::from_secs(30) && wait <= Duration::from_secs(36));
    }
}

#[test]
fn what_cannot_be_sent_in_time_expires_but_never_while_it_may_be_there() {
    let short = Row { expires_at: Some(at(120)), ..row(Standing::Sending) };
    let asked = Answer::Later(Some(Duration::from_secs(30)));
    assert_eq!(step(&short, &asked).0.standing, Standing::Expired);
    assert_eq!(step(&short, &Answer::Later(None)).0.standing, Standing::Due);
    let over = Row { expires_at: Some(at(50)), ..row(Standing::Sending) };
    for (answer, standing) in [
        (Answer::Doubtful, Standing::Ambiguous),
        (Answer::Token, Standing::Expired),
        (Answer::Payload, Standing::Expired),
        (Answer::Sent(String::new()), Standing::Sent),
    ] {
        assert_eq!(step(&over, &answer).0.standing, standing, "{answer:?}");
    }
    let found = step(&Row { standing: Standing::Ambiguous, ..over }, &Answer::Found(String::new()));
    assert_eq!(found.0.standing, Standing::Sent);
    let never = Row { expires_at: None, ..row(Standing::Sending) };
    let day = Answer::Later(Some(Duration::from_secs(86_400)));
    assert_eq!(step(&never, &day).0.standing, Standing::Due);
}

#[test]
fn a_refused_form_is_tried_plain_once() {
    let (plain, _) = step(&row(Standing::Sending), &Answer::Payload);
    assert!(plain.plain && plain.standing == Standing::Due);
    let (dead, _) = step(&Row { standing: Standing::Sending, ..plain }, &Answer::Payload);
    assert_eq!(dead.standing, Standing::Dead);
}

#[test]
fn an_unknown_refusal_is_tried_three_times() {
    let mut now = row(Standing::Sending);
    for standing in [Standing::Due, Standing::Due, Standing::Dead] {
        now = step(&now, &Answer::Unknown).0;
        assert_eq!(now.standing, standing);
        now.standing = Standing::Sending;
    }
    let mut looked = row(Standing::Ambiguous);
    for standing in [Standing::Ambiguous, Standing::Ambiguous, Standing::Due] {
        looked = step(&looked, &Answer::Unknown).0;
        assert_eq!(looked.standing, standing);
    }
    assert!(looked.doubled);
}

#[test]
fn only_what_is_settled_has_no_next_step() {
    let open: Vec<_> = Standing::ALL.iter().filter(|one| !one.is_settled()).collect();
    assert_eq!(
        open,
        [&Standing::Waiting, &Standing::Due, &Standing::Sending, &Standing::Ambiguous]
    );
}

#[test]
fn whoever_was_told_of_a_proof_is_told_what_takes_it_back() {
    for (kind, before, expected) in [
        ("revocation_amended", "verified", &[Topic::Changed, Topic::Reopened, Topic::Status][..]),
        ("revocation_amended", "open", &[Topic::Changed, Topic::Status]),
        ("subject_linked", "verified", &[Topic::Reopened, Topic::Status]),
        ("subject_linked", "open", &[Topic::Status]),
        ("exception_granted", "verified", &[Topic::Excepted, Topic::Reopened, Topic::Status]),
    ] {
        let body = serde_json::json!({"revocation": "rev_1", "state_before": before});
        let all = told(kind, body.as_object().unwrap());
        let topics: Vec<_> = all.iter().map(|one| one.topic).collect();
        assert_eq!(topics, expected, "{kind} {before}");
    }
    for audience in [Audience::Manager, Audience::Compliance] {
        assert!(audience.is_told(Topic::Reopened), "{audience}");
    }
}
