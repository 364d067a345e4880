//! The description of the API, held against the real agent: by hand, and by schemathesis.

mod common;

use common::agent::TOKEN;
use common::cluster;
use common::http::{Api, ask, started};
use reqwest::Method;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

const DESCRIPTION: &str = "/openapi.json";

/// Where `scripts/setup test` puts it.
fn schemathesis() -> PathBuf {
    common::tools().join("schemathesis/bin/schemathesis")
}

#[tokio::test]
async fn it_is_served_to_everybody_and_printed_without_an_agent() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let served = ask(api.anonymous(Method::GET, DESCRIPTION)).await;
    assert_eq!((served.status, served.header("content-type")), (200, "application/json"));
    assert_eq!(served.json(), agent.json(&["openapi"]));
    for secret in ["127.0.0.1", "revoked_agent", TOKEN] {
        assert!(!served.text.contains(secret), "{secret}");
    }
}

/// A method that is described is answered, one that is not is refused, with those that are.
#[tokio::test]
async fn every_method_is_described_or_refused() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let description = api.get(DESCRIPTION).await.json();
    for (path, item) in description["paths"].as_object().unwrap() {
        let address = path.replace("{id}", "rev_1");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"] {
            let described = item.get(method.to_lowercase()).is_some();
            let request = api.request(Method::from_bytes(method.as_bytes()).unwrap(), &address);
            let answer = ask(request).await;
            assert_eq!(answer.status == 405, !described, "{method} {path}: {answer:?}");
            if !described {
                answer.problem(405);
                let mut allowed: Vec<_> = answer.header("allow").split(',').collect();
                allowed.retain(|method| *method != "HEAD");
                let mut known: Vec<_> =
                    item.as_object().unwrap().keys().map(String::as_str).collect();
                known.sort_unstable();
                let mut allowed: Vec<_> =
                    allowed.iter().map(|method| method.to_lowercase()).collect();
                allowed.sort();
                assert_eq!(allowed, known, "{method} {path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing() {
    let tool = schemathesis();
    assert!(tool.exists(), "schemathesis is not at {}; run scripts/setup test", tool.display());
    let cluster = cluster();
    let agent = started(&cluster);
    for subject in ["john", "jane"] {
        agent.expect(subject, &["--ticket", "T-1"]);
    }
    let place = tempfile::tempdir().unwrap();
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/schemathesis.toml");
    let output = Command::new(tool)
        .current_dir(&place)
        .args(["--config-file", config, "run"])
        .arg(format!("http://127.0.0.1:{}{DESCRIPTION}", agent.api))
        .env("REVOKED_TOKEN", TOKEN)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/hooks.py"))
        .env("NO_PROXY", "*")
        .env_remove("PYTHONPATH")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let erred = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{erred}");
    let tested: Value = Api::of(&agent).get("/api/v1/revocations?limit=1").await.json();
    assert!(tested["next"].is_string(), "it made revocations: {tested}");
    assert_eq!(agent.verify().0, 0, "the log is whole after all of it");
}
