//! Whatever goes wrong, nothing that the program says holds a secret.

mod common;

use common::agent::{Agent, TOKEN};
use common::http::{Api, ask, prepared, started};
use common::{cluster, revoked, run, sql};
use reqwest::Method;
use revoked::throwaway::{Binaries, Cluster, Template};
use std::os::unix::fs::PermissionsExt as _;

/// Part of every secret here.
const HUSH: &str = "hush7f3a";
/// A token that nobody configured, or that stands in the wrong place.
const HUSH_TOKEN: &str = "hush7f3a89abcdef0123456789abcdef";

fn assert_silent(says: &str) {
    for secret in [HUSH, TOKEN] {
        assert!(!says.contains(secret), "{secret} is in\n{says}");
    }
}

/// A cluster that asks everybody but the superuser for a password.
fn with_passwords() -> (Cluster, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let hba = dir.path().join("pg_hba.conf");
    let rules = "local all postgres trust\nlocal all all scram-sha-256\n";
    std::fs::write(&hba, rules).unwrap();
    let template = Template::shared(&Binaries::find().unwrap()).unwrap();
    let setting = format!("hba_file={}", hba.display());
    (Cluster::start(&template, &[&setting]).unwrap(), dir)
}

/// Everything that an agent with secrets in its configuration says at `level`, until it is stopped.
async fn said_at(level: &str) -> String {
    let (cluster, _rules) = with_passwords();
    sql(
        &cluster,
        "postgres",
        "postgres",
        &format!("CREATE ROLE revoked_agent LOGIN PASSWORD '{HUSH}-right'; CREATE ROLE x LOGIN;"),
    );
    let url = cluster.url("revoked_agent", "postgres");
    let right = format!("{url}&password={HUSH}-right");
    let wrong = format!("{url}&password={HUSH}-wrong");
    let refused = format!("postgres://u:{HUSH}@127.0.0.1:1/d?sslmode=disable");
    let odd = format!("postgres://u:{HUSH}@127.0.0.1:1/d?sslmode=disable&passwort={HUSH}");
    let targets = [("main", &right[..]), ("wrong", &wrong), ("refused", &refused), ("odd", &odd)];
    let mut agent = Agent::init(&targets, "");
    let mut command = agent.command(&["serve"]);
    command.env("REVOKED_LOG", level);
    agent.spawn_as(command);
    agent.until_ready();
    agent.until_metrics(&[
        "access_revocation_target_up{target=\"main\"} 1",
        "access_revocation_target_up{target=\"wrong\"} 0",
        "access_revocation_target_up{target=\"refused\"} 0",
        "access_revocation_target_up{target=\"odd\"} 0",
    ]);
    let api = Api::of(&agent);
    let stranger = api.anonymous(Method::GET, "/api/v1/revocations").bearer_auth(HUSH_TOKEN);
    let mut said = ask(stranger).await.text;
    let notice = r#"{"username":"x","reason":"terminated"}"#;
    let accepted = api.post(notice, None).await;
    assert_eq!(accepted.status, 202);
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    said += &view.to_string();
    let (_, out, err) = agent.run(&["status"]);
    assert!(agent.stop().success(), "{}", agent.stderr());
    let log = std::fs::read_to_string(agent.log_file()).unwrap();
    [said, out, err, log, agent.stderr()].concat()
}

#[tokio::test]
async fn a_running_agent_says_none() {
    let said = said_at("debug").await;
    assert_silent(&said);
    assert!(said.contains("password authentication failed"), "the wrong one was tried: {said}");
    assert!(said.contains("\"level\":\"debug\""), "{said}");
}

#[tokio::test]
async fn not_even_where_everything_is_said() {
    let said = said_at("trace,revoked=trace,sqlx_postgres::options=trace").await;
    assert_silent(&said);
    assert!(said.contains("\"module\":\"sqlx::query\""), "libraries were asked, too: {said}");
}

