//! A shared password changed, with the real agent on real servers.

mod common;

use common::agent::Agent;
use common::http::{Api, ask};
use common::passwords::Asking;
use common::{LiveSession, run, sql, versions};
use reqwest::Method;
use revoked::throwaway::Binaries;
use serde_json::Value;

const RULES: &str = "host all all 127.0.0.1/32 scram-sha-256";

const ROLES: &str = "
    CREATE ROLE agent LOGIN; CREATE ROLE g; CREATE ROLE app_rw LOGIN PASSWORD 'old7f3a'; GRANT g TO app_rw;
    GRANT pg_read_all_stats TO agent;
";

const GRANT: &str = "GRANT SELECT (oid, rolname, rolpassword) ON pg_catalog.pg_authid TO agent;";

fn start(binaries: &Binaries, more: &str) -> (Asking, Agent) {
    let asking = Asking::start(binaries, RULES, &format!("{ROLES}{more}"));
    let mut agent = Agent::init(&[("main", &asking.cluster.url("agent", "postgres"))], "");
    agent.start();
    (asking, agent)
}

fn admin(asking: &Asking, script: &str) {
    sql(&asking.cluster, "postgres", "postgres", script);
}

fn expect(agent: &Agent) -> String {
    let more = ["--account", "app_rw", "--kind", "rotation", "--reason", "credential_rotation"];
    let arguments = ["expect", "add", "-o", "json", "--user", "orders-app"];
    let added = agent.json(&[&arguments[..], &more[..]].concat());
    added["id"].as_str().unwrap().to_owned()
}

