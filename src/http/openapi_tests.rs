//! Routes and description are one.

use super::{App, routes};
use axum::Router;
use serde_json::Value;
use std::collections::BTreeSet;

fn description() -> Value {
    serde_json::to_value(super::description()).unwrap()
}

/// What axum holds cannot be asked for, but its debug form has the paths.
fn paths(router: &Router<App>) -> BTreeSet<String> {
    let text = format!("{router:?}");
    text.split('"').filter(|part| part.starts_with('/')).map(str::to_owned).collect()
}

/// What is served, without the paths by which axum finds its fallback.
fn served() -> BTreeSet<String> {
    let (router, _) = routes().split_for_parts();
    let fallback = paths(&Router::new());
    paths(&router).difference(&fallback).cloned().collect()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let description = description();
    let described: BTreeSet<String> =
        description["paths"].as_object().unwrap().keys().cloned().collect();
    assert!(described.contains("/api/v1/revocations/{id}"));
    assert_eq!(served(), described);
    let text = include_str!("../http.rs");
    let api = text.split("pub fn telemetry").next().unwrap();
    assert!(!api.contains(".route("), "add handlers to routes(), with routes!(…)");
}

#[test]
fn it_says_what_it_is() {
    let description = description();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(description["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let mut ids = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{place}");
            assert!(answers.contains_key("400"), "{place}: any query can be wrong");
            let open = ["/openapi.json", "/verify.html"].contains(&path.as_str());
            // Tokens say by their signature who sends them, and are answered as RFC 8935 says.
            let pushed = path == "/api/v1/ssf/events";
            // Slack signs, too, and reads no more than the status.
            let pressed = path == "/api/v1/slack/interactions";
            assert_eq!(
                operation["security"] == serde_json::json!([{}]),
                open || pushed || pressed,
                "{place}"
            );
            for (status, answer) in answers {
                if pushed && status.as_str() <= "400" || pressed && status == "200" {
                    continue;
                }
                let kinds: Vec<_> = answer["content"].as_object().unwrap().keys().collect();
                let problem = kinds == ["application/problem+json"];
                assert_eq!(status.as_str() >= "400", problem, "{place} {status}: {kinds:?}");
            }
            for status in ["401", "500", "503"] {
                let described = !(open || pushed && status == "401");
                assert_eq!(answers.contains_key(status), described, "{place} {status}");
            }
            if pushed {
                let refused = &answers["400"]["content"]["application/json"]["schema"];
                assert_eq!(refused["$ref"], "#/components/schemas/TokenRefused", "{place}");
                assert!(answers["202"]["content"].is_null(), "an empty body");
            }
            assert_eq!(
                path.contains('{'),
                answers.contains_key("404") && path.contains('{'),
                "{place}"
            );
        }
    }
}

/// Two types of one name would be described as one of them.
#[test]
fn types_do_not_take_the_place_of_others() {
    let description = description();
    let schemas = &description["components"]["schemas"];
    assert!(schemas["Asked"]["enum"].is_array(), "what a request asks for: {}", schemas["Asked"]);
    assert!(schemas["LookAskedFor"]["properties"]["asked_at"].is_object());
    assert_eq!(schemas["State"]["enum"][0], "scheduled");
    assert_eq!(schemas["Outcome"]["enum"][0], "accepted", "of a notice");
    assert_eq!(schemas["Hold"]["enum"][0], "unreadable");
    assert!(schemas["ChangeMade"]["properties"]["pending"].is_object());
    assert!(schemas["EventAccepted"]["properties"]["checklist"].is_object());
    assert!(schemas["Deadlines"]["properties"]["login"].is_object());
}

/// Every `$ref` leads somewhere.
#[test]
fn nothing_it_speaks_of_is_missing() {
    let description = description();
    let text = description.to_string();
    let named: BTreeSet<&str> =
        text.split("\"$ref\":\"#/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(named.contains("components/schemas/Problem"), "{named:?}");
    for name in named {
        assert!(description.pointer(&format!("/{name}")).is_some(), "{name}");
    }
}
