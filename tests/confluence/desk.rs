//! A store, a log, a deliverer and a stand-in, put together as the agent does.

use crate::common::agent::PATIENCE;
use crate::common::confluence::{Confluence, Page, TOKEN};
use crate::common::logbook::{Logbook, key};
use crate::common::sample::revocation;
pub(crate) use crate::common::telling::Running;
pub(crate) use crate::sample::finding;
use crate::sample::{account, observation};
use revoked::audit::record::{self, About};
use revoked::audit::verify::{Outcome, Verifier, Vkey};
use revoked::clock;
use revoked::config::Config;
use revoked::domain::before::BeforeState;
use revoked::domain::delivery::Standing;
use revoked::domain::ids::{RoleOid, SystemIdentifier};
use revoked::domain::lifecycle::{Label, Life, Terms};
use revoked::domain::residual::Residual;
use revoked::domain::revocation::State;
use revoked::domain::time::UtcTime;
use revoked::domain::verdict::Verdict;
use revoked::store::{Delivery, Move, NewRecord, Stored};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What lasts: what a killed agent leaves.
pub(crate) struct Desk {
    pub(crate) logbook: Logbook,
    pub(crate) wiki: Confluence,
    home: TempDir,
    section: String,
}

impl Desk {
    /// With Cloud.
    pub(crate) async fn new() -> Self {
        Self::of(Confluence::cloud().await, "")
    }

    /// `more` has further keys of the section.
    pub(crate) fn of(wiki: Confluence, more: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("wiki.token"), TOKEN).unwrap();
        let section = wiki.config(more);
        Self { logbook: Logbook::new(), wiki, home, section }
    }

    /// Looks at filed pages no more than once an hour.
    pub(crate) async fn unwatched() -> Self {
        let desk = Self::new().await;
        let section = desk.section.replace("check_interval: 1s", "check_interval: 1h");
        Self { section, ..desk }
    }

    /// Files a page every four seconds.
    pub(crate) async fn slow() -> Self {
        let desk = Self::unwatched().await;
        let section = desk.section.replace("per_minute: 60000", "per_minute: 15");
        Self { section, ..desk }
    }

    /// Attests too, by this schedule. `begin` is where its first period begins, if it was there before.
    pub(crate) async fn attesting(self, schedule: &str, begin: Option<UtcTime>) -> Self {
        if let Some(begin) = begin {
            let store = self.logbook.store().await;
            store.begin_attestation("audit", begin).await.unwrap();
            store.close().await;
        }
        let list =
            format!("attestations: [{{name: audit, schedule: '{schedule}', time_zone: UTC}}]");
        let section = format!("{}\n{list}\n", self.section);
        Self { section, ..self }
    }

    /// The sections of the configuration that it has.
    pub(crate) fn section(&self) -> String {
        self.section.clone()
    }

    /// The same without its attestations.
    pub(crate) fn reload_without(&self, running: &Running) {
        let section = self.section.split("attestations:").next().unwrap_or_default();
        self.reload(running, section);
    }

    /// As the configuration is now.
    pub(crate) fn config(&self, change: impl FnOnce(&str) -> String) -> Config {
        self.read(&change(&self.section))
    }

    fn read(&self, section: &str) -> Config {
        let path = self.home.path().join("revoked.yaml");
        let text = format!(
            "state_dir: state\nlog: {{dir: '{}'}}\ntime_zone: Europe/Berlin\nvendors: {{acme: {{}}}}\n\
             targets: {{main: {{url: 'postgres://a@db/x'}}}}\n{section}",
            self.logbook.log_dir().display()
        );
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
        self.reload(running, &self.section.replace("retry: 40ms", "retry: 30ms"));
    }

    /// Records of a kind in the log.
    pub(crate) fn records(&self, kind: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.logbook.log_file()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["type"] == kind).map(|mut line| line["what"].take()).collect()
    }

    /// Waits until the log has `count` records of a kind.
    pub(crate) async fn until_records(&self, kind: &str, count: usize) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let records = self.records(kind);
            if records.len() >= count {
                return records;
            }
            assert!(begun.elapsed() < PATIENCE, "not yet {count} {kind}: {records:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The log verifies, with a note from elsewhere if there is one.
    pub(crate) fn assert_sound(&self) {
        let vkey = Vkey::parse(&key().vkey()).unwrap();
        let mut verifier = Verifier::new(Some(vkey));
        verifier.begin_file("log");
        verifier.push_bytes(&std::fs::read(self.logbook.log_file()).unwrap());
        let report = verifier.finish();
        assert_eq!(report.outcome, Outcome::Verified, "{report}");
        assert!(report.not_understood.is_empty(), "{report}");
    }
}

