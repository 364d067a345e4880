//! Whose a role is: what made each link, and what is a question instead of a guess.

mod common;

use common::agent::Agent;
use common::http::{Api, prepared, started};
use common::{cluster, sql};
use revoked::throwaway::Cluster;
use serde_json::{Value, json};

async fn expect(api: &Api, notice: &Value) -> String {
    let answer = api.post(notice.to_string(), None).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn done(agent: &Agent, arguments: &[&str]) -> String {
    let (code, out, err) = agent.run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {err}");
    out
}

fn linked(agent: &Agent) -> Vec<Value> {
    let log = agent.log().into_iter().filter(|line| line["type"] == "subject_linked");
    log.map(|line| line["what"].clone()).collect()
}

/// Asks as the user who runs the tests, and approves as the token.
async fn approved(agent: &Agent, id: &str) {
    // The agent closes what was idle for long.
    let api = Api::of(agent);
    let view = agent.json(&["expect", "show", id, "-o", "json"]);
    let request = view["pending"]["id"].as_str().unwrap_or_else(|| panic!("{view:#}")).to_owned();
    let path = format!("/api/v1/revocations/{id}/approve");
    let body = json!({"request": request}).to_string();
    let answer = common::http::ask(api.request(reqwest::Method::POST, &path).body(body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn each_link_says_what_made_it() {
    let cluster = cluster();
    let roles = "CREATE ROLE jd LOGIN; CREATE ROLE ro_john; CREATE ROLE listed; CREATE ROLE filed;";
    sql(&cluster, "postgres", "postgres", roles);
    let more = "subjects:\n  templates: ['ro_{username}']\n  accounts: {EMP-1: [listed]}\n  mapping_file: map.csv";
    let mut agent = prepared(&cluster, more);
    std::fs::write(agent.dir().join("map.csv"), "subject,account\nEMP-1,main/filed\n").unwrap();
    agent.start();
    let api = Api::of(&agent);
    let notice = json!({"username": "john", "employee_id": "EMP-1", "account": "jd", "reason": "terminated"});
    let id = expect(&api, &notice).await;
    let view = agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 4);
    let how = |role: &str| -> (String, String) {
        let accounts = view["accounts"].as_array().unwrap();
        let one = accounts.iter().find(|one| one["role"] == role).unwrap();
        assert!(one["linked_at"].is_string(), "{one:#}");
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        (text("rule"), text("source"))
    };
    let pair = |rule: &str, source: &str| (rule.to_owned(), source.to_owned());
    assert_eq!(how("jd"), pair("stated", "hr"));
    assert_eq!(how("ro_john"), pair("template", "ro_{username}"));
    assert_eq!(how("listed"), pair("mapping", "subjects.accounts"));
    assert_eq!(how("filed"), pair("mapping_file", "subjects.mapping_file"));
    let shown = done(&agent, &["expect", "show", &id]).replace('\n', " ");
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("linked to EMP-1 by template ro_{username} at "), "{shown}");
    assert!(shown.contains("linked to EMP-1 by a notice of hr at "), "{shown}");
    let records = linked(&agent);
    let sources: Vec<_> =
        records[0]["accounts"].as_array().unwrap().iter().map(|a| &a["source"]).collect();
    assert!(sources.contains(&&json!("ro_{username}")), "{records:#?}");
}

#[tokio::test]
async fn two_people_who_fit_one_role_are_a_question_that_people_answer() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let of = |id: &str| json!({"username": "jsmith", "employee_id": id, "reason": "terminated"});
    let jane = expect(&api, &of("EMP-1")).await;
    let john = expect(&api, &of("EMP-2")).await;
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jsmith LOGIN;");
    for (id, other) in [(&jane, &john), (&john, &jane)] {
        let asks = |gap: &Value| gap["reason"].as_str().unwrap().contains(other.as_str());
        let view = agent.until(id, |view| view["gaps"].as_array().unwrap().iter().any(asks));
        assert_eq!(view["verdict"], "inconclusive");
        assert_eq!(view["residual"], json!([]), "nobody's access is called theirs: {view:#}");
    }
    let status = done(&agent, &["status"]);
    assert_eq!(status.matches("cannot tell").count(), 2, "{status}");

    done(&agent, &["expect", "link", "EMP-1", "main/jsmith"]);
    let view = agent.until(&jane, |view| view["verdict"] == "residual");
    let account = &view["accounts"][0];
    assert_eq!(account["rule"], "person", "{view:#}");
    assert!(account["source"].as_str().is_some_and(|by| !by.is_empty()), "{view:#}");
    // That answers for both: only that there is no other account is open.
    let said = |view: &Value| view["not_covered"].to_string().contains("main/jsmith");
    let other = agent.until(&john, said);
    assert_eq!((&other["verdict"], &other["no_account"]), (&json!("inconclusive"), &json!(true)));
    assert!(!other["gaps"].to_string().contains(jane.as_str()), "{other:#}");
    assert!(other["gaps"].to_string().contains("no role that is known is the subject's"));

    let out = done(&agent, &["expect", "unlink", &john, "main/jsmith"]);
    assert!(out.contains("waits for a second person"), "{out}");
    let view = agent.json(&["expect", "show", &john, "-o", "json"]);
    assert_eq!(
        view["accounts"].as_array().unwrap().len(),
        1,
        "not before it is approved: {view:#}"
    );
    let shown = done(&agent, &["expect", "show", &john]).replace('\n', " ");
    assert!(shown.contains("asked to unlink main/jsmith (OID"), "{shown}");
    approved(&agent, &john).await;
    let view = agent.until(&john, |view| view["accounts"] == json!([]));
    assert_eq!((&view["verdict"], &view["accounts"]), (&json!("inconclusive"), &json!([])));
    let last = linked(&agent).into_iter().rfind(|one| one["unlinked"].is_array());
    let last = last.unwrap();
    assert_eq!(
        (&last["because"], &last["approval"]["approved_by"]),
        (&json!("person"), &json!("hr"))
    );
    assert_eq!(last["unlinked"][0]["role"], "jsmith");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn what_was_proved_of_a_role_is_watched_on_whoever_fits_it_later() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jsmith NOLOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let of = |id: &str| json!({"username": "jsmith", "employee_id": id, "reason": "terminated"});
    let jane = expect(&api, &of("EMP-1")).await;
    agent.until_state(&jane, "verified");
    let john = expect(&api, &of("EMP-2")).await;
    agent.until(&john, |view| view["verdict"] == "inconclusive");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE jsmith LOGIN;");
    agent.until_state(&jane, "regressed");
}

#[tokio::test]
async fn a_question_that_comes_up_later_hides_no_presence() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jsmith LOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let jane = json!({"username": "jsmith", "employee_id": "EMP-1", "reason": "terminated"});
    let jane = expect(&api, &jane).await;
    agent.until(&jane, |view| view["verdict"] == "residual");
    let later = json!({
        "username": "jsmith", "employee_id": "EMP-2", "reason": "role_change", "revocation_type": "partial",
        "roles": "pg_monitor", "effective_at": "2099-01-01",
    });
    let john = expect(&api, &later).await;
    let asks = |view: &Value| view["gaps"].to_string().contains(john.as_str());
    let view = agent.until(&jane, asks);
    assert_eq!(view["verdict"], "residual", "{view:#}");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE jsmith NOLOGIN;");
    let view = agent.until(&jane, |view| view["verdict"] != "residual");
    assert_eq!(
        view["verdict"], "inconclusive",
        "absence is not proved by a role that may be another's"
    );
}

