//! The drop folder with the real agent: whole files only, each row once, nothing overwritten, nothing lost by a kill.

mod common;

use common::agent::{Agent, PATIENCE};
use common::cluster;
use common::http::prepared;
use revoked::throwaway::Cluster;
use serde_json::Value;
use sqlx::{Connection as _, Executor as _};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{chown, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

const USERS: &str = "username,reason\njohn.doe,Terminated\njane.smith,left\n";

/// An agent with an inbox, started.
fn started(more: &str) -> (Cluster, Agent) {
    let cluster = cluster();
    let inbox = format!("inbox: {{dir: drop, source: hr, {more}}}");
    let mut agent = prepared(&cluster, &inbox);
    std::fs::create_dir(agent.dir().join("drop")).unwrap();
    agent.start();
    (cluster, agent)
}

fn at(agent: &Agent, name: &str) -> PathBuf {
    agent.dir().join("drop").join(name)
}

/// Renames a whole file into the folder.
fn put(agent: &Agent, name: &str, text: impl AsRef<[u8]>) {
    let temporary = at(agent, &format!(".{name}.tmp"));
    std::fs::write(&temporary, text).unwrap();
    std::fs::rename(temporary, at(agent, name)).unwrap();
}

fn text(agent: &Agent, name: &str) -> String {
    std::fs::read_to_string(at(agent, name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn until(what: &str, agent: &Agent, wanted: impl Fn() -> bool) {
    let begun = Instant::now();
    while !wanted() {
        assert!(begun.elapsed() < PATIENCE, "never {what}: {}", agent.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits for the result file `name`, which comes last, and gives its lines.
fn result(agent: &Agent, name: &str) -> Vec<String> {
    let name = format!("{name}.result.csv");
    until(&name, agent, || at(agent, &name).exists());
    text(agent, &name).lines().map(str::to_owned).collect()
}

fn names(agent: &Agent, dir: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(at(agent, dir)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "done" && name != "rejected").collect()
}

fn revocations(agent: &Agent) -> Vec<Value> {
    agent.json(&["expect", "list", "-o", "json"]).as_array().unwrap().clone()
}

fn triggered(agent: &Agent) -> usize {
    let text = std::fs::read_to_string(agent.log_file()).unwrap();
    text.lines().filter(|line| line.contains(r#""type":"revocation_triggered""#)).count()
}

#[tokio::test]
async fn files_are_read_moved_and_answered_row_by_row() {
    let (_cluster, agent) = started("settle: 1s");
    let begun = Instant::now();
    put(&agent, "users.csv", USERS);
    let lines = result(&agent, "done/users.csv");
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "what is renamed into its place is read at once"
    );
    assert_eq!(lines[0], "line,username,status,revocation,column,message");
    assert!(lines[1].starts_with("2,john.doe,expected,rev_"), "{lines:?}");
    assert_eq!((lines.len(), text(&agent, "done/users.csv").as_str()), (3, USERS));
    let first = revocations(&agent);
    assert_eq!(first.len(), 2);
    let id = first[0]["id"].as_str().unwrap();
    assert_eq!(agent.json(&["expect", "show", id, "-o", "json"])["source"], "inbox:hr");

    // The same name again, as JSON, with what is known, what is new and what is wrong; nothing is overwritten.
    put(&agent, "users.csv", USERS);
    let again = result(&agent, "done/users.1.csv");
    assert!(again[1].starts_with("2,john.doe,already_expected,rev_"), "{again:?}");
    assert_eq!(text(&agent, "done/users.csv.result.csv").lines().count(), 3);
    put(
        &agent,
        "more.json",
        r#"[{"username":"=1+1","reason":"left"},{"username":"x","reason":"left","effective_at":"tomorrow"},
            {"username":"y","reason":"left","usr":1},{"username":"kim","reason":"left","account":"nowhere/kim"}]"#,
    );
    let mixed = result(&agent, "rejected/more.json");
    assert!(mixed[1].starts_with("1,'=1+1,expected,rev_"), "no formula: {mixed:?}");
    assert!(mixed[2].starts_with("2,x,refused,,effective_at,"), "{mixed:?}");
    assert!(mixed[3].contains("unknown field `usr`"), "{mixed:?}");
    assert!(mixed[4].contains("there is no target `nowhere`"), "{mixed:?}");
    put(&agent, "one.json", r#"{"username":"one","reason":"left","event_id":"e-1"}"#);
    assert!(result(&agent, "done/one.json")[1].starts_with("1,one,expected,"));
    put(&agent, "other.json", r#"{"username":"two","reason":"left","event_id":"e-1"}"#);
    let differs = result(&agent, "rejected/other.json");
    assert!(differs[1].starts_with("1,two,refused,,event_id,"), "{differs:?}");
    for (name, body, says) in [
        ("notes.txt", "hello", "neither in .csv nor in .json"),
        ("bad.csv", "username,usr\nx,y\n", "there is no column `usr`"),
        ("bad.json", "username,reason", "no JSON"),
        ("cut.json", "[{", "ends in the middle"),
        ("empty.csv", "", "the file is empty"),
    ] {
        put(&agent, name, body);
        let lines = result(&agent, &format!("rejected/{name}"));
        assert!(
            lines[1].starts_with("0,,refused,") && lines[1].contains(says),
            "{name}: {lines:?}"
        );
    }
    assert_eq!(revocations(&agent).len(), 4);
    assert!(names(&agent, "").is_empty(), "{:?}", names(&agent, ""));
    agent.until_metrics(&[
        "access_revocation_inbox_files_total{outcome=\"done\"} 3",
        "access_revocation_inbox_files_total{outcome=\"rejected\"} 7",
        "access_revocation_inbox_files_total{outcome=\"later\"} 0",
        "access_revocation_inbox_rows_total{outcome=\"expected\"} 4",
        "access_revocation_inbox_rows_total{outcome=\"already_expected\"} 2",
        "access_revocation_inbox_rows_total{outcome=\"refused\"} 4",
        "access_revocation_inbox_waiting_files 0",
        "access_revocation_inbox_oldest_file_age_seconds 0",
        "access_revocation_inbox_readable 1",
    ]);
    let (_, report, _) = agent.run(&["doctor", "-o", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let inbox = report["sections"].as_array().unwrap().iter().find(|one| one["about"] == "inbox");
    let facts = &inbox.unwrap()["facts"];
    assert_eq!((&facts["waiting"], &facts["rejected"]), (&0.into(), &7.into()), "{facts}");
}

#[tokio::test]
async fn what_is_still_written_is_not_read() {
    let (_cluster, agent) = started("settle: 5s");
    for name in ["a.csv.tmp", "b.csv.part", "c.csv.filepart", ".d.csv"] {
        std::fs::write(at(&agent, name), USERS).unwrap();
    }
    // A slow writer: some lines, cut anywhere, less apart than a file has to be quiet for.
    let mut file = std::fs::File::create(at(&agent, "slow.csv")).unwrap();
    let mut rows = String::from("username,reason\n");
    for number in 0..40 {
        let _ = writeln!(rows, "user{number},left");
    }
    for piece in rows.as_bytes().chunks(60) {
        file.write_all(piece).unwrap();
        file.sync_all().unwrap();
        std::thread::sleep(Duration::from_millis(400));
        assert!(at(&agent, "slow.csv").exists(), "it was taken in the middle");
        assert_eq!(triggered(&agent), 0);
    }
    drop(file);
    let lines = result(&agent, "done/slow.csv");
    assert_eq!(lines.len(), 41, "all of it: {lines:?}");
    // JSON that ends in the middle is waited for, also when it is quiet.
    std::fs::write(at(&agent, "late.json"), r#"[{"username":"late","#).unwrap();
    std::fs::write(at(&agent, "none.csv"), "").unwrap();
    std::thread::sleep(Duration::from_secs(8));
    assert!(at(&agent, "late.json").exists() && at(&agent, "none.csv").exists());
    agent.until_metrics(&["access_revocation_inbox_waiting_files 2"]);
    std::fs::write(at(&agent, "late.json"), r#"[{"username":"late","reason":"left"}]"#).unwrap();
    assert_eq!(result(&agent, "done/late.json").len(), 2);
    assert_eq!(
        names(&agent, "").into_iter().collect::<Vec<_>>(),
        [".d.csv", "a.csv.tmp", "b.csv.part", "c.csv.filepart", "none.csv"]
    );
}

#[tokio::test]
async fn a_missed_event_is_caught_by_the_next_reading() {
    let (_cluster, agent) = started("settle: 1s, events: false, scan: 1s");
    put(&agent, "users.csv", USERS);
    assert_eq!(result(&agent, "done/users.csv").len(), 3);
    std::fs::write(at(&agent, "more.csv"), "username,reason\nkim,left\n").unwrap();
    assert_eq!(result(&agent, "done/more.csv").len(), 2);
    assert_eq!(revocations(&agent).len(), 3);
    // A folder that goes away and comes back, as a mount does.
    std::fs::rename(agent.dir().join("drop"), agent.dir().join("away")).unwrap();
    agent.until_metrics(&["access_revocation_inbox_readable 0"]);
    std::fs::rename(agent.dir().join("away"), agent.dir().join("drop")).unwrap();
    put(&agent, "third.csv", "username,reason\nann,left\n");
    assert_eq!(result(&agent, "done/third.csv").len(), 2);
    agent.until_metrics(&["access_revocation_inbox_readable 1"]);
}

#[tokio::test]
async fn killed_in_the_middle_of_a_file_each_row_is_expected_once() {
    const ROWS: usize = 600;
    let (_cluster, mut agent) = started("settle: 1s");
    let rows = (0..ROWS).map(|n| format!("user{n},left,E-{n}")).collect::<Vec<_>>().join("\n");
    put(&agent, "users.csv", format!("username,reason,employee_id\n{rows}"));
    for kills in 1..4 {
        until("some rows", &agent, || triggered(&agent) >= 20 * kills);
        agent.kill();
        assert!(at(&agent, "users.csv").exists(), "it stays until every row has an answer");
        assert!(names(&agent, "done").is_empty());
        agent.start();
    }
    let lines = result(&agent, "done/users.csv");
    assert_eq!(lines.len(), ROWS + 1);
    let ids: BTreeSet<&str> =
        lines[1..].iter().map(|line| line.split(',').nth(3).unwrap()).collect();
    assert_eq!(ids.len(), ROWS, "each row has a revocation of its own");
    assert!(names(&agent, "").is_empty());
    assert!(agent.stop().success());
    let log = agent.log();
    let of = |line: &Value| line["what"]["revocation"].as_str().unwrap().to_owned();
    let logged: Vec<String> =
        log.iter().filter(|line| line["type"] == "revocation_triggered").map(of).collect();
    let unique: BTreeSet<&str> = logged.iter().map(String::as_str).collect();
    assert_eq!((logged.len(), unique), (ROWS, ids), "each of them once, and nothing else");
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
}

#[tokio::test]
async fn killed_between_the_moves_the_result_is_put_right() {
    let (_cluster, mut agent) = started("settle: 1s");
    put(&agent, "users.csv", USERS);
    let lines = result(&agent, "done/users.csv");
    agent.kill();
    // As it is when the file moved and its result had no name yet; and when the file had not moved.
    std::fs::rename(
        at(&agent, "done/users.csv.result.csv"),
        at(&agent, "done/.users.csv.result.csv.pending"),
    )
    .unwrap();
    std::fs::write(at(&agent, "more.csv"), "username,reason\nkim,left\n").unwrap();
    std::fs::write(at(&agent, "done/.more.csv.result.csv.pending"), "half").unwrap();
    agent.start();
    assert_eq!(result(&agent, "done/users.csv"), lines);
    assert_eq!(result(&agent, "done/more.csv").len(), 2);
    let done: Vec<_> = names(&agent, "done").into_iter().collect();
    assert_eq!(done, ["more.csv", "more.csv.result.csv", "users.csv", "users.csv.result.csv"]);
}

#[tokio::test]
async fn what_is_no_plain_file_of_those_who_may_is_refused() {
    let (_cluster, agent) = started("settle: 1s, owners: [nobody, 12345]");
    let secret = agent.dir().join("secret.csv");
    std::fs::write(&secret, "username,reason\nsecret,left\n").unwrap();
    symlink(&secret, at(&agent, "link.csv")).unwrap();
    std::fs::hard_link(&secret, at(&agent, "hard.csv")).unwrap();
    std::fs::create_dir(at(&agent, "dir.csv")).unwrap();
    let fifo = Command::new("mkfifo").arg(at(&agent, "fifo.csv")).status().unwrap();
    assert!(fifo.success());
    let mut refused = vec![
        ("link.csv", "symbolic link"),
        ("hard.csv", "hard link"),
        ("dir.csv", "a directory"),
        ("fifo.csv", "a FIFO"),
    ];
    let own = std::fs::metadata("/proc/self").unwrap();
    let root = std::os::unix::fs::MetadataExt::uid(&own) == 0;
    if root {
        for (name, owner) in [("foreign.csv", 4321), ("named.csv", 65534), ("number.csv", 12345)] {
            let temporary = at(&agent, &format!(".{name}"));
            std::fs::write(&temporary, format!("username,reason\n{name},left\n")).unwrap();
            chown(&temporary, Some(owner), None).unwrap();
            std::fs::rename(temporary, at(&agent, name)).unwrap();
        }
        refused.push(("foreign.csv", "inbox.owners"));
    }
    for (name, says) in refused {
        let lines = result(&agent, &format!("rejected/{name}"));
        assert!(lines[1].contains(says), "{name}: {lines:?}");
    }
    let expected = if root { 2 } else { 0 };
    if root {
        assert_eq!(result(&agent, "done/named.csv").len(), 2);
        assert_eq!(result(&agent, "done/number.csv").len(), 2);
    }
    assert_eq!(revocations(&agent).len(), expected, "nothing of the others was read");
    assert!(secret.exists() && names(&agent, "").is_empty());
}

#[tokio::test]
async fn while_the_store_is_away_the_file_stays() {
    let (_cluster, agent) = started("settle: 1s");
    let url = format!("sqlite://{}", agent.dir().join("state/revoked.db").display());
    let mut locker = sqlx::SqliteConnection::connect(&url).await.unwrap();
    locker.execute("BEGIN EXCLUSIVE").await.unwrap();
    put(&agent, "users.csv", USERS);
    until("a file that is left for later", &agent, || {
        let metrics = agent.get("/metrics").unwrap();
        !metrics.contains("access_revocation_inbox_files_total{outcome=\"later\"} 0")
    });
    assert!(at(&agent, "users.csv").exists() && names(&agent, "done").is_empty());
    agent.until_metrics(&["access_revocation_inbox_waiting_files 1"]);
    locker.execute("ROLLBACK").await.unwrap();
    assert_eq!(result(&agent, "done/users.csv").len(), 3);
    assert_eq!(triggered(&agent), 2);
    assert!(agent.stderr().contains("stays where it is"), "{}", agent.stderr());
}

#[tokio::test]
async fn the_inbox_comes_and_goes_with_the_configuration() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    agent.start();
    assert!(!agent.get("/metrics").unwrap().contains("access_revocation_inbox_readable"));
    std::fs::create_dir(agent.dir().join("drop")).unwrap();
    let before = std::fs::read_to_string(agent.config()).unwrap();
    let with = format!("{before}inbox: {{dir: drop, source: hr, settle: 1s}}\n");
    std::fs::write(agent.config(), with).unwrap();
    agent.until_metrics(&["access_revocation_inbox_readable 1"]);
    put(&agent, "users.csv", USERS);
    assert_eq!(result(&agent, "done/users.csv").len(), 3);
    std::fs::write(agent.config(), before).unwrap();
    until("no inbox", &agent, || {
        !agent.get("/metrics").unwrap().contains("access_revocation_inbox_readable")
    });
    put(&agent, "more.csv", USERS);
    std::thread::sleep(Duration::from_secs(2));
    assert!(at(&agent, "more.csv").exists());
    let status = agent.stop();
    assert!(status.success(), "{}", agent.stderr());
}

#[tokio::test]
async fn a_row_that_comes_again_is_looked_at_or_refused() {
    let cluster = cluster();
    let more = "approvals: single\ninbox: {dir: drop, source: hr, settle: 1s}";
    let mut agent = prepared(&cluster, more);
    std::fs::create_dir(agent.dir().join("drop")).unwrap();
    agent.start();
    let rows = "username,reason,account\nold,left,nobody_1\nkept,left,nobody_2\n";
    put(&agent, "users.csv", rows);
    let first = result(&agent, "done/users.csv");
    let id = |line: &str| line.split(',').nth(3).unwrap().to_owned();
    let (old, kept) = (id(&first[1]), id(&first[2]));
    let (code, out, err) = agent.run(&["expect", "withdraw", &kept, "--why", "by mistake"]);
    assert_eq!(code, 0, "{out}{err}");
    agent.until_state(&kept, "withdrawn");
    assert!(agent.stop().success());
    // As it is long after: verified, and looked at no more.
    let url = format!("sqlite://{}", agent.dir().join("state/revoked.db").display());
    let mut store = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let life = "UPDATE revocation SET state = 'verified', watch_until = 0,
        life = json_set(life, '$.state', 'verified') WHERE id = $1";
    sqlx::query(life).bind(&old).execute(&mut store).await.unwrap();
    store.close().await.unwrap();
    agent.start();
    put(&agent, "again.csv", rows);
    let again = result(&agent, "rejected/again.csv");
    assert!(again[1].starts_with("2,old,expected,rev_") && id(&again[1]) != old, "{again:?}");
    assert!(again[2].starts_with("3,kept,refused,") && again[2].contains(&kept), "{again:?}");
    put(&agent, "third.csv", rows);
    let third = result(&agent, "rejected/third.csv");
    assert!(third[1].starts_with("2,old,already_expected,"), "{third:?}");
    assert_eq!(id(&third[1]), id(&again[1]), "the same event from then on");
    put(
        &agent,
        "named.json",
        r#"{"username":"kept","reason":"left","account":"nobody_2","event_id":"new"}"#,
    );
    assert!(result(&agent, "done/named.json")[1].starts_with("1,kept,expected,"));
}
