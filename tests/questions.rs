//! A question about whom is meant, or whose a role is: nothing is proved while it is open, and none is lost or asked in vain.

mod common;

use common::agent::Agent;
use common::http::{Api, REVOCATIONS, ask, prepared};
use common::{cluster, sql};
use reqwest::Method;
use revoked::throwaway::Cluster;
use serde_json::{Value, json};
use sqlx::Connection as _;

const EVENTS: &str = "/api/v1/webhooks/hr-events";

fn started(cluster: &Cluster, more: &str) -> Agent {
    let mut agent =
        prepared(cluster, &format!("subjects: {{templates: ['ro_{{username}}']}}\n{more}"));
    agent.start();
    agent
}

fn admin(cluster: &Cluster, script: &str) {
    sql(cluster, "postgres", "postgres", script);
}

/// An event about `user`, as somebody sends it who stamps no time.
async fn event(agent: &Agent, kind: &str, id: &str, user: &Value) -> Value {
    let event = json!({"event_type": kind, "event_id": id, "user": user});
    // The agent closes what was idle for long.
    let api = Api::of(agent);
    let sent = api.request(Method::POST, EVENTS).header("content-type", "application/json");
    let answer = ask(sent.body(event.to_string())).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()
}

async fn expect(agent: &Agent, notice: &Value) -> String {
    let api = Api::of(agent);
    let answer = ask(api.request(Method::POST, REVOCATIONS).body(notice.to_string())).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    text(&answer.json()["id"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

fn gaps(view: &Value) -> String {
    view["gaps"].to_string()
}

fn residual(view: &Value, role: &str) -> bool {
    view["residual"].to_string().contains(role)
}

fn show(agent: &Agent, id: &str) -> Value {
    agent.json(&["expect", "show", id, "-o", "json"])
}

fn same_person(agent: &Agent, held: &Value) {
    let notice = text(&held["notice"]);
    let released = agent.json(&["webhook", "retry", &notice, "--same-person", "-o", "json"]);
    assert_eq!(released["outcome"], "released", "{released:#}");
}

fn another_person(agent: &Agent, held: &Value) {
    let notice = text(&held["notice"]);
    let (code, _, err) = agent.run(&["webhook", "dismiss", &notice, "--reason", "another one"]);
    assert_eq!(code, 0, "{err}");
}

/// The last day was long ago, so that the second notice says nothing new.
fn jo(email: &str) -> Value {
    json!({"username": "jo", "employee_id": "EMP-1", "email": email, "termination_date": "2026-02-03"})
}

#[tokio::test]
async fn a_question_takes_back_what_was_proved() {
    let cluster = cluster();
    admin(&cluster, "CREATE ROLE jo NOLOGIN;");
    let agent = started(&cluster, "");
    let first = event(&agent, "user_terminated", "e1", &jo("jo@example.com")).await;
    let id = text(&first["revocation_id"]);
    let proved = agent.until_state(&id, "verified");
    let held = event(&agent, "user_terminated", "e2", &jo("other@example.com")).await;
    assert_eq!(
        (&held["outcome"], &held["revocation_id"]),
        (&json!("quarantined"), &json!(id)),
        "{held:#}"
    );
    assert_eq!(show(&agent, &id)["state"], "open", "at once");
    let view = agent.until(&id, |view| gaps(view).contains("ntc_"));
    assert_eq!((&view["state"], &view["verdict"]), (&json!("open"), &json!("inconclusive")));
    // No access was seen: nothing is late.
    assert_eq!(
        (&view["overdue"], &view["first_clean_at"]),
        (&json!([]), &proved["first_clean_at"])
    );
    another_person(&agent, &held);
    let view = agent.until_state(&id, "verified");
    assert_eq!(gaps(&view), "[]");
    assert_eq!(agent.verify().0, 0);
}

/// What an earlier version may have left: the notice is held, and its revocation does not know of it.
#[tokio::test]
async fn a_question_that_was_lost_is_asked_again() {
    let cluster = cluster();
    admin(&cluster, "CREATE ROLE jo NOLOGIN;");
    let mut agent = started(&cluster, "");
    event(&agent, "user_terminated", "e1", &jo("jo@example.com")).await;
    let held = event(&agent, "user_terminated", "e2", &jo("other@example.com")).await;
    let id = text(&held["revocation_id"]);
    agent.until(&id, |view| gaps(view).contains("ntc_"));
    assert!(agent.stop().success());
    let url = format!("sqlite://{}", agent.dir().join("state/revoked.db").display());
    let mut store = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let lost = "UPDATE revocation SET life = json_remove(life, '$.lineage.unsure'),
        landed_life = json_remove(landed_life, '$.lineage.unsure'), version = version + 1";
    sqlx::raw_sql(lost).execute(&mut store).await.unwrap();
    store.close().await.unwrap();
    agent.start();
    let view = agent.until(&id, |view| gaps(view).contains(&text(&held["notice"])));
    assert_eq!(view["state"], "open", "{view:#}");
    same_person(&agent, &held);
    agent.until_state(&id, "verified");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_name_learnt_at_one_revocation_is_searched_for_by_the_others() {
    let cluster = cluster();
    admin(
        &cluster,
        "CREATE ROLE grp; CREATE ROLE anna; CREATE ROLE ro_annab; GRANT grp TO ro_annab;
         CREATE ROLE annac; GRANT grp TO annac;",
    );
    let agent = started(&cluster, "");
    let change = json!({"username": "anna", "employee_id": "EMP-2", "reason": "role_change",
        "revocation_type": "partial", "roles": "grp"});
    let change = expect(&agent, &change).await;
    agent.until_state(&change, "verified");
    let end = |username: &str| json!({"username": username, "employee_id": "EMP-2", "termination_date": "2099-01-31"});
    let first = event(&agent, "user_terminated", "e1", &end("anna")).await;
    let end_id = text(&first["revocation_id"]);
    assert_ne!(end_id, change);
    // While it is a question whose name it is, nobody is blamed for it.
    let held = event(&agent, "user_terminated", "e2", &end("annab")).await;
    assert_eq!(held["revocation_id"], json!(end_id), "{held:#}");
    let view = agent.until(&change, |view| gaps(view).contains("main/ro_annab"));
    assert_eq!((&view["state"], &view["residual"]), (&json!("open"), &json!([])), "{view:#}");
    same_person(&agent, &held);
    let view = agent.until(&change, |view| residual(view, "ro_annab"));
    assert_eq!(view["also_called"], json!(["annab"]), "{view:#}");
    admin(&cluster, "REVOKE grp FROM ro_annab;");
    agent.until_state(&change, "verified");
    // And what a person says.
    let (code, _, err) = agent.run(&["expect", "link", &end_id, "main/annac"]);
    assert_eq!(code, 0, "{err}");
    agent.until(&change, |view| residual(view, "annac"));
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_leaver_who_knew_a_secret_by_another_name_knew_it() {
    let cluster = cluster();
    admin(&cluster, "CREATE ROLE svc LOGIN PASSWORD 'x';");
    let more = "secrets:\n  svc: {accounts: [main/svc], known_by: [Kim.L, lee.x]}\n";
    let agent = started(&cluster, more);
    let left = |username: &str, id: &str| json!({"username": username, "employee_id": id, "reason": "terminated"});
    let kim = expect(&agent, &left("kim", "EMP-3")).await;
    assert_eq!(expect(&agent, &left("kim.l", "EMP-3")).await, kim);
    agent.until(&kim, |view| view["rotations"] != json!([]));

    let lee = expect(&agent, &left("lee", "EMP-4")).await;
    let user = json!({"username": "lee.x", "employee_id": "EMP-4"});
    let held = event(&agent, "user_terminated", "e1", &user).await;
    assert_eq!(held["revocation_id"], json!(lee), "{held:#}");
    let last = expect(&agent, &left("kim.l", "EMP-5")).await;
    agent.until(&last, |view| view["rotations"] != json!([]));
    assert_eq!(show(&agent, &lee)["rotations"], json!([]), "whose name that is nobody said");
    same_person(&agent, &held);
    agent.until(&lee, |view| view["rotations"] != json!([]));
    assert_eq!(agent.verify().0, 0);
}

/// A role that is gone cannot be anybody's access; one that gets its name later can.
#[tokio::test]
async fn what_is_gone_is_no_question_and_what_comes_back_is_one() {
    let cluster = cluster();
    admin(&cluster, "CREATE ROLE xen LOGIN; CREATE ROLE vic NOLOGIN;");
    let agent = started(&cluster, "");
    let user = |name: &str| json!({"username": name, "employee_id": "EMP-6"});
    let over = event(&agent, "user_terminated", "e1", &user("xen")).await;
    let over = text(&over["revocation_id"]);
    agent.until(&over, |view| residual(view, "xen"));
    event(&agent, "termination_rescinded", "r1", &user("xen")).await;
    agent.until_state(&over, "withdrawn");
    let held = event(&agent, "user_terminated", "e2", &user("vic")).await;
    let id = text(&held["revocation_id"]);
    same_person(&agent, &held);
    let view =
        agent.until(&id, |view| gaps(view).contains("main/xen") && !gaps(view).contains("ntc_"));
    assert_eq!(view["state"], "open", "{view:#}");
    admin(&cluster, "DROP ROLE xen;");
    agent.until_state(&id, "verified");
    // A person who is erased has no name any more, and the role that comes back is not known to be theirs.
    let (code, out, err) = agent.run(&["expect", "erase", "EMP-6", "--basis", "retention"]);
    assert_eq!(code, 0, "{out}{err}");
    admin(&cluster, "CREATE ROLE xen LOGIN;");
    let view = agent.until(&id, |view| gaps(view).contains("main/xen"));
    assert_eq!((&view["state"], &view["residual"]), (&json!("open"), &json!([])), "{view:#}");
    let reopened = |line: &Value| line["what"]["because"] == "a_question_is_open";
    assert_eq!(agent.log().iter().filter(|line| reopened(line)).count(), 1);
    let (_, status, _) = agent.run(&["status"]);
    assert!(status.contains("cannot tell"), "{status}");
    assert_eq!(agent.verify().0, 0);
}

/// What only the name of somebody else reaches, also by the configuration, is asked about and nobody's finding; and gone
/// once it is said that it is another person.
#[tokio::test]
async fn a_mistaken_name_brings_in_nothing_of_whoever_has_it() {
    let cluster = cluster();
    admin(
        &cluster,
        "CREATE ROLE jo NOLOGIN; CREATE ROLE bob LOGIN; CREATE ROLE ro_bob LOGIN; CREATE ROLE bob_adm LOGIN;
         CREATE ROLE svc LOGIN PASSWORD 'x'; CREATE ROLE ann NOLOGIN; CREATE ROLE ann2_adm LOGIN;",
    );
    let more = "subjects:\n  templates: ['ro_{username}']\n  accounts: {bob: [bob_adm], ann2: [ann2_adm]}\n\
                secrets:\n  svc: {accounts: [main/svc], known_by: [bob, kim]}\n";
    let mut agent = prepared(&cluster, more);
    agent.start();
    let named = |name: &str, id: &str| json!({"username": name, "employee_id": id, "termination_date": "2026-02-03"});
    let first = event(&agent, "user_terminated", "e1", &named("jo", "EMP-1")).await;
    let id = text(&first["revocation_id"]);
    agent.until_state(&id, "verified");
    let held = event(&agent, "user_terminated", "e2", &named("bob", "EMP-1")).await;
    assert_eq!(
        (&held["outcome"], &held["revocation_id"]),
        (&json!("quarantined"), &json!(id)),
        "{held:#}"
    );
    let all = ["ntc_", "main/bob ", "main/ro_bob", "main/bob_adm"];
    let view = agent.until(&id, |view| all.iter().all(|one| gaps(view).contains(one)));
    assert_eq!((&view["state"], &view["residual"]), (&json!("open"), &json!([])), "{view:#}");
    let other = |view: &Value| {
        ["accounts", "also_called", "username"]
            .iter()
            .any(|key| view[*key].to_string().contains("bob"))
    };
    assert!(!other(&view), "nobody said that it is theirs: {view:#}");
    // Whoever has the name leaves: their own access is a finding, and no question; the secret was theirs alone.
    let left =
        |name: &str, id: &str| json!({"username": name, "employee_id": id, "reason": "terminated"});
    let bob = expect(&agent, &left("bob", "EMP-2")).await;
    let view = agent.until(&bob, |view| {
        ["ro_bob", "bob_adm"].iter().all(|role| residual(view, role))
            && view["rotations"] != json!([])
    });
    assert!(!gaps(&view).contains(&id), "{view:#}");
    let kim = expect(&agent, &left("kim", "EMP-3")).await;
    agent.until(&kim, |view| view["rotations"] != json!([]));
    assert_eq!(show(&agent, &id)["rotations"], json!([]), "nobody said that they knew it");

    another_person(&agent, &held);
    let view = agent.until_state(&id, "verified");
    assert!(gaps(&view) == "[]" && !other(&view), "{view:#}");
    assert!(!view["lineage"].to_string().contains("bob"), "{view:#}");
    let anew =
        event(&agent, "user_terminated", "e3", &json!({"username": "jo", "employee_id": "EMP-1"}))
            .await;
    let anew = text(&anew["revocation_id"]);
    assert_ne!(anew, id);
    let view = agent.until_state(&anew, "verified");
    assert!(!other(&view), "{view:#}");

    let ann = event(&agent, "user_terminated", "e4", &named("ann", "EMP-4")).await;
    let ann = text(&ann["revocation_id"]);
    let held = event(&agent, "user_terminated", "e5", &named("ann2", "EMP-4")).await;
    agent.until(&ann, |view| gaps(view).contains("main/ann2_adm"));
    same_person(&agent, &held);
    let view = agent.until(&ann, |view| residual(view, "ann2_adm"));
    assert_eq!(view["also_called"], json!(["ann2"]), "{view:#}");
    assert_eq!(agent.verify().0, 0);
}

/// The answer is as much about what is expected of the person since.
#[tokio::test]
async fn what_begins_anew_waits_for_the_questions_that_are_open() {
    let cluster = cluster();
    admin(&cluster, "CREATE ROLE una NOLOGIN; CREATE ROLE eve LOGIN; CREATE ROLE grp;");
    let agent = started(&cluster, "");
    let user = |name: &str| json!({"username": name, "employee_id": "EMP-7", "termination_date": "2026-02-03"});
    let first = event(&agent, "user_terminated", "e1", &user("una")).await;
    let id = text(&first["revocation_id"]);
    agent.until_state(&id, "verified");
    let held = event(&agent, "user_terminated", "e2", &user("eve")).await;
    assert_eq!(held["revocation_id"], json!(id), "{held:#}");
    let change = json!({"username": "una", "employee_id": "EMP-7", "reason": "role_change",
        "revocation_type": "partial", "roles": "grp"});
    let change = expect(&agent, &change).await;
    let notice = text(&held["notice"]);
    let view = agent
        .until(&change, |view| gaps(view).contains(&notice) && gaps(view).contains("main/eve"));
    assert_eq!((&view["state"], &view["residual"]), (&json!("open"), &json!([])), "{view:#}");
    another_person(&agent, &held);
    for id in [&id, &change] {
        let view = agent.until_state(id, "verified");
        assert!(!view["lineage"].to_string().contains(&notice), "{view:#}");
    }
    assert_eq!(agent.verify().0, 0);
}
