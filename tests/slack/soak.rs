//! Many deliveries, a Slack that fails at random, and an agent that is killed with SIGKILL again and again: each message is
//! there once or on record as possibly twice, in the order of its thread, and none before its record.
//!
//! `REVOKED_SOAK_DELIVERIES=10000` makes it that many (`make soak-delivery`), `REVOKED_SOAK_SEED` another course. Bounds: up to 60,000,
//! as many rows as are read at the end; whatever the machine does besides, since an agent is killed by what it told, and not
//! by a clock.

use crate::common::logbook::Logbook;
use crate::common::slack::Message;
use crate::common::slack::chaos::Dice;
use crate::desk::{Desk, Office, Running};
use revoked::domain::delivery::Standing;
use revoked::domain::revocation::State;
use revoked::store::Delivery;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Messages of one revocation that are always told: opened, back, and used.
const USES: usize = 4;
const ALWAYS: usize = 2 + USES;
const ADDRESS: [&str; 3] = ["REVOKED_TEST_BOOK", "REVOKED_TEST_DESK", "REVOKED_TEST_SECTION"];
const COUNT: &str = "REVOKED_TEST_COUNT";
/// An agent tells up to so many messages before it is killed.
const FEW: u64 = 60;
const MANY: u64 = 200;
/// It tells one within so long, also on a machine that does much else.
const SLOWEST: Duration = Duration::from_secs(300);

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Not a test: the agent that is killed. It makes what it tells, goes on where the one before it ended, and ends when all of
/// it is told.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the tests of this file"]
async fn the_agent() {
    let [book, dir, section] = ADDRESS.map(|name| std::env::var(name).expect("of these tests"));
    let office = Office::at(Logbook::at(book.into()), dir.into(), section);
    let agent = office.start().await;
    let count = number(COUNT).unwrap();
    for n in begun(&agent, count).await..count {
        lead(&agent, &format!("s{n}")).await;
    }
    loop {
        let levels = agent.journal.store.outbox_levels().await.unwrap();
        let settled = levels.iter().all(|level| level.standing.is_settled());
        if settled && agent.journal.store.queued_count().await.unwrap() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    agent.stop().await;
}

/// The newest life that an agent before began: those before it are whole.
async fn begun(agent: &Running, count: u64) -> u64 {
    let (mut there, mut missing) = (0, count);
    while missing - there > 1 {
        let middle = u64::midpoint(there, missing);
        let id = format!("rev_s{middle}");
        match agent.journal.store.revocation(&id).await.unwrap() {
            Some(_) => there = middle,
            None => missing = middle,
        }
    }
    there
}

/// A life: expected, verified, back again, used. What an agent before did of it is not done again.
async fn lead(agent: &Running, name: &str) {
    let known = agent.journal.store.revocation(&format!("rev_{name}")).await.unwrap();
    let state = known.as_ref().map(|stored| stored.life.state);
    if state.is_none() {
        agent.expect(&[name.to_owned()], None).await;
    }
    if matches!(state, None | Some(State::Open)) {
        agent.verify(name).await;
    }
    if matches!(state, None | Some(State::Open | State::Verified)) {
        agent.regress(name).await;
    }
    // Three records of the acceptance, one of each move.
    let made = known.map_or(0, |stored| usize::try_from(stored.records - 5).unwrap_or(0));
    for _ in made..USES {
        let used = json!({"account": {"target": "main", "role": name}, "because": "after_end"});
        agent.step(name, State::Regressed, "use_after_effective", used).await;
    }
}

fn spawned(desk: &Desk, count: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "soak::the_agent", "--nocapture"]);
    for (name, value) in ADDRESS.into_iter().zip(desk.address()) {
        command.env(name, value);
    }
    command.env(COUNT, count.to_string()).stdout(Stdio::null()).spawn().unwrap()
}

