//! Others than security: a manager, who learns nothing of what the access is, and compliance.

use crate::common::slack::{CHANNEL, LEAD, Message, OTHER};
use crate::desk::{Desk, names};
use revoked::domain::account::{Account, LinkRule};
use revoked::domain::delivery::{Standing, Topic};
use revoked::domain::ids::{RoleOid, SystemIdentifier};
use revoked::domain::revocation::State;
use revoked::domain::time::UtcTime;
use revoked::store::{Addressee, Delivery, Move, NewRecord};
use serde_json::json;
use std::time::Duration;

const ROUTES: &str =
    ", routes: {manager: {channel: C0999999999}, compliance: {channel: C0777777777}}";

fn at<'a>(all: &'a [Message], channel: &str) -> Vec<&'a Message> {
    all.iter().filter(|one| one.channel == channel).collect()
}

fn titles<'a>(all: &'a [Message], channel: &str) -> Vec<&'a str> {
    at(all, channel).iter().map(|one| one.title()).collect()
}

#[tokio::test]
async fn a_manager_and_compliance_learn_what_is_theirs() {
    let desk = Desk::new(ROUTES).await;
    let agent = desk.start().await;
    agent.expect_for("canarygirl", "policy_violation", None).await;
    // A role, and findings on it, as a look adds them.
    let from = agent.journal.store.revocation("rev_canarygirl").await.unwrap().unwrap().stored;
    let account = Account {
        target: "main".to_owned(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(16_401),
        role: "canary_role".to_owned(),
        names: vec!["canary_role".to_owned()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    };
    let finding = json!({
        "kind": "privilege", "object": "TABLE canary_object", "privilege": "SELECT", "target": "main",
        "oid": 16_401, "strength": "can_log_in", "database": "shop",
    });
    let body = json!({
        "at": revoked::clock::now(), "reason": "policy_violation", "revocation": "rev_canarygirl",
        "milestone": "access", "deadline": "2026-03-05T10:00:00Z", "residual": [finding], "residual_total": 1,
    });
    let record = NewRecord { kind: "verification_failed", body: body.as_object().unwrap().clone() };
    let mut life = from.life.as_ref().clone();
    life.state = State::Open;
    let step = Move {
        revocation: from.revocation.clone(),
        accounts: vec![account],
        life,
        evidence: None,
        before: Vec::new(),
        records: vec![record],
        notice: None,
        at: revoked::clock::now(),
        watch_until: from.watch_until,
        from,
    };
    agent.journal.store.advance(&step).await.unwrap();
    agent.journal.wake();
    agent.settled().await;
    agent.verify("canarygirl").await;
    agent.settled().await;
    agent.regress("canarygirl").await;
    agent.settled().await;
    let all = desk.slack.messages();
    assert_eq!(
        titles(&all, OTHER),
        [
            "Access has to end",
            "Overdue: access had to end",
            "Verified: what had to end has ended",
            "Access has to end again",
        ]
    );
    let compliance = titles(&all, LEAD);
    assert_eq!(compliance.len(), 2, "{compliance:?}");
    assert_eq!(compliance[0], "Verified: nothing remains");
    let security = at(&all, CHANNEL);
    assert!(security.iter().any(|one| one.blocks.to_string().contains("canary_role")));
    for one in at(&all, OTHER) {
        let said = format!("{}{}", one.text, one.blocks).replace("rev_canarygirl", "");
        for hidden in ["canary", "policy", "violation", "SELECT", "shop", "main", "revoked "] {
            assert!(!said.contains(hidden), "{hidden}: {said}");
        }
        assert!(one.text.contains("rev_canarygirl"));
    }
    let threads: Vec<_> = at(&all, OTHER).iter().map(|one| one.thread.is_some()).collect();
    assert_eq!(threads, [false, true, true, true], "one thread");
    let told = desk.records("notification_sent");
    let of = |name: &str| told.iter().filter(|one| one["receiver"] == name).count();
    assert_eq!((of("slack:manager"), of("slack:compliance")), (4, 2));
    agent.stop().await;
    desk.assert_sound();
}

#[tokio::test]
async fn who_is_told_follows_from_what_it_is_of() {
    let routes = format!(
        ", routes: {{manager: {{channel: {OTHER}, sources: {{hr: {LEAD}}}}}, compliance: {{channel: {LEAD}, sources: {{uid:7: {OTHER}}}}}}}"
    );
    let desk = Desk::patient(&routes).await;
    let agent = desk.start().await;
    agent.expect(&names(1), None).await;
    let rows = agent.settled().await;
    let row = rows.iter().find(|row| row.receiver == "slack:manager").unwrap();
    assert!(row.remote.as_deref().unwrap().starts_with(LEAD), "{row:?}");
    // Many at once are one message there, too, and what is dead or dropped is decided as for all.
    agent.expect(&names(30)[1..], None).await;
    let rows = agent.settled().await;
    let is =
        |row: &&Delivery| row.receiver == "slack:manager" && row.row.standing == Standing::Carried;
    assert_eq!(rows.iter().filter(is).count(), 29);
    let all = desk.slack.messages();
    // One, or some where they came slowly.
    let digests: Vec<_> =
        at(&all, LEAD).into_iter().filter(|one| one.title().contains("opened")).collect();
    assert!((1..10).contains(&digests.len()), "{digests:#?}");
    for digest in digests {
        let said = format!("{digest:?}");
        assert!(!said.contains("none found yet") && !said.contains("terminated"), "{said}");
    }
    let id = &rows.iter().find(|row| row.receiver == "slack:manager").unwrap().id;
    let config = agent.live.current();
    let shown = revoked::deliver::preview(&agent.journal, &config, id).await;
    assert!(shown.is_ok(), "{shown:?}");
    agent.stop().await;
}

#[tokio::test]
async fn who_is_narrowed_is_told_nothing_that_was_queued_for_more() {
    let desk = Desk::new(ROUTES).await;
    let agent = desk.start().await;
    // Once the agent has written down who is told.
    tokio::time::sleep(Duration::from_millis(500)).await;
    // As an earlier version queued it, which told a manager of more.
    let topics = vec![Topic::Opened, Topic::Used, Topic::Verified];
    let (name, gather) = ("slack:manager".to_owned(), Duration::ZERO);
    let more = Addressee { name, gather, keep: None, topics };
    agent.journal.store.set_receivers(&[more]).await.unwrap();
    let used = || json!({"account": {"target": "main", "role": "canary"}, "because": "after_end"});
    agent.expect_for("new", "terminated", None).await;
    agent.step("new", State::Open, "use_after_effective", used()).await;
    let days = 3 * 86_400 * 1_000_000;
    let old = UtcTime::from_micros(revoked::clock::now().micros() - days).unwrap();
    for name in ["old", "older"] {
        agent.expect_for(name, "terminated", Some(old)).await;
        agent.step_at(name, State::Open, "use_after_effective", used(), old).await;
    }
    let rows = agent.settled().await;
    let all = desk.slack.messages();
    assert_eq!(titles(&all, OTHER), ["Access has to end", "Told late: 2 revocations opened"]);
    let left_out = rows.iter().filter(|row| row.row.standing == Standing::Superseded).count();
    assert_eq!(left_out, 1, "{rows:#?}");
    let told = desk.records("notification_sent");
    let records: Vec<_> = told.iter().map(|one| one["records"].as_u64().unwrap()).collect();
    assert_eq!(records, [1, 2], "{told:#?}");
    assert!(!all.iter().any(|one| format!("{one:?}").contains("canary")), "{all:#?}");
    agent.stop().await;
}