#[tokio::test]
async fn a_role_that_is_named_after_it_was_unlinked_is_linked_again() {
    let cluster = cluster();
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE fay LOGIN SUPERUSER; CREATE ROLE fay2 LOGIN;",
    );
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let of = |accounts: Value| json!({"username": "fay", "employee_id": "EMP-8", "account": accounts, "reason": "terminated"});
    let id = expect(&api, &of(json!(["fay", "fay2"]))).await;
    agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 2);
    done(&agent, &["expect", "unlink", "EMP-8", "main/fay"]);
    approved(&agent, &id).await;
    agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 1);
    // It is not linked by the same words again.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!(view["accounts"].as_array().unwrap().len(), 1, "{view:#}");
    // A later notice says that it is theirs.
    let api = Api::of(&agent);
    let answer = api.post(of(json!("fay")).to_string(), None).await;
    assert_eq!(
        (answer.status, answer.json()["id"].as_str()),
        (202, Some(id.as_str())),
        "{answer:?}"
    );
    agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 2);
    let last = linked(&agent).into_iter().rfind(|one| one["named"].is_object()).unwrap();
    assert_eq!((&last["because"], &last["named"]["role"]), (&json!("stated"), &json!("fay")));
    sql(&cluster, "postgres", "postgres", "DROP ROLE fay2;");
    let view = agent.until(&id, |view| !view["residual"].to_string().contains("fay2"));
    assert_eq!(view["verdict"], "residual", "{view:#}");
}