impl Running {
    /// Expects a revocation, of a checklist if one is named.
    pub(crate) async fn expect(&self, name: &str, checklist: &str) {
        let now = clock::now();
        let mut new = revocation(&format!("rev_{name}"), name);
        new.at = now;
        new.revocation.received_at = now;
        new.revocation.effective_at = now;
        new.life = Life::begin(now, now);
        checklist.clone_into(&mut new.notice.facts.checklist);
        "acme".clone_into(&mut new.notice.facts.vendor);
        Box::pin(self.journal.store.accept(&new)).await.unwrap();
        self.journal.wake();
    }

    async fn stored(&self, name: &str) -> Stored {
        self.journal.store.revocation(&format!("rev_{name}")).await.unwrap().unwrap().stored
    }

    async fn step(
        &self,
        from: Stored,
        life: Life,
        before: Vec<BeforeState>,
        records: Vec<NewRecord>,
    ) {
        let step = Move {
            revocation: from.revocation.clone(),
            accounts: from.accounts.clone(),
            life,
            evidence: None,
            before,
            records,
            notice: None,
            at: clock::now(),
            watch_until: from.watch_until,
            from,
        };
        Box::pin(self.journal.store.advance(&step)).await.unwrap();
        self.journal.wake();
    }

    /// A look finds these.
    pub(crate) async fn found(&self, name: &str, role: &str, found: &[Residual]) {
        let mut from = self.stored(name).await;
        from.accounts = vec![account(role)];
        let now = clock::now();
        let body = observation(&from, Label::Before, Verdict::Residual, found, now);
        let before = BeforeState {
            target: "main".to_owned(),
            oid: RoleOid(16_401),
            seen_at: now,
            system_identifier: Some(SystemIdentifier(7)),
            version_num: Some(150_018),
            residual: found.to_vec(),
            gaps: Vec::new(),
        };
        let mut life = from.life.as_ref().clone();
        life.first_residual_at = Some(now);
        let records = vec![NewRecord { kind: "observation", body }];
        Box::pin(self.step(from, life, vec![before], records)).await;
    }

    /// It is verified.
    pub(crate) async fn verify(&self, name: &str) {
        let from = self.stored(name).await;
        let now = clock::now();
        let life = Life {
            state: State::Verified,
            first_clean_at: Some(now),
            verified_at: Some(now),
            ..from.life.as_ref().clone()
        };
        let about = About { revocation: &from.revocation, subject: &from.subject_id, at: now };
        let terms = Terms {
            kind: from.revocation.kind,
            reason: from.revocation.reason,
            effective_at: from.revocation.effective_at,
            deadlines: from.revocation.deadlines,
            verification_delay: Duration::from_secs(60),
        };
        let records = vec![
            NewRecord { kind: "access_revoked", body: record::gone(&about, now, false) },
            NewRecord {
                kind: "observation",
                body: observation(&from, Label::After, Verdict::Revoked, &[], now),
            },
            NewRecord {
                kind: "verification_completed",
                body: record::verified(&about, &terms, &life, true),
            },
        ];
        Box::pin(self.step(from, life, Vec::new(), records)).await;
    }

    /// Something happens to it.
    pub(crate) async fn turn(&self, name: &str, state: State, kind: &'static str) {
        let from = self.stored(name).await;
        let life = Life { state, ..from.life.as_ref().clone() };
        let id = &from.revocation.id;
        let body = json!({"at": clock::now(), "reason": "terminated", "revocation": id});
        let body = body.as_object().unwrap().clone();
        let records = vec![NewRecord { kind, body }];
        Box::pin(self.step(from, life, Vec::new(), records)).await;
    }

    /// A whole life of a role with this name.
    pub(crate) async fn live(&self, name: &str, role: &str) {
        Box::pin(self.expect(name, "")).await;
        Box::pin(self.found(name, role, &[finding(role, "TABLE public.orders")])).await;
        Box::pin(self.verify(name)).await;
    }

    /// Waits until the rows that are not left out are as wanted.
    pub(crate) async fn until(
        &self,
        what: &str,
        wanted: impl Fn(&[Delivery]) -> bool,
    ) -> Vec<Delivery> {
        let kept = |row: &Delivery| row.row.standing != Standing::Superseded;
        self.until_rows(what, kept, wanted).await
    }

    /// Waits until `count` rows are sent, and nothing else is to be done.
    pub(crate) async fn until_sent(&self, count: usize) -> Vec<Delivery> {
        self.until(&format!("{count} are sent"), |rows| {
            rows.iter().filter(|row| row.row.standing == Standing::Sent).count() == count
                && rows.iter().all(|row| row.row.standing.is_settled())
        })
        .await
    }

    /// Waits until one row stands like this, for this reason.
    pub(crate) async fn until_one(&self, standing: Standing, error: &str) -> Delivery {
        let is = |row: &Delivery| row.row.standing == standing && row.error == error;
        let what = format!("{standing} by {error}");
        let rows = self.until(&what, |rows| rows.iter().any(is)).await;
        rows.into_iter().find(|row| is(row)).unwrap()
    }
}

/// Text of a page, as people read it.
pub(crate) fn read(page: &Page) -> String {
    crate::common::confluence::contract::readable(&page.body)
}
