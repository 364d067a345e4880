//! The real agent and its commands.

use crate::common::agent::{Agent, TOKEN};
use crate::common::cluster;
use crate::common::http::prepared;
use crate::common::slack::press::SIGNING;
use crate::common::slack::{BOT, CHANNEL, Fault, HOOK, Slack};
use crate::common::sql;
use crate::common::telling::{ran, until_state};
use revoked::throwaway::Cluster;
use serde_json::Value;

/// Names that would do something if anybody read them.
const EVIL: &str = "\"<!channel> *x* <https://evil.example|ok>\"";

fn agent_of(cluster: &Cluster, slack: &Slack, more: &str) -> Agent {
    let agent = prepared(cluster, &slack.config(more));
    std::fs::write(agent.dir().join("slack.token"), BOT).unwrap();
    std::fs::write(agent.dir().join("slack.hook"), slack.hook()).unwrap();
    std::fs::write(agent.dir().join("slack.signing"), SIGNING).unwrap();
    agent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_from_its_notice_to_its_proof() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    sql(
        &cluster,
        "postgres",
        "postgres",
        &format!("CREATE ROLE {EVIL} LOGIN; CREATE TABLE t (); GRANT SELECT ON t TO {EVIL};"),
    );
    let mut agent = agent_of(&cluster, &slack, "");
    agent.start();
    let id = agent.expect("john", &["--account", &format!("main/{}", EVIL.trim_matches('"'))]);
    let all = slack.until(2).await;
    assert!(all[1].title().starts_with("What remains: "), "{}", all[1].title());
    let blocks = all[1].blocks.to_string();
    assert!(blocks.contains("raw_text") && blocks.contains("evil.example"), "{blocks}");
    assert!(!all.iter().any(|one| one.text.contains("evil")), "{all:#?}");
    assert!(!blocks.contains("john"), "no person is named: {blocks}");
    sql(
        &cluster,
        "postgres",
        "postgres",
        &format!("REVOKE ALL ON t FROM {EVIL}; DROP ROLE {EVIL};"),
    );
    let all = slack.until(3).await;
    assert_eq!(all[2].title(), "Verified: nothing remains");
    let said = all[2].blocks.to_string();
    assert!(said.contains("Covered: ") && said.contains("main: "), "{said}");
    assert!(said.contains("Not covered: "), "{said}");
    slack
        .until_that("the first is edited", |all| all[0].title() == "Access has ended, verified")
        .await;
    assert!(all.iter().all(|one| one.text.contains(&id)), "{all:#?}");
    agent.stop();
    let (code, said) = agent.verify();
    assert_eq!(code, 0, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_is_listed_sent_again_and_dropped() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let mut agent = agent_of(&cluster, &slack, "");
    slack.always("chat.postMessage", Some(Fault::Error("invalid_blocks")));
    agent.start();
    agent.expect("john", &["--account", "john"]);
    let dead = until_state(&agent, "dead", "invalid_blocks").await;
    let id = dead["id"].as_str().unwrap();
    assert_eq!((&dead["topic"], &dead["error"]), (&"opened".into(), &"invalid_blocks".into()));
    let (code, out, err) = ran(&agent, &["outbox", "list"]).await;
    assert_eq!(code, 2, "{out}{err}");
    assert!(out.contains("dead") && out.contains(id), "{out}");
    let (code, out, _) = ran(&agent, &["outbox", "list", "-o", "csv"]).await;
    assert!(code == 2 && out.starts_with("id,created_at,receiver,topic,"), "{out}");

    let asked = slack.requests("chat.postMessage").len();
    let (code, out, err) = ran(&agent, &["outbox", "retry", id, "--dry-run"]).await;
    assert_eq!(code, 0, "{err}");
    let rendered: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(rendered["channel"], CHANNEL);
    assert_eq!(rendered["metadata"]["event_payload"]["delivery_id"], id);
    assert_eq!(slack.requests("chat.postMessage").len(), asked, "nothing is sent");

    slack.always("chat.postMessage", None);
    let (code, out, err) = ran(&agent, &["outbox", "retry", id]).await;
    assert_eq!((code, out.as_str()), (0, &*format!("{id}: due\n")), "{err}");
    slack.until(1).await;
    until_state(&agent, "sent", "").await;
    let (code, _, err) = ran(&agent, &["outbox", "drop", id]).await;
    assert!(code == 1 && err.contains("it is sent; people have it"), "{code} {err}");
    let (code, _, err) = ran(&agent, &["outbox", "drop", "rev_0.1:slack"]).await;
    assert!(code == 1 && err.contains("there is no message rev_0.1:slack"), "{code} {err}");

    let (_, out, _) = ran(&agent, &["doctor"]).await;
    assert!(out.contains("it takes the token"), "{out}");
    slack.close(CHANNEL, Some("is_archived"));
    agent.expect("jane", &["--account", "jane"]);
    let waits = until_state(&agent, "due", "is_archived").await;
    // Without an agent, too.
    agent.stop();
    let id = waits["id"].as_str().unwrap();
    let (code, out, err) = ran(&agent, &["outbox", "drop", id]).await;
    assert_eq!((code, out.as_str()), (0, &*format!("{id}: dropped\n")), "{err}");
    let changed: Vec<Value> = agent
        .log()
        .into_iter()
        .filter(|line| line["type"] == "outbox_changed")
        .map(|line| line["what"].clone())
        .collect();
    let said: Vec<_> = changed.iter().map(|one| one["change"].as_str().unwrap()).collect();
    assert_eq!(said, ["dead", "retry", "drop"]);
    assert!(changed[0]["by"].is_null() && changed[1]["by"].as_str().unwrap().starts_with("uid:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_anything_that_is_said_or_kept() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let mut agent = agent_of(
        &cluster,
        &slack,
        ", webhook_file: slack.hook, acknowledge: {signing_secret_file: slack.signing}",
    );
    let refuse = [Fault::Error("token_revoked"), Fault::Reset, Fault::Garbage];
    slack.fail("chat.postMessage", refuse);
    let mut command = agent.command(&["serve"]);
    command.env("REVOKED_LOG", "debug");
    agent.spawn_as(command);
    agent.until_ready();
    agent.expect("john", &["--account", "john"]);
    slack.until(1).await;
    until_state(&agent, "sent", "").await;
    assert_eq!(slack.alarms().len(), 1, "{:?}", slack.alarms());
    let mut said = vec![agent.get("/metrics").unwrap(), slack.heard(), slack.alarms().concat()];
    for arguments in [
        &["config", "check"][..],
        &["outbox", "list", "-o", "json"],
        &["outbox", "retry", "--dry-run", "nothing"],
        &["doctor"],
        &["doctor", "-o", "json"],
        &["log", "tail"],
    ] {
        let (_, out, err) = ran(&agent, arguments).await;
        said.extend([out, err]);
    }
    agent.stop();
    said.push(agent.stderr());
    // Secrets that are wrong are repeated by no error.
    let good = std::fs::read_to_string(agent.config()).unwrap();
    for (file, wrong) in [
        ("slack.hook", format!("http://slack.example{HOOK}")),
        ("slack.hook", format!("{HOOK} is no address")),
        ("slack.token", format!("{BOT} and another")),
        ("slack.signing", format!("{SIGNING} and another")),
    ] {
        std::fs::write(agent.dir().join(file), wrong).unwrap();
        for arguments in [&["config", "check"][..], &["doctor"], &["serve"]] {
            let (code, out, err) = ran(&agent, arguments).await;
            assert_ne!(code, 0, "{arguments:?}: {out}{err}");
            said.extend([out, err]);
        }
        std::fs::write(agent.dir().join("slack.hook"), slack.hook()).unwrap();
        std::fs::write(agent.dir().join("slack.token"), BOT).unwrap();
        std::fs::write(agent.dir().join("slack.signing"), SIGNING).unwrap();
    }
    let away = good.replace(&format!(":{}/api", slack.port), ":9/api");
    std::fs::write(agent.config(), away).unwrap();
    let (_, out, err) = ran(&agent, &["doctor"]).await;
    assert!(out.contains("no_connection"), "{out}{err}");
    said.extend([out, err]);
    said.push(agent.log().iter().map(ToString::to_string).collect());
    for entry in std::fs::read_dir(agent.dir().join("state")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            said.push(String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned());
        }
    }
    for text in &said {
        for secret in [BOT, HOOK, SIGNING, "hush7f3a", TOKEN] {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
    }
}
