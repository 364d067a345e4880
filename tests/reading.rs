//! The reading side of the API: lists, coverage, the log, and a look that is asked for.

mod common;

use common::agent::Agent;
use common::http::{Answer, Api, REVOCATIONS, ask, prepared, started};
use common::{cluster, run, sql};
use reqwest::Method;
use serde_json::{Value, json};

const COVERAGE: &str = "/api/v1/coverage";
const CHECKPOINT: &str = "/api/v1/audit/checkpoint";
const RECORDS: &str = "/api/v1/audit/records";

/// Every page of `query`, as (ids, pages).
async fn ids(api: &Api, query: &str) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = api.get(&format!("{REVOCATIONS}?{query}{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        let page = page.json();
        let views = page["revocations"].as_array().unwrap();
        ids.extend(views.iter().map(|view| view["id"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (ids, pages),
        }
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let mut made = Vec::new();
    for n in 0..5 {
        let notice = json!({"username": format!("s{n}"), "reason": "terminated", "ticket": format!("T-{}", n % 2)});
        let answer = api.post(notice.to_string(), None).await;
        made.insert(0, answer.json()["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids(&api, "").await, (made.clone(), 1));
    assert_eq!(ids(&api, "open=true&limit=2").await, (made.clone(), 3));
    assert_eq!(ids(&api, "subject=s3&kind=full&state=open,scheduled").await.0, made[1..2]);
    assert_eq!(ids(&api, "ticket=T-1&limit=1").await.0, [made[1].clone(), made[3].clone()]);
    assert_eq!(ids(&api, "overdue=true").await.0, [""; 0]);
    for (query, says) in [
        ("state=done", "state: one of scheduled, open, verified"),
        ("limit=0", "limit: 1 to 1000"),
        ("limit=many", "limit"),
        ("overdue=yes", "overdue"),
        ("received_after=yesterday", "received_after"),
        ("cursor=bm90IG91cnM", "cursor: `next` of"),
        ("stat=open", "unknown field `stat`"),
        ("open=true&open=false", "duplicate field `open`"),
        ("subject=%00", "subject: 1 to"),
    ] {
        let detail = api.get(&format!("{REVOCATIONS}?{query}")).await.problem(400);
        assert!(detail.contains(says), "{query}: {detail}");
    }
    let of_one = format!("{REVOCATIONS}/{}", made[0]);
    api.get(&format!("{of_one}?x=1")).await.problem(400);
    // The command reads every page.
    let listed = agent.json(&["expect", "list", "-o", "json"]);
    assert_eq!(listed.as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_view_says_how_its_time_came_about_and_when_it_was_looked_at() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    agent.start();
    let api = Api::of(&agent);
    let notice = r#"{"username":"jd","employee_id":"EMP-1","reason":"terminated",
        "last_working_day":"2026-02-03","time_zone":"Europe/Berlin"}"#;
    let id = api.post(notice, None).await.json()["id"].as_str().unwrap().to_owned();
    let first = agent.until(&id, |view| !view["looked_at"].is_null());
    assert_eq!((&first["subject"], &first["username"]), (&json!("EMP-1"), &json!("jd")));
    assert_eq!(first["effective_at"], "2026-02-03T16:00:00.000000Z");
    let effective = &first["effective"];
    assert_eq!(effective["stated"], "2026-02-03");
    assert_eq!(
        (&effective["zone"], &effective["zone_from"]),
        (&json!("Europe/Berlin"), &json!("subject"))
    );
    assert!(effective["tzdb"].is_string(), "{effective}");
    assert_eq!((&first["no_account"], &first["permissions"]), (&json!(true), &json!([])));
    // Nothing changes, and yet it is looked at.
    let again = agent.until(&id, |view| view["looked_at"].as_str() > first["looked_at"].as_str());
    assert_eq!(again["verdict"], first["verdict"]);
    // Nobody is looking: what is known is when the last look was that changed something.
    assert!(agent.stop().success());
    let alone = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!(alone["looked_at"], alone["as_of"]);
}

#[tokio::test]
async fn coverage_says_what_is_seen_and_never_where() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE revoked_agent LOGIN CREATEDB;");
    let elsewhere = "postgres://somebody:sesame@no-such-host.invalid:1/postgres?sslmode=disable";
    let main = cluster.url("revoked_agent", "postgres");
    let mut agent = Agent::init(&[("main", &main), ("lost", elsewhere)], "");
    agent.start();
    let api = Api::of(&agent);
    let begun = std::time::Instant::now();
    let answer = loop {
        let answer = api.get(COVERAGE).await;
        let seen = answer.json();
        let targets = seen["targets"].as_array().unwrap();
        if targets.iter().all(|target| !target["looked_at"].is_null()) {
            break answer;
        }
        for unseen in targets.iter().filter(|target| target["looked_at"].is_null()) {
            assert_eq!((&unseen["up"], &unseen["coverage"]), (&json!(false), &json!([])));
        }
        assert!(begun.elapsed() < common::agent::PATIENCE, "{answer:?}");
    };
    for secret in ["sesame", "no-such-host", "postgres://", main.as_str()] {
        assert!(!answer.text.contains(secret), "{secret}: {}", answer.text);
    }
    let seen = answer.json();
    assert_eq!(seen["not_required"], json!([]));
    let named = |name: &str| {
        let targets = seen["targets"].as_array().unwrap();
        targets.iter().find(|target| target["name"] == name).unwrap().clone()
    };
    let main = named("main");
    assert_eq!(main["up"], true);
    assert!(main["server"]["system_identifier"].as_str().unwrap().parse::<u64>().is_ok());
    assert_eq!(main["server"]["agent_role"], "revoked_agent");
    assert!(main["over_privileged"][0].as_str().unwrap().contains("CREATEDB"), "{main}");
    let statement = &main["coverage"][0];
    assert_eq!(statement["sha256"].as_str().unwrap().len(), 64, "{statement}");
    assert!(!main["not_covered"].as_array().unwrap().is_empty());
    let lost = named("lost");
    assert_eq!((&lost["up"], &lost["server"]), (&json!(false), &json!(null)));
    assert!(lost["gaps"][0]["fix"].as_str().unwrap().contains("name is not known"), "{lost}");
}

fn next(answer: &Answer) -> Option<u64> {
    answer.headers.get("revoked-next").map(|value| value.to_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn the_pages_of_the_log_are_a_file_that_verifies() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    for n in 0..4 {
        agent.expect(&format!("s{n}"), &[]);
    }
    let (mut text, mut from, mut pages) = (String::new(), 0, 0);
    loop {
        let page = api.get(&format!("{RECORDS}?from={from}&limit=5")).await;
        assert_eq!((page.status, page.header("content-type")), (200, "application/x-ndjson"));
        assert!(page.text.lines().count() <= 5 && page.text.ends_with('\n'), "{page:?}");
        text.push_str(&page.text);
        pages += 1;
        let Some(next) = next(&page) else { break };
        assert_eq!(next, text.lines().count() as u64);
        from = next;
    }
    assert!(pages > 3, "{pages}");
    assert!(std::fs::read_to_string(agent.log_file()).unwrap().starts_with(&text));
    let copy = agent.dir().join("copy.jsonl");
    std::fs::write(&copy, &text).unwrap();
    let verify = |file: &std::path::Path| {
        let mut command = common::revoked();
        command.arg("verify").arg(file).arg("--key").arg(agent.dir().join("log.vkey"));
        run(&mut command)
    };
    let (code, out, err) = verify(&copy);
    assert_eq!(code, 0, "{out}{err}");

    // Where the reader stands, and beyond.
    let lines = text.lines().count();
    let size = api.get(CHECKPOINT).await.json()["size"].as_u64().unwrap();
    assert!(size + 1 >= lines as u64);
    let end = api.get(&format!("{RECORDS}?from={}", size + 1)).await;
    assert_eq!(end.status, 200);
    let beyond = api.get(&format!("{RECORDS}?from={}", size + 1_000)).await.problem(404);
    assert!(beyond.contains("lines so far"), "{beyond}");
    for query in ["from=-1", "from=x", "limit=0", "limit=1001", "to=3"] {
        api.get(&format!("{RECORDS}?{query}")).await.problem(400);
    }
}

#[tokio::test]
async fn the_checkpoint_is_the_note_that_the_log_ends_with() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    agent.expect("john", &[]);
    let checkpoint = api.get(CHECKPOINT).await.json();
    let note = checkpoint["note"].as_str().unwrap();
    let mut lines = note.lines();
    assert_eq!(lines.next(), checkpoint["origin"].as_str());
    assert_eq!(lines.next().unwrap(), checkpoint["size"].to_string());
    assert_eq!(lines.next(), checkpoint["root"].as_str());
    let vkey = std::fs::read_to_string(agent.dir().join("log.vkey")).unwrap();
    assert_eq!(checkpoint["vkey"], vkey.trim());
    assert!(checkpoint["time"].as_str().unwrap().ends_with('Z'));
    assert!(agent.log().iter().any(|line| line["what"]["note"] == note), "{note}");
    let bare = ask(api.request(Method::GET, CHECKPOINT).header("accept", "text/plain")).await;
    assert_eq!((bare.status, bare.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert!(bare.text.starts_with(checkpoint["origin"].as_str().unwrap()), "{bare:?}");
}

#[tokio::test]
async fn a_look_that_is_asked_for_begins_after_the_question() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    // Nobody would look for a long time.
    let mut agent = prepared(&cluster, "");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    std::fs::write(agent.config(), text.replace("look_interval: 1s", "look_interval: 1h")).unwrap();
    agent.start();
    let api = Api::of(&agent);
    let id = agent.expect("john", &[]);
    agent.until(&id, |view| view["verdict"] == "residual");
    sql(&cluster, "postgres", "postgres", "DROP ROLE john;");
    let recheck = format!("{REVOCATIONS}/{id}/recheck");
    let judged = ask(api.request(Method::POST, &recheck)).await;
    assert_eq!(judged.status, 200, "{judged:?}");
    let view = judged.json();
    assert_eq!(view["verdict"], "revoked", "{view:#}");
    assert!(view["first_clean_at"].is_string(), "the log holds what followed from it");
    std::thread::sleep(std::time::Duration::from_secs(1));
    let (code, out, err) = agent.run(&["expect", "recheck", &id, "-o", "json"]);
    assert_eq!(code, 0, "{err}");
    let again: Value = serde_json::from_str(&out).unwrap();
    assert!(again["looked_at"].as_str() > view["looked_at"].as_str());
    assert_eq!(again["state"], "verified", "the second clean look, far enough from the first");

    ask(api.request(Method::POST, &format!("{REVOCATIONS}/rev_1/recheck"))).await.problem(404);
    let (code, _, err) = agent.run(&["expect", "recheck", "rev_1"]);
    assert!(code == 1 && err.contains("there is no revocation rev_1"), "{err}");
    assert!(agent.stop().success());
    let (code, _, err) = agent.run(&["expect", "recheck", &id]);
    assert!(code == 1 && err.contains("nobody looks"), "{err}");
}

/// A target that says nothing is a gap soon enough for whoever waits.
#[tokio::test]
async fn a_silent_target_does_not_keep_the_caller_waiting() {
    // Takes connections, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://somebody@127.0.0.1:{port}/postgres?sslmode=disable");
    let mut agent = Agent::init(&[("silent", &url)], "");
    agent.start();
    let api = Api::of(&agent);
    let id = agent.expect("john", &[]);
    let answer = ask(api.request(Method::POST, &format!("{REVOCATIONS}/{id}/recheck"))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["verdict"], "inconclusive");
}

#[tokio::test]
async fn a_body_says_what_it_is() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let notice = r#"{"username":"john","reason":"terminated"}"#;
    let send = |kind: &'static str| {
        let request = api.request(Method::POST, REVOCATIONS).header("content-type", kind);
        ask(request.body(notice))
    };
    for kind in ["application/x-www-form-urlencoded", "text/plain", "application/jsonx", ""] {
        send(kind).await.problem(415);
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(send(kind).await.status, 202, "{kind}");
    }
}
