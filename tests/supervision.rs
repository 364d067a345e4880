//! What the agent's keeper sees: systemd, the limits of the process, the lines on stderr.

mod common;

use common::agent::PATIENCE;
use common::http::{Api, prepared};
use common::{cluster, sql};
use serde_json::Value;
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

/// What systemd would read next.
fn next(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 4096];
    let count = socket.recv(&mut bytes).expect("systemd was not told in time");
    String::from_utf8(bytes[..count].to_vec()).unwrap()
}

/// Lines of the agent's own log.
fn lines(says: &str) -> Vec<Value> {
    says.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[tokio::test]
async fn systemd_is_told_ready_alive_and_stopping_in_this_order() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    let path = agent.dir().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = agent.command(&["serve"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "400000");
    agent.spawn_as(command);

    let api = agent.api;
    assert_eq!(next(&socket), format!("READY=1\nSTATUS=looking at main; API on 127.0.0.1:{api}\n"));
    assert!(agent.log().iter().any(|line| line["type"] == "start"), "it is in the log by then");
    let notice = r#"{"username":"john","reason":"terminated"}"#;
    assert_eq!(Api::of(&agent).post(notice, None).await.status, 202);
    let begun = Instant::now();
    for _ in 0..5 {
        assert_eq!(next(&socket), "WATCHDOG=1\n");
    }
    // Each at half the time, and some slack for a machine under load.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    assert!(agent.stop().success(), "{}", agent.stderr());
    let mut last = next(&socket);
    while last == "WATCHDOG=1\n" {
        last = next(&socket);
    }
    assert_eq!(last, "STOPPING=1\nSTATUS=stopping: landing the last records\n");
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 1]).is_err(), "that was the last word");
}

#[test]
fn an_agent_that_does_not_start_is_never_ready() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    let path = agent.dir().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", agent.api)).unwrap();
    let mut command = agent.command(&["serve"]);
    command.env("NOTIFY_SOCKET", &path);
    agent.spawn_as(command);
    assert_eq!(agent.wait().code(), Some(1));
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 1]).is_err());
    drop(taken);
}

#[test]
fn no_files_left_is_waited_out() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    let serve = agent.command(&["serve"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 64; exec \"$0\" serve"]).arg(serve.get_program());
    limited.env("REVOKED_CONFIG", agent.config()).env("RUST_BACKTRACE", "0");
    agent.spawn_as(limited);
    agent.until_ready();
    // More than there are files for; those that find none wait in the queue.
    let held: Vec<_> =
        (0..80).map(|_| TcpStream::connect(("127.0.0.1", agent.api)).unwrap()).collect();
    let begun = Instant::now();
    while !agent.stderr().contains("connections cannot be accepted") {
        assert!(begun.elapsed() < PATIENCE, "{}", agent.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(held);
    let begun = Instant::now();
    while !agent.stderr().contains("connections are accepted again") {
        assert!(begun.elapsed() < PATIENCE, "{}", agent.stderr());
        let _ = agent.run(&["status"]);
    }
    assert_eq!(agent.run(&["status"]).0, 0);
    assert!(agent.stop().success(), "{}", agent.stderr());
    let times = agent.stderr().matches("connections cannot be accepted").count();
    assert!(times <= 3, "it is said when it begins, not at each try: {times}");
}

#[test]
fn the_log_has_a_line_for_each_change_and_none_for_each_pass() {
    let mut cluster = cluster();
    let mut agent = prepared(&cluster, "");
    sql(&cluster, "postgres", "postgres", "CREATE ROLE zz_john LOGIN;");
    agent.start();
    let id = agent.expect("zz_john", &["--deadline", "1s", "--event-id", "event-77"]);
    agent.until(&id, |view| view["overdue"] == serde_json::json!(["login", "access"]));
    sql(&cluster, "postgres", "postgres", "DROP ROLE zz_john;");
    agent.until_state(&id, "verified");
    cluster.stop();
    agent.until_metrics(&["access_revocation_target_up{target=\"main\"} 0"]);
    std::thread::sleep(Duration::from_secs(3));
    cluster.restart().unwrap();
    agent.until_metrics(&["access_revocation_target_up{target=\"main\"} 1"]);
    assert!(agent.stop().success(), "{}", agent.stderr());

    let says = agent.stderr();
    let lines = lines(&says);
    let said = |message: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["message"] == message).collect()
    };
    let landed: Vec<_> = said("a record landed")
        .iter()
        .map(|line| {
            assert_eq!(line["revocation"], id.as_str());
            format!("{} {}", line["level"].as_str().unwrap(), line["record"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        landed,
        [
            "info revocation_triggered",
            "warn verification_failed",
            "warn verification_failed",
            "info account_disabled",
            "info access_revoked",
            "info verification_completed",
        ]
    );
    assert_eq!(said("a notice was accepted")[0]["revocation"], id.as_str());
    let silent = said("the target does not answer");
    assert!((1..=2).contains(&silent.len()), "{says}");
    assert_eq!(
        (&silent[0]["target"], &silent[0]["cause"]),
        (&"main".into(), &"unreachable".into())
    );
    assert_eq!(said("the target answers again").len(), 1, "{says}");
    assert_eq!(said("stopping")[0]["signal"], "SIGTERM");
    for line in &lines {
        for key in ["time", "level", "message", "module"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
    }
    for name in ["zz_john", "event-77", "postgres://"] {
        assert!(!says.contains(name), "{name} is in\n{says}");
    }
}

#[test]
fn form_and_level_can_be_chosen() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    agent.spawn_as(agent.command(&["serve", "--log-format", "text", "--log-level", "debug"]));
    agent.until_ready();
    let begun = Instant::now();
    while !agent.stderr().contains("looked") {
        assert!(begun.elapsed() < PATIENCE, "{}", agent.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(agent.stop().success());
    assert!(agent.stderr().contains("INFO the agent runs version="), "{}", agent.stderr());
    let (code, _, says) = agent.run(&["serve", "--log-level", "revoked=loud"]);
    assert_eq!(code, 64, "{says}");
    let mut quiet = agent.command(&["serve"]);
    quiet.env("REVOKED_LOG", "off");
    agent.spawn_as(quiet);
    agent.until_ready();
    assert!(agent.stop().success());
    assert_eq!(agent.stderr(), "");
}
