use super::*;
use crate::cli::output::WIDTH;
use crate::domain::ids::RoleOid;
use crate::domain::milestone::Deadlines;
use crate::domain::observation::Gap;
use crate::domain::residual::{AccountRef, Residual, ResidualKind, Strength};
use crate::domain::revocation::{Kind, Reason};
use insta::assert_snapshot;

fn at(minute: i64) -> UtcTime {
    UtcTime::from_micros(1_800_000_000_000_000 + minute * 60_000_000).unwrap()
}

pub(in crate::cli) fn view(number: u32, subject: &str, state: State, due: i64) -> View {
    View {
        id: format!("rev_{number:022}"),
        subject: subject.to_owned(),
        username: None,
        kind: Kind::Full,
        reason: Reason::Terminated,
        state,
        overdue: Vec::new(),
        effective_at: at(0),
        effective: None,
        received_at: at(0),
        deadlines: Deadlines { login: None, access: Some(at(due)), credentials: None },
        first_residual_at: None,
        first_clean_at: None,
        gone_since: None,
        verified_at: None,
        searched: Vec::new(),
        roles: Vec::new(),
        permissions: Vec::new(),
        required_roles: Vec::new(),
        required_permissions: Vec::new(),
        new_owner: None,
        also_called: Vec::new(),
        erased: false,
        emails: Vec::new(),
        because: None,
        inactive: None,
        rotations: Vec::new(),
        attested: Vec::new(),
        no_account_confirmed: false,
        no_account: false,
        accounts: Vec::new(),
        verdict: Some(Verdict::Residual),
        as_of: Some(at(0)),
        looked_at: None,
        residual: Vec::new(),
        kept: Vec::new(),
        missing: Vec::new(),
        gaps: Vec::new(),
        not_covered: Vec::new(),
        credentials: Vec::new(),
        pending: None,
        exceptions: Vec::new(),
        held: false,
        uses: Vec::new(),
        uses_total: 0,
        relapse: None,
        erroneous: false,
        withdrawn: None,
        rehired_at: None,
        lineage: None,
        watched_until: None,
        emergency: None,
        acknowledged: None,
        source: "hr".to_owned(),
        sources: Vec::new(),
        ticket: None,
        earlier_tickets: Vec::new(),
        preserve_data: false,
    }
}

/// Of a terminal that nobody widened.
const COLUMNS: Option<usize> = Some(WIDTH);

fn late(mut view: View) -> View {
    view.overdue = vec![Milestone::Access];
    view
}

fn with(mut view: View, kinds: &[ResidualKind]) -> View {
    let account = AccountRef { target: "main".into(), oid: RoleOid(1), role: Some("john".into()) };
    view.residual =
        kinds.iter().map(|kind| Residual::new(*kind, Strength::Latent, account.clone())).collect();
    view
}

fn blind(mut view: View, target: &str, cause: Cause) -> View {
    view.verdict = Some(Verdict::Inconclusive);
    view.gaps = vec![Gap {
        surface: ResidualKind::Login,
        target: target.to_owned(),
        database: None,
        reason: "it".to_owned(),
        fix: "mend it".to_owned(),
        cause,
    }];
    view
}

fn told(mut views: Vec<View>, minute: i64) -> String {
    sort(&mut views, at(minute));
    format!(
        "{}\n\n{}",
        headline(&views, None, at(minute), COLUMNS),
        table(&views, at(minute), COLUMNS)
    )
}

