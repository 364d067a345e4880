use super::*;
use crate::domain::campaign::{Hearer, Kept, Listed};
use serde_json::json;
use std::time::Duration;

fn at(text: &str) -> UtcTime {
    text.parse().unwrap()
}

fn kept(name: &str, nudged: bool) -> KeptConsumer {
    let deadline = at("2026-03-01T16:00:00Z");
    let listed = Listed { name: name.to_owned(), team: "pay".to_owned(), ..Listed::default() };
    let mut consumer = Consumer::new(&listed, deadline, deadline);
    if nudged {
        (consumer.nudges, consumer.nudged_at) = (2, Some(at("2026-03-05T09:00:00Z")));
    }
    KeptConsumer { kept: Kept { id: format!("con_{name}"), consumer }, landed: true }
}

fn record(kind: &str, more: &Value) -> ToldRecord {
    let mut body = json!({
        "at": "2026-03-05T09:00:00Z", "slot": "2026-03-05T09:00:00Z", "campaign": "app", "old": "app_2025",
        "new": "app_2026", "deadline": "2026-03-01T16:00:00Z",
    });
    let body = body.as_object_mut().unwrap();
    body.extend(more.as_object().unwrap().clone());
    ToldRecord { kind: kind.to_owned(), body: body.clone(), seq: 12 }
}

fn nudge(topic: Topic, tone: &str, consumers: &[KeptConsumer]) -> Option<Message> {
    told(topic, tone, consumers, None)
}

fn told(
    topic: Topic,
    tone: &str,
    consumers: &[KeptConsumer],
    rests: Option<&Acknowledged>,
) -> Option<Message> {
    let ids: Vec<_> = consumers.iter().map(|one| one.kept.id.clone()).collect();
    let record = record(
        "nudge_sent",
        &json!({"team": "pay", "tone": tone, "time_zone": "Europe/Berlin", "consumers": ids}),
    );
    campaign(&Chased {
        topic,
        about: "campaign:app/pay",
        record: &record,
        consumers,
        slot: None,
        rests,
        cite: &Cite::default(),
    })
}

#[test]
fn a_reminder_names_consumers_deadlines_and_what_to_do() {
    let said = nudge(Topic::Nudge, "polite", &[kept("<!channel> billing", true)]).unwrap();
    assert_eq!(said.title, "A reminder: 1 consumer not on the new credential yet");
    let table = said.table.unwrap();
    assert_eq!(table.rows, [["<!channel> billing", "2026-03-01 17:00 CET", "3 d 17 h", "–", "2"]]);
    assert!(said.urgent, "it is seen in the channel too");
    let next = format!("{:?}", said.next);
    assert!(next.contains("revoked campaign confirm app CONSUMER"), "{next}");
}

#[test]
fn whoever_has_it_in_hand_is_not_reminded() {
    let (late, hand) = ([kept("billing", true)], crate::deliver::render::tests::acknowledged());
    let hand = Acknowledged { asked_in: Some(Hearer::Security), ..hand };
    let before = Acknowledged { at: at("2026-03-05T08:59:00Z"), ..hand.clone() };
    for topic in [Topic::Nudge, Topic::NudgeLead, Topic::NudgeSecurity] {
        let button = nudge(topic, "lead", &late).unwrap().acknowledges;
        assert_eq!(button.as_deref(), Some("campaign:app/pay"));
        assert_eq!(told(topic, "lead", &late, Some(&before)), None);
        // It waited while somebody pressed the button below another.
        let waited = told(topic, "lead", &late, Some(&hand)).unwrap();
        assert_eq!(waited.acknowledges, None, "it is in somebody's hand by now");
    }
    assert_eq!(told(Topic::Acknowledged, "lead", &late, None), None, "over by now");
}

#[test]
fn a_press_rests_whoever_was_told_by_then_of_what_was_late_by_then() {
    let hand = crate::deliver::render::tests::acknowledged();
    let by = |asked_in| {
        let at = at("2026-03-05T08:59:00Z");
        Acknowledged { at, asked_in, ..hand.clone() }
    };
    let all = [Topic::Nudge, Topic::NudgeLead, Topic::NudgeSecurity];
    let late = [kept("billing", true)];
    let hears = |asked_in| {
        // Who said nothing has a button of their own.
        all.map(|topic| {
            let said = told(topic, "security", &late, Some(&by(asked_in)));
            said.is_some_and(|said| said.acknowledges.is_some())
        })
    };
    assert_eq!(hears(None), [false, true, true], "the team");
    assert_eq!(hears(Some(Hearer::Lead)), [false, false, true]);
    assert_eq!(hears(Some(Hearer::Security)), [false; 3]);
    // Late for the first time after the press: nobody has that in hand.
    let mut later = kept("etl", true);
    later.kept.consumer.deadline = at("2026-03-05T08:59:30Z");
    let both = [kept("billing", true), later];
    let said = told(Topic::Nudge, "polite", &both, Some(&by(None))).unwrap();
    assert_eq!((said.table.unwrap().total, said.acknowledges), (1, None));
}

#[test]
fn it_gets_firmer() {
    let all = [kept("billing", true), kept("etl", true)];
    let title = |topic, tone| nudge(topic, tone, &all).unwrap().title;
    assert_eq!(title(Topic::Nudge, "firm"), "Overdue: 2 consumers not on the new credential");
    assert!(title(Topic::Nudge, "lead").starts_with("Overdue for days: "));
    assert!(title(Topic::Nudge, "security").starts_with("Overdue for longest: "));
    assert!(title(Topic::NudgeLead, "lead").starts_with("Team pay is late: "));
    assert!(title(Topic::NudgeSecurity, "security").starts_with("Team pay is late for longest: "));
}

