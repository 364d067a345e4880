use super::*;
use crate::domain::account::{AccountName, LinkRule};

fn declared(parameters: &[Parameter], expect: Expect) -> Declared {
    Declared {
        name: "sessions".into(),
        place: "console".into(),
        database: Some("app".into()),
        expect,
        required: true,
        strength: Strength::CanLogIn,
        sentence: "has console sessions".into(),
        columns: vec!["id".into(), "agent".into()],
        parameters: parameters.to_vec(),
        permissions: ["api.admin".to_owned()].into(),
        kinds: [Kind::Full, Kind::Suspend].into(),
        sha256: String::new(),
    }
}

fn person() -> Person {
    let account = |target: Option<&str>, role: &str| AccountName {
        target: target.map(str::to_owned),
        role: role.into(),
        rule: LinkRule::Stated,
    };
    Person {
        key: "rev_1".into(),
        subject: "EMP-1".into(),
        usernames: vec!["john".into()],
        nobody: None,
        emails: vec!["a@x".into(), "b@x".into()],
        accounts: vec![account(None, "john"), account(Some("orders"), "j_ro")],
        kind: Some(Kind::Full),
        ..Person::default()
    }
}

fn told(count: u64, rows: &[&[&str]]) -> Told {
    let row = |row: &&[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
    Told { count, more: false, rows: rows.iter().map(row).collect() }
}

#[test]
fn each_parameter_is_what_is_known_and_several_are_asked_with_each() {
    use Parameter as P;
    let ask = |parameters: &[P]| declared(parameters, Expect::ZeroRows).values(&person());
    assert_eq!(ask(&[P::Username, P::EmployeeId]).unwrap(), [["john", "EMP-1"]]);
    assert_eq!(
        ask(&[P::Email, P::Subject, P::Email]).unwrap(),
        [["a@x", "EMP-1", "a@x"], ["b@x", "EMP-1", "b@x"]]
    );
    assert_eq!(ask(&[P::Account]).unwrap(), [["john"]], "the other is another target's");
    assert_eq!(ask(&[]).unwrap(), [Vec::<String>::new()]);
    let silent = ask(&[P::Ticket]).unwrap_err();
    assert!(silent.reason.contains("no ticket") && silent.fix.contains("ticket"), "{silent:?}");
    let elsewhere = Declared { database: None, ..declared(&[P::Account], Expect::ZeroRows) };
    assert_eq!(elsewhere.values(&person()).unwrap(), [["j_ro"], ["john"]]);
    let many = Person { emails: (0..65).map(|n| n.to_string()).collect(), ..person() };
    assert!(declared(&[P::Email], Expect::ZeroRows).values(&many).is_err());
    let nameless = Person { usernames: Vec::new(), emails: Vec::new(), ..person() };
    assert!(declared(&[P::EmployeeId], Expect::ZeroRows).values(&nameless).is_err());
    assert!(declared(&[P::Email], Expect::ZeroRows).values(&nameless).is_err());
    assert_eq!(declared(&[P::Username], Expect::ZeroRows).values(&nameless).unwrap(), [["EMP-1"]]);
}

/// What is expected, what is told, and what that comes to.
const TABLE: &str = "
    zero_rows    0 met
    zero_rows    2 residual
    at_least_one 0 missing
    at_least_one 3 met
    count:1      0 missing
    count:1      1 met
    count:1      2 residual
    count:0      0 met
    count:0      7 residual
";

#[test]
fn the_table() {
    for row in TABLE.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let expect = match words[0] {
            "zero_rows" => Expect::ZeroRows,
            "at_least_one" => Expect::AtLeastOne,
            count => Expect::Count(count.strip_prefix("count:").unwrap().parse().unwrap()),
        };
        let probe = declared(&[], expect);
        let answered = Answered {
            values: vec![Vec::new()],
            read_at: UtcTime::from_micros(0).unwrap(),
            answer: Ok(told(words[1].parse().unwrap(), &[])),
        };
        let outcome = match probe.outcome(&person(), Some(&answered)) {
            Outcome::Met => "met",
            Outcome::Residual(_) => "residual",
            Outcome::Missing(_) => "missing",
            Outcome::Unknown(_) => "unknown",
        };
        assert_eq!(outcome, words[2], "{row}");
    }
}