#[tokio::test]
async fn what_is_declared_and_was_unlinked_or_fits_another_is_said() {
    let cluster = cluster();
    let roles = "CREATE ROLE fay LOGIN; CREATE ROLE fay2 NOLOGIN; CREATE ROLE yan LOGIN SUPERUSER; CREATE ROLE yan2;";
    sql(&cluster, "postgres", "postgres", roles);
    let accounts =
        "subjects: {accounts: {EMP-8: [main/fay, main/fay2], EMP-9: [yan], EMP-7: [yan2]}}";
    let mut agent = prepared(&cluster, accounts);
    agent.start();
    let api = Api::of(&agent);
    let id = expect(&api, &json!({"username": "EMP-8", "reason": "terminated"})).await;
    agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 2);
    done(&agent, &["expect", "unlink", &id, "main/fay"]);
    approved(&agent, &id).await;
    let view = agent.until(&id, |view| view["gaps"].to_string().contains("main/fay is declared"));
    assert_eq!((&view["verdict"], &view["residual"]), (&json!("inconclusive"), &json!([])));

    let yan = json!({"username": "yan", "employee_id": "EMP-7", "reason": "terminated"});
    let yan = expect(&Api::of(&agent), &yan).await;
    let view = agent.until_state(&yan, "verified");
    let said = view["not_covered"].to_string();
    assert!(said.contains("role main/yan") && said.contains("EMP-9"), "{view:#}");
}

#[tokio::test]
async fn one_id_with_two_names_is_a_question() {
    let cluster = cluster();
    let roles = "CREATE ROLE jane NOLOGIN; CREATE ROLE jdoe LOGIN; CREATE ROLE adm LOGIN;";
    sql(&cluster, "postgres", "postgres", roles);
    let mut agent = prepared(&cluster, "subjects: {accounts: {jdoe: [adm]}}");
    agent.start();
    let api = Api::of(&agent);
    let of = |name: &str| json!({"username": name, "employee_id": "EMP-1", "reason": "terminated"});
    let id = expect(&api, &of("jane")).await;
    assert_eq!(expect(&api, &of("jdoe")).await, id);
    let view = agent.until(&id, |view| view["accounts"].as_array().unwrap().len() == 3);
    assert_eq!((&view["verdict"], &view["residual"]), (&json!("inconclusive"), &json!([])));
    let asked = view["gaps"].to_string();
    assert_eq!(asked.matches("another user name").count(), 2, "what is declared too: {asked}");
    done(&agent, &["expect", "link", &id, "jdoe"]);
    agent.until(&id, |view| view["verdict"] == "residual");
}

