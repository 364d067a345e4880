//! Answers that are lost, pauses, and endpoints that are away.

use crate::common::endpoint::{Endpoint, Event};
use crate::common::slack::Fault;
use crate::desk::names;
use crate::office::{Hooked, section};
use revoked::clock;
use revoked::domain::delivery::Standing;
use revoked::domain::time::UtcTime;
use std::time::Duration;

fn status(status: u16) -> Fault {
    Fault::Status(status, Vec::new())
}

pub(crate) async fn moment() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(Event::kind).collect()
}

#[tokio::test]
async fn what_may_have_arrived_is_sent_again_with_the_same_id() {
    let desk = Hooked::new("").await;
    let doubts =
        [status(500), status(502), status(503), status(504), Fault::Reset, Fault::ResetAfter];
    let agent = desk.start().await;
    for (n, doubt) in doubts.into_iter().enumerate() {
        let name = format!("d{n}");
        desk.endpoint.fail([doubt.clone()]);
        agent.expect(std::slice::from_ref(&name), None).await;
        let id = format!("rev_{name}");
        let come = || {
            let all = desk.endpoint.events();
            all.into_iter().filter(|one| one.about() == id).collect::<Vec<_>>()
        };
        agent.settled().await;
        let all = come();
        assert_eq!(all.len(), 2, "{doubt:?}: {all:#?}");
        assert_eq!((&all[0].id, &all[0].raw), (&all[1].id, &all[1].raw), "{doubt:?}");
    }
    let records = desk.records("notification_sent");
    assert_eq!(records.len(), 6);
    for record in &records {
        assert_eq!(record["possible_duplicate"], true, "{record}");
        assert_eq!(record["receiver"], "webhook:tickets");
    }
    assert_eq!(desk.endpoint.kept().len(), 6, "each once, for who looks at the id");
    agent.stop().await;
    desk.assert_sound();
}

#[tokio::test]
async fn an_answer_that_never_comes_is_sent_again() {
    let desk = Hooked::new("").await;
    desk.endpoint.fail([Fault::HangAfter]);
    let agent = desk.start().await;
    agent.expect(&names(1), None).await;
    let row = agent.until_one(Standing::Sent).await;
    assert!(row.row.doubled, "{row:?}");
    let all = desk.endpoint.events();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].id, all[1].id);
    assert!(all[1].at - all[0].at >= Duration::from_secs(19), "it waited for the answer");
    agent.stop().await;
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_kept() {
    for code in [429, 503] {
        let desk = Hooked::new("").await;
        desk.endpoint.fail([Fault::Status(code, vec![("retry-after", "2".to_owned())])]);
        let agent = desk.start().await;
        agent.expect(&names(3), None).await;
        agent.settled().await;
        let all = desk.endpoint.events();
        assert_eq!(all.len(), 4, "{code}: one refused, three taken");
        assert!(all[1].at - all[0].at >= Duration::from_secs(2), "{code}");
        let rows = agent.rows().await;
        assert!(rows.iter().all(|row| !row.row.doubled), "{code}: certainly not sent: {rows:?}");
        agent.stop().await;
    }
}

#[tokio::test]
async fn the_order_of_a_revocation_is_kept_whatever_fails() {
    let desk = Hooked::new("").await;
    desk.endpoint.fail([Fault::Reset, status(500), Fault::ResetAfter, status(502)]);
    let agent = desk.start().await;
    agent.expect(&names(2), None).await;
    for name in names(2) {
        agent.verify(&name).await;
        agent.regress(&name).await;
    }
    agent.settled().await;
    let kept = desk.endpoint.kept();
    for name in names(2) {
        let id = format!("rev_{name}");
        let of: Vec<_> = kept.iter().filter(|one| one.about() == id).cloned().collect();
        let expected = ["revocation.opened", "revocation.verified", "revocation.regressed"];
        assert_eq!(kinds(&of), expected);
        let seqs: Vec<_> =
            of.iter().map(|one| one.body["data"]["record"]["seq"].as_u64()).collect();
        assert!(seqs.is_sorted(), "{seqs:?}");
    }
    agent.stop().await;
}

