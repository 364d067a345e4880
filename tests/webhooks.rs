//! Events of other systems against the real agent: none is lost, none counts twice, and none weakens another.

mod common;

use common::agent::Agent;
use common::cluster;
use common::http::{Answer, Api, REVOCATIONS, ask, prepared, started};
use reqwest::Method;
use serde_json::{Value, json};

const EVENTS: &str = "/api/v1/webhooks/hr-events";
const VENDOR: &str = "/api/v1/webhooks/vendor-offboarding";
const NOTICES: &str = "/api/v1/notices";

/// The payload of the specification, to the byte.
const DOCUMENTED: &str = r#"{
"event_type": "user_terminated",
"event_id": "evt_123456",
"timestamp": "2026-02-03T14:30:00Z",
"user": {
"username": "john.doe",
"employee_id": "EMP-12345",
"email": "john.doe@example.com",
"termination_date": "2026-02-03",
"termination_reason": "Resignation"
},
"metadata": {
"department": "Engineering",
"manager": "jane.smith",
"last_working_day": "2026-02-03"
}
}"#;

async fn send(api: &Api, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    ask(api.request(Method::POST, path).header("content-type", "application/json").body(body)).await
}

async fn event(api: &Api, value: &Value) -> Answer {
    send(api, EVENTS, value.to_string()).await
}