#[tokio::test]
async fn a_target_that_was_renamed_and_back_leaves_no_gap_that_stays() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john NOLOGIN;");
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let id = expect(&api, &json!({"username": "john", "reason": "terminated"})).await;
    agent.until_state(&id, "verified");
    let before = std::fs::read_to_string(agent.config()).unwrap();
    for text in [before.replace("\n  main:\n", "\n  other:\n"), before] {
        assert!(agent.stop().success());
        std::fs::write(agent.config(), text).unwrap();
        agent.start();
        let linked = |view: &Value| view["gaps"].to_string().contains("no longer has this target");
        agent.until(&id, linked);
    }
    let out = done(&agent, &["expect", "unlink", &id, "other/john"]);
    assert!(out.contains("waits"), "{out}");
    approved(&agent, &id).await;
    let view = agent.until(&id, |view| view["gaps"] == json!([]));
    assert_eq!(view["accounts"].as_array().unwrap().len(), 1, "{view:#}");
    assert_eq!(view["accounts"][0]["target"], "main");
}

#[tokio::test]
async fn what_the_mapping_learns_of_while_its_target_is_down_is_not_verified() {
    // Clusters of one template are one cluster to the agent.
    let (first, second) = (cluster(), Cluster::single(&[]).unwrap());
    sql(&first, "postgres", "postgres", "CREATE ROLE john NOLOGIN;");
    let mut agent = prepared(&first, "subjects: {accounts: {john: [main/john]}}");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    sql(&second, "postgres", "postgres", "CREATE ROLE revoked_agent LOGIN;");
    let url = second.url("revoked_agent", "postgres");
    let more = format!("\n  second:\n    url: '{url}'\n  main:\n");
    std::fs::write(agent.config(), text.replace("\n  main:\n", &more)).unwrap();
    agent.start();
    let api = Api::of(&agent);
    let id = expect(&api, &json!({"username": "john", "reason": "terminated"})).await;
    agent.until_state(&id, "verified");
    drop(second);
    let text = std::fs::read_to_string(agent.config()).unwrap();
    std::fs::write(agent.config(), text.replace("[main/john]", "[main/john, second/jd]")).unwrap();
    agent.until(&id, |view| view["state"] == "open");
    let log = agent.log();
    let named = |line: &Value| line["what"]["because"] == "another_role_is_named";
    assert_eq!(log.iter().filter(|line| named(line)).count(), 1);
}

#[tokio::test]
async fn a_query_tells_whose_roles_are_whose() {
    let cluster = cluster();
    let list = "CREATE ROLE jd LOGIN; CREATE SCHEMA hr; CREATE TABLE hr.logins (subject text, account name, target text);
                INSERT INTO hr.logins VALUES ('EMP-1', 'jd', NULL);
                GRANT USAGE ON SCHEMA hr TO revoked_agent;";
    let query = "subjects:\n  complete: true\n  mapping_query: {target: main, database: postgres, sql: 'SELECT * FROM hr.logins'}";
    let mut agent = prepared(&cluster, query);
    sql(&cluster, "postgres", "postgres", list);
    agent.start();
    let api = Api::of(&agent);
    let of = |id: &str| json!({"username": id, "reason": "terminated"});
    let jane = expect(&api, &of("EMP-1")).await;
    let john = expect(&api, &of("EMP-2")).await;
    for id in [&jane, &john] {
        let view = agent.until(id, |view| view["verdict"] == "inconclusive");
        assert!(view["gaps"].to_string().contains("mapping_query has not answered"), "{view:#}");
    }
    sql(&cluster, "postgres", "postgres", "GRANT SELECT ON hr.logins TO revoked_agent;");
    let view = agent.until(&jane, |view| view["verdict"] == "residual");
    let account = &view["accounts"][0];
    assert_eq!((&account["role"], &account["rule"]), (&json!("jd"), &json!("mapping_query")));
    let view = agent.until_state(&john, "verified");
    assert_eq!(view["no_account"], true, "{view:#}");
    // Whose rows are written on a target hides nobody's role.
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE zed LOGIN; INSERT INTO hr.logins VALUES ('EMP-9', 'zed', NULL);",
    );
    let zed = json!({"username": "zed", "employee_id": "EMP-4", "reason": "terminated"});
    let zed = expect(&Api::of(&agent), &zed).await;
    let asks = |view: &Value| view["gaps"].to_string().contains("says that it is of EMP-9");
    agent.until(&zed, asks);
    done(&agent, &["expect", "unlink", &zed, "main/zed"]);
    approved(&agent, &zed).await;
    agent.until_state(&zed, "verified");
    // It answers no more: what it told stays, and proves nothing about anybody else.
    sql(&cluster, "postgres", "postgres", "REVOKE SELECT ON hr.logins FROM revoked_agent;");
    let other = expect(&Api::of(&agent), &of("EMP-3")).await;
    let view = agent.until(&other, |view| view["verdict"] == "inconclusive");
    assert_eq!(view["no_account"], false, "{view:#}");
    let view = agent.json(&["expect", "show", &jane, "-o", "json"]);
    assert_eq!(view["verdict"], "residual", "{view:#}");
}

