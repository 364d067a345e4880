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

/// Of every argument that is looked at: before any file is read, and before anybody is asked.
#[test]
fn whatever_is_wrong_in_itself_is_a_wrong_argument() {
    let request = |more: &[&'static str]| {
        [&["exception", "request", "grace", "x", "--why", "y"], more].concat()
    };
    let add = |more: &[&'static str]| {
        [&["expect", "add", "--user", "x", "--reason", "other"], more].concat()
    };
    let login = |more: &[&'static str]| {
        [&["probe", "login", "--secret-file", "f", "--host", "h"], more].concat()
    };
    let time = "write it as 2026-03-05T17:00:00+01:00";
    for (arguments, says) in [
        (request(&["--until", "2026-11-31"]), time),
        (request(&["--for", "7"]), "write it as 30s, 15m, 4h or 400d"),
        (request(&["--until", "2026-11-30", "--time-zone", "Berlin"]), "Europe/Berlin"),
        (request(&["--review-at", "soon"]), time),
        (request(&["--account", ""]), "a name has 1 to 1000 bytes"),
        (vec!["exception", "request", "grace", "x", "--why", ""], "1 to 1000 bytes of text"),
        (vec!["exception", "request", "grace", " x", "--why", "y"], "no blanks at its beginning"),
        (vec!["expect", "add", "--user", "x", "--reason", ""], "1 to 1000 bytes of text, not 0"),
        (vec!["expect", "add", "--user", " ", "--reason", "other"], "not 1 blanks"),
        (add(&["--employee-id", ""]), "1 to 1000 bytes"),
        (add(&["--kind", "transfer"]), "--account: a transfer names the service account"),
        (
            add(&["--kind", "transfer", "--account", "svc", "--new-owner", "x"]),
            "--new-owner: somebody else",
        ),
        (add(&["--new-owner", "y"]), "--new-owner: a full revocation has no new owner"),
        (add(&["--kind", "full", "--role", "r"]), "--role: a full revocation names no roles"),
        (add(&["--role", "r", "--require", "r"]), "--require: r cannot be gone and be there"),
        (add(&["--kind", "transfer", "--dry-run"]), "--account: a transfer names"),
        (add(&["--permissions", "a,,b"]), "a name has 1 to 1000 bytes"),
        (add(&["--ticket", ""]), "1 to 1000 bytes"),
        (add(&["--event-id", "é"]), "signs of ASCII"),
        (add(&["--extend", "soon"]), "400d"),
        (
            vec!["expect", "amend", "LATER", "--account", "x"],
            "it wants the id of a revocation, rev_…, as `revoked expect list` shows it",
        ),
        (vec!["expect", "amend", "rev_1", "--why", " "], "1 to 1000 bytes"),
        (vec!["expect", "show", ""], "1 to 1000 bytes"),
        (vec!["expect", "recheck", ""], "1 to 1000 bytes"),
        (vec!["expect", "link", "x", ""], "a name has"),
        (vec!["expect", "unlink", "x", "r", "--cluster", "main"], "--cluster"),
        (vec!["expect", "erase", "", "--basis", "retention"], "1 to 1000 bytes"),
        (vec!["webhook", "dismiss", "ntc_1", "--reason", ""], "1 to 1000 bytes"),
        (vec!["outbox", "drop", ""], "1 to 1000 bytes"),
        (vec!["campaign", "confirm", "app", ""], "1 to 1000 bytes"),
        (vec!["campaign", "sweep", ""], "1 to 1000 bytes"),
        (vec!["plan", "x", "--reassign-to", ""], "a name has"),
        (login(&["--role", ""]), "a name has"),
        (login(&["--role", "r", "--revocation", "LATER"]), "rev_…"),
        (vec!["init", "/nonexistent/x", "--origin", "a b"], "no space, no + and"),
        (vec!["init", "/nonexistent/x", "--target", "hush"], "write it as NAME=URL"),
        (
            vec![
                "init",
                "--grants-only",
                "--target",
                "a=postgres://h/d",
                "--target",
                "b=postgres://h/d",
            ],
            "give one --target",
        ),
        (vec!["key", "generate", "/nonexistent/x", "--origin", "a b"], "no space, no + and"),
        (vec!["verify", "x", "--max-age", "400000000d"], "no clock counts that far"),
    ] {
        refused(&arguments, says);
    }
}

#[test]
fn an_id_of_another_kind_is_a_wrong_argument() {
    for (arguments, says) in [
        (&["exception", "approve", "LATER"][..], "the id of an exception, exc_…"),
        (&["exception", "list", "--revocation", "LATER"], "the id of a revocation, rev_…"),
        (&["expect", "withdraw", "LATER"], "rev_…"),
        (&["expect", "approve", "rev_1", "--request", "LATER"], "the id of a request, req_…"),
        (&["expect", "attest", "LATER", "devices"], "rev_…"),
        (&["expect", "list", "--checklist", "LATER"], "the id of a checklist, chk_…"),
        (&["webhook", "retry", "evt_1"], "the id of a notice, ntc_…"),
        (&["log", "export", "dir", "--revocation", "LATER"], "rev_…"),
    ] {
        refused(arguments, says);
    }
}

fn refused(arguments: &[&str], says: &str) {
    let (code, out, err) = run(revoked().args(arguments).env("REVOKED_CONFIG", "/nonexistent"));
    assert_eq!((code, out.as_str()), (64, ""), "{arguments:?}: {err}");
    assert!(err.contains(says) && !err.contains("hush"), "{arguments:?}: {err}");
}

/// What only a file, an address or the agent tells is no wrong argument.
#[test]
fn what_only_others_can_tell_is_no_wrong_argument() {
    for (arguments, says) in [
        (&["expect", "list", "--url", "hush"][..], "write it as https://agent.example:7390"),
        (&["check", "--target", "mysql://h/d", "x"], "--target is not a usable connection URL"),
        (&["verify", "/nonexistent"], "/nonexistent"),
    ] {
        let (code, out, err) =
            run(revoked().args(arguments).env("REVOKED_TOKEN", "x").env("REVOKED_CONFIG", "/none"));
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}: {err}");
        assert!(err.contains(says) && !err.contains("hush"), "{arguments:?}: {err}");
    }
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
    let dry = ["expect", "add", "--dry-run", "--reason", "other", "--user", "EMP-9"];
    let (code, _, err) = agent.run(&[&dry[..], &["--account", "main/nosuch"]].concat());
    assert!(code == 0 && err.contains("no target has a role `main/nosuch`"), "{err}");
    let (code, _, err) = agent.run(&[&dry[..], &["--account", "postgres"]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    let exported = agent.dir().join("evidence");
    let exported = exported.to_str().unwrap();
    assert_eq!(agent.run(&["log", "export", exported]).0, 0);
    let (code, _, err) = agent.run(&["verify", exported]);
    assert!(code == 1 && err.contains(&format!("{exported}/log does: give that")), "{err}");
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
