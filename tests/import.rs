//! A CSV file of leavers against the real agent: every row has a result, and the same file again changes
//! nothing.

mod common;

use common::agent::Agent;
use common::cluster;
use common::http::{Api, ask, prepared, started};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

/// The file of the manual.
const USERS: &str = "username,reason,revocation_type,preserve_data\n\
                     john.doe,Terminated,full,false\n\
                     jane.smith,Role Change,partial,true\n\
                     bob.jones,Contract Expired,full,false\n";

/// A bit of everything; in lines 3, 6, 7 and 8 something is wrong.
const MIXED: &str = "User;Reason;Kind;Effective At;roles;employee-id;account\r\n\
                     john.doe;Terminated;;;;;\r\n\
                     anna.berg;User terminated;;tomorrow;;E-17;\r\n\
                     anna.berg;User terminated;;;;E-17;\"anna;main/anna_adm\"\r\n\
                     =1+1;left;;;;;\r\n\
                     tom.ng;Role Change;full;;admin;;\r\n\
                     \"ida;left\r\n\
                     kim.lee;left;;;;;nowhere/kim\r\n\
                     anna.berg;User terminated;;;;E-17;anna_old\r\n\
                     john.doe;Terminated;;;;;\r\n";

fn file(agent: &Agent, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = agent.dir().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Exit status and document of an import.
fn import(agent: &Agent, file: &str, more: &[&str]) -> (i32, Value) {
    let path = agent.dir().join(file);
    let mut arguments = vec!["expect", "import", path.to_str().unwrap(), "-o", "json"];
    arguments.extend(more);
    let (code, out, err) = agent.run(&arguments);
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}"));
    let counted: u64 =
        told["counts"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(told["rows"], counted, "every row is counted once");
    assert_eq!(told["results"].as_array().unwrap().len() as u64, counted, "and has a result");
    (code, told)
}

/// Line and status of each row.
fn statuses(told: &Value) -> Vec<String> {
    let rows = told["results"].as_array().unwrap();
    rows.iter().map(|row| format!("{} {}", row["line"], row["status"].as_str().unwrap())).collect()
}

fn ids(told: &Value) -> Vec<Value> {
    told["results"].as_array().unwrap().iter().map(|row| row["revocation"].clone()).collect()
}

fn revocations(agent: &Agent) -> Vec<Value> {
    agent.json(&["expect", "list", "-o", "json"]).as_array().unwrap().clone()
}

#[tokio::test]
async fn the_file_of_the_manual_is_expected_once() {
    let cluster = cluster();
    let mut agent = started(&cluster);
    file(&agent, "users.csv", USERS);
    let (code, first) = import(&agent, "users.csv", &[]);
    assert_eq!(
        (code, statuses(&first)),
        (0, ["2", "3", "4"].map(|n| format!("{n} expected")).to_vec())
    );
    let jane = agent.json(&["expect", "show", ids(&first)[1].as_str().unwrap(), "-o", "json"]);
    assert_eq!((&jane["kind"], &jane["reason"]), (&"partial".into(), &"role_change".into()));
    let records = agent.log().len();

    for time in ["at once", "after a restart"] {
        let (code, again) = import(&agent, "users.csv", &[]);
        assert_eq!(code, 0, "{time}");
        assert_eq!(again["counts"]["already_expected"], 3, "{time}");
        assert_eq!(ids(&again), ids(&first), "{time}");
        assert!(agent.stop().success());
        agent.start();
    }
    // In a longer file, in other words and another order, they are the same rows.
    let longer = "preserve_data;user;kind;reason\nno;john.doe;;Terminated\n;eve;suspend;left\n\
                  1;jane.smith;Partial;Role Change\n";
    file(&agent, "longer.csv", longer);
    let (code, told) = import(&agent, "longer.csv", &[]);
    assert_eq!(code, 0);
    assert_eq!(statuses(&told), ["2 already_expected", "3 expected", "4 already_expected"]);
    assert_eq!((&ids(&told)[0], &ids(&told)[2]), (&ids(&first)[0], &ids(&first)[1]));
    assert_eq!(revocations(&agent).len(), 4);
    assert!(agent.log().len() > records);
    let (code, report) = agent.verify();
    assert!(code == 0 || code == 3, "{report}");
}

#[tokio::test]
async fn one_bad_row_stops_no_other_and_each_has_its_result() {
    let cluster = cluster();
    let agent = started(&cluster);
    let input = file(&agent, "mixed.csv", MIXED);
    let (code, out, err) = agent.run(&["expect", "import", input.to_str().unwrap()]);
    assert_eq!(code, 1, "{err}");
    for says in [
        "9 rows: 3 expected, 1 tightened, 1 already expected, 4 refused",
        "line 3, column `Effective At`: `tomorrow` is not a time",
        "line 6, column `roles`: a full revocation names no roles",
        "line 7: a quote (\") is opened and never closed",
        "line 8, column `account`: there is no target `nowhere`",
        "line 10: the same as line 2",
    ] {
        assert!(out.contains(says), "{says}: {out}");
    }
    assert!(!out.contains("column `/"), "{out}");

    let result = std::fs::read_to_string(agent.dir().join("mixed.result.csv")).unwrap();
    let lines: Vec<_> = result.lines().collect();
    assert_eq!(lines.len(), 10, "{result}");
    assert_eq!(lines[0], "line;username;status;revocation;column;message");
    assert!(lines[2].starts_with("3;anna.berg;refused;;Effective At;\"`tomorrow`"), "{result}");
    assert!(lines[4].starts_with("5;'=1+1;expected;rev_"), "no formula: {result}");
    let of = |line: usize| lines[line].split(';').nth(3).unwrap();
    assert_eq!(of(3), of(8), "line 9 tightened what line 4 made, in this order always");
    assert_eq!(std::fs::read_to_string(&input).unwrap(), MIXED, "the input is as it was");
    assert!(revocations(&agent).iter().any(|view| view["subject"] == "=1+1"), "it is data");

    // The same as CSV on stdout; and what was mended is expected with the next run.
    let (_, shown, summary) = agent.run(&[
        "expect",
        "import",
        input.to_str().unwrap(),
        "-o",
        "csv",
        "--result",
        "/dev/shm/none/x",
    ]);
    assert!(shown.is_empty() && summary.contains("nothing was sent"), "{summary}");
    file(&agent, "mixed.csv", MIXED.replace("tomorrow", "2026-01-01T00:00:00Z"));
    let other = agent.dir().join("other.csv");
    let (code, shown, summary) = agent.run(&[
        "expect",
        "import",
        input.to_str().unwrap(),
        "-o",
        "csv",
        "--result",
        other.to_str().unwrap(),
    ]);
    assert_eq!((code, std::fs::read_to_string(&other).unwrap()), (1, shown), "{summary}");
    assert!(summary.contains("9 rows: 1 tightened, 5 already expected, 3 refused"), "{summary}");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_sends_nothing() {
    let cluster = cluster();
    let agent = started(&cluster);
    for (bytes, says) in [
        (&b""[..], "the file is empty"),
        (b"username,reason,usr\nx,y,z\n", "there is no column `usr`"),
        (b"username\nx\n", "the column reason is missing"),
        (b"\xff\xfeu\0", "UTF-16"),
    ] {
        let path = file(&agent, "bad.csv", bytes);
        let (code, out, err) = agent.run(&["expect", "import", path.to_str().unwrap()]);
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.contains(says) && err.contains("bad.csv: nothing was sent"), "{err}");
    }
    let path = file(&agent, "users.csv", USERS);
    let path = path.to_str().unwrap();
    let (code, _, err) = agent.run(&["expect", "import", path, "--result", path]);
    assert!(code == 1 && err.contains("that is the input"), "{err}");
    let (code, _, err) = agent.run(&["expect", "import", "/nowhere/users.csv"]);
    assert!(code == 1 && err.contains("No such file"), "{err}");
    assert!(revocations(&agent).is_empty());
    assert!(!agent.dir().join("bad.result.csv").exists());
}

#[test]
fn a_dry_run_tells_what_an_import_would_and_sends_nothing() {
    let cluster = cluster();
    let agent = prepared(&cluster, "");
    file(&agent, "mixed.csv", MIXED);
    let (code, told) = import(&agent, "mixed.csv", &["--dry-run"]);
    assert_eq!(code, 1);
    assert_eq!(
        statuses(&told),
        [
            "2 would_be_expected",
            "3 refused",
            "4 would_be_expected",
            "5 would_be_expected",
            "6 refused",
            "7 refused",
            "8 refused",
            "9 would_be_expected",
            "10 already_expected",
        ]
    );
    assert_eq!(told["results"][1]["column"], "Effective At");
    assert_eq!(told["results"][6]["column"], "account");
    file(&agent, "odd.csv", "username,reason,employee_id\na,left,1\na,left,2\nb,left,1\n");
    let (code, told) = import(&agent, "odd.csv", &["--dry-run"]);
    assert_eq!((code, &told["counts"]["would_be_expected"]), (0, &Value::from(3)));
    for (row, says) in [(1, "another employee_id"), (2, "another username")] {
        assert!(told["results"][row]["message"].as_str().unwrap().contains(says), "{told}");
    }
    assert!(agent.dir().join("odd.result.csv").exists());
    assert!(!agent.dir().join("state/revoked.db").exists(), "not even a store was made");
}

#[test]
fn without_an_agent_it_runs_alone() {
    let cluster = cluster();
    let agent = prepared(&cluster, "");
    let rows = (0..200).map(|n| format!("user{n},left")).collect::<Vec<_>>().join("\n");
    file(&agent, "users.csv", format!("username,reason\n{rows}"));
    for status in ["expected", "already_expected"] {
        let (code, told) = import(&agent, "users.csv", &[]);
        assert_eq!((code, &told["counts"][status]), (0, &Value::from(200)), "{told}");
    }
    // A batch of another name is new notices, which here join what is expected.
    let (code, told) = import(&agent, "users.csv", &["--batch", "second"]);
    assert_eq!((code, &told["counts"]["already_expected"]), (0, &Value::from(200)));
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    let users = agent.dir().join("users.csv");
    let (code, out, err) = agent.run(&["expect", "add", "--batch", users.to_str().unwrap()]);
    assert!(code == 0 && out.contains("200 rows: 200 already expected"), "{out}{err}");
}

#[tokio::test]
async fn killed_in_the_middle_and_imported_again_each_row_is_expected_once() {
    const ROWS: usize = 600;
    let cluster = cluster();
    let mut agent = started(&cluster);
    let rows = (0..ROWS).map(|n| format!("user{n},left,E-{n}")).collect::<Vec<_>>().join("\n");
    let path = file(&agent, "users.csv", format!("username,reason,employee_id\n{rows}"));
    let mut command = agent.command(&["expect", "import", path.to_str().unwrap(), "-o", "json"]);
    let import_runs =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // In the middle: some are in the log, and not all can be.
    let triggered = |agent: &Agent| {
        let text = std::fs::read_to_string(agent.log_file()).unwrap();
        text.lines().filter(|line| line.contains(r#""type":"revocation_triggered""#)).count()
    };
    while triggered(&agent) < 20 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    agent.kill();
    let output = import_runs.wait_with_output().unwrap();
    let first: Value = serde_json::from_slice(&output.stdout).unwrap();
    let summary = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{summary}");
    assert!(summary.contains("Run the same command again"), "{summary}");
    assert_eq!(first["results"].as_array().unwrap().len(), ROWS);

    agent.start();
    let (code, second) = import(&agent, "users.csv", &[]);
    assert_eq!(code, 0, "{second}");
    for (before, after) in ids(&first).iter().zip(ids(&second)) {
        assert!(before.is_null() || *before == after, "what was acknowledged stands");
    }
    assert!(agent.stop().success());
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for line in agent.log().iter().filter(|line| line["type"] == "revocation_triggered") {
        *counts.entry(line["what"]["revocation"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let expected: BTreeMap<String, u32> =
        ids(&second).iter().map(|id| (id.as_str().unwrap().to_owned(), 1)).collect();
    assert_eq!(counts, expected, "each of them once, and nothing else");
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
}

#[tokio::test]
async fn the_options_of_the_manual_are_those_of_expect_add() {
    let cluster = cluster();
    let agent = started(&cluster);
    let id = agent.expect(
        "jane",
        &[
            "--employee-id",
            "E-1",
            "--permissions",
            "db.write,api.admin",
            "--preserve-data",
            "--schedule",
            "2099-01-01T00:00:00Z",
            "--time-zone",
            "Europe/Berlin",
            "--ticket",
            "T-1",
        ],
    );
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!((&view["subject"], &view["kind"]), (&"E-1".into(), &"partial".into()));
    assert_eq!(view["state"], "scheduled");
    for wrong in [
        &["expect", "add", "--user", "x"][..],
        &["expect", "add", "--batch", "x.csv", "--user", "x"],
        &["expect", "import"],
    ] {
        assert_eq!(agent.run(wrong).0, 64, "{wrong:?}");
    }
}

#[tokio::test]
async fn an_emergency_of_a_row_is_one() {
    let cluster = cluster();
    let agent = started(&cluster);
    let rows = "username,reason,emergency,effective_at\n\
                john,left,yes,\njane,left,no,2099-01-01\neve,left,yes,2099-01-01\n";
    let path = file(&agent, "urgent.csv", rows);
    let (code, _, err) = agent.run(&["expect", "import", path.to_str().unwrap(), "-o", "json"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("somebody else has to approve"), "{err}");
    let (_, told) = import(&agent, "urgent.csv", &[]);
    assert_eq!(statuses(&told), ["2 already_expected", "3 already_expected", "4 refused"]);
    assert_eq!(told["results"][2]["column"], "emergency");
    let show =
        |n: usize| agent.json(&["expect", "show", ids(&told)[n].as_str().unwrap(), "-o", "json"]);
    let john = show(0);
    assert_eq!(john["emergency"]["overdue"], false, "{john:#}");
    assert_eq!(show(1)["emergency"], Value::Null);
    // Who called it does not approve it; somebody else does.
    let (id, request) = (john["id"].as_str().unwrap(), john["emergency"]["id"].as_str().unwrap());
    let (code, _, err) = agent.run(&["expect", "approve", id, "--request", request]);
    assert!(code == 1 && err.contains("somebody else has to approve"), "{code}: {err}");
    let path = format!("/api/v1/revocations/{id}/approve");
    let body = serde_json::json!({ "request": request }).to_string();
    let asked = Api::of(&agent).request(reqwest::Method::POST, &path).body(body);
    assert_eq!(ask(asked).await.status, 200);
    assert_eq!(show(0)["emergency"]["approved_by"], "hr");
}