#[tokio::test]
async fn one_endpoint_that_is_away_holds_no_other_up() {
    let (one, other) = (Endpoint::start().await, Endpoint::start().await);
    one.always(Some(status(503)));
    one.probing(503);
    let both = format!(
        "webhooks_out: {{{}, {}}}\n",
        one.config("tickets", ""),
        other.config("siem", ", events: [opened]")
    );
    let desk = Hooked::of(one, both);
    other.write_files(desk.home.path());
    let agent = desk.start().await;
    agent.expect(&names(8), None).await;
    let all = other.until(8).await;
    assert!(all.iter().all(|one| one.kind() == "revocation.opened"), "{all:#?}");
    let open =
        |name: &str| format!("access_revocation_delivery_circuit_open{{receiver=\"{name}\"}}");
    agent.until_metric(&open("webhook:tickets"), 1.0).await;
    agent.until_metric(&open("webhook:siem"), 0.0).await;
    assert!(desk.endpoint.events().len() < 20, "it is left alone");
    // And it goes on by itself, when a question that tells nothing is answered.
    desk.endpoint.always(None);
    desk.endpoint.probing(405);
    agent.settled().await;
    assert!(desk.endpoint.probes() > 0);
    assert_eq!(desk.endpoint.kept().len(), 8);
    agent.stop().await;
}

#[tokio::test]
async fn after_days_there_is_one_event_that_lists_what_was_missed() {
    let desk = Hooked::new("").await;
    let agent = desk.start().await;
    let days = 4 * 86_400 * 1_000_000;
    let old = UtcTime::from_micros(clock::now().micros() - days).unwrap();
    agent.expect(&names(3), Some(old)).await;
    let all = desk.endpoint.until(1).await;
    agent.settled().await;
    assert_eq!(kinds(&desk.endpoint.kept()), ["events.late"]);
    let data = &all[0].body["data"];
    let listed = data["events"].as_array().unwrap();
    let about: Vec<_> = listed.iter().map(|one| one["about"].as_str().unwrap()).collect();
    assert_eq!(about, ["rev_p0", "rev_p1", "rev_p2"]);
    assert!(data["total"] == 3 && listed.iter().all(|one| one["type"] == "revocation.opened"));
    // Two days are no reason to be told late.
    let young = UtcTime::from_micros(clock::now().micros() - days / 2).unwrap();
    agent.expect(&["young".to_owned()], Some(young)).await;
    let all = desk.endpoint.until(2).await;
    assert_eq!(all[1].about(), "rev_young");
    agent.stop().await;
}

#[tokio::test]
async fn endpoints_come_and_go() {
    let desk = Hooked::new("").await;
    let agent = desk.start().await;
    agent.expect(&["a".to_owned()], None).await;
    desk.endpoint.until(1).await;
    let other = Endpoint::start().await;
    other.write_files(desk.home.path());
    desk.reload(&agent, &format!("webhooks_out: {{{}}}\n", other.config("siem", "")));
    let shown = |agent: &crate::office::Running, name: &str| {
        let series = format!("access_revocation_outbox_messages{{receiver=\"webhook:{name}\"");
        agent.page().contains(&series)
    };
    let begun = std::time::Instant::now();
    while shown(&agent, "tickets") || !shown(&agent, "siem") {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", agent.page());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    moment().await;
    agent.expect(&["b".to_owned()], None).await;
    assert_eq!(other.until(1).await[0].about(), "rev_b");
    desk.reload(&agent, &section(&desk.endpoint, ", events: [verified]"));
    moment().await;
    agent.expect(&["c".to_owned()], None).await;
    agent.verify("c").await;
    let all = desk.endpoint.until(2).await;
    assert_eq!((all[1].kind(), all[1].about()), ("revocation.verified", "rev_c"));
    assert_eq!(other.kept().len(), 1);
    agent.stop().await;
}
