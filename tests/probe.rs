//! `revoked probe login` against every version: each state of a role, and each kind of path.

mod common;

use common::passwords::Asking;
use common::{revoked, run, sql, versions};
use revoked::throwaway::Binaries;
use serde_json::Value;

const RULES: &str = "
    host all rejected 127.0.0.1/32 reject
    host all trusted,nobody_trusted 127.0.0.1/32 trust
    host all md5er 127.0.0.1/32 md5
    host all plain 127.0.0.1/32 password
    host all alive,off,full,expired,without,nobody 127.0.0.1/32 scram-sha-256
    local all peering peer
";

const ROLES: &str = "
    CREATE ROLE alive LOGIN PASSWORD 'old7f3a'; CREATE ROLE off NOLOGIN PASSWORD 'old7f3a';
    CREATE ROLE full LOGIN PASSWORD 'old7f3a' CONNECTION LIMIT 0;
    CREATE ROLE expired LOGIN PASSWORD 'old7f3a' VALID UNTIL '2001-01-01';
    CREATE ROLE without LOGIN; CREATE ROLE rejected LOGIN PASSWORD 'old7f3a';
    CREATE ROLE trusted LOGIN PASSWORD 'old7f3a'; CREATE ROLE peering LOGIN PASSWORD 'old7f3a';
    CREATE ROLE unlisted LOGIN PASSWORD 'old7f3a'; CREATE ROLE plain LOGIN PASSWORD 'old7f3a';
    SET password_encryption = 'md5'; CREATE ROLE md5er LOGIN PASSWORD 'old7f3a';
    CREATE DATABASE shut; REVOKE CONNECT ON DATABASE shut FROM PUBLIC;
    CREATE DATABASE full_house CONNECTION LIMIT 0;
";

/// Role, secret, database, exit status, finding, why, SQLSTATE, routine.
const TABLE: &str = "
    alive          old7f3a -          2 valid   no_database      3D000 InitPostgres
    alive          wrong   -          0 dead    refused          28P01 auth_failed
    alive          old7f3a postgres   2 valid   logged_in        00000 -
    alive          wrong   postgres   0 dead    refused          28P01 auth_failed
    alive          old7f3a shut       2 valid   database_closed  42501 CheckMyDatabase
    alive          old7f3a template0  2 valid   database_closed  55000 CheckMyDatabase
    alive          old7f3a full_house 2 valid   no_room          53300 CheckMyDatabase
    md5er          old7f3a -          2 valid   no_database      3D000 InitPostgres
    md5er          wrong   -          0 dead    refused          28P01 auth_failed
    plain          old7f3a -          2 valid   no_database      3D000 InitPostgres
    plain          wrong   -          0 dead    refused          28P01 auth_failed
    off            old7f3a -          2 valid   login_off        28000 InitializeSessionUserId
    off            wrong   -          0 dead    refused          28P01 auth_failed
    full           old7f3a -          2 valid   role_full        53300 InitializeSessionUserId
    full           wrong   -          0 dead    refused          28P01 auth_failed
    expired        old7f3a -          0 dead    refused          28P01 auth_failed
    without        old7f3a -          0 dead    refused          28P01 auth_failed
    nobody         old7f3a -          0 dead    refused          28P01 auth_failed
    trusted        old7f3a -          3 nothing asks_no_password 3D000 InitPostgres
    trusted        old7f3a postgres   3 nothing asks_no_password 00000 -
    nobody_trusted old7f3a -          3 nothing no_login         28000 InitializeSessionUserId
    rejected       old7f3a -          3 nothing not_let_in       28000 ClientAuthentication
    unlisted       old7f3a -          3 nothing not_let_in       28000 ClientAuthentication
";

fn probe(asking: &Asking, role: &str, secret: &str, more: &[&str]) -> (i32, Value, String) {
    let (code, out, err) = run(revoked().args(asking.probe(role, secret, more)));
    let report = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (code, report, out + &err)
}

