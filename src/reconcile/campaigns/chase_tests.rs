use super::*;
use crate::config::{ConsumerList, Team};
use crate::domain::campaign::{Quiet, Schedule};
use crate::store::AskedSweep;

fn at(text: &str) -> UtcTime {
    text.parse().unwrap()
}

fn campaign() -> Campaign {
    Campaign {
        name: "app".to_owned(),
        old: "app_2025".to_owned(),
        new: "app_2026".to_owned(),
        deadline: at("2026-03-01T09:00:00Z"),
        target: None,
        consumers: ConsumerList::File(Ok(Vec::new())),
        tracker: None,
    }
}

/// A sweep a day at nine, and a night for each team.
fn chaser() -> Chaser {
    let quiet = Quiet {
        hours: Some(("18:00".parse().unwrap(), "08:00".parse().unwrap())),
        ..Quiet::default()
    };
    let tokyo =
        Team { channel: None, lead: None, zone: "Asia/Tokyo".to_owned(), quiet: quiet.clone() };
    Chaser {
        schedule: Schedule {
            every: Duration::from_secs(86_400),
            at: "09:00".parse().unwrap(),
            zone: "UTC".to_owned(),
        },
        bounds: [1, 3, 7].map(|days| Duration::from_secs(days * 86_400)),
        quiet,
        security: None,
        teams: [("tokyo".to_owned(), tokyo)].into(),
        campaigns: vec![campaign()],
    }
}

fn listed(names: &[(&str, &str)]) -> Vec<Listed> {
    let one = |(name, team): &(&str, &str)| Listed {
        name: (*name).to_owned(),
        team: (*team).to_owned(),
        ..Listed::default()
    };
    names.iter().map(one).collect()
}

/// What lasts between turns.
struct Life {
    row: CampaignRow,
    known: Vec<KeptConsumer>,
}

impl Life {
    fn new() -> Self {
        let row = CampaignRow { name: "app".to_owned(), swept: Swept::default(), version: 1 };
        Self { row, known: Vec::new() }
    }

    /// One turn; gives the records of it, as kind and, of a reminder, team and tone.
    fn turn(&mut self, now: &str, list: Result<Vec<Listed>, String>) -> Vec<String> {
        let (chaser, campaign) = (chaser(), campaign());
        let mut chase = Chase::begin(&chaser, &campaign, &self.row, &self.known, at(now));
        if chase.is_due() || chase.is_unread() {
            chase.sweep(list).unwrap();
        }
        chase.settle().unwrap();
        chase.remind().unwrap();
        let done = chase.end();
        let Some(changes) = done.changes else { return Vec::new() };
        self.row.swept = changes.swept;
        self.known = done.known;
        let said = changes.notes.iter().map(|(_, note)| {
            let word = |key: &str| note.body.get(key).and_then(|text| text.as_str());
            match (word("team"), word("tone")) {
                (Some(team), Some(tone)) => {
                    let hand = word("in_hand").map(|who| format!(", in hand of the {who}"));
                    format!("{team} {tone}{}", hand.unwrap_or_default())
                }
                _ => note.kind.to_owned(),
            }
        });
        said.collect()
    }
}

#[test]
fn a_week_without_an_agent_is_one_sweep_and_one_reminder() {
    let list = || Ok(listed(&[("billing", "pay"), ("etl", "pay")]));
    let mut life = Life::new();
    assert_eq!(life.turn("2026-03-02T09:00:00Z", list()), ["campaign_swept", "pay polite"]);
    assert_eq!(life.turn("2026-03-02T09:00:02Z", list()), [""; 0]);
    assert_eq!(life.turn("2026-03-02T17:00:00Z", list()), [""; 0]);
    assert_eq!(life.turn("2026-03-09T11:00:00Z", list()), ["campaign_swept", "pay firm"]);
    assert_eq!(life.turn("2026-03-09T11:00:02Z", list()), [""; 0]);
    assert_eq!(life.turn("2026-03-10T09:00:00Z", list()), ["campaign_swept", "pay lead"]);
    assert_eq!(life.turn("2026-03-11T09:00:00Z", list()), ["campaign_swept", "pay security"]);
    assert_eq!(life.known.iter().map(|one| one.kept.consumer.nudges).max(), Some(4));
}

