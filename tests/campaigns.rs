//! Rotation campaigns: the real agent, its target and its consumers' table, and the stand-in of Slack.

mod common;
#[path = "campaigns/doctor.rs"]
mod doctor;

use common::agent::{Agent, PATIENCE};
use common::http::{Api, ask, prepared};
use common::slack::press::{SIGNING, USER};
use common::slack::{BOT, CHANNEL, LEAD, Message, OTHER, Slack};
use common::{LiveSession, cluster, sql, telling};
use reqwest::Method;
use revoked::throwaway::Cluster;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A consumer whose name nobody may find in the log.
const BILLING: &str = "billing-q7x";

/// Password of the role that tells the consumers' table of reminders.
const TRACKER: &str = "hush5d1e";

/// The table of the consumers, who may read it, and who may be told of reminders there.
const TABLE: &str = "CREATE TABLE consumers (consumer text PRIMARY KEY, team text, status text DEFAULT 'pending',
    old_role text, new_role text, nudges int DEFAULT 0, nudged_at timestamptz, writes int DEFAULT 0);
    CREATE ROLE old_app LOGIN; CREATE ROLE new_app LOGIN; CREATE ROLE tracker LOGIN;
    GRANT SELECT ON consumers TO revoked_agent; GRANT SELECT, UPDATE ON consumers TO tracker;";

/// An agent with a campaign whose deadline was long ago, not started.
fn agent_of(cluster: &Cluster, slack: &Slack, every: &str) -> Agent {
    let query = "SELECT consumer, team, status, old_role, new_role FROM public.consumers";
    let track = "UPDATE public.consumers SET nudges = $2::integer, nudged_at = $3::timestamptz, \
                 writes = writes + 1 WHERE consumer = $1";
    let more = format!(
        "{}chaser: {{every: {every}, security: {OTHER}, \
         teams: {{pay: {{channel: {CHANNEL}, lead: {LEAD}, time_zone: Europe/Berlin}}}}, \
         campaigns: {{app: {{old: old_app, new: new_app, deadline: '2026-01-05', target: main, \
         consumers_query: {{target: main, database: postgres, sql: '{query}'}}, \
         tracker: {{url_file: tracker.url, sql: '{track}'}}}}}}}}",
        slack.config(", acknowledge: {signing_secret_file: slack.signing, pause: 1m}")
    );
    let agent = prepared(cluster, &more);
    sql(cluster, "postgres", "postgres", TABLE);
    std::fs::write(agent.dir().join("slack.token"), BOT).unwrap();
    std::fs::write(agent.dir().join("slack.signing"), SIGNING).unwrap();
    let url = format!("{}&password={TRACKER}", cluster.url("tracker", "postgres"));
    std::fs::write(agent.dir().join("tracker.url"), url).unwrap();
    agent
}

fn add(cluster: &Cluster) {
    let row = format!(
        "INSERT INTO consumers (consumer, team, old_role, new_role) \
         VALUES ('{BILLING}', 'pay', 'old_app', 'new_app')"
    );
    sql(cluster, "postgres", "postgres", &row);
}

/// What a command prints, beside the stand-in, which goes on answering.
async fn ran(agent: &Agent, arguments: &[&str]) -> (i32, String) {
    let (code, out, err) = telling::ran(agent, arguments).await;
    (code, out + &err)
}

/// Waits until the campaign's only consumer stands like this, and gives it.
async fn until_state(agent: &Agent, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let (_, out) = ran(agent, &["campaign", "show", "app", "-o", "json"]).await;
        let shown: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}"));
        if shown["consumers"][0]["state"] == state {
            return shown["consumers"][0].clone();
        }
        assert!(begun.elapsed() < PATIENCE, "not {state}: {shown:#}\n{}", agent.stderr());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn titles(all: &[Message], channel: &str) -> Vec<String> {
    let here = all.iter().filter(|one| one.channel == channel);
    here.map(|one| one.title().to_owned()).collect()
}