#[tokio::test]
async fn a_slip_of_the_pen_is_taken_back_and_nobody_has_the_superuser() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jd NOLOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let notice = json!({"username": "john", "account": "jd", "reason": "terminated"});
    let id = expect(&api, &notice).await;
    agent.until(&id, |view| view["verdict"] == "revoked");
    let (code, _, err) = agent.run(&["expect", "link", &id, "main/typo"]);
    assert!(code == 0 && err.contains("no target has a role `main/typo`"), "{code}: {err}");
    assert!(err.contains(&format!("If not: revoked expect unlink {id} main/typo")), "{err}");
    let (code, out, _) = agent.run(&["expect", "link", &id, "main/typo"]);
    let noted = "noted: main/typo is theirs; the next look that finds it links it: ";
    assert!(code == 0 && out.contains(noted), "nobody is told that it is linked: {out}");
    let (code, out, _) = agent.run(&["expect", "link", &id, "main/jd"]);
    assert!(code == 0 && out.contains("linked: ") && out.contains("has main/jd"), "{out}");
    let (code, _, err) = agent.run(&["expect", "amend", &id, "--account", "oops"]);
    assert!(code == 0 && err.contains("no target has a role `oops`"), "{code}: {err}");
    let named = |view: &Value, what: &str| view["gaps"].to_string().contains(what);
    agent.until(&id, |view| named(view, "typo") && named(view, "oops"));
    for slip in ["main/typo", "oops"] {
        let out = done(&agent, &["expect", "unlink", &id, slip]);
        assert!(out.contains("taken back") && !out.contains("waits"), "{out}");
    }
    agent.until_state(&id, "verified");
    // One person said that there is nothing, and not whose it is that comes later.
    sql(&cluster, "postgres", "postgres", "CREATE ROLE oops LOGIN;");
    agent.until(&id, |view| named(view, "main/oops") && named(view, "taken back"));
    // What nobody knows is not proved: shown once that is in the log.
    let view = agent.until_state(&id, "open");
    assert_eq!((&view["verdict"], &view["residual"]), (&json!("inconclusive"), &json!([])));
    done(&agent, &["expect", "unlink", &id, "main/oops"]);
    approved(&agent, &id).await;
    agent.until_state(&id, "verified");
    // What is linked waits for a second person all the same.
    let out = done(&agent, &["expect", "unlink", &id, "main/jd"]);
    assert!(
        out.contains("asked for: that main/jd is linked no more") && out.contains("waits"),
        "{out}"
    );
    for (role, why) in [("main/postgres", "OID 10"), ("main/revoked_agent", "looks there")] {
        for asked in [["link", role], ["amend", role]] {
            let arguments = match asked {
                ["link", role] => vec!["expect", "link", &id, role],
                [_, role] => vec!["expect", "amend", &id, "--account", role],
            };
            let (code, _, err) = agent.run(&arguments);
            assert!(code == 1 && err.contains(why), "{arguments:?}: {err}");
        }
    }
    assert_eq!(agent.verify().0, 0);
}