#[test]
fn whoever_is_done_or_was_reminded_since_is_left_out() {
    let mut claimed = kept("billing", true);
    claimed.kept.consumer.claim(at("2026-03-05T09:00:01Z"));
    claimed.kept.consumer.step(at("2026-03-05T09:00:01Z"));
    let mut newer = kept("etl", true);
    newer.kept.consumer.nudged_at = Some(at("2026-03-06T09:00:00Z"));
    assert_eq!(nudge(Topic::Nudge, "firm", &[claimed.clone(), newer.clone()]), None);
    let left = nudge(Topic::Nudge, "firm", &[claimed, newer, kept("search", true)]).unwrap();
    assert_eq!(left.table.unwrap().total, 1);
}

fn digest(more: &Value, consumers: &[KeptConsumer], slot: &str) -> Option<Message> {
    let record = record("campaign_swept", more);
    let slot = Some(at(slot));
    campaign(&Chased {
        topic: Topic::Sweep,
        about: "campaign:app@2026-03-05T09:00:00Z",
        record: &record,
        consumers,
        slot,
        rests: None,
        cite: &Cite::default(),
    })
}

#[test]
fn security_hears_of_every_sweep() {
    let standing = json!({"pending": 1, "reopened": 1, "claimed": 1, "closed": 1, "unlisted": 0});
    let late = json!({"polite": 0, "firm": 0, "lead": 2, "security": 0});
    let body = json!({"standing": standing, "late": late, "total": 4, "list_read": true});
    let said = digest(&body, &[kept("billing", true)], "2026-03-05T09:00:00Z").unwrap();
    assert_eq!(said.title, "Rotation app: 2 of 4 outstanding, 2 overdue");
    let facts = format!("{:?}", said.facts);
    assert!(
        facts.contains("25 % are seen to use the new one") && facts.contains("lead 2"),
        "{facts}"
    );
    assert_eq!(said.table.unwrap().rows, [["billing", "pay", "pending", "3 d 17 h", "2"]]);
    assert_eq!(digest(&body, &[], "2026-03-06T09:00:00Z"), None, "a newer one tells it");

    let none = json!({"standing": {"closed": 4}, "late": {}, "total": 4, "list_read": true});
    let said = digest(&none, &[], "2026-03-05T09:00:00Z").unwrap();
    assert_eq!((said.title.as_str(), said.table), ("Rotation app: nothing outstanding", None));

    let unread =
        json!({"standing": {}, "late": {}, "total": 0, "list_read": false, "list_read_at": null});
    let said = digest(&unread, &[], "2026-03-05T09:00:00Z").unwrap();
    assert_eq!(said.title, "Rotation app: the list of consumers cannot be read");
    assert!(said.notes[0].contains("never read"), "{:?}", said.notes);
}

/// What a team, its lead and security read, whole.
#[test]
fn what_people_read() {
    let mut billing = kept("<!channel> *billing*", true);
    billing.kept.consumer.old_used_at = Some(at("2026-03-05T08:59:00Z"));
    let late = [billing, kept("etl", true)];
    let standing = json!({"pending": 2, "reopened": 0, "claimed": 1, "closed": 1, "unlisted": 1});
    let lateness = json!({"polite": 0, "firm": 0, "lead": 2, "security": 0});
    let sweep = json!({"standing": standing, "late": lateness, "total": 5, "list_read": true});
    let nothing = json!({"standing": {"closed": 4}, "late": {}, "total": 4, "list_read": true});
    let unread = json!({
        "standing": standing, "late": lateness, "total": 5, "list_read": false,
        "list_read_at": "2026-03-04T09:00:00Z",
    });
    let now = "2026-03-05T09:00:00Z";
    let hand = crate::deliver::render::tests::acknowledged();
    let all = [
        ("polite", nudge(Topic::Nudge, "polite", &late)),
        ("firm", nudge(Topic::Nudge, "firm", &late)),
        ("to the team, beside its lead", nudge(Topic::Nudge, "lead", &late)),
        ("to the lead", nudge(Topic::NudgeLead, "lead", &late)),
        ("to the team, beside security", nudge(Topic::Nudge, "security", &late)),
        ("to security", nudge(Topic::NudgeSecurity, "security", &late)),
        ("in somebody's hand", told(Topic::Acknowledged, "", &late, Some(&hand))),
        ("the digest", digest(&sweep, &late, now)),
        ("the digest, nothing outstanding", digest(&nothing, &[], now)),
        ("the digest, no list", digest(&unread, &late, now)),
    ];
    let said = |(name, message): (&str, Option<Message>)| {
        format!("===== {name}\n{}\n", crate::deliver::render::tests::seen(&message.unwrap()))
    };
    insta::assert_snapshot!("campaigns", all.map(said).concat());
}

#[test]
fn an_instant_is_told_in_the_teams_own_time() {
    let noon = at("2026-07-01T10:00:00Z").plus(Duration::from_secs(59));
    assert_eq!(local(noon, "Europe/Berlin"), "2026-07-01 12:00 CEST");
    assert_eq!(local(noon, "Nowhere"), "2026-07-01 10:00:59 UTC");
}