#[test]
fn who_sleeps_is_reminded_when_they_wake_and_once() {
    let list = || Ok(listed(&[("billing", "pay"), ("etl", "tokyo")]));
    let mut life = Life::new();
    // Nine in the morning is six in the evening there.
    assert_eq!(life.turn("2026-03-02T09:00:00Z", list()), ["campaign_swept", "pay polite"]);
    assert_eq!(life.turn("2026-03-02T22:59:00Z", list()), [""; 0]);
    assert_eq!(life.turn("2026-03-02T23:00:00Z", list()), ["tokyo polite"]);
    assert_eq!(life.turn("2026-03-02T23:00:02Z", list()), [""; 0]);
    assert_eq!(life.turn("2026-03-03T09:00:00Z", list()), ["campaign_swept", "pay firm"]);
}

#[test]
fn a_sweep_that_is_asked_for_is_made_once_and_the_next_one_when_it_is_due() {
    let list = || Ok(listed(&[("billing", "pay"), ("etl", "tokyo")]));
    let mut life = Life::new();
    assert_eq!(life.turn("2026-03-02T09:00:00Z", list()), ["campaign_swept", "pay polite"]);
    let asked = AskedSweep { at: at("2026-03-02T15:00:00Z"), by: "uid:1000".to_owned() };
    life.row.swept.asked = Some(asked.clone());
    assert_eq!(life.turn("2026-03-02T15:00:01Z", list()), ["campaign_swept", "pay firm"]);
    assert_eq!((life.row.swept.slot, &life.row.swept.asked), (Some(asked.at), &None));
    assert_eq!(life.turn("2026-03-02T15:00:03Z", list()), [""; 0]);
    // Who slept then is reminded when they wake.
    assert_eq!(life.turn("2026-03-02T23:00:00Z", list()), ["tokyo polite"]);
    assert_eq!(
        life.turn("2026-03-03T09:00:00Z", list()),
        ["campaign_swept", "pay firm"],
        "the schedule goes on"
    );
}

#[test]
fn nobody_is_reminded_by_a_list_that_cannot_be_read() {
    let list = || Ok(listed(&[("billing", "pay")]));
    let mut life = Life::new();
    assert_eq!(life.turn("2026-03-02T09:00:00Z", list()), ["campaign_swept", "pay polite"]);
    let wrong = || Err("permission denied".to_owned());
    assert_eq!(life.turn("2026-03-03T09:00:00Z", wrong()), ["campaign_swept"]);
    assert_eq!(life.turn("2026-03-03T09:05:00Z", wrong()), [""; 0]);
    assert_eq!(life.known.len(), 1, "nobody is forgotten");
    assert_eq!(life.turn("2026-03-03T09:10:00Z", list()), ["pay firm"], "it is made up for");
    assert_eq!(life.row.swept.read_at, Some(at("2026-03-03T09:10:00Z")));
}

#[test]
fn what_the_list_says_is_on_record() {
    let mut life = Life::new();
    life.turn("2026-03-02T09:00:00Z", Ok(listed(&[("billing", "pay"), ("etl", "pay")])));
    let mut list = listed(&[("billing", "pay"), ("etl", "pay")]);
    list[0].confirmed = true;
    list[1].new_used_at = Some(at("2026-03-03T08:00:00Z"));
    let said = life.turn("2026-03-03T09:00:00Z", Ok(list));
    assert_eq!(said, ["consumer_claimed", "consumer_observed", "campaign_swept"]);
    // Left out of the list, it is not done; whoever was seen to be done is.
    let said = life.turn("2026-03-04T09:00:00Z", Ok(listed(&[("other", "pay")])));
    assert_eq!(said, ["consumer_observed", "campaign_swept", "pay polite"]);
    let stands = |name: &str| {
        life.known.iter().find(|one| one.kept.consumer.name == name).unwrap().kept.consumer.standing
    };
    assert_eq!((stands("billing"), stands("etl")), (Standing::Unlisted, Standing::Closed));
}

