//! A store, a log, a deliverer and a stand-in, put together as the agent does.

use crate::common::logbook::{Logbook, key};
use crate::common::sample::revocation;
use crate::common::slack::press::SIGNING;
use crate::common::slack::{BOT, Slack};
pub(crate) use crate::common::telling::Running;
use revoked::audit::verify::{Outcome, Verifier, Vkey};
use revoked::clock;
use revoked::config::Config;
use revoked::domain::delivery::Standing;
use revoked::domain::lifecycle::Life;
use revoked::domain::revocation::State;
use revoked::domain::time::UtcTime;
use revoked::store::{Delivery, Move, NewRecord};
use serde_json::{Value, json};
use std::ops::Deref;
use std::path::PathBuf;
use tempfile::TempDir;

/// What lasts: what a killed agent leaves.
pub(crate) struct Office {
    pub(crate) logbook: Logbook,
    dir: PathBuf,
    section: String,
}

/// The same with the stand-in that is told.
pub(crate) struct Desk {
    office: Office,
    pub(crate) slack: Slack,
    _home: TempDir,
}

impl Deref for Desk {
    type Target = Office;

    fn deref(&self) -> &Office {
        &self.office
    }
}

impl Desk {
    /// `more` has further keys of the section `slack`.
    pub(crate) async fn new(more: &str) -> Self {
        let slack = Slack::start().await;
        let section = slack.config(more);
        Self::of(slack, section)
    }

    pub(crate) fn of(slack: Slack, section: String) -> Self {
        let home = tempfile::tempdir().unwrap();
        let logbook = Logbook::new();
        let dir = home.path().to_owned();
        std::fs::write(dir.join("slack.token"), BOT).unwrap();
        std::fs::write(dir.join("slack.hook"), slack.hook()).unwrap();
        std::fs::write(dir.join("slack.signing"), SIGNING).unwrap();
        Self { office: Office { logbook, dir, section }, slack, _home: home }
    }

    /// With a button below what is overdue.
    pub(crate) async fn with_button() -> Self {
        Self::new(", acknowledge: {signing_secret_file: slack.signing}").await
    }

    /// With more time for messages to wait for others.
    pub(crate) async fn patient(more: &str) -> Self {
        let mut desk = Self::new(more).await;
        desk.office.section = desk.section.replace("gather: 100ms", "gather: 1s");
        desk
    }
}

impl Office {
    /// For another process.
    pub(crate) fn at(logbook: Logbook, dir: PathBuf, section: String) -> Self {
        Self { logbook, dir, section }
    }

    /// What [`at`](Self::at) needs: where log and store are, where the secrets are, and the configuration.
    pub(crate) fn address(&self) -> [String; 3] {
        let log = self.logbook.log_dir();
        let book = log.parent().unwrap().display().to_string();
        [book, self.dir.display().to_string(), self.section.clone()]
    }

    fn read(&self, section: &str) -> Config {
        let path = self.dir.join("revoked.yaml");
        let text =
            format!("state_dir: state\ntargets: {{main: {{url: 'postgres://a@db/x'}}}}\n{section}");
        std::fs::write(&path, text).unwrap();
        Config::read(&path).unwrap()
    }

    /// Starts an agent.
    pub(crate) async fn start(&self) -> Running {
        Running::start(&self.logbook, self.read(&self.section)).await
    }

    /// Another configuration is in force.
    pub(crate) fn reload(&self, running: &Running, section: &str) {
        running.replacer.replace(self.read(section));
    }

    /// The same one, read anew with a key that changes nothing else.
    pub(crate) fn reload_same(&self, running: &Running) {
        self.reload(running, &self.section.replace("gather: 100ms", "gather: 90ms"));
    }

