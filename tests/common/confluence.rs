//! A stand-in of Confluence on this machine, Cloud or Data Center: it keeps pages as they do, fails as it is told to, and
//! fails the test by itself when a request breaks the contract.

pub(crate) mod contract;
mod server;
mod wiki;

use super::standin::{listening, locked, until};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::task::JoinSet;

/// The token that it knows.
pub(crate) const TOKEN: &str = "ATATT-hush9c1d-0123456789";
/// The account of the token.
pub(crate) const EMAIL: &str = "robot@company.example";
/// The space that it has.
pub(crate) const SPACE: &str = "SEC";
/// Its number.
pub(crate) const SPACE_ID: &str = "9911";
/// Id of the token's account.
pub(crate) const ACCOUNT: &str = "712020:0a1b-robot";
/// A page that it has.
pub(crate) const PARENT: &str = "1000";

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Status, headers and a body that is no JSON.
    Status(u16, Vec<(&'static str, String)>),
    /// Status and a body as Confluence has them.
    Error(u16, &'static str),
    /// The connection is reset before anything is kept.
    Reset,
    /// It is kept, and the connection is reset.
    ResetAfter,
    /// It is kept, and the answer never comes.
    HangAfter,
    /// It is kept, and the answer is cut in the middle.
    CutAfter,
    /// It is kept, and the answer says that another version is there.
    ConflictAfter,
    /// Nothing is kept, and the answer is a page to log in.
    Login,
}

/// What a person does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Writes something into the page.
    Edit,
    /// Saves it as it is.
    Touch,
    /// Writes something, and takes it back.
    Revert,
    /// Throws it away.
    Trash,
    /// Puts it into the archive.
    Archive,
    /// Gives it another title.
    Rename,
    /// Deletes an attachment.
    Detach,
    /// Deletes all properties.
    Strip,
    /// Lets nobody read it but an auditor, and us.
    Hide,
    /// Attaches 300 files whose names come before all of ours.
    Crowd,
}

/// A page as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) parent: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) body: String,
    /// What was sent, before the server changed its form.
    pub(crate) sent: String,
    pub(crate) version: u64,
    pub(crate) message: String,
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) files: BTreeMap<String, (String, Vec<u8>)>,
    pub(crate) labels: BTreeSet<String>,
    /// Accounts that alone may edit it; empty: whoever may write in the space.
    pub(crate) editors: BTreeSet<String>,
    /// Accounts that alone may read it; empty: whoever may read the space.
    pub(crate) readers: BTreeSet<String>,
    /// So many reads do not show it yet.
    hidden: u32,
}

/// What it keeps.
#[derive(Debug, Default)]
pub(crate) struct State {
    own: bool,
    pages: BTreeMap<String, Page>,
    next: u64,
    faults: BTreeMap<&'static str, VecDeque<Fault>>,
    always: BTreeMap<&'static str, Fault>,
    before: BTreeMap<&'static str, VecDeque<Act>>,
    /// New pages are not shown to so many reads.
    slow: u32,
    space_status: Option<&'static str>,
    space_hidden: bool,
    requests: Vec<(&'static str, Instant)>,
    heard: String,
    violations: Vec<String>,
}

/// The stand-in.
pub(crate) struct Confluence {
    state: Arc<Mutex<State>>,
    pub(crate) port: u16,
    own: bool,
    serving: JoinSet<()>,
}

impl Confluence {
    /// Cloud.
    pub(crate) async fn cloud() -> Self {
        Self::start_at(0, false).await
    }

    /// Data Center.
    pub(crate) async fn own() -> Self {
        Self::start_at(0, true).await
    }

    /// At a port, which may have been another's before.
    pub(crate) async fn start_at(port: u16, own: bool) -> Self {
        let state = Arc::new(Mutex::new(State { own, next: 2000, ..State::default() }));
        let (port, serving) = listening(port, state.clone(), State::answer).await;
        Self { state, port, own, serving }
    }