#[test]
fn every_state_of_a_role_and_every_kind_of_path() {
    for binaries in versions() {
        let asking = Asking::start(&binaries, RULES, ROLES);
        for row in TABLE.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let words: Vec<&str> = row.split_whitespace().collect();
            let more = if words[2] == "-" { vec![] } else { vec!["--database", words[2]] };
            let (code, report, said) = probe(&asking, words[0], words[1], &more);
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let got = [
                code.to_string(),
                text(&report["finding"]),
                text(&report["why"]),
                text(&report["answer"]["sqlstate"]),
                text(&report["answer"]["routine"]),
            ];
            let routine = if words[7] == "-" { "" } else { words[7] };
            let wanted = [words[3], words[4], words[5], words[6], routine];
            assert_eq!(got, wanted, "PostgreSQL {}: {row}\n{report:#}", binaries.major);
            assert!(!said.contains("old7f3a"), "{said}");
        }
        let dir = asking.cluster.socket_dir().display().to_string();
        let (code, report, _) = probe(&asking, "peering", "old7f3a", &["--host", &dir]);
        assert_eq!((code, &report["why"]), (3, &"other_method".into()), "{report:#}");
        assert_eq!(report["path"]["transport"], "over a Unix socket");
    }
}

#[test]
fn a_database_that_does_not_exist_gives_no_session() {
    let asking = Asking::start(&Binaries::find().unwrap(), RULES, ROLES);
    sql(
        &asking.cluster,
        "postgres",
        "postgres",
        "ALTER SYSTEM SET log_connections = on; SELECT pg_reload_conf();",
    );
    let (_, report, _) = probe(&asking, "alive", "old7f3a", &[]);
    assert_eq!(
        (report["pids"].clone(), &report["path"]["database"]),
        (serde_json::json!([]), &Value::Null)
    );
    let (_, report, _) = probe(&asking, "alive", "old7f3a", &["--database", "postgres"]);
    let pid = report["pids"][0].as_i64().unwrap();
    let log = std::fs::read_to_string(asking.cluster.socket_dir().join("server.log")).unwrap();
    assert!(log.contains("application_name=revoked probe login"), "{log}");
    let gone =
        format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND usename = 'alive'");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while sql(&asking.cluster, "postgres", "postgres", &gone).trim() != "0" {
        assert!(std::time::Instant::now() < deadline, "the session is still open");
    }
}

#[test]
fn no_question_could_be_put() {
    let asking = Asking::start(&Binaries::find().unwrap(), RULES, ROLES);
    let file = asking.secret("old7f3a").display().to_string();
    let port = asking.cluster.port().to_string();
    let place = ["--host", "127.0.0.1", "--port", &port];
    let cases: &[(&[&str], i32, &str)] = &[
        // The server has no TLS, and it is asked for without --sslmode.
        (&[place[0], place[1], place[2], place[3], "--secret-file", &file], 1, "gave no answer"),
        (
            &["--host", "127.0.0.1", "--port", "1", "--sslmode", "disable", "--secret-file", &file],
            1,
            "gave no answer",
        ),
        (&["--host", "127.0.0.1", "--secret-file", "/nowhere"], 1, "/nowhere"),
        (&["--host", "127.0.0.1", "--secret-file", "/dev/null"], 1, "empty"),
        (
            &["--target", "postgres://u:hush7f3a@127.0.0.1/d", "--secret-file", &file],
            64,
            "--secret-file",
        ),
        (&["--target", "mysql://127.0.0.1/d", "--secret-file", &file], 1, "postgres://"),
        (&["--host", "", "--secret-file", &file], 64, "--host"),
        (&["--secret-file", &file], 64, "--host"),
        (&["--host", "127.0.0.1"], 64, "--secret-file"),
    ];
    for (arguments, status, says) in cases {
        let (code, out, err) =
            run(revoked().args(["probe", "login", "--role", "alive"]).args(*arguments));
        assert_eq!(code, *status, "{arguments:?}: {out}{err}");
        assert!(err.contains(says), "{arguments:?}: {err}");
        assert!(!(out + &err).contains("7f3a@"), "{arguments:?}");
    }
}

#[test]
fn the_secret_comes_from_standard_input_too_and_an_open_file_is_named() {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Stdio;
    let asking = Asking::start(&Binaries::find().unwrap(), RULES, ROLES);
    let mut arguments = asking.probe("alive", "old7f3a", &[]);
    let file = arguments.iter().position(|argument| argument == "--secret-file").unwrap() + 1;
    let path = arguments[file].clone();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, _, err) = run(revoked().args(&arguments));
    assert_eq!(code, 2);
    assert!(err.contains("can be read by others"), "{err}");
    arguments[file] = "-".to_owned();
    let mut child =
        revoked().args(&arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"old7f3a\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
