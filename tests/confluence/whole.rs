//! The real agent and its commands.

use crate::common::agent::{Agent, TOKEN as API_TOKEN};
use crate::common::cluster;
use crate::common::confluence::{Confluence, Fault, TOKEN};
use crate::common::http::prepared;
use crate::common::sql;
use crate::common::telling::{ran, until_state};
use crate::desk::read;
use revoked::throwaway::Cluster;
use serde_json::Value;

fn agent_of(cluster: &Cluster, wiki: &Confluence, more: &str) -> Agent {
    let agent = prepared(cluster, &wiki.config(more));
    std::fs::write(agent.dir().join("wiki.token"), TOKEN).unwrap();
    agent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_from_its_notice_to_its_page() {
    let (cluster, wiki) = (cluster(), Confluence::cloud().await);
    let script = "CREATE ROLE john LOGIN; CREATE ROLE team; GRANT team TO john; CREATE TABLE t (); \
                  GRANT SELECT ON t TO john WITH GRANT OPTION;";
    sql(&cluster, "postgres", "postgres", script);
    let mut agent = agent_of(&cluster, &wiki, "");
    agent.start();
    let (_, out, _) = ran(&agent, &["doctor"]).await;
    assert!(out.contains("it takes the token, and has the space"), "{out}");
    let id = agent.expect("erika", &["--account", "main/john", "--ticket", "SEC-42"]);
    agent.until(&id, |view| view["residual"].as_array().is_some_and(|all| !all.is_empty()));
    sql(&cluster, "postgres", "postgres", "REVOKE ALL ON t FROM john; DROP ROLE john;");
    let pages = wiki.until("it is filed", |pages| {
        pages.first().is_some_and(|page| !page.properties.is_empty())
    });
    let page = pages.await.remove(0);
    let text = read(&page);
    for said in [
        "Ticket | SEC-42",
        "john | membership team |",
        "john | login |",
        "john | privilege SELECT | public.t | main/postgres | can regain | there | [GONE]",
        "Look: nothing found, nothing left unseen",
        "Verified by another clean look",
    ] {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
    assert!(!page.body.contains("erika"), "no person is named: {text}");
    let row = until_state(&agent, "sent", "").await;
    assert_eq!((&row["topic"], &row["receiver"]), (&"closure".into(), &"confluence".into()));
    let delivery = row["id"].as_str().unwrap();
    let (code, out, err) = ran(&agent, &["outbox", "retry", delivery, "--dry-run"]).await;
    assert_eq!(code, 0, "{err}");
    let rendered: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(rendered["space"], "SEC");
    assert!(rendered["body"].as_str().unwrap().contains(delivery), "{rendered:#}");
    agent.stop();
    let (code, said) = agent.verify();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("confluence"), "the log says who else has a checkpoint: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_anything_that_is_said_or_kept() {
    let (cluster, wiki) = (cluster(), Confluence::own().await);
    let mut agent = agent_of(&cluster, &wiki, "");
    wiki.fail("create", [Fault::Status(401, vec![]), Fault::Reset, Fault::Login]);
    wiki.fail("attach", [Fault::Status(302, vec![("location", "http://127.0.0.1:1/".to_owned())])]);
    let mut command = agent.command(&["serve"]);
    command.env("REVOKED_LOG", "debug");
    agent.spawn_as(command);
    agent.until_ready();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jane;");
    let id = agent.expect("jane", &["--account", "main/jane"]);
    agent.until(&id, |view| view["accounts"][0]["role"] == "jane");
    sql(&cluster, "postgres", "postgres", "DROP ROLE jane;");
    until_state(&agent, "sent", "").await;
    let mut said = vec![agent.get("/metrics").unwrap(), wiki.heard()];
    for arguments in [&["config", "check"][..], &["doctor"], &["outbox", "list", "-o", "json"]] {
        let (_, out, err) = ran(&agent, arguments).await;
        said.extend([out, err]);
    }
    said.extend(wiki.pages().into_iter().map(|page| format!("{page:?}")));
    agent.stop();
    said.push(agent.stderr());
    said.push(agent.log().iter().map(ToString::to_string).collect());
    for entry in std::fs::read_dir(agent.dir().join("state")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            said.push(String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned());
        }
    }
    for text in &said {
        for secret in [TOKEN, "hush9c1d", API_TOKEN] {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
    }
}