#[test]
fn a_configuration_that_is_wrong_is_not_quoted() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    let sound = std::fs::read_to_string(agent.config()).unwrap();
    let url = format!("postgres://u:{HUSH}@127.0.0.1:1/d");
    let more = |text: String| format!("{sound}{text}\n");
    let other = |text: &str| sound.replace("\ntargets:\n", &format!("\ntargets:\n  a: {text}\n"));
    let token_file = "{token_file: hr.token}";
    let cases = [
        other(&format!("{{url: 'postgre://u:{HUSH}@h/d'}}")),
        other(&format!("{{url: 'postgres://u:{HUSH}@h:port/d'}}")),
        other(&format!("{{url: 'postgres://u:{HUSH}@h:99999/d'}}")),
        other(&format!("{{url: 'postgres://u:5/{HUSH}@h/d'}}")),
        other(&format!("{{url: '{url}?sslmode=best'}}")),
        other(&format!("{{url: 'postgres://u:%ff{HUSH}@h/d'}}")),
        other(&format!("{{url: '{HUSH}'}}")),
        other(&format!("{{url_file: '{url}'}}")),
        other(&format!("'{url}'")),
        other(&format!("{{url: {{password: {HUSH}}}}}")),
        other(&format!("{{url: '{url}'")),
        other(&format!("{{url: '{url}', url_file: x}}")),
        more(format!("store: {{url: '{url}?sslmode=disable'}}")),
        more(format!("store: {{url: 'mysql://u:{HUSH}@h/d'}}")),
        more(format!("store: {{url: 'postgres://u:{HUSH}@h:port/d'}}")),
        more(format!("store: '{url}'")),
        more(format!("store: {{url_file: '{url}'}}")),
        sound.replace(token_file, &format!("{{token_file: {HUSH_TOKEN}}}")),
        sound.replace(token_file, &format!("{{token: {HUSH_TOKEN}}}")),
        sound.replace(token_file, HUSH_TOKEN),
        format!("{url}\n"),
        format!("{sound}  - {url}\n"),
    ];
    for text in cases {
        assert_ne!(text, sound);
        std::fs::write(agent.config(), &text).unwrap();
        let mut command = agent.command(&["serve"]);
        command.env("REVOKED_LOG", "trace,revoked=trace");
        agent.spawn_as(command);
        assert_eq!(agent.wait().code(), Some(1), "{text}");
        assert_silent(&agent.stderr());
        let (code, out, err) = agent.run(&["status"]);
        // A command asks for the store only.
        assert!(matches!(code, 0 | 1 | 3), "{err}");
        assert_silent(&(out + &err));
    }
    std::fs::write(agent.config(), &sound).unwrap();
    // Half a token, and one of two lines.
    for text in ["hush7f3a".to_owned(), format!("{HUSH_TOKEN}\n{HUSH_TOKEN}")] {
        std::fs::write(agent.dir().join("hr.token"), text).unwrap();
        let mut command = agent.command(&["serve", "--log-level", "debug"]);
        command.env("REVOKED_CONFIG", agent.dir().join("nowhere.yaml"));
        let (_, out, err) = run(&mut command);
        assert_silent(&(out + &err));
    }
}

#[test]
fn commands_do_not_repeat_what_they_were_given() {
    let closed = format!("postgres://u:{HUSH}@127.0.0.1:1/d");
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("new");
    let place = place.to_str().unwrap();
    let named = |url: &str| format!("main={url}");
    let cases: Vec<Vec<String>> = [
        vec!["check", "--target", &closed, "x"],
        vec!["check", "--target", &format!("{closed}?sslmode=disable"), "x"],
        vec![
            "check",
            "--target",
            &format!("{closed}?sslmode=disable&passwd={HUSH}"),
            "-o",
            "json",
            "x",
        ],
        vec!["check", "--target", &format!("mysql://u:{HUSH}@h/d"), "x"],
        vec!["check", "--target", &format!("postgres://u:{HUSH}@h:port/d"), "x"],
        vec!["check", "--target", &format!("postgres://u:5/{HUSH}@127.0.0.1/d"), "x"],
        vec!["check", "--target", &closed],
        vec!["check", "--target", &closed, "--bogus", "x"],
        vec!["check", "--target", &closed, "--target", &closed, "x"],
        vec!["plan", "--target", &closed, "x"],
        vec!["init", place, "--target", &closed],
        vec!["init", place, "--target", &named(&format!("mysql://u:{HUSH}@h/d"))],
        vec!["init", place, "--target", &named(&format!("postgres://u:{HUSH}@h:port/d"))],
        vec!["init", place, "--target", &named(&closed)],
        vec!["status", "--url", &format!("http://u:{HUSH}@127.0.0.1:1")],
        vec!["status", "--url", &format!("http://127.0.0.1:1/?token={HUSH}")],
        vec!["status", "--url", &format!("http://{HUSH}:port")],
        vec!["status", "--url", HUSH_TOKEN],
        vec!["status", "--url", "http://127.0.0.1:1"],
        vec!["status", "--help"],
        vec!["check", "--help"],
    ]
    .into_iter()
    .map(|case| case.into_iter().map(str::to_owned).collect())
    .collect();
    for case in cases {
        let mut command = revoked();
        command.args(&case).env("REVOKED_TOKEN", HUSH_TOKEN).env("PGPASSWORD", HUSH);
        command.env("REVOKED_LOG", "trace,revoked=trace");
        if case.iter().any(|word| word == "--help") {
            command.env("REVOKED_TARGET", &closed).env("REVOKED_URL", format!("http://u:{HUSH}@h"));
        }
        let (_, out, err) = run(&mut command);
        assert!(!out.is_empty() || !err.is_empty(), "{case:?}");
        assert_silent(&(out + &err));
    }
}

#[tokio::test]
async fn a_wrong_token_of_a_command_is_not_repeated() {
    let cluster = cluster();
    let agent = started(&cluster);
    for token in [HUSH_TOKEN, "hush7f3a\u{7}"] {
        let mut command = revoked();
        command.args(["status", "--url", &format!("http://127.0.0.1:{}", agent.api)]);
        let (code, out, err) = run(command.env("REVOKED_TOKEN", token));
        assert_eq!(code, 1, "{err}");
        assert_silent(&(out + &err));
    }
    assert_silent(&agent.stderr());
}