    /// Records of a kind in the log.
    pub(crate) fn records(&self, kind: &str) -> Vec<Value> {
        let texts = self.logs().into_iter().map(|path| std::fs::read_to_string(path).unwrap());
        let text = texts.collect::<String>();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["type"] == kind).map(|mut line| line["what"].take()).collect()
    }

    /// The files of the log, in order.
    fn logs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.logbook.log_dir()).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
        files.sort();
        files
    }

    /// The log verifies.
    pub(crate) fn assert_sound(&self) {
        let vkey = Vkey::parse(&key().vkey()).unwrap();
        let mut verifier = Verifier::new(Some(vkey));
        for file in self.logs() {
            verifier.begin_file(&file.display().to_string());
            verifier.push_bytes(&std::fs::read(file).unwrap());
        }
        let report = verifier.finish();
        assert_eq!(report.outcome, Outcome::Verified, "{report}");
    }
}

impl Running {
    /// Expects revocations of these subjects, at `at` or now.
    pub(crate) async fn expect(&self, names: &[String], at: Option<UtcTime>) {
        for name in names {
            self.expect_for(name, "terminated", at).await;
        }
        self.journal.wake();
    }

    pub(crate) async fn expect_for(&self, name: &str, reason: &str, at: Option<UtcTime>) {
        let at = at.unwrap_or_else(clock::now);
        let mut new = revocation(&format!("rev_{name}"), name);
        new.at = at;
        new.revocation.received_at = at;
        new.revocation.effective_at = at;
        for record in &mut new.records {
            record.body.insert("reason".to_owned(), reason.into());
        }
        self.journal.store.accept(&new).await.unwrap();
        self.journal.wake();
    }

    /// Moves a revocation, with a record.
    pub(crate) async fn step(&self, name: &str, state: State, kind: &'static str, more: Value) {
        self.step_at(name, state, kind, more, clock::now()).await;
    }

    /// The same at another time than now.
    pub(crate) async fn step_at(
        &self,
        name: &str,
        state: State,
        kind: &'static str,
        more: Value,
        now: UtcTime,
    ) {
        let id = format!("rev_{name}");
        let from = self.journal.store.revocation(&id).await.unwrap().unwrap().stored;
        let mut life = Life { state, last_look_at: Some(now), ..from.life.as_ref().clone() };
        let mut body = json!({"at": now, "reason": "terminated", "revocation": id});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if state == State::Verified {
            life.first_clean_at = Some(now);
            life.verified_at = Some(now);
            body["verification"] = json!({"verified_at": now});
            body["first_clean_at"] = json!(now);
        }
        let record = NewRecord { kind, body: body.as_object().unwrap().clone() };
        let step = Move {
            revocation: from.revocation.clone(),
            accounts: from.accounts.clone(),
            life,
            evidence: None,
            before: Vec::new(),
            records: vec![record],
            notice: None,
            at: now,
            watch_until: from.watch_until,
            from,
        };
        self.journal.store.advance(&step).await.unwrap();
        self.journal.wake();
    }

    pub(crate) async fn verify(&self, name: &str) {
        self.step(name, State::Verified, "verification_completed", json!({})).await;
    }

    pub(crate) async fn regress(&self, name: &str) {
        let more = json!({"residual": [], "residual_total": 1, "cause": "granted_again"});
        self.step(name, State::Regressed, "access_regressed", more).await;
    }

    /// Waits until nothing is to be done any more, and gives all rows.
    pub(crate) async fn settled(&self) -> Vec<Delivery> {
        self.until("everything is settled", |rows| {
            rows.iter().all(|row| row.row.standing.is_settled())
        })
        .await
    }

    /// Waits until the rows are as wanted.
    pub(crate) async fn until(
        &self,
        what: &str,
        wanted: impl Fn(&[Delivery]) -> bool,
    ) -> Vec<Delivery> {
        self.until_rows(what, |_| true, wanted).await
    }

    /// Waits until one row stands like this.
    pub(crate) async fn until_one(&self, standing: Standing) -> Delivery {
        let is = |row: &Delivery| row.row.standing == standing;
        let rows = self.until(standing.as_str(), |rows| rows.iter().any(is)).await;
        rows.into_iter().find(|row| is(row)).unwrap()
    }
}

/// Names of `count` subjects.
pub(crate) fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("p{n}")).collect()
}
