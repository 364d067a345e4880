//! A changed configuration is taken while the agent runs; a wrong one changes nothing.

mod common;

use common::agent::{Agent, PATIENCE};
use common::http::{Api, REVOCATIONS, ask, prepared};
use common::{cluster, sql};
use reqwest::Method;
use std::time::Instant;

const TAKEN: &str = "access_revocation_agent_config_last_reload_successful 1";
const REFUSED: &str = "access_revocation_agent_config_last_reload_successful 0";

fn edit(agent: &Agent, from: &str, to: &str) {
    let text = std::fs::read_to_string(agent.config()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    // As editors do it: a new file takes the place of the old one.
    let new = agent.config().with_extension("new");
    std::fs::write(&new, text.replace(from, to)).unwrap();
    std::fs::rename(new, agent.config()).unwrap();
}

fn until_it_says(agent: &Agent, part: &str) {
    let begun = Instant::now();
    while !agent.stderr().contains(part) {
        assert!(begun.elapsed() < PATIENCE, "{part} is not in {}", agent.stderr());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn count(agent: &Agent, kind: &str) -> usize {
    agent.log().iter().filter(|line| line["type"] == kind).count()
}

#[test]
fn a_target_that_is_added_is_looked_at_and_one_taken_out_is_missed() {
    let (one, two) = (cluster(), cluster());
    for cluster in [&one, &two] {
        sql(cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    }
    sql(&two, "postgres", "postgres", "CREATE ROLE revoked_agent LOGIN;");
    let mut agent = prepared(&one, "");
    agent.start();
    let id = agent.expect("john", &[]);
    agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 1);
    let added = format!("targets:\n  other: {{url: '{}'}}\n", two.url("revoked_agent", "postgres"));
    edit(&agent, "targets:\n", &added);
    agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 2);
    agent.until_metrics(&[r#"access_revocation_target_up{target="other"} 1"#, TAKEN]);
    for cluster in [&one, &two] {
        sql(cluster, "postgres", "postgres", "DROP ROLE john;");
    }
    agent.until_state(&id, "verified");
    edit(&agent, &added, "targets:\n");
    until_it_says(&agent, "was reloaded");
    // What was proved there stays proved, and nobody claims to see it.
    agent.until(&id, |view| {
        view["gaps"].as_array().unwrap().iter().any(|gap| gap["target"] == "other")
    });
    assert!(!agent.get("/metrics").unwrap().contains(r#"target_up{target="other"}"#));
    assert_eq!(count(&agent, "config_changed"), 2);
    agent.stop();
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_wrong_file_keeps_the_old_configuration_and_says_so_once() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    agent.start();
    edit(&agent, "look_interval: 1s", "look_interval: 1s\ncolour: red");
    agent.until_metrics(&[REFUSED]);
    until_it_says(&agent, "there is no key `colour` here");
    let api = Api::of(&agent);
    let again = ask(api.telemetry(Method::POST, "/-/reload")).await;
    assert!(again.problem(500).contains("stays in force"), "{again:?}");
    assert_eq!(agent.stderr().matches("stays in force").count(), 1, "{}", agent.stderr());
    assert_eq!(api.get(REVOCATIONS).await.status, 200, "it works as before");

    edit(&agent, "look_interval: 1s\ncolour: red", "look_interval: 2s");
    agent.until_metrics(&[TAKEN, "access_revocation_agent_reconcile_interval_seconds 2"]);
    let nothing = ask(api.telemetry(Method::POST, "/-/reload")).await;
    assert_eq!((nothing.status, nothing.text.as_str()), (200, "nothing changed\n"));

    edit(&agent, "state_dir: state", "state_dir: elsewhere");
    agent.until_metrics(&[REFUSED]);
    until_it_says(&agent, "restart it to take the new configuration");
}

#[tokio::test]
async fn a_new_token_and_sighup() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    agent.start();
    let api = Api::of(&agent);
    let new = "fedcba9876543210fedcba9876543210";
    std::fs::write(agent.dir().join("hr.token"), new).unwrap();
    agent.signal("HUP");
    let begun = Instant::now();
    loop {
        let request = api.anonymous(Method::GET, REVOCATIONS).bearer_auth(new);
        if ask(request).await.status == 200 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", agent.stderr());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(api.get(REVOCATIONS).await.status, 401, "the old one is out");
    // The file is the same, and so is what is looked at: its hash, without the secret, says so.
    assert_eq!(count(&agent, "config_changed"), 1);
}

#[test]
fn accounts_come_from_the_mapping_and_from_templates() {
    let cluster = cluster();
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE jd_main LOGIN; CREATE ROLE john_doe_ro LOGIN; CREATE ROLE anne LOGIN;",
    );
    let subjects = "subjects:\n  templates: ['{username|local|underscore}_ro']\n  \
                    mapping_file: subjects.csv\n  complete: true";
    let mut agent = prepared(&cluster, subjects);
    let mapping = agent.dir().join("subjects.csv");
    std::fs::write(&mapping, "subject,account\nEMP-1,main/jd_main\nEMP-9,anne\n").unwrap();
    agent.start();
    let id = agent.expect("john.doe@example.com", &["--employee-id", "EMP-1"]);
    let view = agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 2);
    let rules: Vec<_> = view["accounts"].as_array().unwrap().iter().map(|a| &a["rule"]).collect();
    assert_eq!(rules, ["mapping_file", "template"]);
    // Somebody else's role is not theirs by its name alone, and the mapping knows that they have none.
    let other = agent.expect("anne", &["--employee-id", "EMP-2"]);
    agent.until_state(&other, "verified");
    // The mapping learns of an account: what was proved without it is not proved with it.
    std::fs::write(&mapping, "subject,account\nEMP-1,jd_main\nEMP-2,anne\n").unwrap();
    agent.until_state(&other, "regressed");
}