    /// The section of the configuration. `more` has further keys.
    pub(crate) fn config(&self, more: &str) -> String {
        let who =
            if self.own { "edition: data_center".to_owned() } else { format!("email: {EMAIL}") };
        let base = if self.own { "" } else { "/wiki" };
        format!(
            "confluence: {{token_file: wiki.token, space: {SPACE}, parent: '{PARENT}', {who}, \
             base_url: 'http://127.0.0.1:{}{base}', retry: 40ms, per_minute: 60000, check_interval: 1s{more}}}\n",
            self.port
        )
    }

    /// The next requests of a kind go wrong like this, one after the other.
    pub(crate) fn fail(&self, kind: &'static str, faults: impl IntoIterator<Item = Fault>) {
        locked(&self.state).faults.entry(kind).or_default().extend(faults);
    }

    /// Every request of a kind goes wrong like this; `None`: no more.
    pub(crate) fn always(&self, kind: &'static str, fault: Option<Fault>) {
        let mut state = locked(&self.state);
        match fault {
            Some(fault) => drop(state.always.insert(kind, fault)),
            None => drop(state.always.remove(kind)),
        }
    }

    /// A person does this to the newest page just before the next request of a kind is taken.
    pub(crate) fn before(&self, kind: &'static str, act: Act) {
        locked(&self.state).before.entry(kind).or_default().push_back(act);
    }

    /// A person does this to a page.
    pub(crate) fn act(&self, id: &str, act: &Act) {
        locked(&self.state).act(id, act);
    }

    /// Somebody has a page of this title.
    pub(crate) fn foreign(&self, title: &str, status: &'static str) -> String {
        locked(&self.state).foreign(title, status)
    }

    /// Somebody has a page of this title that looks like one of ours.
    pub(crate) fn forge(&self, title: &str, delivery: &str) {
        let mut state = locked(&self.state);
        let id = state.foreign(title, "current");
        let page = state.pages.get_mut(&id).unwrap();
        page.body = format!("<p>Nothing remains. <code>{delivery}</code></p>");
        let value = serde_json::json!({"delivery": delivery, "schema": 1});
        page.properties.insert("revoked-record".to_owned(), value);
    }

    /// New pages are not shown to so many reads.
    pub(crate) fn slow(&self, reads: u32) {
        locked(&self.state).slow = reads;
    }

    /// The space is archived, or is again as it was.
    pub(crate) fn archive_space(&self, archived: bool) {
        locked(&self.state).space_status = archived.then_some("archived");
    }

    /// The account may not see the space, or may again.
    pub(crate) fn hide_space(&self, hidden: bool) {
        locked(&self.state).space_hidden = hidden;
    }

    /// All pages, the first one first.
    pub(crate) fn pages(&self) -> Vec<Page> {
        locked(&self.state).pages.values().cloned().collect()
    }

    /// Pages that are neither in the trash nor in the archive, and that we made.
    pub(crate) fn ours(&self) -> Vec<Page> {
        let ours = |page: &Page| page.status == "current" && !page.sent.is_empty();
        self.pages().into_iter().filter(ours).collect()
    }

    /// When requests of a kind came.
    pub(crate) fn requests(&self, kind: &str) -> Vec<Instant> {
        let state = locked(&self.state);
        state.requests.iter().filter(|(name, _)| *name == kind).map(|(_, at)| *at).collect()
    }

    /// How many requests came that write something.
    pub(crate) fn writes(&self) -> usize {
        ["create", "update", "set_property", "attach", "label", "restrict"]
            .iter()
            .map(|kind| self.requests(kind).len())
            .sum()
    }

    /// Everything that was received, but for the credential where it belongs.
    pub(crate) fn heard(&self) -> String {
        locked(&self.state).heard.clone()
    }

    /// Waits until the pages are as wanted.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&[Page]) -> bool) -> Vec<Page> {
        until(what, || self.pages(), wanted).await
    }
}

impl Drop for Confluence {
    fn drop(&mut self) {
        self.serving.abort_all();
        let violations = locked(&self.state).violations.clone();
        if !std::thread::panicking() {
            assert!(violations.is_empty(), "requests that break the contract: {violations:#?}");
        }
    }
}