#[test]
fn silence_is_never_zero_rows() {
    let probe = declared(&[Parameter::Email], Expect::ZeroRows);
    let unknown = |answered: Option<&Answered>| {
        let Outcome::Unknown(gap) = probe.outcome(&person(), answered) else {
            panic!("{answered:?} proves something")
        };
        assert_eq!((gap.surface, gap.target.as_str()), (ResidualKind::Probe, "console"));
        gap.reason
    };
    assert!(unknown(None).contains("has not been asked"));
    let about = |values: &[&[&str]], answer| Answered {
        values: values.iter().map(|v| v.iter().map(|s| (*s).to_owned()).collect()).collect(),
        read_at: UtcTime::from_micros(0).unwrap(),
        answer,
    };
    // Another address of the subject became known since.
    assert!(unknown(Some(&about(&[&["a@x"]], Ok(told(0, &[]))))).contains("has not been asked"));
    let refused =
        Silent { cause: Cause::PermissionDenied, reason: "no".into(), fix: "grant".into() };
    assert_eq!(unknown(Some(&about(&[&["a@x"], &["b@x"]], Err(refused)))), "no");
    let all = about(&[&["a@x"], &["b@x"]], Ok(told(0, &[])));
    assert_eq!(probe.outcome(&person(), Some(&all)), Outcome::Met);
}

#[test]
fn a_sentence_has_what_was_found_and_named_columns_only() {
    let found = |sentence: &str, told: Told| {
        let probe = Declared { sentence: sentence.into(), ..declared(&[], Expect::ZeroRows) };
        let Outcome::Residual(found) = probe.weighed(&told) else { panic!("{told:?}") };
        (found.sentence.clone(), found.rows.clone())
    };
    let rows = told(3, &[&["7", "curl"], &["8", "curl"]]);
    let (sentence, kept) = found("has sessions", rows.clone());
    assert_eq!(sentence, "has sessions (3 found)");
    assert_eq!(kept, ["id=7 agent=curl", "id=8 agent=curl"]);
    let (sentence, _) = found("{count} sessions from {agent}: {id}", rows);
    assert_eq!(sentence, "3 sessions from curl and others: 7, 8 and others");
    let (sentence, _) = found("has sessions", Told { more: true, ..told(1_000, &[]) });
    assert_eq!(sentence, "has sessions (1000 or more found)");
    assert_eq!(value("a\u{1b}[31m\n"), "a\u{fffd}[31m\u{fffd}");
    assert_eq!(value(&"x".repeat(300)).chars().count(), VALUE + 1);
}

#[test]
fn who_is_asked_about_depends_on_the_kind() {
    let probe = declared(&[], Expect::ZeroRows);
    let of = |kind, permissions: &[&str], required: &[&str]| {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        probe.applies(&Person {
            kind,
            permissions: names(permissions),
            required: names(required),
            ..person()
        })
    };
    assert!(of(Some(Kind::Full), &[], &[]) && of(None, &[], &[]));
    assert!(!of(Some(Kind::Rotation), &[], &[]) && !of(Some(Kind::Transfer), &[], &[]));
    assert!(!of(Some(Kind::Partial), &[], &[]));
    assert!(of(Some(Kind::Partial), &["api.admin"], &[]));
    assert!(of(Some(Kind::Partial), &[], &["api.admin"]));
}

#[test]
fn each_ticket_is_asked_for() {
    use Parameter as P;
    let both =
        vec![vec!["T-1".to_owned(), "john".to_owned()], vec!["T-2".to_owned(), "john".to_owned()]];
    for (expect, counts, comes_to) in [
        (Expect::AtLeastOne, [1, 0], 0),
        (Expect::AtLeastOne, [1, 2], 3),
        (Expect::ZeroRows, [1, 0], 1),
    ] {
        let probe = declared(&[P::Ticket, P::Account], expect);
        let each = counts.map(|count| told(count, &[]));
        assert_eq!(probe.together(&both, each.to_vec()).count, comes_to, "{expect:?} {counts:?}");
    }
    // Of several names one is enough.
    let probe = declared(&[P::Account], Expect::AtLeastOne);
    assert_eq!(probe.together(&both, vec![told(1, &[]), told(0, &[])]).count, 1);
    let mut asked = crate::domain::revocation::sample(crate::domain::time::UtcTime::EPOCH);
    for ticket in ["T-1", "T-2", "T-1"] {
        asked.retitle(ticket);
    }
    assert_eq!(asked.tickets().collect::<Vec<_>>(), ["T-1", "T-2"]);
}

#[test]
fn of_nobody_in_particular_only_accounts_are_asked_about() {
    use Parameter as P;
    let account =
        Person { nobody: Some("an account"), emails: Vec::new(), tickets: Vec::new(), ..person() };
    for (parameters, nobody) in [
        (&[P::Account][..], false),
        (&[P::Email], true),
        (&[P::Username], true),
        (&[P::Account, P::Ticket], true),
    ] {
        let probe = declared(parameters, Expect::ZeroRows);
        assert_eq!(probe.asks_about_nobody(&account), nobody, "{parameters:?}");
        assert!(!probe.asks_about_nobody(&person()), "{parameters:?}");
    }
}
