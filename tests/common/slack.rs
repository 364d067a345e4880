//! A stand-in of Slack on this machine: it keeps messages as Slack does, fails as it is told to, and fails the test by
//! itself when a request breaks the contract.

pub(crate) mod chaos;
pub(crate) mod contract;
pub(crate) mod press;
mod schema;
mod server;

use super::standin::{listening, locked, until};
use chaos::{Dice, Tail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::task::JoinSet;

/// The bot token that it knows.
pub(crate) const BOT: &str = "xoxb-hush7f3a-1234567890";
/// A channel that it has.
pub(crate) const CHANNEL: &str = "C0123456789";
/// Another one.
pub(crate) const OTHER: &str = "C0999999999";
/// And one of somebody who leads a team.
pub(crate) const LEAD: &str = "C0777777777";
/// Path of the incoming webhook, which is a secret.
pub(crate) const HOOK: &str = "/services/T0/B0/hush7f3ahook";

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Status, headers and a body that is no JSON.
    Status(u16, Vec<(&'static str, String)>),
    /// 200 with `ok: false`.
    Error(&'static str),
    /// The connection is reset before anything is kept.
    Reset,
    /// It is kept, and the connection is reset.
    ResetAfter,
    /// It is kept, and the answer never comes.
    HangAfter,
    /// It is kept, and the answer is cut in the middle.
    CutAfter,
    /// Nothing is kept, and the answer is not JSON.
    Garbage,
}

/// A message as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) channel: String,
    pub(crate) ts: String,
    pub(crate) thread: Option<String>,
    pub(crate) broadcast: bool,
    pub(crate) text: String,
    pub(crate) blocks: Value,
    pub(crate) delivery: String,
    pub(crate) edits: u32,
    pub(crate) at: Instant,
}

impl Message {
    /// The heading.
    pub(crate) fn title(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    /// In order, for each method.
    faults: BTreeMap<&'static str, VecDeque<Fault>>,
    /// For every request to a method, until taken away.
    always: BTreeMap<&'static str, Fault>,
    /// Refused at a channel.
    closed: BTreeMap<String, &'static str>,
    gone: BTreeSet<String>,
    requests: Vec<(String, Instant)>,
    alarms: Vec<String>,
    /// What goes wrong beside that, at random.
    dice: Option<Dice>,
    /// Where what is told has to be before.
    log: Option<Tail>,
    /// Each request that was taken, for the schema.
    taken: BTreeSet<(&'static str, String)>,
    violations: Vec<String>,
    /// Everything that was received, for secrets.
    heard: String,
    next: u64,
    redirect: Option<String>,
}

/// The stand-in.
pub(crate) struct Slack {
    state: Arc<Mutex<State>>,
    pub(crate) port: u16,
    serving: JoinSet<()>,
}

impl Slack {
    pub(crate) async fn start() -> Self {
        Self::start_at(0).await
    }

    /// At a port, which may have been another's before.
    pub(crate) async fn start_at(port: u16) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let answer = |state: &mut State, head: &str, body: Vec<u8>| state.answer(head, &body);
        let (port, serving) = listening(port, state.clone(), answer).await;
        Self { state, port, serving }
    }

    /// The section of the configuration. `more` has further keys.
    pub(crate) fn config(&self, more: &str) -> String {
        format!(
            "slack: {{token_file: slack.token, channel: {CHANNEL}, base_url: 'http://127.0.0.1:{}/api', \
             gather: 100ms, retry: 40ms, per_minute: 60000, digest_interval: 1s{more}}}\n",
            self.port
        )
    }

    /// Address of the webhook.
    pub(crate) fn hook(&self) -> String {
        format!("http://127.0.0.1:{}{HOOK}", self.port)
    }

    /// The next requests to `method` go wrong like this, one after the other.
    pub(crate) fn fail(&self, method: &'static str, faults: impl IntoIterator<Item = Fault>) {
        locked(&self.state).faults.entry(method).or_default().extend(faults);
    }

    /// Every request to `method` goes wrong like this; `None`: no more.
    pub(crate) fn always(&self, method: &'static str, fault: Option<Fault>) {
        let mut state = locked(&self.state);
        match fault {
            Some(fault) => drop(state.always.insert(method, fault)),
            None => drop(state.always.remove(method)),
        }
    }

    /// A channel refuses everything with this error; `None`: no more.
    pub(crate) fn close(&self, channel: &str, error: Option<&'static str>) {
        let mut state = locked(&self.state);
        match error {
            Some(error) => drop(state.closed.insert(channel.to_owned(), error)),
            None => drop(state.closed.remove(channel)),
        }
    }

    /// From now on requests go wrong at random; `None`: no more.
    pub(crate) fn chaos(&self, seed: Option<u64>) {
        locked(&self.state).dice = seed.map(Dice);
    }

    /// Every message has to tell a record that is in the log in this directory, and name its line.
    pub(crate) fn against(&self, log: std::path::PathBuf) {
        locked(&self.state).log = Some(Tail::of(log));
    }

    /// Others write messages.
    pub(crate) fn chatter(&self, count: u32) {
        let mut state = locked(&self.state);
        for _ in 0..count {
            let ts = state.stamp();
            state.messages.push(Message {
                channel: CHANNEL.to_owned(),
                ts,
                thread: None,
                broadcast: false,
                text: "lunch?".to_owned(),
                blocks: Value::Null,
                delivery: String::new(),
                edits: 0,
                at: Instant::now(),
            });
        }
    }

    /// Somebody deletes a message.
    pub(crate) fn delete(&self, ts: &str) {
        locked(&self.state).gone.insert(ts.to_owned());
    }

    /// Every request is answered by being sent there.
    pub(crate) fn redirect(&self, to: Option<String>) {
        locked(&self.state).redirect = to;
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        locked(&self.state).messages.clone()
    }

    /// How many messages there are.
    pub(crate) fn told(&self) -> usize {
        locked(&self.state).messages.len()
    }

    pub(crate) fn alarms(&self) -> Vec<String> {
        locked(&self.state).alarms.clone()
    }

    /// When requests to `method` came.
    pub(crate) fn requests(&self, method: &str) -> Vec<Instant> {
        let state = locked(&self.state);
        state.requests.iter().filter(|(name, _)| name == method).map(|(_, at)| *at).collect()
    }

    /// Everything that was received, but for the credentials where they belong.
    pub(crate) fn heard(&self) -> String {
        locked(&self.state).heard.clone()
    }

    /// Waits until it has `count` messages, and gives them.
    pub(crate) async fn until(&self, count: usize) -> Vec<Message> {
        self.until_that(&format!("{count} messages"), |all| all.len() >= count).await
    }

    /// Waits until the messages are as wanted.
    pub(crate) async fn until_that(
        &self,
        what: &str,
        wanted: impl Fn(&[Message]) -> bool,
    ) -> Vec<Message> {
        until(what, || self.messages(), wanted).await
    }
}

impl Drop for Slack {
    fn drop(&mut self) {
        self.serving.abort_all();
        let state = locked(&self.state);
        if !std::thread::panicking() {
            let violations = &state.violations;
            assert!(violations.is_empty(), "requests that break the contract: {violations:#?}");
            assert_eq!(schema::faults(&state.taken), None, "requests that break the schema");
        }
    }
}