/// Tries `secret` and tells the agent.
fn probe(asking: &Asking, agent: &Agent, id: &str, secret: &str) -> (i32, String) {
    let arguments = asking.probe("app_rw", secret, &["--revocation", id]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (code, out, err) = agent.run(&arguments);
    (code, out + &err)
}

fn says(view: &Value, text: &str) -> bool {
    let list = |key: &str| view[key].as_array().cloned().unwrap_or_default();
    list("residual").iter().any(|found| found["sentence"].as_str().unwrap().contains(text))
        || list("gaps").iter().any(|gap| gap["reason"].as_str().unwrap().contains(text))
}

fn life_of_a_rotation(binaries: &Binaries) {
    let (asking, agent) = start(binaries, GRANT);
    let id = expect(&agent);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert!(says(&view, "the password of app_rw has not been changed since"), "{view:#}");
    let kinds: Vec<_> = view["kept"].as_array().unwrap().iter().map(|r| &r["kind"]).collect();
    assert_eq!(kinds, ["login", "membership"]);
    let deadlines = &view["deadlines"];
    assert!(deadlines["login"].is_null() && deadlines["access"].is_null());
    assert!(!deadlines["credentials"].is_null());

    let old = LiveSession::open(&asking.cluster, "app_rw", "postgres", "SELECT 1;");
    admin(&asking, "ALTER ROLE app_rw PASSWORD 'old7f3a';");
    let view = agent.until(&id, |view| says(view, "it may be the same one set again"));
    assert_eq!(view["verdict"], "residual", "its session is open: {view:#}");
    drop(old);
    let view = agent.until(&id, |view| view["verdict"] == "inconclusive");
    assert!(!says(&view, "has not been changed"), "{view:#}");
    assert_eq!((&view["state"], &view["first_clean_at"]), (&"open".into(), &Value::Null));
    let (code, said) = probe(&asking, &agent, &id, "old7f3a");
    assert_eq!(code, 2, "{said}");
    agent.until(&id, |view| says(view, "the old secret of app_rw is still its password"));

    let old = LiveSession::open(&asking.cluster, "app_rw", "postgres", "SELECT 1;");
    admin(&asking, "ALTER ROLE app_rw PASSWORD 'new7f3a';");
    // At once: the agent looks before the secret is tried.
    let (code, said) = probe(&asking, &agent, &id, "old7f3a");
    assert_eq!(code, 0, "{said}");
    let view = agent.until(&id, |view| !says(view, "may be the same"));
    assert_eq!(view["verdict"], "residual");
    assert!(says(&view, "it is older than the change of the password"), "{view:#}");
    let new = LiveSession::open(&asking.cluster, "app_rw", "postgres", "SELECT 1;");
    drop(old);
    let view = agent.until_state(&id, "verified");
    assert_eq!(view["residual"], serde_json::json!([]));
    let probed = view["credentials"][0]["probes"].as_array().unwrap().last().unwrap()["at"].clone();
    assert!(
        view["first_clean_at"].as_str() > probed.as_str(),
        "proved before it was told: {view:#}"
    );
    let kept = view["kept"].as_array().unwrap();
    assert!(kept.iter().any(|found| found["kind"] == "session"), "the new one may stay: {view:#}");
    let not_covered = view["not_covered"].to_string();
    assert!(not_covered.contains("is the word of those who tried it"), "{not_covered}");
    assert!(not_covered.contains("(uid:"), "{not_covered}");
    assert!(not_covered.contains("consumers of main/app_rw"), "{not_covered}");
    drop(new);

    let log = std::fs::read_to_string(agent.log_file()).unwrap();
    let attested: Vec<Value> =
        agent.log().into_iter().filter(|line| line["type"] == "item_attested").collect();
    let findings: Vec<_> = attested.iter().map(|line| &line["what"]["probe"]["finding"]).collect();
    assert_eq!(findings, ["valid", "dead"]);
    assert!(attested[0]["what"]["probe"]["by"].as_str().unwrap().starts_with("uid:"));
    let (shown, out, _) = agent.run(&["expect", "show", &id]);
    assert_eq!(shown, 0);
    assert!(out.contains("main/app_rw: changed, as seen at"), "{out}");
    for said in [&log, &view.to_string(), &out, &agent.stderr()] {
        for secret in ["old7f3a", "new7f3a", "SCRAM"] {
            assert!(!said.contains(secret), "{secret} is in {said}");
        }
    }
    assert_eq!(agent.verify().0, 0);

    admin(&asking, "ALTER ROLE app_rw PASSWORD 'old7f3a';");
    agent.until(&id, |view| view["verdict"] == "inconclusive" && view["state"] == "verified");
    let (code, said) = probe(&asking, &agent, &id, "old7f3a");
    assert_eq!(code, 2, "{said}");
    agent.until_state(&id, "regressed");
}

#[test]
fn a_rotation_on_every_version() {
    for binaries in versions() {
        life_of_a_rotation(&binaries);
    }
}

#[test]
fn without_the_grant_the_gap_says_both_ways_and_a_probe_is_enough() {
    let (asking, agent) = start(&Binaries::find().unwrap(), "");
    let id = expect(&agent);
    let view = agent.until(&id, |view| says(view, "agent may not read whether the password"));
    assert_eq!(view["verdict"], "inconclusive");
    let fix = view["gaps"][0]["fix"].as_str().unwrap();
    assert!(fix.contains("revoked probe login") && fix.contains("GRANT SELECT"), "{fix}");
    let session = LiveSession::open(&asking.cluster, "app_rw", "postgres", "SELECT 1;");
    admin(&asking, "ALTER ROLE app_rw PASSWORD 'new7f3a';");
    assert_eq!(probe(&asking, &agent, &id, "old7f3a").0, 0);
    agent.until(&id, |view| says(view, "it may have been opened with the old secret"));
    drop(session);
    let view = agent.until_state(&id, "verified");
    assert!(view["not_covered"].to_string().contains("may not read whether it was changed again"));
    // The grant comes later: what is read then is not taken for the old password.
    admin(&asking, GRANT);
    let view = agent.until(&id, |view| view["credentials"][0]["change"] == "unknown");
    assert_eq!((&view["state"], &view["verdict"]), (&"verified".into(), &"revoked".into()));
    let (_, out, _) = agent.run(&["expect", "show", &id]);
    assert!(out.contains("whether it was changed before") && !out.contains("unchanged"), "{out}");
}

/// What another server answers says nothing, though nobody there has that password.
#[test]
fn an_attempt_at_another_server_is_not_taken() {
    let (asking, agent) = start(&Binaries::find().unwrap(), GRANT);
    let other = Asking::start(&Binaries::find().unwrap(), RULES, "");
    let id = expect(&agent);
    agent.until(&id, |view| view["verdict"] == "residual");
    // Changed, and changed back: the old one works.
    admin(&asking, "ALTER ROLE app_rw PASSWORD 'new7f3a';");
    agent.until(&id, |view| view["credentials"][0]["change"] == "changed");
    admin(&asking, "ALTER ROLE app_rw PASSWORD 'old7f3a';");
    let (ours, theirs) = (asking.cluster.port(), other.cluster.port());
    let view = agent.until(&id, |view| view["verdict"] == "inconclusive");
    let fix = view["gaps"][0]["fix"].as_str().unwrap();
    let dir = asking.cluster.socket_dir().display().to_string();
    assert!(fix.ends_with(&format!("--host {dir} --port {ours}")), "{fix}");
    let (code, said) = probe(&other, &agent, &id, "old7f3a");
    assert_eq!(code, 1, "{said}");
    let tried =
        format!("tried at 127.0.0.1 port {theirs}, and the servers of main are {dir} port {ours}");
    assert!(said.contains(&tried) && said.contains("\"finding\": \"dead\""), "{said}");
    let view = agent.until(&id, |_| true);
    assert_eq!(
        (&view["state"], &view["credentials"][0]["probes"]),
        (&"open".into(), &serde_json::json!([]))
    );
    let (code, said) = probe(&asking, &agent, &id, "old7f3a");
    assert_eq!(code, 2, "the right one says that it works: {said}");
    agent.until(&id, |view| says(view, "is still its password"));
}

#[test]
fn a_full_revocation_beside_it_needs_no_password_to_be_read() {
    let (_asking, agent) = start(&Binaries::find().unwrap(), "CREATE ROLE leaver;");
    let rotation = expect(&agent);
    let full = agent.expect("leaver", &["--account", "leaver"]);
    agent.until(&rotation, |view| view["verdict"] == "inconclusive");
    agent.until(&full, |view| {
        view["gaps"] == serde_json::json!([]) && view["verdict"] == "residual"
            || view["verdict"] == "revoked"
    });
}

#[tokio::test]
async fn an_attestation_is_of_one_password_and_of_a_rotation() {
    let (asking, agent) = start(&Binaries::find().unwrap(), GRANT);
    let id = expect(&agent);
    let full = agent.expect("g", &["--account", "g"]);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    let since = view["credentials"][0]["since"].clone();
    let port = asking.cluster.port();
    let api = Api::of(&agent);
    let dead = serde_json::json!({"sqlstate": "28P01", "routine": "auth_failed"});
    let body = |account: &str, since: &Value, answer: &Value| {
        serde_json::json!({
            "account": account, "credential": since, "answer": answer,
            "path": {"host": "127.0.0.1", "port": port, "transport": "over TCP", "database": null},
        })
    };
    let mut elsewhere = body("app_rw", &since, &dead);
    elsewhere["path"]["host"] = "db2.example".into();
    let send = async |id: &str, body: Value| {
        let path = format!("/api/v1/revocations/{id}/probe");
        ask(api
            .request(Method::POST, &path)
            .header("content-type", "application/json")
            .body(body.to_string()))
        .await
    };
    let wrong = serde_json::json!({"sqlstate": "57P03", "routine": ""});
    let cases = [
        (
            &id[..],
            body("app_rw", &"2020-01-01T00:00:00Z".into(), &dead),
            409,
            "try the old secret again",
        ),
        (&id[..], body("nobody", &since, &dead), 422, "no account of this revocation is nobody"),
        (&id[..], body("app_rw", &since, &wrong), 422, "did not look at the login"),
        (&full[..], body("g", &since, &dead), 409, "only a rotation is"),
        (&id[..], elsewhere, 409, "name it in `instances`"),
    ];
    for (id, body, status, says) in cases {
        let detail = send(id, body).await.problem(status);
        assert!(detail.contains(says), "{detail}");
    }
    let mut more = body("app_rw", &since, &dead);
    more["secret"] = "old7f3a".into();
    send(&id, more).await.problem(422);
    assert_eq!(send("rev_none", body("app_rw", &since, &dead)).await.status, 404);
    let taken = send(&id, body("main/app_rw", &since, &dead)).await;
    assert_eq!((taken.status, taken.json()["finding"].clone()), (200, "dead".into()));
    // Somebody says that it is dead, but it was not changed: no proof.
    let view = agent.until(&id, |view| view["verdict"] == "inconclusive");
    assert!(says(&view, "hr attests at"), "{view:#}");
    admin(&asking, "ALTER ROLE app_rw PASSWORD 'new7f3a';");
    agent.until(&id, |view| says(view, "against an earlier password"));
}

#[test]
fn what_a_rotation_refuses() {
    let (_asking, agent) = start(&Binaries::find().unwrap(), "");
    let add = ["expect", "add", "--user", "x", "--reason", "other"];
    for (more, says) in [
        (&["--kind", "rotation", "--role", "g"][..], "names no roles"),
        (&["--kind", "transfer"][..], "names the service account"),
    ] {
        let (code, _, err) = agent.run(&[&add[..], more].concat());
        assert_eq!(code, 64, "{err}");
        assert!(err.contains(says), "{err}");
    }
    let full = agent.expect("app_rw", &[]);
    let file = agent.dir().join("old");
    std::fs::write(&file, "old7f3a").unwrap();
    let (code, _, err) = run(agent
        .command(&[
            "probe",
            "login",
            "--role",
            "app_rw",
            "--host",
            "127.0.0.1",
            "--revocation",
            &full,
        ])
        .arg("--secret-file")
        .arg(&file));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("only a rotation is about a secret"), "{err}");
}
