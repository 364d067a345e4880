//! A stand-in of a system that takes signed events (Standard Webhooks): it verifies each with other code than ours, keeps it
//! once, fails as it is told to, and fails the test by itself when a request breaks the contract.

use super::slack::Fault;
use super::slack::chaos::Tail;
use super::standin::{Reply, header, listening, locked, until};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::task::JoinSet;

/// The secret that it knows, and the one that takes its place.
pub(crate) const SECRET: &str = "whsec_aHVzaDdmM2EtZW5kcG9pbnQtb25lLTEyMzQ=";
pub(crate) const NEXT: &str = "whsec_aHVzaDdmM2EtZW5kcG9pbnQtdHdvLTEyMzQ=";
/// Its path, which is a secret.
pub(crate) const PATH: &str = "/hooks/hush7f3ahook?key=hush7f3akey";
/// A header that it wants.
pub(crate) const KEY: &str = "hush7f3aheader";

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signatures: Vec<String>,
    pub(crate) raw: Vec<u8>,
    pub(crate) body: Value,
    pub(crate) at: Instant,
    /// It was kept, and not only refused.
    pub(crate) kept: bool,
}

impl Event {
    pub(crate) fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    pub(crate) fn about(&self) -> &str {
        self.body["data"]["revocation"]["id"].as_str().unwrap_or_default()
    }
}

#[derive(Default)]
struct State {
    secrets: Vec<&'static str>,
    events: Vec<Event>,
    probes: u32,
    faults: VecDeque<Fault>,
    always: Option<Fault>,
    probing: Option<u16>,
    log: Option<Tail>,
    violations: Vec<String>,
}

/// The stand-in.
pub(crate) struct Endpoint {
    state: Arc<Mutex<State>>,
    pub(crate) port: u16,
    serving: JoinSet<()>,
}

/// Whether one of the signatures is one of `secret`, by code that shares nothing with the one that signs.
fn is_signed(secret: &str, event: &Event) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut signed = format!("{}.{}.", event.id, event.timestamp).into_bytes();
    signed.extend(&event.raw);
    event.signatures.iter().any(|one| {
        let tag = one.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        tag.is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
    })
}

impl State {
    fn answer(&mut self, head: &str, body: Vec<u8>) -> Reply {
        let line = head.lines().next().unwrap_or_default();
        let empty = |status| Reply::Raw(status, Vec::new(), String::new());
        let mut words = line.split(' ');
        let (verb, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        if target != PATH {
            self.violations.push(format!("another address: {line}"));
            return empty(404);
        }
        if header(head, "x-api-key") != Some(KEY) {
            self.violations.push("without the header that is configured".to_owned());
        }
        if verb == "HEAD" {
            self.probes += 1;
            return empty(self.probing.unwrap_or(405));
        }
        let of = |name: &str| header(head, name).unwrap_or_default().to_owned();
        let mut event = Event {
            id: of("webhook-id"),
            timestamp: of("webhook-timestamp"),
            signatures: of("webhook-signature").split(' ').map(str::to_owned).collect(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            raw: body,
            at: Instant::now(),
            kept: false,
        };
        if let Err(what) = self.contract(verb, head, &event) {
            self.violations.push(what);
            return empty(400);
        }
        let fault = self.faults.pop_front().or_else(|| self.always.clone());
        let refused = !self.secrets.iter().any(|secret| is_signed(secret, &event));
        let reply = match &fault {
            Some(Fault::Status(status, headers)) => {
                Reply::Raw(*status, headers.clone(), "<html>hush7f3abody</html>".to_owned())
            }
            None if refused => empty(401),
            Some(Fault::Reset | Fault::ResetAfter) => Reply::Reset,
            Some(Fault::HangAfter) => Reply::Hang,
            None => empty(204),
            Some(other) => panic!("{other:?} is no fault of an endpoint"),
        };
        event.kept = match fault {
            Some(Fault::ResetAfter | Fault::HangAfter) => true,
            // Of answers that leave it open, this is the worse one.
            Some(Fault::Status(status, _)) => status >= 500,
            Some(_) => false,
            None => !refused,
        };
        self.events.push(event);
        reply
    }

    fn contract(&mut self, verb: &str, head: &str, event: &Event) -> Result<(), String> {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let sent: u64 = event.timestamp.parse().map_err(|_| "no time".to_owned())?;
        let names: Vec<_> = event.body.as_object().into_iter().flat_map(|all| all.keys()).collect();
        let id = event.id.strip_prefix("msg_").is_some_and(|id| id.len() == 32);
        for (good, what) in [
            (verb == "POST", "no POST"),
            (header(head, "content-type") == Some("application/json"), "no JSON"),
            (now.abs_diff(sent) <= 300, "another time"),
            (id && !event.id.contains('.'), "no id"),
            (names == ["data", "timestamp", "type"], "another form"),
            (event.raw.len() <= 20 * 1024, "longer than 20 KiB"),
        ] {
            if !good {
                return Err(format!("{what}: {head} {event:?}"));
            }
        }
        // What is told is in the log, at the line that it names.
        let record = &event.body["data"]["record"];
        if let (Some(log), Some(id)) = (&mut self.log, record["id"].as_str()) {
            let line = log.line_of(id).ok_or(format!("{id} is told and not in the log"))?;
            if record["seq"] != line {
                return Err(format!("{id} is line {line}, and the event says {record}"));
            }
        }
        Ok(())
    }
}

impl Endpoint {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(State { secrets: vec![SECRET], ..State::default() }));
        let (port, serving) = listening(0, state.clone(), State::answer).await;
        Self { state, port, serving }
    }