#[expect(clippy::needless_pass_by_value, reason = "it is written where it is needed")]
fn about(kind: &str, id: &str, made: &str, more: Value) -> Value {
    let mut value = json!({
        "event_type": kind, "event_id": id, "timestamp": made,
        "user": {"username": "john.doe", "employee_id": "EMP-12345"},
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

/// Records of the log of one type.
fn records(agent: &Agent, kind: &str) -> Vec<Value> {
    agent.log().into_iter().filter(|line| line["type"] == kind).collect()
}

#[tokio::test]
async fn the_documented_payload_makes_one_revocation_for_good() {
    let cluster = cluster();
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let first = send(&api, EVENTS, DOCUMENTED).await;
    assert_eq!(first.status, 202, "{first:?}");
    let taken = first.json();
    let id = taken["revocation_id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("{REVOCATIONS}/{id}"));
    assert_eq!((&taken["event_id"], &taken["outcome"]), (&json!("evt_123456"), &json!("accepted")));
    assert_eq!((&taken["duplicate"], &taken["revocations"]), (&json!(false), &json!([id])));

    let found = api.get(first.header("location")).await.json();
    assert_eq!((&found["subject"], &found["username"]), (&json!("EMP-12345"), &json!("john.doe")));
    assert_eq!((&found["kind"], &found["reason"]), (&json!("full"), &json!("terminated")));
    assert_eq!(found["effective_at"], "2026-02-03T17:00:00.000000Z");
    assert_eq!(found["source"], "hr");
    let log = std::fs::read_to_string(agent.log_file()).unwrap();
    for secret in ["john.doe", "EMP-12345", "example.com", "Resignation", "evt_123456"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }

    for time in ["at once", "after a restart"] {
        let api = Api::of(&agent);
        for path in [EVENTS, "/webhooks/hr-events"] {
            let again = send(&api, path, DOCUMENTED).await;
            assert_eq!((again.status, again.header("location")), (202, first.header("location")));
            assert_eq!(again.json()["duplicate"], true, "{time}");
            assert_eq!(again.json()["notice"], taken["notice"], "{time}");
        }
        let other = send(&api, EVENTS, format!("{DOCUMENTED} ")).await;
        assert!(other.problem(409).contains("evt_123456"), "{other:?}");
        let listed = api.get(REVOCATIONS).await.json();
        assert_eq!(listed["revocations"].as_array().unwrap().len(), 1, "{time}");
        agent.until_metrics(&[
            "access_revocation_intake_events_total{outcome=\"conflict\",source=\"hr\"} 1",
            "access_revocation_intake_events_total{outcome=\"duplicate\",source=\"hr\"} 2",
        ]);
        if time == "at once" {
            assert!(agent.stop().success(), "{}", agent.stderr());
            agent.start();
            let page = agent.get("/metrics").unwrap();
            let heard = "access_revocation_intake_last_event_timestamp_seconds{source=\"hr\"} 1";
            assert!(page.contains(heard), "it is known when it was last heard: {page}");
        }
    }
    let journal = Api::of(&agent).get(NOTICES).await.json();
    assert_eq!(journal["conflicts"][0]["times"], 2, "{journal:#}");
    assert_eq!(journal["notices"][0]["revocation"], json!(id));
    let (said, notice) = (journal.to_string(), &journal["notices"][0]);
    assert_eq!(
        (&notice["subject"], &notice["username"]),
        (&json!("EMP-12345"), &json!("john.doe"))
    );
    for what in ["Resignation", "example.com", "jane.smith"] {
        assert!(!said.contains(what), "what else notices said is not shown: {journal:#}");
    }
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_test_is_recorded_and_expects_nothing() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    // As the specification tells people to try it.
    let first = send(&api, "/webhooks/hr-events", r#"{"event_type": "test"}"#).await;
    assert_eq!(first.status, 202, "{first:?}");
    let taken = first.json();
    assert_eq!((&taken["outcome"], &taken["revocations"]), (&json!("test"), &json!([])));
    let found = api.get(first.header("location")).await.json();
    assert_eq!((&found["id"], &found["outcome"]), (&taken["notice"], &json!("test")));
    let again = send(&api, "/webhooks/hr-events", r#"{"event_type": "test"}"#).await;
    assert_eq!(again.json()["notice"], taken["notice"], "without an id the bytes are the event");
    assert_eq!(again.json()["duplicate"], true);
    assert_eq!(api.get(REVOCATIONS).await.json()["revocations"], json!([]));
    let noted = records(&agent, "validation_completed");
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert_eq!(noted[0]["what"]["outcome"], "test");
    assert_eq!(noted[0]["what"]["notice_sha256"], found["sha256"]);
}

#[tokio::test]
async fn an_older_change_of_role_does_not_weaken_an_end() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let suspended = about("user_suspended", "e1", "2026-02-01T09:00:00Z", json!({}));
    let first = event(&api, &suspended).await.json();
    let id = first["revocation_id"].clone();
    let view = |id: &Value| format!("{REVOCATIONS}/{}", id.as_str().unwrap());
    assert_eq!(api.get(&view(&id)).await.json()["kind"], "suspend");

    let left = about("user_terminated", "e2", "2026-02-03T09:00:00Z", json!({}));
    let second = event(&api, &left).await.json();
    assert_eq!(second["revocation_id"], id, "who was suspended and leaves is the same revocation");
    let upgraded = api.get(&view(&id)).await.json();
    assert_eq!((&upgraded["kind"], &upgraded["reason"]), (&json!("full"), &json!("terminated")));
    assert_eq!(upgraded["effective_at"], "2026-02-01T09:00:00.000000Z");

    let older = about(
        "user_role_changed",
        "e3",
        "2026-02-02T09:00:00Z",
        json!({"revoke": {"roles": ["admin"]}}),
    );
    let third = event(&api, &older).await;
    assert_eq!(third.status, 202, "{third:?}");
    let third = third.json();
    assert_eq!((&third["outcome"], &third["revocation_id"]), (&json!("superseded"), &id));
    let unchanged = api.get(&view(&id)).await.json();
    assert_eq!(
        (&unchanged["kind"], &unchanged["deadlines"]),
        (&json!("full"), &upgraded["deadlines"])
    );

    // A newer one asks for something of its own, and takes nothing back.
    let newer = about(
        "user_role_changed",
        "e4",
        "2026-02-04T09:00:00Z",
        json!({"revoke": {"roles": ["admin"]}}),
    );
    let fourth = event(&api, &newer).await.json();
    assert_ne!(fourth["revocation_id"], id);
    assert_eq!(api.get(&view(&id)).await.json()["state"], unchanged["state"]);
    // What it made void can be had after all.
    let notice = third["notice"].as_str().unwrap();
    let released = agent.json(&["webhook", "retry", notice, "-o", "json"]);
    assert_eq!(released["outcome"], "released", "{released}");
    assert_eq!(released["revocation_id"], fourth["revocation_id"]);
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn what_cannot_be_used_is_held_and_decided_about() {
    let cluster = cluster();
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let cases = [
        (
            r#"{"event_type":"user_left","event_id":"q1"}"#.to_owned(),
            422,
            "/event_type",
            "unknown_type",
        ),
        (
            r#"{"event_type":"consumer_claimed","event_id":"q2"}"#.to_owned(),
            422,
            "/event_type",
            "not_yet",
        ),
        (
            about("user_rehired", "q3", "2026-02-03T09:00:00Z", json!({})).to_string(),
            422,
            "/event_type",
            "not_possible",
        ),
        (
            about(
                "contractor_extended",
                "q4",
                "2026-02-03T09:00:00Z",
                json!({"until": "2026-03-01"}),
            )
            .to_string(),
            422,
            "/user/employee_id",
            "not_possible",
        ),
        (
            about("user_terminated", "q5", "2099-02-03T09:00:00Z", json!({})).to_string(),
            422,
            "/timestamp",
            "future",
        ),
        (
            about("user_terminated", "q6", "2026-02-03T09:00:00Z", json!({"effective_at": "soon"}))
                .to_string(),
            422,
            "/effective_at",
            "unreadable",
        ),
        ("{\"event_type\":\"user_term".to_owned(), 400, "", "unreadable"),
        ("\u{0}".to_owned(), 400, "", "unreadable"),
        ("[]".to_owned(), 422, "", "unreadable"),
    ];
    for (body, status, pointer, cause) in &cases {
        let answer = send(&api, EVENTS, body.clone()).await;
        answer.problem(*status);
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["pointer"], *pointer, "{body}: {problem}");
        let notice = problem["notice"].as_str().unwrap();
        let kept = api.get(&format!("{NOTICES}/{notice}")).await.json();
        assert_eq!((&kept["outcome"], &kept["cause"]), (&json!("quarantined"), &json!(cause)));
        let again = send(&api, EVENTS, body.clone()).await;
        assert_eq!(again.json()["notice"], notice, "the same one is held once: {body}");
    }
    assert_eq!(records(&agent, "notice_quarantined").len(), cases.len());
    let held = format!("access_revocation_intake_quarantined {}", cases.len());
    agent.until_metrics(&[&held]);
    assert_eq!(api.get(REVOCATIONS).await.json()["revocations"], json!([]));

    assert!(agent.stop().success());
    agent.start();
    agent.until_metrics(&[&held]);
    let listed = agent.json(&["webhook", "journal", "--quarantined", "-o", "json"]);
    assert_eq!(listed["notices"].as_array().unwrap().len(), cases.len());
    let (code, table, _) = agent.run(&["webhook", "journal", "--quarantined"]);
    assert_eq!(code, 0);
    assert!(table.contains("no such type of event") && table.contains("user_left"), "{table}");

    // Who sent it cannot say that nothing follows from it; somebody else can, with a reason.
    let api = Api::of(&agent);
    let id = listed["notices"][0]["id"].as_str().unwrap();
    let by_sender = send(&api, &format!("{NOTICES}/{id}/dismiss"), r#"{"reason":"x"}"#).await;
    assert!(by_sender.problem(403).contains("somebody else"), "{by_sender:?}");
    let (code, said, err) = agent.run(&["webhook", "dismiss", id, "--reason", "sent by mistake"]);
    assert_eq!(code, 0, "{err}");
    assert!(said.contains("is dismissed"), "{said}");
    let kept = api.get(&format!("{NOTICES}/{id}")).await.json();
    assert_eq!(
        (&kept["outcome"], &kept["settled_why"]),
        (&json!("dismissed"), &json!("sent by mistake"))
    );
    let (code, _, err) = agent.run(&["webhook", "retry", id]);
    assert_eq!(code, 1);
    assert!(err.contains("Nothing waits for a decision") && err.contains("is dismissed"), "{err}");
    let still = listed["notices"][1]["id"].as_str().unwrap();
    let (code, _, err) = agent.run(&["webhook", "retry", still]);
    assert_eq!(code, 1, "{err}");
    let (code, _, err) = agent.run(&["webhook", "dismiss", "ntc_1", "--reason", "x"]);
    assert_eq!(code, 1);
    assert!(err.contains("there is no notice ntc_1"), "{err}");
    let log = std::fs::read_to_string(agent.log_file()).unwrap();
    assert!(!log.contains("mistake"), "why stays in the store");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_vendor_is_a_checklist() {
    let cluster = cluster();
    let mut agent = prepared(
        &cluster,
        "subjects: {mapping_file: s.csv}\n\
         vendors: {ACME: {accounts: [svc_acme]}}\n",
    );
    let mapping = "subject,account,owner\nCON-17,con17,ACME\nEMP-1,emp1,\n";
    std::fs::write(agent.dir().join("s.csv"), mapping).unwrap();
    agent.start();
    let api = Api::of(&agent);
    let body = json!({
        "event_id": "v1", "vendor_id": "ACME", "effective_at": "2026-02-28",
        "accounts": ["main/acme_ro"], "contact": "nobody reads this",
    })
    .to_string();
    let first = send(&api, VENDOR, body.clone()).await;
    assert_eq!(first.status, 202, "{first:?}");
    let taken = first.json();
    assert_eq!(taken["revocations"].as_array().unwrap().len(), 3, "{taken:#}");
    let checklist = taken["checklist"].as_str().unwrap();
    assert_eq!(first.header("location"), format!("{REVOCATIONS}?checklist={checklist}"));
    let again = send(&api, VENDOR, body.clone()).await.json();
    assert_eq!((&again["duplicate"], &again["checklist"]), (&json!(true), &taken["checklist"]));
    assert_eq!(again["revocations"].as_array().unwrap().len(), 3);
    send(&api, VENDOR, format!("{body} ")).await.problem(409);

    assert_eq!(send(&api, EVENTS, DOCUMENTED).await.status, 202);
    for path in [first.header("location").to_owned(), format!("{REVOCATIONS}?vendor=ACME")] {
        let listed = api.get(&path).await.json();
        let listed = listed["revocations"].as_array().unwrap();
        assert_eq!(listed.len(), 3, "{path}");
        assert!(listed.iter().all(|one| one["reason"] == "vendor_offboarded"));
        let mut subjects: Vec<_> =
            listed.iter().map(|one| one["subject"].as_str().unwrap()).collect();
        subjects.sort_unstable();
        assert_eq!(subjects, ["ACME/main/acme_ro", "ACME/svc_acme", "CON-17"]);
    }
    let shown = agent.json(&["expect", "list", "--vendor", "ACME", "-o", "json"]);
    assert_eq!(shown.as_array().unwrap().len(), 3);
    assert_eq!(
        api.get(&format!("{REVOCATIONS}?vendor=NONE")).await.json()["revocations"],
        json!([])
    );

    // Nobody knows what this one has: it is a question, and never clean.
    let unknown = json!({"event_id": "v2", "vendor_id": "Unknown & Sons"}).to_string();
    let taken = send(&api, VENDOR, unknown).await.json();
    let id = taken["revocation_id"].as_str().unwrap();
    assert_eq!(taken["revocations"].as_array().unwrap().len(), 1);
    let judged = agent.until(id, |view| view["verdict"] != json!(null));
    assert_eq!((&judged["verdict"], &judged["state"]), (&json!("inconclusive"), &json!("open")));
    assert!(judged["gaps"].to_string().contains("every account of the vendor"), "{judged:#}");
    send(&api, VENDOR, r#"{"event_id":"v3"}"#).await.problem(422);
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn until_an_end_comes_a_change_of_role_counts() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let last_day = json!({"metadata": {"last_working_day": "2099-12-31"}});
    let left = about("user_terminated", "e1", "2026-02-03T09:00:00Z", last_day);
    let end = event(&api, &left).await.json();
    let change = json!({"revoke": {"roles": ["admin"]}});
    let older = about("user_role_changed", "e2", "2026-02-02T09:00:00Z", change);
    let second = event(&api, &older).await.json();
    assert_eq!(second["outcome"], "accepted", "{second:#}");
    assert_ne!(second["revocation_id"], end["revocation_id"]);
}

#[tokio::test]
async fn what_says_two_things_is_held() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let twice = r#"{"event_type":"user_terminated","event_type":"test","event_id":"e1","user":{"username":"jd"}}"#;
    let held = send(&api, EVENTS, twice).await;
    assert!(held.problem(422).contains("a key stands twice"), "{held:?}");
    let latin =
        b"{\"event_type\":\"user_terminated\",\"user\":{\"username\":\"m\xfcller\"}}".to_vec();
    let held = send(&api, EVENTS, latin).await;
    assert!(held.problem(400).contains("no UTF-8"), "{held:?}");
    let page = api.get(&format!("{NOTICES}?outcome=quarantined")).await.json();
    assert_eq!(page["notices"].as_array().unwrap().len(), 2, "{page:#}");
}
