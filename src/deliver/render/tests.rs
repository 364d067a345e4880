use super::*;
use crate::deliver::message::Message;
use crate::deliver::slack::blocks;
use crate::domain::account::{Account, LinkRule};
use crate::domain::acknowledged::{Acknowledged, Presser};
use crate::domain::delivery::Topic;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::lifecycle::Life;
use crate::domain::milestone::Deadlines;
use crate::domain::revocation::{Kind, State, sample};
use crate::domain::time::UtcTime;
use crate::store::{Evidence, Evidenced, Gist, Stored, ToldRecord};
use serde_json::{Map, Value, json};
use std::sync::Arc;

#[path = "decisions_tests.rs"]
mod decisions;
#[path = "outline_tests.rs"]
mod outlines;

pub(super) fn at(text: &str) -> UtcTime {
    format!("2026-03-05T{text}Z").parse().unwrap()
}

fn account(role: &str, oid: u32) -> Account {
    Account {
        target: "main".to_owned(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(oid),
        role: role.to_owned(),
        names: vec![role.to_owned()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    }
}

pub(super) fn stored(state: State) -> Evidenced {
    let mut revocation = sample(at("09:00:00"));
    revocation.id = "rev_000193".to_owned();
    revocation.subject = "Erika Mustermann".to_owned();
    revocation.deadlines =
        Deadlines { login: Some(at("09:15:00")), access: Some(at("10:00:00")), credentials: None };
    let mut life = Life::begin(revocation.effective_at, revocation.received_at);
    life.state = state;
    if state == State::Verified {
        life.first_clean_at = Some(at("09:20:00"));
        life.verified_at = Some(at("09:21:00"));
        life.met.login = Some(at("09:10:00"));
        life.met.access = Some(at("09:20:00"));
    }
    let stored = Stored {
        landed_revocation: None,
        subject_id: "sub_1".to_owned(),
        accounts: vec![account("john_doe", 16_401), account("<!channel> *x*", 16_402)],
        landed: Some(Arc::new(life.clone())),
        life: Arc::new(life),
        gist: Gist::default(),
        version: 1,
        records: 3,
        queued_at: at("09:00:00"),
        watch_until: at("09:00:00"),
        revocation,
    };
    Evidenced { stored, evidence: Evidence::default() }
}

pub(super) fn body(value: Value) -> Map<String, Value> {
    let Value::Object(body) = value else { panic!("{value}") };
    body
}

pub(super) fn acknowledged() -> Acknowledged {
    let by = Presser {
        user: "U012AB3CD".to_owned(),
        disclosure: "disclosure".to_owned(),
        commitment: "commitment".to_owned(),
    };
    Acknowledged::taken(by, at("10:05:00"), at("10:05:01"), std::time::Duration::from_secs(3_600))
}

fn finding(n: u64) -> Value {
    json!({
        "database": "shop", "grantor": "postgres", "kind": "privilege",
        "object": format!("TABLE public.orders_{n}"), "oid": 16_401, "privilege": "SELECT",
        "strength": "can_log_in", "tampered": false, "target": "main", "via": [],
    })
}

fn told(topic: Topic, record: Value, stored: Option<&Evidenced>) -> Option<Message> {
    let record = ToldRecord { kind: String::new(), body: body(record), seq: 127 };
    let cite = Cite { size: 130, root: "0123456789abcdef".to_owned() };
    let after = body(json!({
        "label": "after", "not_covered": ["credential", "pooler"],
        "coverage": [
            {"database": "shop", "statements": 14, "target": "main"},
            {"database": "postgres", "statements": 21, "target": "main"},
        ],
    }));
    let after = (topic == Topic::Verified).then_some(&after);
    let rests = stored.and_then(|stored| stored.landed.as_ref()?.acknowledged.as_deref());
    one(&Brief { topic, record: &record, stored, after, rests, cite: &cite })
}

/// What people see of a message in Slack, as text.
pub(super) fn seen(message: &Message) -> String {
    let rendered = blocks::render(message, false);
    blocks::check(&json!({"text": rendered.text, "blocks": rendered.blocks})).unwrap();
    let mut text = String::new();
    for block in &rendered.blocks {
        text.push_str(&shown(block));
        text.push('\n');
    }
    // One line, for a parser of somebody else's (tests/slack/sdk.rs).
    let request = json!({"text": rendered.text, "blocks": rendered.blocks});
    format!("{text}--- as text\n{}\n--- as Slack gets it\n{request}", rendered.text)
}

fn shown(value: &Value) -> String {
    let text = || value["text"].as_str().unwrap_or_default().to_owned();
    let all = |key: &str| {
        let items = value[key].as_array().cloned().unwrap_or_default();
        items.iter().map(shown).collect::<Vec<_>>()
    };
    match value["type"].as_str().unwrap_or_default() {
        "header" => format!("# {}", shown(&value["text"])),
        "button" => format!("[{}]", shown(&value["text"])),
        "user" => format!("<@{}>", value["user_id"].as_str().unwrap()),
        "context" => format!("({})", all("elements").concat()),
        "actions" | "rich_text" | "rich_text_section" => all("elements").concat(),
        "text" if value["style"]["bold"] == true => format!("*{}*", text()),
        "text" if value["style"]["code"] == true => format!("`{}`", text()),
        "table" => {
            let rows = value["rows"].as_array().unwrap();
            let row = |row: &Value| {
                row.as_array().unwrap().iter().map(shown).collect::<Vec<_>>().join(" | ")
            };
            rows.iter().map(row).collect::<Vec<_>>().join("\n")
        }
        _ => text(),
    }
}

#[test]
fn messages_as_people_see_them() {
    let mut open = stored(State::Open);
    let scheduled = stored(State::Scheduled);
    let verified = stored(State::Verified);
    let mut regressed = stored(State::Regressed);
    let residual = json!({
        "as_of": at("09:00:08"), "label": "before", "residual": (0..30).map(finding).collect::<Vec<_>>(),
        "residual_total": 5000,
    });
    let overdue = json!({
        "milestone": "access", "deadline": at("10:00:00"), "as_of": at("10:00:04"),
        "residual": [finding(1)], "residual_total": 1, "gaps": [],
    });
    let blind = json!({
        "milestone": "login", "deadline": at("09:15:00"), "as_of": at("09:15:02"), "residual": [],
        "residual_total": 0,
        "gaps": [{"cause": "unreachable", "database": null, "surface": "session", "target": "main"}],
    });
    let proof = json!({
        "blind_us": 65_000_000, "duration_us": 1_200_000_000_u64, "first_clean_at": at("09:20:00"),
        "verification": {"status": "success", "verified_at": at("09:21:00")},
    });
    let back = json!({
        "as_of": at("12:00:00"), "cause": "granted_again", "residual": [finding(3)],
        "residual_total": 1, "verified_at": at("09:21:00"),
    });
    let used = json!({
        "account": {"oid": 16_401, "role": "john_doe", "target": "main"}, "because": "after_end",
        "began_at": at("11:00:00"),
    });
    let missed = json!({
        "last_good_at": at("08:00:00"), "missing": ["privilege"], "target": "main",
    });
    let mut all = Vec::new();
    let mut add = |name: &str, message: Option<Message>| {
        all.push(format!("===== {name}\n{}\n", seen(&message.expect("a message"))));
    };
    add("opened", told(Topic::Opened, json!({}), Some(&open)));
    add("scheduled", told(Topic::Opened, json!({}), Some(&scheduled)));
    open.evidence.verdict = Some(crate::domain::verdict::Verdict::Residual);
    open.evidence.as_of = Some(at("09:00:08"));
    Arc::make_mut(open.stored.landed.as_mut().unwrap()).missed.login = Some(at("09:15:00"));
    add("status", told(Topic::Status, json!({}), Some(&open)));
    add("status of a verified one", told(Topic::Status, json!({}), Some(&verified)));
    add("what remains", told(Topic::Residual, residual, Some(&open)));
    add("overdue", told(Topic::Overdue, overdue, Some(&open)));
    add("overdue and blind", told(Topic::Overdue, blind, Some(&open)));
    add("overdue still", told(Topic::Reminder, json!({}), Some(&open)));
    let mut in_hand = open.clone();
    Arc::make_mut(in_hand.stored.landed.as_mut().unwrap()).acknowledged =
        Some(Box::new(acknowledged()));
    add("in somebody's hand", told(Topic::Acknowledged, json!({}), Some(&in_hand)));
    add("status in somebody's hand", told(Topic::Status, json!({}), Some(&in_hand)));
    add("verified", told(Topic::Verified, proof, Some(&verified)));
    add("regressed", told(Topic::Regressed, back, Some(&regressed)));
    regressed.stored.accounts.clear();
    add("used", told(Topic::Used, used.clone(), Some(&regressed)));
    let glass = json!({"account": used["account"], "because": "no_open_break_glass"});
    add("a break-glass role", told(Topic::Used, glass, None));
    add("blind", told(Topic::Blind, missed, None));
    let found = json!({"missed_at": at("08:30:00"), "target": "main"});
    add("seen again", told(Topic::Sighted, found, None));
    let withdrawn = stored(State::Withdrawn);
    add("withdrawn", told(Topic::Withdrawn, json!({"erroneous": true}), Some(&withdrawn)));
    let taken = json!({"because": "termination_rescinded", "by": "hr", "erroneous": false});
    add("taken back", told(Topic::Withdrawn, taken, Some(&withdrawn)));
    let text = all.concat();
    assert!(!text.contains("Mustermann"), "no person is named");
    insta::assert_snapshot!("messages", text);
}

#[test]
fn a_proof_says_what_was_asked_for_and_no_more() {
    let proof =
        json!({"first_clean_at": at("09:20:00"), "verification": {"verified_at": at("09:21:00")}});
    for (kind, title) in [
        (Kind::Full, "Verified: nothing remains"),
        (Kind::Suspend, "Verified: suspended"),
        (Kind::Partial, "Verified: what was named is gone"),
        (Kind::Rotation, "Verified: the secret is another"),
        (Kind::Transfer, "Verified: another owner, another secret"),
    ] {
        let mut verified = stored(State::Verified);
        verified.stored.revocation.kind = kind;
        let message = told(Topic::Verified, proof.clone(), Some(&verified)).unwrap();
        assert_eq!(message.title, title);
        let all = message.notes.concat();
        assert_eq!(all.contains("found nothing. "), kind == Kind::Full, "{all}");
    }
}

#[test]
fn digests_as_people_see_them() {
    let open = stored(State::Open);
    let verified = stored(State::Verified);
    let counts = [
        (Topic::Opened, "terminated".to_owned(), 9_990),
        (Topic::Opened, "contract_expired".to_owned(), 10),
    ];
    let mixed = [
        (Topic::Verified, "vendor_offboarded".to_owned(), 12),
        (Topic::Regressed, "vendor_offboarded".to_owned(), 1),
        (Topic::Overdue, "vendor_offboarded".to_owned(), 2),
    ];
    let sample = |topic, stored| Sample { topic, about: "rev_000193", stored: Some(stored) };
    let layoff: Vec<_> = (0..20).map(|_| sample(Topic::Opened, &open)).collect();
    let vendor = [sample(Topic::Regressed, &open), sample(Topic::Verified, &verified)];
    let cite = Cite { size: 130, root: "0123456789abcdef".to_owned() };
    let of = |counts, samples, late_since, checklist| {
        let message = digest(&Digested {
            counts,
            samples,
            late_since,
            checklist,
            details: true,
            seq: 127,
            cite: &cite,
        });
        (message.urgent, seen(&message))
    };
    let (calm, first) = of(&counts, &layoff, None, None);
    let (urgent, second) = of(&mixed, &vendor, None, Some("chk_0123"));
    let (late_urgent, third) = of(&mixed, &vendor, Some(at("06:00:00")), None);
    assert_eq!((calm, urgent, late_urgent), (false, true, true));
    insta::assert_snapshot!(
        "digests",
        format!("===== a layoff\n{first}\n===== a vendor\n{second}\n===== late\n{third}\n")
    );
}

#[test]
fn what_is_true_no_more_is_not_told() {
    let [open, verified, withdrawn, regressed] =
        [State::Open, State::Verified, State::Withdrawn, State::Regressed].map(stored);
    let proof = |when: &str| json!({"first_clean_at": at("09:20:00"), "verification": {"verified_at": at(when)}});
    let nothing = |topic, record: Value, stored: &Evidenced| {
        assert_eq!(told(topic, record, Some(stored)), None, "{topic} {}", stored.life.state);
    };
    // Verified is said from nothing but the proof that stands.
    for other in [&open, &withdrawn, &regressed] {
        nothing(Topic::Verified, proof("09:21:00"), other);
    }
    nothing(Topic::Verified, proof("08:00:00"), &verified);
    nothing(Topic::Verified, json!({}), &verified);
    // Committed, and not in the log.
    let mut ahead = open.clone();
    ahead.stored.life = verified.life.clone();
    nothing(Topic::Verified, proof("09:21:00"), &ahead);
    let mut unknown = verified.clone();
    unknown.stored.landed = None;
    nothing(Topic::Verified, proof("09:21:00"), &unknown);
    assert!(told(Topic::Verified, proof("09:21:00"), Some(&verified)).is_some());
    let missed = || json!({"milestone": "access", "residual": [finding(1)], "residual_total": 1});
    nothing(Topic::Overdue, missed(), &verified);
    nothing(Topic::Overdue, missed(), &withdrawn);
    assert!(told(Topic::Overdue, missed(), Some(&open)).is_some());
    // In somebody's hand: of what is missed since nobody is told now.
    let mut in_hand = open.clone();
    let life = Arc::make_mut(in_hand.stored.landed.as_mut().unwrap());
    life.acknowledged = Some(Box::new(acknowledged()));
    life.missed.access = Some(at("10:05:02"));
    nothing(Topic::Overdue, missed(), &in_hand);
    nothing(Topic::Reminder, json!({}), &open);
    nothing(Topic::Acknowledged, json!({}), &open);
    life_late(&mut in_hand);
    nothing(Topic::Reminder, json!({}), &in_hand);
    // Everything else is told as ever, and bears no button.
    let remains = told(Topic::Residual, missed(), Some(&in_hand)).unwrap();
    assert_eq!(remains.acknowledges, None);
    nothing(Topic::Residual, missed(), &verified);
    nothing(Topic::Residual, missed(), &stored(State::Scheduled));
    nothing(Topic::Excepted, json!({}), &open);
    // What happened, happened.
    assert!(told(Topic::Regressed, missed(), Some(&verified)).is_some());
    assert_eq!(told(Topic::Opened, json!({}), None), None, "a revocation that is not there");
}

fn life_late(stored: &mut Evidenced) {
    Arc::make_mut(stored.stored.landed.as_mut().unwrap()).missed.access = Some(at("10:00:01"));
}

#[test]
fn only_what_is_late_and_in_nobodys_hand_bears_a_button() {
    let mut open = stored(State::Open);
    let missed = json!({"milestone": "access", "residual": [finding(1)], "residual_total": 1});
    let button =
        |topic, stored: &Evidenced| told(topic, missed.clone(), Some(stored)).unwrap().acknowledges;
    for topic in [Topic::Status, Topic::Residual, Topic::Opened] {
        assert_eq!(button(topic, &open), None, "{topic}");
    }
    life_late(&mut open);
    for topic in [Topic::Status, Topic::Residual, Topic::Overdue, Topic::Reminder] {
        assert_eq!(button(topic, &open).as_deref(), Some("rev_000193"), "{topic}");
    }
    assert_eq!(button(Topic::Opened, &open), None);
    open.evidence.no_account = true;
    assert_eq!(button(Topic::Status, &open), None);
}

#[test]
fn a_press_takes_no_first_word_of_what_was_missed_before_it() {
    let mut open = stored(State::Open);
    let missed = json!({"milestone": "access", "residual": [finding(1)], "residual_total": 1});
    let life = Arc::make_mut(open.stored.landed.as_mut().unwrap());
    life.acknowledged = Some(Box::new(acknowledged()));
    life.missed.login = Some(at("09:15:00"));
    // Pressed below what was said of the login, while this waited to be sent.
    life.missed.access = Some(at("10:05:00"));
    let said = told(Topic::Overdue, missed.clone(), Some(&open)).unwrap();
    assert_eq!(said.title, "Overdue: access is still there");
    assert_eq!(said.acknowledges, None, "it is in somebody's hand by now");
    let life = Arc::make_mut(open.stored.landed.as_mut().unwrap());
    life.missed.access = Some(at("10:05:02"));
    assert_eq!(told(Topic::Overdue, missed, Some(&open)), None);
}

#[test]
fn while_a_clean_look_is_not_in_the_log_it_is_not_told() {
    let mut open = stored(State::Open);
    open.evidence.verdict = Some(crate::domain::verdict::Verdict::Revoked);
    Arc::make_mut(&mut open.stored.life).first_clean_at = Some(at("09:20:00"));
    let said = seen(&told(Topic::Status, json!({}), Some(&open)).unwrap());
    assert!(said.contains("State: *open, being judged"), "{said}");
    open.stored.landed = Some(open.life.clone());
    let said = seen(&told(Topic::Status, json!({}), Some(&open)).unwrap());
    assert!(said.contains("nothing found at the last look"), "{said}");
}

#[test]
fn times_are_told_in_two_units() {
    for (us, said) in [
        (0, "less than a second"),
        (59_000_000, "59 s"),
        (1_200_000_000, "20 min"),
        (90_061_000_000, "1 d 1 h"),
    ] {
        assert_eq!(words::lasting(us), said);
    }
}