    /// The files that the configuration names.
    pub(crate) fn write_files(&self, dir: &std::path::Path) {
        std::fs::write(dir.join("hook.secret"), SECRET).unwrap();
        std::fs::write(dir.join("hook.next"), NEXT).unwrap();
        std::fs::write(dir.join("hook.key"), KEY).unwrap();
        std::fs::write(dir.join(format!("hook-{}.url", self.port)), self.url()).unwrap();
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Its part of the section `webhooks_out`. `more` has further keys.
    pub(crate) fn config(&self, name: &str, more: &str) -> String {
        format!(
            "{name}: {{url_file: hook-{}.url, secret_files: [hook.secret], retry: 40ms, per_minute: 60000, \
             headers: {{X-Api-Key: {{value_file: hook.key}}}}{more}}}",
            self.port
        )
    }

    /// The next events go wrong like this, one after the other.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        locked(&self.state).faults.extend(faults);
    }

    /// Every event goes wrong like this; `None`: no more.
    pub(crate) fn always(&self, fault: Option<Fault>) {
        locked(&self.state).always = fault;
    }

    /// What it answers to a question that is no event.
    pub(crate) fn probing(&self, status: u16) {
        locked(&self.state).probing = Some(status);
    }

    /// From now on it knows these secrets.
    pub(crate) fn knows(&self, secrets: &[&'static str]) {
        locked(&self.state).secrets = secrets.to_vec();
    }

    /// Every event has to tell a record that is in the log in this directory, and name its line.
    pub(crate) fn against(&self, log: std::path::PathBuf) {
        locked(&self.state).log = Some(Tail::of(log));
    }

    /// Everything that came.
    pub(crate) fn events(&self) -> Vec<Event> {
        locked(&self.state).events.clone()
    }

    pub(crate) fn probes(&self) -> u32 {
        locked(&self.state).probes
    }

    /// What it has, each once, in the order in which it came first.
    pub(crate) fn kept(&self) -> Vec<Event> {
        let mut kept: Vec<Event> = Vec::new();
        for event in self.events().into_iter().filter(|event| event.kept) {
            if !kept.iter().any(|known| known.id == event.id) {
                kept.push(event);
            }
        }
        kept
    }

    /// Waits until it has `count` events, and gives them.
    pub(crate) async fn until(&self, count: usize) -> Vec<Event> {
        self.until_that(&format!("{count} events"), |all| all.len() >= count).await
    }

    /// Waits until what it has is as wanted.
    pub(crate) async fn until_that(
        &self,
        what: &str,
        wanted: impl Fn(&[Event]) -> bool,
    ) -> Vec<Event> {
        until(what, || self.kept(), wanted).await
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.serving.abort_all();
        let state = locked(&self.state);
        if !std::thread::panicking() {
            let violations = &state.violations;
            assert!(violations.is_empty(), "requests that break the contract: {violations:#?}");
        }
    }
}
