//! Commands and HTTP against things that we write here.

use super::*;
use crate::config::Config;
use crate::domain::probes::Outcome;
use crate::domain::revocation::Kind;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

fn system(checks: &str) -> ExternalConfig {
    let text = format!(
        "state_dir: /s\ntargets: {{orders: {{url: 'postgres://a@db/x'}}}}\nexternal: {{tool: {{checks: {{{checks}}}}}}}\n"
    );
    Config::parse(Path::new("/revoked.yaml"), &text).unwrap().external.remove(0)
}

fn asker() -> Asker {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Asker::new().unwrap()
}

fn person(username: &str) -> Person {
    Person {
        key: "rev_1".into(),
        subject: username.into(),
        kind: Some(Kind::Full),
        ..Person::default()
    }
}

/// What a check tells of somebody: `gone`, `present`, or why nobody knows.
async fn told(system: &ExternalConfig, username: &str) -> String {
    let person = person(username);
    let mut asker = asker();
    let pass = asker.look(system, std::slice::from_ref(&person), true, Duration::ZERO).await;
    let declared = &system.checks[0].declared;
    match declared.outcome(&person, pass.look.probing.answer(&declared.name, "rev_1")) {
        Outcome::Met => "gone".into(),
        Outcome::Residual(found) => {
            assert_eq!((found.account.target.as_str(), found.count), ("tool", Some(1)));
            "present".into()
        }
        Outcome::Missing(missing) => panic!("{missing:?}"),
        Outcome::Unknown(gap) => gap.reason,
    }
}

/// A program that anybody may run, and where it lies.
fn program(text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = dir.path().join("check");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let text = path.display().to_string();
    (dir, text)
}

#[tokio::test]
async fn the_end_of_a_command_is_its_answer() {
    let script = "#!/bin/sh\n\
        case \"$1\" in gone) exit 0;; there) exit 1;; odd) exit 2;; kill) kill -9 $$;;\n\
        slow) sleep 60 & wait;; who) test \"$(id -u)\" != 0 && test -z \"$HOME$USER$SECRET\";;\n\
        loud) yes | head -c 3000000; exit 0;; *) exit 1;; esac\n";
    let (_dir, path) = program(script);
    let system =
        system(&format!("c: {{sentence: s, timeout: 1s, command: ['{path}', '{{username}}']}}"));
    for (name, says) in [
        ("gone", "gone"),
        ("there", "present"),
        ("odd", "it ended with status 2"),
        ("kill", "it was ended by a signal"),
        ("slow", "no answer within 1 s"),
        ("who", "gone"),
        ("loud", "gone"),
        ("-rf", "cannot be an argument"),
        ("a b; exit 0", "present"),
        ("$(exit 0)", "present"),
    ] {
        let told = told(&system, name).await;
        assert!(told.contains(says), "{name}: {told}");
    }
    let missing = format!("c: {{sentence: s, command: ['{path}-not', '{{username}}']}}");
    assert!(told(&super::tests::system(&missing), "x").await.contains("cannot be started"));
}

/// A server that answers each path as `answers` says, and keeps what it was asked.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (kept, stopped) = (asked.clone(), stop.clone());
        let serve = move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let mut stream = stream.unwrap();
                let request = request(&mut stream);
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                let _ = stream.write_all(answers(&path).as_bytes());
            }
        };
        let thread = std::thread::Builder::new().name("server".into()).spawn(serve).unwrap();
        Self { port, asked, stop, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The head of a request.
fn request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            break;
        }
        request.push(byte[0]);
    }
    String::from_utf8_lossy(&request).into_owned()
}

fn response(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn answers(path: &str) -> String {
    match path {
        "/u/gone" => response("404 Not Found", ""),
        "/u/off" => response("200 OK", "{\"active\": false}"),
        "/u/odd" => response("200 OK", "{}"),
        "/u/moved" => {
            "HTTP/1.1 302 Found\r\nlocation: /u/gone\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
        "/u/broken" => response("500 Oops", ""),
        "/u/silent" => {
            std::thread::sleep(Duration::from_secs(3));
            String::new()
        }
        _ => response("200 OK", "{\"active\": true}"),
    }
}

#[tokio::test]
async fn listed_statuses_are_answers_and_nothing_else_is() {
    let server = Server::start();
    let port = server.port;
    let http = |more: &str| {
        system(&format!(
            "h: {{sentence: s, timeout: 1s, http: {{url: 'http://127.0.0.1:{port}/u/{{username}}', gone: [404], \
             present: [200], headers: {{X-Key: {{value: hush}}}}{more}}}}}"
        ))
    };
    let (plain, pointed) = (http(""), http(", pointer: /active"));
    for (system, name, says) in [
        (&plain, "gone", "gone"),
        (&plain, "there", "present"),
        (&plain, "off", "present"),
        (&pointed, "there", "present"),
        (&pointed, "off", "gone"),
        (&pointed, "odd", "nothing at /active"),
        (&pointed, "gone", "gone"),
        (&plain, "moved", "the system answered 302"),
        (&plain, "broken", "the system answered 500"),
        (&plain, "..", "cannot stand in an address"),
        (&plain, "../u/gone", "present"),
        (&plain, "gone?x", "present"),
        (&plain, "silent", "no answer within 1 s"),
    ] {
        let told = told(system, name).await;
        assert!(told.contains(says), "{name}: {told}");
        assert!(!told.contains("hush") && !told.contains("/u/"), "{told}");
    }
    let asked = server.asked.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
    assert!(asked.contains("x-key: hush") && asked.contains("/u/..%2Fu%2Fgone"), "{asked}");
    let away = system(
        "h: {sentence: s, http: {url: 'http://127.0.0.1:9/{username}', gone: [404], present: [200]}}",
    );
    assert!(told(&away, "x").await.contains("was not reached"));
}

#[tokio::test]
async fn what_is_remembered_is_older_than_the_look() {
    let (_dir, path) = program("#!/bin/sh\nexit 0\n");
    let system = system(&format!("c: {{sentence: s, command: ['{path}', '{{username}}']}}"));
    let mut asker = asker();
    let (people, hour) = ([person("a")], Duration::from_secs(3600));
    let first = asker.look(&system, &people, false, hour).await;
    assert!(first.fresh && first.look.deep_at == first.look.started_at);
    let second = asker.look(&system, &people, false, hour).await;
    assert!(!second.fresh && second.look.deep_at == first.look.started_at);
    let third = asker.look(&system, &people, true, hour).await;
    assert!(third.fresh && third.look.deep_at == third.look.started_at);
}