#[test]
fn the_worst_comes_first_and_the_answer_before_all() {
    use ResidualKind as K;
    let mut unseen = view(5, "EMP-5", State::Scheduled, 2_000);
    unseen.verdict = None;
    unseen.effective_at = at(1_440);
    let views = vec![
        with(view(1, "EMP-1", State::Open, 130), &[K::Membership]),
        with(late(view(2, "EMP-2", State::Open, 71)), &[K::Session, K::Login, K::Privilege]),
        with(view(3, "EMP-3", State::Regressed, 10), &[K::Login]),
        blind(late(view(4, "EMP-4", State::Open, 11)), "billing", Cause::Unreachable),
        unseen,
        blind(view(6, "EMP-6", State::Open, 140), "main", Cause::Internal),
    ];
    assert_snapshot!(told(views, 118), @r"
    2 of 6 are overdue, the oldest by 1h 47m; 1 came back; their targets: 1 of 2 up

    WHEN              STATE      SUBJECT  LEFT
    1h 47m late       open       EMP-4    down: billing
    47m late          open       EMP-2    session +2
    at once           regressed  EMP-3    login
    due in 12m        open       EMP-1    membership
    due in 22m        open       EMP-6    cannot tell
    begins in 22h 2m  scheduled  EMP-5    not looked at yet
    ");
}

#[test]
fn it_fits_whatever_is_in_it() {
    use ResidualKind as K;
    let long = "x".repeat(300);
    let wide = "田中".repeat(60);
    let views = vec![
        with(late(view(1, &long, State::Open, 1)), &[K::PreparedTransaction, K::Login]),
        with(view(2, &wide, State::Regressed, 1), &[K::VanishedSession]),
        blind(view(3, "a\u{1b}[2J\u{202e}b\nc", State::Open, 700_000), &long, Cause::Timeout),
        with(blind(view(4, "e\u{301}", State::Open, 2), &wide, Cause::Timeout), &[K::Ownership]),
    ];
    let text = told(views, 600_000);
    for line in text.lines() {
        assert!(width(line) <= WIDTH, "{} columns: {line}", width(line));
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    // The accent takes no column; without it the snapshot is the same for every editor.
    assert_snapshot!(text.replace('\u{301}', ""), @r"
    1 of 4 is overdue, by 416d 15h; 1 came back; their targets: 1 of 3 up

    WHEN            STATE      SUBJECT                    LEFT
    416d 15h late   open       xxxxxxxxxxxxxxxxxxxxxxxx…  prepared_transaction +1
    at once         regressed  田中田中田中田中田中田中…  vanished_session
    -               open       e                          ownership; down: 田中田中…
    due in 69d 10h  open       a\u{1b}[2J\u{202e}b\u{a}c  down: xxxxxxxxxxxxxxxxxxx…
    ");
}

#[test]
fn headlines() {
    let open = || view(1, "EMP-1", State::Open, 60);
    assert_eq!(headline(&[], None, at(0), COLUMNS), "nothing is open");
    assert_eq!(headline(&[open()], None, at(0), COLUMNS), "1 is open, not overdue");
    assert_eq!(headline(&[open(), open()], None, at(0), COLUMNS), "2 are open, none is overdue");
    assert_eq!(
        headline(&[late(open()), open()], None, at(107), COLUMNS),
        "1 of 2 is overdue, by 47m"
    );
}

#[test]
fn lengths_of_time() {
    for (seconds, text) in [
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3_600, "1h"),
        (7_500, "2h 5m"),
        (86_400, "1d"),
        (90_000, "1d 1h"),
        (400 * 86_400, "400d"),
    ] {
        assert_eq!(in_words(Duration::from_secs(seconds)), text);
    }
}

#[test]
fn a_missed_canary_is_in_the_answer() {
    let views = [
        blind(view(1, "john", State::Open, 60), "main", Cause::CanaryMissed),
        blind(view(2, "jane", State::Open, 60), "main", Cause::CanaryMissed),
    ];
    assert_snapshot!(headline(&views, None, at(0), COLUMNS), @r"
    2 are open, none is overdue; the canary of main is missed, so nothing is proved
    there
    ");
}

#[test]
fn what_nobody_attested_in_time_is_said() {
    use crate::domain::checklist::{Standing, Word};
    let item = |item: &str, due: i64, attested: bool| Standing {
        item: item.to_owned(),
        what: "it".to_owned(),
        due_at: at(due),
        attested: attested.then(|| Word {
            item: item.to_owned(),
            by: "hr".to_owned(),
            at: at(0),
            note: None,
        }),
    };
    let mut known = view(1, "EMP-1", State::Verified, 60);
    known.attested =
        vec![item("badge", 1, true), item("devices", 5, false), item("disk", 99, false)];
    let mut withdrawn = view(2, "EMP-2", State::Withdrawn, 60);
    withdrawn.attested = vec![item("devices", 5, false)];
    let said = unattested(&[known, withdrawn], at(65));
    assert_eq!(said, ["not attested, 1h late: devices of EMP-1 (rev_0000000000000000000001)"]);
}

#[test]
fn a_pipe_gets_whole_words_and_several_of_one_subject_are_told_apart() {
    let mut partial = with(view(2, "EMP-1", State::Open, 60), &[ResidualKind::Membership]);
    partial.kind = Kind::Partial;
    let long = "x".repeat(100);
    let views = [view(1, "EMP-1", State::Open, 60), partial, view(3, &long, State::Scheduled, 60)];
    let text = table(&views, at(0), None);
    assert!(
        text.contains("EMP-1 full …000001") && text.contains("EMP-1 partial …000002"),
        "{text}"
    );
    assert!(text.contains(&format!("scheduled  {long}  ")), "{text}");
}

#[test]
fn what_is_missing_or_held_is_not_called_nothing() {
    use crate::domain::probes::{Lacks, Missing};
    let mut lacks = view(1, "EMP-1", State::Open, 60);
    lacks.missing = vec![Missing {
        what: Lacks::ALL[0],
        name: "logged".to_owned(),
        target: None,
        sentence: "it is not there".to_owned(),
    }];
    assert_eq!(left(&lacks, at(0)), "missing: logged");
    lacks.gaps = blind(view(1, "EMP-1", State::Open, 60), "main", Cause::Internal).gaps;
    assert_eq!(left(&lacks, at(0)), "missing: logged; not all seen");
    let mut clean = view(2, "EMP-2", State::Open, 60);
    clean.verdict = Some(Verdict::Revoked);
    assert_eq!(left(&clean, at(0)), "nothing; to be confirmed");
}
