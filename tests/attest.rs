//! `revoked attest`, and what goes into a ticket: of the real agent and a real server.

mod common;

use common::http::{Api, ask, prepared};
use common::{cluster, sql};
use reqwest::Method;
use serde_json::Value;

#[tokio::test]
async fn a_period_is_attested_without_confluence_and_a_ticket_can_be_closed() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN; CREATE ROLE jane LOGIN;");
    let mut agent = prepared(&cluster, "");
    agent.start();
    let id = agent.expect("john", &["--ticket", "SEC-42"]);
    let other = agent.expect("jane", &[]);
    agent.until(&other, |view| view["verdict"] == "residual");
    let (code, out, err) = agent.run(&["expect", "show", &id, "--closure"]);
    assert!(code == 2 && out.is_empty() && err.contains("nothing to close"), "{code} {out} {err}");
    sql(&cluster, "postgres", "postgres", "DROP ROLE john;");
    agent.until_state(&id, "verified");

    let (code, text, err) = agent.run(&["expect", "show", &id, "--closure"]);
    assert_eq!(code, 0, "{err}");
    for says in
        ["Ticket: SEC-42", "nothing remains of this access", "revoked log prove", "Record: line "]
    {
        assert!(text.contains(says), "{text}");
    }
    // The line that it names is the one.
    let line: usize =
        text.split("Record: line ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let log = agent.log();
    assert_eq!(log[line]["type"], "verification_completed");
    assert_eq!(log[line]["what"]["revocation"], id.as_str());
    let (code, list, err) = agent.run(&["expect", "show", &other, "--checklist"]);
    assert_eq!(code, 0, "{err}");
    assert!(list.contains("- [ ] Login is off: 1 finding"), "{list}");
    let (code, _, err) = agent.run(&["expect", "show", "chk_none", "--checklist"]);
    assert!(code == 1 && err.contains("no checklist"), "{code} {err}");

    let from = "2026-01-01T00:00:00Z";
    let (code, out, err) = agent.run(&["attest", "--from", from, "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(made["population"]["opened"], 2, "{made:#}");
    assert_eq!(
        (&made["outcome"]["at_end"]["verified"], &made["outcome"]["at_end"]["open"]),
        (&1.into(), &1.into())
    );
    assert_eq!(made["timeliness"], serde_json::json!([]), "their deadlines are to come: {made:#}");
    let of = |id: &str| {
        let all = made["revocations"].as_array().unwrap();
        all.iter().find(|one| one["id"] == id).unwrap().clone()
    };
    assert_eq!(of(&id)["goals"][0]["met"], "in_time");
    assert_eq!(of(&other)["goals"][0]["met"], "not_due");
    assert_eq!(made["log"]["starts"], 1);
    assert_eq!(made["log"]["first"], 0);
    let said = made["not_known"].to_string();
    assert!(said.contains("The log begins at"), "{said}");
    assert!(!out.contains("john") && !out.contains("jane"), "{out}");
    let (code, out, _) = agent.run(&["attest", "--from", from, "--time-zone", "Europe/Berlin"]);
    assert!(code == 0 && out.starts_with("Access revocation attestation: 2026-01-01 to "), "{out}");
    assert!(out.contains("Opened in the period:             2") && out.contains("CET"), "{out}");
    let file = agent.dir().join("page.html");
    let file = file.to_str().unwrap();
    let (code, _, err) = agent.run(&["attest", "--from", from, "--format", "html", "-o", file]);
    assert_eq!(code, 0, "{err}");
    assert!(std::fs::read_to_string(file).unwrap().starts_with("<!doctype html>"));
    let (_, out, _) = agent.run(&["attest", "--from", from, "--format", "csv"]);
    assert_eq!(out.lines().count(), 3, "{out}");

    for (arguments, code, says) in [
        (&["attest"][..], 64, "--name"),
        (&["attest", "--to", from], 64, "--from"),
        (&["attest", "--from", "yesterday"], 64, "is not an instant"),
        (&["attest", "--name", "weekly"], 1, "no attestation weekly"),
        (&["attest", "--from", "2999-01-01T00:00:00Z"], 1, "from: it is not before"),
        (
            &["attest", "--from", from, "--to", "2999-01-01T00:00:00Z"],
            1,
            "to: it lies in the future",
        ),
    ] {
        let (ended, out, err) = agent.run(arguments);
        assert!(
            ended == code && err.contains(says) && out.is_empty(),
            "{arguments:?}: {ended} {out} {err}"
        );
    }
    let api = Api::of(&agent);
    for (path, status) in [
        ("/api/v1/attestation", 400),
        ("/api/v1/attestation?name=weekly", 404),
        ("/api/v1/attestation?from=soon", 400),
        ("/api/v1/attestation?from=2026-01-01T00:00:00Z&week=1", 400),
    ] {
        ask(api.request(Method::GET, path)).await.problem(status);
    }
    // Alone, without an agent, it is the same.
    agent.stop();
    let (code, out, err) = agent.run(&["attest", "--from", from, "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let alone: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(alone["population"], made["population"]);
    let (code, out, err) = agent.run(&["expect", "show", &id, "--closure"]);
    assert!(code == 0 && out.contains("SEC-42"), "{err}");
}
