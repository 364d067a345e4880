use super::*;
use proptest::prelude::*;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn at(seconds: u64) -> UtcTime {
    UtcTime::EPOCH.plus(Duration::from_secs(1_000 * DAY + seconds))
}

fn bounds() -> [Duration; 3] {
    [1, 3, 7].map(|days| Duration::from_secs(days * DAY))
}

fn listed(name: &str, team: &str) -> Listed {
    Listed { name: name.to_owned(), team: team.to_owned(), ..Listed::default() }
}

fn consumer(team: &str) -> Consumer {
    Consumer::new(&listed("billing", team), at(0), at(0))
}

#[test]
fn buckets_and_tones() {
    use Tone as T;
    for (hours, nudges, bucket, tone) in [
        (0, 0, T::Polite, T::Polite),
        (23, 9, T::Polite, T::Polite),
        (24, 9, T::Firm, T::Firm),
        (71, 9, T::Firm, T::Firm),
        (72, 9, T::Lead, T::Lead),
        (7 * 24, 9, T::Security, T::Security),
        // Polite first, and one step at a time, however late it is.
        (900, 0, T::Security, T::Polite),
        (900, 1, T::Security, T::Firm),
        (900, 2, T::Security, T::Lead),
        (900, 3, T::Security, T::Security),
        (30, 0, T::Firm, T::Polite),
    ] {
        let found = Tone::of(Duration::from_secs(hours * HOUR), bounds());
        assert_eq!((found, found.after(nudges)), (bucket, tone), "{hours} h, {nudges}");
    }
}

#[test]
fn a_claim_stops_the_reminders_and_only_use_closes() {
    use Standing as S;
    let mut one = consumer("payments");
    let stands = |one: &mut Consumer, now| {
        one.step(at(now));
        one.standing
    };
    assert_eq!(stands(&mut one, 1), S::Pending);
    one.see(true, false, at(10));
    assert_eq!(stands(&mut one, 10), S::Pending);
    one.claim(at(20));
    assert_eq!(stands(&mut one, 20), S::Claimed);
    assert_eq!(one.overdue(at(DAY)), None, "it is not chased");
    one.see(true, false, at(30));
    assert_eq!(stands(&mut one, 30), S::Reopened);
    assert!(one.overdue(at(DAY)).is_some());
    one.claim(at(40));
    assert_eq!(stands(&mut one, 40), S::Claimed);
    one.see(true, true, at(50));
    assert_eq!(stands(&mut one, 50), S::Reopened, "both at once closes nothing");
    one.see(false, true, at(60));
    assert_eq!(stands(&mut one, 61), S::Closed);
    assert_eq!((one.closed_at, one.stood), (Some(at(61)), S::Reopened));
    // Of a use before that was not known then.
    one.see(true, false, at(60));
    assert_eq!(stands(&mut one, 70), S::Reopened);
    one.see(false, true, at(80));
    assert_eq!(stands(&mut one, 80), S::Closed);
}

#[test]
fn a_claim_that_is_taken_back_was_none() {
    let mut one = consumer("payments");
    one.list(&Listed { confirmed: true, ..listed("billing", "payments") }, at(0), at(10));
    one.step(at(10));
    one.withdraw();
    assert_eq!((one.step(at(20)), one.standing), (Some(Standing::Claimed), Standing::Pending));
    assert!(one.overdue(at(DAY)).is_some(), "it is chased again");
    one.list(&Listed { confirmed: true, ..listed("billing", "payments") }, at(0), at(30));
    assert_eq!(one.step(at(30)), None, "the list says nothing new");
    one.see(false, true, at(40));
    one.step(at(40));
    one.see(true, false, at(50));
    one.step(at(50));
    one.claim(at(60));
    one.step(at(60));
    one.withdraw();
    one.step(at(70));
    assert_eq!(one.standing, Standing::Reopened, "it was closed once");
}

#[test]
fn a_status_of_the_list_is_a_claim_once() {
    let mut one = consumer("payments");
    let done = Listed { confirmed: true, ..listed("billing", "payments") };
    one.list(&done, at(0), at(10));
    one.step(at(10));
    assert_eq!((one.standing, one.claimed_at), (Standing::Claimed, Some(at(10))));
    one.see(true, false, at(20));
    one.list(&done, at(0), at(30));
    one.step(at(30));
    assert_eq!(one.standing, Standing::Reopened, "it says nothing new");
    one.list(&listed("billing", "payments"), at(0), at(40));
    one.list(&done, at(0), at(50));
    one.step(at(50));
    assert_eq!(one.standing, Standing::Claimed);
    // What was said when it was not so cannot be later than now.
    let ahead = Listed { new_used_at: Some(at(900)), ..done };
    one.list(&ahead, at(0), at(60));
    assert_eq!(one.new_used_at, Some(at(60)));
}

#[test]
fn whoever_is_listed_no_more_is_not_done() {
    let mut one = consumer("payments");
    one.listed = false;
    one.step(at(1));
    assert_eq!(one.standing, Standing::Unlisted);
    one.see(false, true, at(2));
    one.step(at(2));
    assert_eq!(one.standing, Standing::Closed);
}

