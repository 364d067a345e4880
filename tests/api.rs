//! The API as another system meets it: the real agent, plain HTTP.

mod common;

use common::agent::TOKEN;
use common::cluster;
use common::http::{Api, REVOCATIONS, ask, raw, started};
use reqwest::Method;
use serde_json::json;

const NOTICE: &str = r#"{"username":"john.doe","reason":"User terminated","ticket":"T-1"}"#;

#[tokio::test]
async fn who_has_no_token_is_told_so() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let one = format!("{REVOCATIONS}/rev_1");
    for (method, path) in
        [(Method::POST, REVOCATIONS), (Method::GET, REVOCATIONS), (Method::GET, &one)]
    {
        let long = "x".repeat(5_000);
        for authorization in [
            None,
            Some(String::new()),
            Some("Bearer".to_owned()),
            Some("Bearer ".to_owned()),
            Some(format!("Bearer {}", &TOKEN[1..])),
            Some(format!("Bearer {TOKEN}x")),
            Some(format!("Bearer {long}")),
            Some(format!("Basic {TOKEN}")),
            Some(TOKEN.to_owned()),
        ] {
            let mut request = api.anonymous(method.clone(), path).body(NOTICE);
            if let Some(value) = &authorization {
                request = request.header("authorization", value);
            }
            let answer = ask(request).await;
            let detail = answer.problem(401);
            assert!(detail.contains("token"), "{authorization:?}: {detail}");
            assert!(!answer.text.contains(TOKEN), "a token is never repeated");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "RFC 9110, 11.6.1");
        }
    }
    assert_eq!(api.get(REVOCATIONS).await.json()["revocations"], json!([]), "nothing was taken");
    let lower = api.anonymous(Method::GET, REVOCATIONS);
    let lower = lower.header("authorization", format!("bearer {TOKEN}"));
    assert_eq!(ask(lower).await.status, 200, "the scheme's case does not matter");
}