#[test]
fn a_session_of_the_new_role_closes_and_one_of_the_old_opens_again() {
    let mut one = listed(&[("billing", "pay")]).remove(0);
    (one.old_role, one.new_role) = (Some("old".to_owned()), Some("new".to_owned()));
    let mut life = Life::new();
    life.turn("2026-03-02T09:00:00Z", Ok(vec![one]));
    let (chaser, campaign) = (chaser(), campaign());
    for (role, time, standing) in [
        ("new", "2026-03-02T10:00:00Z", Standing::Closed),
        ("old", "2026-03-02T11:00:00Z", Standing::Reopened),
        ("other", "2026-03-02T12:00:00Z", Standing::Reopened),
    ] {
        let mut chase = Chase::begin(&chaser, &campaign, &life.row, &life.known, at(time));
        chase.see(&[role.to_owned()].into(), at(time));
        chase.settle().unwrap();
        let done = chase.end();
        assert_eq!(done.known[0].kept.consumer.standing, standing, "{role}");
        assert_eq!(done.changes.is_some(), role != "other");
        life.known = done.known;
    }
}

#[test]
fn whoever_has_it_in_hand_is_left_alone_for_a_while() {
    use crate::domain::acknowledged::{Acknowledged, Presser};
    let list = || Ok(listed(&[("billing", "pay"), ("etl", "ops")]));
    let mut life = Life::new();
    let first = life.turn("2026-03-02T09:00:00Z", list());
    assert_eq!(first, ["campaign_swept", "ops polite", "pay polite"]);
    let [user, disclosure, commitment] = ["U012", "d", "c"].map(str::to_owned);
    let (by, then) = (Presser { user, disclosure, commitment }, at("2026-03-02T09:05:00Z"));
    let known = Acknowledged::taken(by, then, then, Duration::from_secs(86_400));
    life.row.swept.acknowledged.insert("pay".to_owned(), known);
    // Security hears of it as before, and so does everybody else.
    assert_eq!(life.turn("2026-03-03T09:00:00Z", list()), ["campaign_swept", "ops firm"]);
    assert_eq!(life.turn("2026-03-03T09:04:59Z", list()), [""; 0]);
    assert!(life.row.swept.acknowledged.contains_key("pay"));
    // In the same sweep once the time is over; who it was is forgotten.
    assert_eq!(life.turn("2026-03-03T09:05:00Z", list()), ["pay firm"]);
    assert!(life.row.swept.acknowledged.is_empty());
    assert_eq!(
        life.turn("2026-03-04T09:00:00Z", list()),
        ["campaign_swept", "ops lead", "pay lead"]
    );
}

#[test]
fn a_press_of_the_team_rests_neither_its_lead_nor_what_is_late_only_since() {
    use crate::domain::acknowledged::{Acknowledged, Presser};
    use crate::domain::campaign::Hearer;
    let list = |names: &[(&str, &str)]| Ok(listed(names));
    let mut life = Life::new();
    life.turn("2026-03-02T09:00:00Z", list(&[("billing", "pay")]));
    life.turn("2026-03-03T09:00:00Z", list(&[("billing", "pay")]));
    let press = |life: &mut Life, then: &str, asked_in| {
        let [user, disclosure, commitment] = ["U012", "d", "c"].map(str::to_owned);
        let (by, then) = (Presser { user, disclosure, commitment }, at(then));
        let known = Acknowledged::taken(by, then, then, Duration::from_secs(7 * 86_400));
        life.row.swept.acknowledged.insert("pay".to_owned(), Acknowledged { asked_in, ..known });
    };
    press(&mut life, "2026-03-03T09:05:00Z", None);
    // It is late for the lead by now, and another one is late for the first time.
    let both = || list(&[("billing", "pay"), ("etl", "pay")]);
    assert_eq!(
        life.turn("2026-03-04T09:00:00Z", both()),
        ["campaign_swept", "pay polite", "pay lead, in hand of the team"]
    );
    assert_eq!(life.turn("2026-03-04T09:00:02Z", both()), [""; 0], "once in a sweep");
    let nudges: Vec<u32> = life.known.iter().map(|one| one.kept.consumer.nudges).collect();
    assert_eq!(nudges, [3, 1]);
    // The lead has all of it in hand: so does the team, and security does not.
    press(&mut life, "2026-03-04T09:05:00Z", Some(Hearer::Lead));
    assert_eq!(life.turn("2026-03-05T09:00:00Z", both()), ["campaign_swept"]);
    assert_eq!(
        life.turn("2026-03-08T09:00:00Z", both()),
        ["campaign_swept", "pay security, in hand of the lead"]
    );
}