/// Records of a kind.
fn records(agent: &Agent, kind: &str) -> Vec<Value> {
    let lines = agent.log().into_iter().filter(|line| line["type"] == kind);
    lines.map(|mut line| line["what"].take()).collect()
}

/// Waits until there are records of a kind as wanted, and gives them.
async fn until_records(agent: &Agent, kind: &str, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let found = records(agent, kind);
        if found.len() >= count {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{count} of {kind}: {found:#?}\n{}", agent.stderr());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What the campaign's own table was told: reminders, and how often it was told.
fn tracked(cluster: &Cluster) -> (i64, i64) {
    let told = sql(cluster, "postgres", "postgres", "SELECT nudges, writes FROM consumers");
    let (nudges, writes) = told.trim().split_once('|').unwrap();
    (nudges.parse().unwrap(), writes.parse().unwrap())
}

async fn until_tracked(agent: &Agent, cluster: &Cluster, nudges: usize) {
    let begun = Instant::now();
    while tracked(cluster).0 != i64::try_from(nudges).unwrap() {
        assert!(begun.elapsed() < PATIENCE, "{:?}\n{}", tracked(cluster), agent.stderr());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_is_chased_until_it_is_seen_to_be_done() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let mut agent = agent_of(&cluster, &slack, "5s");
    add(&cluster);
    agent.start();

    // Politely, then firmer, to the team, its lead and security.
    let longest = "Team pay is late for longest: 1 consumer not on the new credential";
    let all = slack
        .until_that("security is told", |all| titles(all, OTHER).iter().any(|one| one == longest))
        .await;
    let to_team = titles(&all, CHANNEL);
    assert_eq!(to_team[0], "A reminder: 1 consumer not on the new credential yet");
    assert_eq!(to_team[1], "Overdue: 1 consumer not on the new credential");
    assert_eq!(to_team[2], "Overdue for days: 1 consumer not on the new credential");
    assert!(titles(&all, LEAD)[0].starts_with("Team pay is late: "), "{all:#?}");
    assert!(titles(&all, OTHER)[0].starts_with("Rotation app: 1 of 1 outstanding, 1 overdue"));
    let first = all.iter().find(|one| one.channel == CHANNEL).unwrap();
    let mut next = all.iter().filter(|one| one.channel == CHANNEL).skip(1);
    assert!(next.all(|one| one.broadcast && one.thread.as_ref() == Some(&first.ts)), "{all:#?}");
    assert!(first.blocks.to_string().contains(BILLING), "{first:#?}");
    assert!(first.blocks.to_string().contains("2026-01-05 18:00 CET"), "in the team's zone");

    // Somebody says it is done: nobody is reminded, and security still hears how it stands.
    let (code, out) = ran(&agent, &["campaign", "confirm", "app", BILLING]).await;
    assert!(code == 0 && out.contains("claimed"), "{code} {out}");
    let reminded = records(&agent, "nudge_sent").len();
    let swept = records(&agent, "campaign_swept").len();
    until_records(&agent, "campaign_swept", swept + 2).await;
    assert_eq!(records(&agent, "nudge_sent").len(), reminded, "it is chased no more");
    slack
        .until_that("nothing is outstanding", |all| {
            titles(all, OTHER).iter().any(|one| one == "Rotation app: nothing outstanding")
        })
        .await;
    until_tracked(&agent, &cluster, reminded).await;
    let (nudges, writes) = tracked(&cluster);
    // Where two followed each other closely, the second is written with the first.
    assert!(1 <= writes && writes <= nudges, "each reminder is written once: {writes} of {nudges}");

    // It still uses the old one.
    let old = LiveSession::open(&cluster, "old_app", "postgres", "SELECT 1;");
    let consumer = until_state(&agent, "reopened").await;
    assert!(consumer["old_used_at"].as_str() > consumer["claimed_at"].as_str(), "{consumer:#}");
    until_records(&agent, "nudge_sent", reminded + 1).await;
    drop(old);

    // Only being seen with the new one closes it, and the old one opens it again.
    let new = LiveSession::open(&cluster, "new_app", "postgres", "SELECT 1;");
    until_state(&agent, "closed").await;
    let old = LiveSession::open(&cluster, "old_app", "postgres", "SELECT 1;");
    until_state(&agent, "reopened").await;
    drop(old);
    until_state(&agent, "closed").await;
    drop(new);
    agent.until_metrics(&[
        "access_revocation_campaign_consumers{state=\"closed\"} 1",
        "access_revocation_campaign_consumers{state=\"reopened\"} 0",
        "access_revocation_consumers_overdue{bucket=\"security\"} 0",
    ]);
    let page = agent.get("/metrics").unwrap();
    for tone in ["polite", "firm", "lead"] {
        let series = format!("access_revocation_nudges_total{{bucket=\"{tone}\"}} ");
        let count = page.lines().find_map(|line| line.strip_prefix(&series)).unwrap();
        assert_ne!(count, "0", "{tone}");
    }
    let seen = records(&agent, "consumer_observed");
    let moves: Vec<_> = seen.iter().map(|one| one["standing"].as_str().unwrap()).collect();
    assert_eq!(moves, ["reopened", "closed", "reopened", "closed"]);
    assert_eq!(records(&agent, "consumer_claimed").len(), 1);
    agent.stop();
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    let log: String =
        agent.log_files().iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    assert!(!log.contains(BILLING), "no consumer is named in the log");
    for said in [&log, &agent.stderr(), &slack.heard()] {
        assert!(!said.contains(TRACKER), "the tracker's password is in\n{said}");
    }
}

/// A claim can be taken back, a sweep can be had at once, and what it would say is told without anything being written.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_taken_back_and_a_sweep_is_made_when_it_is_asked_for() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let mut agent = agent_of(&cluster, &slack, "1d");
    add(&cluster);
    agent.start();
    until_records(&agent, "nudge_sent", 1).await;
    until_tracked(&agent, &cluster, 1).await;

    let would = async || {
        let (code, out) =
            ran(&agent, &["campaign", "sweep", "app", "--dry-run", "-o", "json"]).await;
        assert_eq!(code, 0, "{out}");
        serde_json::from_str::<Value>(&out).unwrap_or_else(|_| panic!("{out}"))
    };
    let said = would().await;
    assert_eq!(said["reminders"][0]["tone"], "firm", "{said:#}");
    assert_eq!(said["reminders"][0]["consumers"][0]["consumer"], BILLING);
    assert_eq!(said["reminders"][0]["channels"], serde_json::json!([CHANNEL]));
    let (_, out) = ran(&agent, &["campaign", "sweep", "app", "--dry-run"]).await;
    assert!(out.contains(&format!("team pay would be told in {CHANNEL}, firm:")), "{out}");
    assert!(out.contains("reminded once before") && out.contains("nothing was told"), "{out}");

    // Somebody's word, and a sweep by it.
    let (code, out) = ran(&agent, &["campaign", "confirm", "app", BILLING]).await;
    assert!(code == 0 && out.contains("claimed"), "{code} {out}");
    assert_eq!(would().await["reminders"], serde_json::json!([]));
    let (code, out) = ran(&agent, &["campaign", "sweep", "app"]).await;
    assert_eq!(code, 0, "{out}");
    let swept = until_records(&agent, "campaign_swept", 2).await;
    assert_eq!((&swept[0]["asked_by"], swept.len()), (&Value::Null, 2));
    assert!(swept[1]["asked_by"].as_str().unwrap().starts_with("uid:"), "{swept:#?}");

    // Taken back: it is on record, once, and the next sweep reminds again.
    for _ in 0..2 {
        let (code, out) = ran(&agent, &["campaign", "confirm", "app", BILLING, "--withdraw"]).await;
        assert!(code == 0 && out.contains("pending"), "{code} {out}");
    }
    let back = records(&agent, "consumer_claim_withdrawn");
    assert_eq!(back.len(), 1, "{back:#?}");
    assert_eq!(back[0]["consumer"], records(&agent, "consumer_claimed")[0]["consumer"]);
    assert_eq!(records(&agent, "nudge_sent").len(), 1);
    let api = Api::of(&agent);
    let answer = ask(api.request(Method::POST, "/api/v1/campaigns/app/sweep")).await;
    assert_eq!((answer.status, &answer.json()["overdue"]), (200, &1.into()), "{answer:?}");
    let nudges = until_records(&agent, "nudge_sent", 2).await;
    assert_eq!((&nudges[1]["tone"], nudges.len()), (&"firm".into(), 2), "{nudges:#?}");
    assert_eq!(ask(api.request(Method::POST, "/api/v1/campaigns/x/sweep")).await.status, 404);

    // What is not there is named, beside what is.
    for (arguments, says) in [
        (&["campaign", "confirm", "nope", "x"][..], "there is no campaign nope; there are: app"),
        (&["campaign", "show", "nope"], "there is no campaign nope; there are: app"),
        (&["campaign", "sweep", "nope"], "there is no campaign nope; there are: app"),
        (&["campaign", "sweep", "nope", "--dry-run"], "there is no campaign nope; there are: app"),
        (&["campaign", "confirm", "app", "x"], "campaign app has no consumer x; `revoked campaign"),
    ] {
        let (code, out) = ran(&agent, arguments).await;
        assert!(code == 1 && out.contains(says), "{arguments:?}: {code} {out}");
    }
    agent.stop();
    let (code, out) = ran(&agent, &["campaign", "sweep", "app"]).await;
    assert!(code == 1 && out.contains("no agent is running, so nobody sweeps"), "{code} {out}");
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
}

/// Whatever happens to the agent: no sweep twice, no reminder twice, and the table is told what the log has.
#[tokio::test(flavor = "multi_thread")]
async fn kills_and_silence_are_no_reason_to_remind_twice() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let mut agent = agent_of(&cluster, &slack, "3s");
    add(&cluster);
    agent.start();
    until_records(&agent, "nudge_sent", 1).await;
    agent.kill();
    let before = records(&agent, "campaign_swept").len();

    // Two sweeps and more are missed: one is made.
    tokio::time::sleep(Duration::from_secs(10)).await;
    agent.start();
    let all = until_records(&agent, "campaign_swept", before + 1).await;
    let at =
        |one: &Value, key: &str| one[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let apart = at(&all[before], "slot").duration_since(at(&all[before], "slot_before"));
    assert!(apart.as_secs() >= 9, "{all:#?}");

    for pause in [150, 900, 300, 1_500, 50, 700, 2_100, 400] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        agent.kill();
        agent.start();
    }
    let (code, out) = ran(&agent, &["campaign", "confirm", "app", BILLING]).await;
    assert_eq!(code, 0, "{out}");
    let nudges = records(&agent, "nudge_sent");
    until_tracked(&agent, &cluster, nudges.len()).await;
    agent.stop();
    for kind in ["campaign_swept", "nudge_sent"] {
        let slots: Vec<_> = records(&agent, kind)
            .iter()
            .map(|one| one["slot"].as_str().unwrap().to_owned())
            .collect();
        let different: BTreeSet<_> = slots.iter().collect();
        assert_eq!(different.len(), slots.len(), "{kind}: {slots:?}");
    }
    let told: Vec<_> = slack.messages().into_iter().map(|one| one.delivery).collect();
    let different: BTreeSet<_> = told.iter().collect();
    assert_eq!(different.len(), told.len(), "{told:?}");
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
}

/// A list that cannot be read is said, and nobody is done by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_read_is_no_empty_list() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let mut agent = agent_of(&cluster, &slack, "3s");
    add(&cluster);
    agent.start();
    until_records(&agent, "nudge_sent", 1).await;
    sql(&cluster, "postgres", "postgres", "REVOKE SELECT ON consumers FROM revoked_agent");
    let unread = "Rotation app: the list of consumers cannot be read";
    slack.until_that("it is said", |all| titles(all, OTHER).iter().any(|one| one == unread)).await;
    let (_, out) = ran(&agent, &["doctor"]).await;
    assert!(out.contains("app: its list of consumers cannot be read"), "{out}");
    let (code, out) = ran(&agent, &["campaign", "list"]).await;
    assert!(code == 2 && out.contains("its list cannot be read"), "{code} {out}");
    assert_eq!(until_state(&agent, "pending").await["team"], "pay");
    assert!(agent.stderr().contains("the list of campaign app"), "{}", agent.stderr());

    sql(
        &cluster,
        "postgres",
        "postgres",
        "GRANT SELECT ON consumers TO revoked_agent; DELETE FROM consumers",
    );
    let swept = records(&agent, "campaign_swept").len();
    let all = until_records(&agent, "campaign_swept", swept + 1).await;
    assert_eq!(all.last().unwrap()["list_read"], false, "an empty table is none");
    assert_eq!(until_state(&agent, "pending").await["consumer"], BILLING);
    agent.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_presses_the_button_is_not_reminded_for_a_while() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let mut agent = agent_of(&cluster, &slack, "2s");
    add(&cluster);
    agent.start();
    let has = |all: &[Message]| !titles(all, LEAD).is_empty();
    let all = slack.until_that("the lead is told", has).await;
    let first = all.iter().find(|one| one.channel == CHANNEL).unwrap();
    assert_eq!(first.button().as_deref(), Some("campaign:app/pay"));
    let to_lead = all.iter().find(|one| one.channel == LEAD).unwrap();
    assert_eq!(to_lead.button().as_deref(), Some("campaign:app/pay:lead"));

    // By the lead, forty seconds ago: the time is over in twenty.
    assert_eq!(to_lead.pressed().earlier(40).send(agent.api).await.status, 200);
    let reminded = records(&agent, "nudge_sent").len();
    // Of the team: it rests by that already.
    assert_eq!(first.pressed().by("U0SOMEBODY").send(agent.api).await.status, 200);
    let taken = records(&agent, "overdue_acknowledged");
    assert_eq!(taken.len(), 1, "{taken:#?}");
    assert_eq!((&taken[0]["team"], &taken[0]["asked_in"]), (&"pay".into(), &"lead".into()));
    let told =
        |all: &[Message]| titles(all, LEAD).iter().any(|one| one == "Somebody has it in hand");
    slack.until_that("the lead sees it", told).await;
    let (code, out) = ran(&agent, &["campaign", "show", "app", "-o", "json"]).await;
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["campaign"]["acknowledged"]["pay"]["slack_user"], USER, "{shown:#}");
    // It is late as before.
    assert_eq!((code, &shown["consumers"][0]["state"]), (2, &"pending".into()), "{shown:#}");
    let (_, out) = ran(&agent, &["campaign", "show", "app"]).await;
    assert!(out.contains("team pay: Slack user U0PRESSER1 has it in hand"), "{out}");
    // Security said nothing, and is told all the same.
    let nudges = until_records(&agent, "nudge_sent", reminded + 1).await;
    assert_eq!(nudges.last().unwrap()["in_hand"], "lead", "{nudges:#?}");
    let late = |one: &&Message| {
        one.channel == OTHER && one.title().starts_with("Team pay is late for longest: ")
    };
    let all = slack.until_that("security is told", |all| all.iter().any(|one| late(&one))).await;
    let to_security = all.iter().find(late).unwrap();
    assert_eq!(to_security.button().as_deref(), Some("campaign:app/pay:security"));
    assert_eq!(to_security.pressed().earlier(40).send(agent.api).await.status, 200);
    let taken = records(&agent, "overdue_acknowledged");
    assert_eq!((taken.len(), &taken[1]["asked_in"]), (2, &"security".into()), "{taken:#?}");
    let reminded = records(&agent, "nudge_sent").len();
    let swept = records(&agent, "campaign_swept").len();
    until_records(&agent, "campaign_swept", swept + 2).await;
    assert_eq!(records(&agent, "nudge_sent").len(), reminded, "nobody is reminded");

    until_records(&agent, "nudge_sent", reminded + 1).await;
    let log: String = agent.log().iter().map(ToString::to_string).collect();
    assert!(!log.contains(USER), "who pressed is in the log");
    agent.stop();
    assert_eq!(agent.verify().0, 0);
}