/// Waits until it has ended, or `goal` messages are there and a moment has passed. So each agent gets on, however slow the
/// machine is.
async fn ended(
    desk: &Desk,
    child: &mut Child,
    goal: usize,
    moment: Duration,
) -> Option<ExitStatus> {
    let begun = Instant::now();
    let mut reached: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if reached.is_some_and(|at| at.elapsed() >= moment) {
            return None;
        }
        if reached.is_none() && desk.slack.told() >= goal {
            reached = Some(Instant::now());
        }
        assert!(begun.elapsed() < SLOWEST, "an agent told nothing for too long");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_there_once_whatever_happens() {
    let wanted = usize::try_from(number("REVOKED_SOAK_DELIVERIES").unwrap_or(300)).unwrap();
    let seed = number("REVOKED_SOAK_SEED").unwrap_or(42);
    let (mut dice, count, begun) = (Dice(seed), wanted.div_ceil(ALWAYS), Instant::now());
    let desk = Desk::new(", digest_over: 1000").await;
    desk.slack.chaos(Some(seed));
    desk.slack.against(desk.logbook.log_dir());
    let mut kills = 0;
    loop {
        let mut child = spawned(&desk, count);
        let more = 1 + dice.roll(if wanted > 1_000 { MANY } else { FEW });
        let goal = desk.slack.told() + usize::try_from(more).unwrap();
        let moment = Duration::from_millis(dice.roll(500));
        if let Some(status) = ended(&desk, &mut child, goal, moment).await {
            assert!(status.success(), "{status}");
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    desk.slack.chaos(None);
    let agent = desk.start().await;
    let rows = agent.settled().await;
    agent.stop().await;
    desk.assert_sound();
    let all = desk.slack.messages();
    let doubled = judged(&desk, &rows, &all);
    in_order(&all);
    assert!(kills > 1, "nobody was killed");
    assert!(all.len() >= count * ALWAYS, "{} messages of {count} revocations", all.len());
    println!(
        "{} messages of {count} revocations in {} s: {kills} kills, {} requests, {} lookups, {doubled} twice and on record",
        all.len(),
        begun.elapsed().as_secs(),
        desk.slack.requests("chat.postMessage").len(),
        desk.slack.requests("conversations.history").len()
            + desk.slack.requests("conversations.replies").len(),
    );
}

/// Each was told once and is on record once; what is there twice is on record as that. Gives how many are.
fn judged(desk: &Desk, rows: &[Delivery], all: &[Message]) -> usize {
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    for one in all {
        *times.entry(&one.delivery).or_default() += 1;
    }
    let mut recorded = BTreeMap::new();
    for one in desk.records("notification_sent") {
        let id = one["delivery"].as_str().unwrap().to_owned();
        let perhaps = one["possible_duplicate"].as_bool().unwrap();
        assert_eq!(recorded.insert(id.clone(), perhaps), None, "{id} is on record twice");
    }
    let told: Vec<_> = times.keys().map(|id| (*id).to_owned()).collect();
    let known: Vec<_> = recorded.keys().cloned().collect();
    assert_eq!(told, known, "what is there, and what is on record");
    let twice: Vec<_> = times.iter().filter(|(_, count)| **count > 1).collect();
    for (id, count) in &twice {
        assert!(recorded[**id], "{id} is there {count} times, and nobody knows");
    }
    for row in rows.iter().filter(|row| row.topic.as_str() != "status") {
        // Verified is true no more where it was not told before access came back.
        let left_out = row.row.standing == Standing::Superseded && row.topic.as_str() == "verified";
        let sent = row.row.standing == Standing::Sent && times.contains_key(row.id.as_str());
        assert!(sent || left_out, "{row:#?}");
    }
    twice.len()
}

/// By the numbers of their records, in each thread; what is there twice stands twice.
fn in_order(all: &[Message]) {
    let begin = all.iter().filter(|one| one.thread.is_none());
    let roots: BTreeMap<&str, &str> =
        begin.filter_map(|one| Some((one.ts.as_str(), one.delivery.split_once('.')?.0))).collect();
    let mut newest: BTreeMap<&str, u32> = BTreeMap::new();
    for one in all {
        let (id, rest) = one.delivery.split_once('.').unwrap();
        let number: u32 = rest.split_once(':').unwrap().0.parse().unwrap();
        let before = newest.insert(id, number);
        assert!(before.is_none_or(|before| before <= number), "{id}: {number} after {before:?}");
        // The first begins the thread, and all others follow it.
        let first = one.thread.as_ref().is_some_and(|ts| roots.get(ts.as_str()) == Some(&id));
        assert!(first || before.is_none_or(|before| before == number), "{one:#?}");
    }
}