#[test]
fn a_team_gets_one_message_about_all_that_are_late() {
    let kept = |id: &str, team: &str, deadline: u64, nudges| {
        let mut consumer = consumer(team);
        (consumer.deadline, consumer.nudges) = (at(deadline), nudges);
        Kept { id: id.to_owned(), consumer }
    };
    let mut done = kept("e", "search", 0, 0);
    done.consumer.claim(at(1));
    done.consumer.step(at(1));
    let all = [
        kept("a", "payments", 9 * DAY, 0),
        kept("b", "payments", 5 * DAY, 7),
        kept("c", "data", 9 * DAY, 0),
        kept("d", "data", 11 * DAY, 0),
        done,
        kept("f", "asleep", 0, 0),
    ];
    let found = nudges(&all, bounds(), at(10 * DAY), |team| team != "asleep", |_| None);
    let said: Vec<_> =
        found.iter().map(|one| (one.team.as_str(), one.tone, one.consumers.join(" "))).collect();
    assert_eq!(
        said,
        [("data", Tone::Polite, "c".to_owned()), ("payments", Tone::Lead, "b a".to_owned())]
    );
    let counted =
        tally(all.iter().map(|one| (&one.consumer, one.consumer.standing)), bounds(), at(10 * DAY));
    assert_eq!(
        (counted.total, counted.standing["pending"], counted.standing["claimed"]),
        (6, 5, 1)
    );
    assert_eq!(counted.late.values().sum::<u64>(), 4);
    assert_eq!((counted.late["lead"], counted.late["security"], counted.late["firm"]), (1, 1, 2));
}

#[test]
fn what_is_in_hand_is_told_to_whoever_is_told_later_and_nothing_else_is_in_hand() {
    let late = |nudges| {
        let mut consumer = consumer("pay");
        consumer.nudges = nudges;
        consumer
    };
    let told = |consumer: &Consumer, asked_in| {
        let all = [Kept { id: "a".to_owned(), consumer: consumer.clone() }];
        let hand = Hand { at: at(2 * DAY), asked_in };
        let found = nudges(&all, bounds(), at(8 * DAY), |_| true, |_| Some(hand));
        let mut who = Vec::new();
        for nudge in &found {
            let told = Hearer::ALL.iter().filter(|one| nudge.is_for(**one));
            who.extend(told.map(|one| one.as_str()));
        }
        who.join(" ")
    };
    for (nudges, by_team, by_lead) in
        [(0, "", ""), (1, "", ""), (2, "lead", ""), (3, "lead security", "security")]
    {
        assert_eq!(told(&late(nudges), Hearer::Team), by_team, "{nudges}");
        assert_eq!(told(&late(nudges), Hearer::Lead), by_lead, "{nudges}");
        assert_eq!(told(&late(nudges), Hearer::Security), "", "{nudges}");
    }
    // Late only since: nobody has that in hand.
    let mut later = late(0);
    later.deadline = at(2 * DAY);
    assert_eq!(told(&later, Hearer::Security), "team");
    let fresh = Consumer::new(&listed("etl", "pay"), at(0), at(3 * DAY));
    assert_eq!(told(&fresh, Hearer::Security), "team", "listed only since");
    let mut again = late(0);
    again.claim(at(DAY));
    again.step(at(DAY));
    again.see(true, false, at(3 * DAY));
    assert_eq!(again.step(at(3 * DAY)), Some(Standing::Claimed));
    assert_eq!(told(&again, Hearer::Security), "team", "opened again since");
    again.outstanding_since = None;
    assert_eq!(told(&again, Hearer::Security), "", "written by an earlier version");
}

proptest! {
    /// Whatever happens in whatever order: nobody is closed without use of the new credential that is newer than
    /// every known use of the old one, and no use after a claim leaves it standing.
    #[test]
    fn nobody_is_closed_or_believed_against_what_was_seen(
        events in proptest::collection::vec((0_u8..6, 1_u64..50), 1..40)
    ) {
        let mut one = consumer("payments");
        let mut now = 0;
        for (what, later) in events {
            now += later;
            match what {
                0 => one.see(true, false, at(now)),
                1 => one.see(false, true, at(now)),
                2 => one.claim(at(now)),
                4 => one.withdraw(),
                3 => one.list(&Listed { confirmed: now % 2 == 0, ..listed("billing", "payments") }, at(0), at(now)),
                _ => one.listed = false,
            }
            one.step(at(now));
            prop_assert_eq!(one.step(at(now)), None, "a step settles it");
            match one.standing {
                Standing::Closed => prop_assert!(one.new_used_at > one.old_used_at),
                Standing::Claimed => prop_assert!(one.claimed_at >= one.old_used_at),
                Standing::Pending => prop_assert!(one.claimed_at.is_none() && one.closed_at.is_none()),
                Standing::Reopened => prop_assert!(one.old_used_at > one.claimed_at || one.claimed_at.is_none()),
                Standing::Unlisted => prop_assert!(!one.listed),
            }
        }
    }
}
