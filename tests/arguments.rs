//! Arguments as people write them: a value that is wrong, a subject in place of an id, a role that nobody has.

mod common;

use common::agent::Agent;
use common::http::prepared;
use common::{cluster, revoked, run};
use serde_json::Value;

#[test]
fn values_that_are_wrong_in_themselves_are_wrong_arguments() {
    let add = ["expect", "add", "--user", "x", "--reason", "other"];
    for (more, says) in [
        (["--effective", "tomorrow"], "write it as 2026-03-05T17:00:00+01:00"),
        (["--deadline", "5"], "or a duration as 15m"),
        (["--time-zone", "Berlin"], "write it as Europe/Berlin"),
        (["--kind", "everything"], "it is none of full, suspend, partial, rotation"),
    ] {
        let (code, _, err) = run(revoked().args(add).args(more));
        assert_eq!(code, 64, "{more:?}: {err}");
        assert!(err.contains(says), "{more:?}: {err}");
    }
    let (code, _, err) = run(revoked().args(["check", ""]));
    assert_eq!(code, 64, "{err}");
    let (code, _, err) = run(revoked().args(["verify", "x", "--max-age", "15"]));
    assert_eq!(code, 64, "{err}");
    assert!(err.contains("write it as 30s, 15m, 4h or 400d"), "{err}");
    let (code, _, err) = run(revoked().args(["verify"]));
    assert_eq!(code, 64);
    assert!(err.contains("--proof FILE"), "both ways to use it: {err}");
}

#[test]
fn who_is_named_twice_is_answered_once() {
    let cluster = cluster();
    let url = cluster.url("postgres", "postgres");
    let (_, out, err) =
        run(revoked()
            .args(["check", "-o", "json", "--target", &url, "nobody", "postgres", "nobody"]));
    let report: Value = serde_json::from_str(&out).expect(&err);
    let subjects = report["subjects"].as_array().unwrap().iter();
    assert_eq!(
        subjects.map(|one| one["subject"].as_str().unwrap()).collect::<Vec<_>>(),
        ["nobody", "postgres"]
    );
}

#[test]
fn a_subject_in_place_of_an_id_and_what_a_notice_leaves_open() {
    let cluster = cluster();
    let mut agent: Agent = prepared(&cluster, "");
    agent.start();
    let add = |more: &[&str]| {
        let (code, out, err) =
            agent.run(&[&["expect", "add", "-o", "json", "--user", "EMP-9"], more].concat());
        assert_eq!(code, 0, "{err}");
        let id = serde_json::from_str::<Value>(&out).unwrap()["id"].as_str().unwrap().to_owned();
        (id, err)
    };
    let (full, said) = add(&["--account", "x", "--reason", "terminated"]);
    assert_eq!(said, "", "nothing is left open");
    let shown = agent.json(&["expect", "show", "EMP-9", "-o", "json"]);
    assert_eq!(shown["id"], full.as_str());
    let (code, by_subject, err) = agent.run(&["log", "prove", "EMP-9"]);
    assert_eq!(code, 0, "{err}");
    let proof = agent.dir().join("case.tlog-proof");
    std::fs::write(&proof, by_subject).unwrap();
    let key = agent.dir().join("log.vkey");
    let (code, out, _) =
        run(revoked().arg("verify").arg("--proof").arg(&proof).arg("--key").arg(&key));
    assert_eq!(code, 0, "{out}");
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("a full revocation is expected, reason terminated; told by uid:"),
        "{out}"
    );

    let (partial, said) = add(&["--kind", "partial", "--reason", "moved abroad"]);
    assert!(
        said.contains("`moved abroad` is none that is known, so it counts as `other`"),
        "{said}"
    );
    assert!(said.contains("which roles or permissions must be gone?"), "{said}");
    assert!(said.contains(&format!("expect amend {partial} --role ROLE")), "{said}");
    for command in [&["expect", "show", "EMP-9"][..], &["log", "prove", "EMP-9"]] {
        let (code, out, err) = agent.run(command);
        assert_eq!((code, out.as_str()), (64, ""), "{command:?}: {err}");
        assert!(err.contains("EMP-9 has 2 revocations"), "{err}");
        assert!(err.contains(&full) && err.contains(&partial), "{err}");
    }
    let (code, _, err) = agent.run(&["expect", "show", "EMP-none"]);
    assert_eq!(code, 1);
    assert!(err.contains("no subject EMP-none has one"), "{err}");
    let (code, out, _) = agent.run(&["check", "nosuch"]);
    assert_eq!(code, 3);
    assert!(
        out.contains("no role is called nosuch") && out.contains("as pg_roles has it"),
        "{out}"
    );
    let dir = agent.dir().join("state/log");
    let (code, _, err) = agent.run(&["log", "prove", "EMP-9", "--dir", dir.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(err.contains("the log's files name no subject"), "{err}");
}