#[tokio::test]
async fn a_notice_is_acknowledged_once_and_found_at_its_location() {
    let cluster = cluster();
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let first = api.post(NOTICE, Some("event 1")).await;
    assert_eq!(first.status, 202, "{first:?}");
    let location = first.header("location").to_owned();
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("{REVOCATIONS}/{id}"));
    assert_eq!(first.json(), json!({"id": id, "known": false, "amended": false}));

    let found = api.get(&location).await;
    assert_eq!((found.status, found.header("content-type")), (200, "application/json"));
    let found = found.json();
    assert_eq!((&found["id"], &found["subject"]), (&json!(id), &json!("john.doe")));
    assert_eq!((&found["source"], &found["reason"]), (&json!("hr"), &json!("terminated")));
    let listed = api.get(REVOCATIONS).await.json();
    assert_eq!(listed["revocations"].as_array().unwrap().len(), 1);
    assert_eq!(listed["next"], json!(null));

    for time in ["at once", "after a restart"] {
        let api = Api::of(&agent);
        let again = api.post(NOTICE, Some("event 1")).await;
        assert_eq!((again.status, again.header("location")), (202, location.as_str()), "{time}");
        assert_eq!(again.json(), json!({"id": id, "known": true, "amended": false}), "{time}");
        // Every byte counts, also one that means nothing.
        let other = api.post(format!("{NOTICE} "), Some("event 1")).await;
        assert!(other.problem(409).contains("event 1 of hr was received before"), "{other:?}");
        let listed = api.get(REVOCATIONS).await.json();
        assert_eq!(listed["revocations"].as_array().unwrap().len(), 1, "{time}");
        if time == "at once" {
            assert!(agent.stop().success(), "{}", agent.stderr());
            agent.start();
        }
    }

    // Another event about the same person joins, and one that asks for more tightens.
    let api = Api::of(&agent);
    let joined = api.post(NOTICE, Some("event 2")).await;
    assert_eq!((joined.status, joined.header("location")), (202, location.as_str()));
    assert_eq!(joined.json()["known"], true);
    let more = r#"{"username":"john.doe","reason":"User terminated","account":["john.doe","jd"]}"#;
    let tightened = api.post(more, None).await;
    assert_eq!((tightened.status, tightened.header("location")), (202, location.as_str()));
    assert_eq!(tightened.json(), json!({"id": id, "known": false, "amended": true}));
    let searched = &api.get(&location).await.json()["searched"];
    // The first was made from the username, until somebody named it.
    assert_eq!(
        searched,
        &json!([
            {"role": "john.doe", "rule": "stated"},
            {"role": "jd", "rule": "stated"}
        ])
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_notice_is_said_and_nothing_is_kept() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    for (body, says) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("not json", "expected"),
        ("[]", "expected"),
        ("null", "expected"),
        (r#"{"username":"a","reason":"x"}{}"#, "trailing"),
        (r#"{"reason":"x"}"#, "missing field `username`"),
        (r#"{"username":"a"}"#, "missing field `reason`"),
        (r#"{"username":"a","reason":"x","usr":1}"#, "unknown field `usr`"),
        (r#"{"username":"a","username":"b","reason":"x"}"#, "duplicate field `username`"),
        (r#"{"username":7,"reason":"x"}"#, "username"),
        (r#"{"username":"","reason":"x"}"#, "/username"),
        (r#"{"username":"a\u0000","reason":"x"}"#, "/username"),
        (r#"{"username":"a","reason":"x","account":[""]}"#, "/account"),
        (r#"{"username":"a","reason":"x","account":"nowhere/a"}"#, "no target `nowhere`"),
        (r#"{"username":"a","reason":"x","effective_at":"tomorrow"}"#, "/effective_at"),
        (r#"{"username":"a","reason":"x","deadline":"-5m"}"#, "/deadline"),
        (r#"{"username":"a","reason":"x","revocation_type":"handover"}"#, "/revocation_type"),
    ] {
        let detail = api.post(body, Some("event 1")).await.problem(422);
        assert!(detail.contains(says), "{body}: {detail}");
    }
    // Where it is, and of what kind, is the same for whatever is sent.
    for (method, path, body, pointer) in [
        (Method::POST, REVOCATIONS, r#"{"username":"a","reason":"x","usr":1}"#, "/usr"),
        (Method::POST, REVOCATIONS, r#"{"username":"a","reason":"x","account":[7]}"#, "/account"),
        (Method::POST, REVOCATIONS, "[]", ""),
        (Method::POST, "/api/v1/exceptions", r#"{"kind":7}"#, "/kind"),
        (Method::PATCH, "/api/v1/revocations/rev_1", r#"{"tickets":"x"}"#, "/tickets"),
        (Method::DELETE, "/api/v1/revocations/rev_1", r#"{"why":7}"#, "/why"),
    ] {
        let request = api.request(method, path).header("content-type", "application/json");
        let answer = ask(request.body(body)).await;
        answer.problem(422);
        let said = answer.json();
        assert_eq!(said["title"], "Unusable request", "{body}");
        assert_eq!(said["errors"][0]["pointer"], pointer, "{body}: {said:#}");
    }
    let not_text = b"{\"username\":\"\xff\",\"reason\":\"x\"}".to_vec();
    api.post(not_text, None).await.problem(422);

    let fill = |size: usize| format!("{NOTICE}{}", " ".repeat(size - NOTICE.len()));
    let large = api.post(fill(65 * 1024), Some("event 1")).await;
    assert!(large.problem(413).contains("64 KiB"));
    let head =
        format!("Authorization: Bearer {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n");
    let endless = raw(
        agent.api,
        &format!("POST {REVOCATIONS} HTTP/1.1\r\nHost: x\r\n{head}{}", fill(65_537)),
    );
    assert!(endless.starts_with("HTTP/1.1 413 "), "a length that is not said before: {endless}");

    for key in ["", &"x".repeat(256), "\u{e9}"] {
        let detail = api.post(NOTICE, Some(key)).await.problem(400);
        assert!(detail.contains("Idempotency-Key"), "{detail}");
    }
    assert_eq!(api.get(REVOCATIONS).await.json()["revocations"], json!([]));
    // What was refused does not use up its key, and the limit itself is allowed.
    assert_eq!(api.post(fill(64 * 1024), Some("event 1")).await.status, 202);
}

#[tokio::test]
async fn every_other_question_is_answered_with_a_problem() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    for path in ["/", "/metrics", "/api", "/api/v1", "/api/v2/revocations", "/api/v1/revocations/"]
    {
        api.get(path).await.problem(404);
        ask(api.anonymous(Method::GET, path)).await.problem(404);
    }
    let of = |id: &str| format!("{REVOCATIONS}/{id}");
    for id in ["rev_1", "%00", "%ff", "rev_1%2f..", "'; DROP TABLE revocation; --", "🦀"] {
        api.get(&of(id)).await.problem(404);
    }
    api.get(&of(&"x".repeat(10_000))).await.problem(404);
    for (method, path) in [
        (Method::PUT, REVOCATIONS.to_owned()),
        (Method::DELETE, REVOCATIONS.to_owned()),
        (Method::PATCH, REVOCATIONS.to_owned()),
        (Method::OPTIONS, REVOCATIONS.to_owned()),
        (Method::POST, of("rev_1")),
        (Method::PUT, of("rev_1")),
    ] {
        let answer = ask(api.request(method.clone(), &path)).await;
        answer.problem(405);
        assert!(answer.header("allow").contains("GET"), "{method} {path}: {answer:?}");
    }
    for (method, path, status) in [
        (Method::GET, "/", 404),
        (Method::GET, REVOCATIONS, 404),
        (Method::GET, "/-/", 404),
        (Method::POST, "/metrics", 405),
        (Method::DELETE, "/-/healthy", 405),
    ] {
        ask(api.telemetry(method, path)).await.problem(status);
    }
}
