//! The plan, run by psql, and what `--simulate` said of it, for scenario after scenario on every version: then
//! nothing remains but what was said, and everybody else can do what they could before.
//!
//! Scenarios of one version follow one another on one cluster, each with leavers of its own, so that each has the
//! remains of those before it around it.

#[path = "plan/cases.rs"]
mod cases;
mod common;
#[path = "plan/fingerprint.rs"]
mod fingerprint;

use cases::{CASES, Case};
use common::scenario::{check, start};
use common::{LiveSession, psql, revoked, run, sql, versions};
use fingerprint::Fingerprint;
use revoked::throwaway::Cluster;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// What tells one finding from another, whoever granted it: a new owner is a new grantor.
fn keys<'a>(findings: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    let text = |found: &Value, key: &str| found[key].as_str().unwrap_or("-").to_owned();
    findings
        .map(|found| {
            let parts = ["kind", "database", "object", "sub_object", "privilege"];
            let parts: Vec<String> = parts.iter().map(|key| text(found, key)).collect();
            format!("{} {}", found["account"]["role"], parts.join(" "))
        })
        .collect()
}

struct Stage<'a> {
    cluster: &'a Cluster,
    case: &'a Case,
    leavers: Vec<String>,
}

impl Stage<'_> {
    /// Names of this scenario's own roles and schema in place of `@X@`, `@Z@` and `@S@`.
    fn text(&self, text: &str) -> String {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        text.replace("@X@", &quoted(&self.leavers[0]))
            .replace("@Z@", &quoted(&self.leavers[1]))
            .replace("@S@", self.case.name)
            .replace("@X'@", &self.leavers[0].replace('\'', "''"))
    }

    fn plan(&self, more: &[&str]) -> (i32, String) {
        let url = self.cluster.url("agent", "postgres");
        let mut command = revoked();
        command.args(["plan", "--target", &url]).args(self.case.args).args(more);
        let (code, out, err) = run(command.args(&self.leavers));
        assert!(!out.is_empty(), "{}: {err}", self.case.name);
        (code, out)
    }

    /// What is left of all leavers, once sessions that were told to end have ended.
    fn left(&self, expected: &BTreeSet<String>) -> BTreeSet<String> {
        let mut left = BTreeSet::new();
        for _ in 0..50 {
            let reports: Vec<Value> =
                self.leavers.iter().map(|name| check(self.cluster, name).1).collect();
            let findings = reports.iter().flat_map(|report| report["residual"].as_array().unwrap());
            left = keys(findings);
            if left == *expected {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        left
    }

    fn play(&self) {
        let at = format!("{} on PostgreSQL {}", self.case.name, self.cluster.major());
        sql(
            self.cluster,
            "postgres",
            "orders",
            &self.text(
                "CREATE ROLE @X@ LOGIN; CREATE ROLE @Z@; CREATE SCHEMA @S@ AUTHORIZATION app;
             GRANT USAGE ON SCHEMA @S@ TO PUBLIC;
             CREATE TABLE @S@.t (a int, b int); ALTER TABLE @S@.t OWNER TO app;
             CREATE ROLE @S@_g; GRANT SELECT ON @S@.t TO @S@_g;",
            ),
        );
        sql(self.cluster, "postgres", "orders", &self.text(self.case.setup));
        let session = self
            .case
            .session
            .then(|| LiveSession::open(self.cluster, &self.leavers[0], "orders", "SELECT 1;"));
        let before = Fingerprint::of(self.cluster, &self.leavers);

        let (code, out) = self.plan(&["--simulate", "-o", "json"]);
        let answer: Value = serde_json::from_str(&out).unwrap();
        let target = &answer["targets"][0];
        let simulated = &target["simulation"];
        assert_eq!(simulated["stops"], Value::Null, "{at}: {simulated:#}");
        let would_remain = keys(simulated["would_remain"].as_array().unwrap().iter());
        assert_eq!(
            would_remain.is_empty(),
            self.case.remains.is_empty(),
            "{at}: {would_remain:#?}"
        );
        for kind in self.case.remains {
            let kind = format!(" {kind} ");
            assert!(would_remain.iter().any(|one| one.contains(&kind)), "{at}: {would_remain:#?}");
        }
        let notes = target["by_hand"].as_array().unwrap();
        assert_eq!(notes.is_empty(), would_remain.is_empty(), "{at}: {notes:#?}");
        assert_eq!(code, if would_remain.is_empty() { 0 } else { 2 }, "{at}");

        let script = self.plan(&[]).1;
        let output = psql(self.cluster, "postgres", "postgres", &script);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{at}: {errors}\n{script}");
        assert!(!errors.contains("WARNING"), "{at}: {errors}\n{script}");
        assert_eq!(self.left(&would_remain), would_remain, "{at}\n{script}");

        let after = Fingerprint::of(self.cluster, &self.leavers);
        let changes = before.changes(&after, &self.leavers);
        let lose = simulated["others_lose"].as_array().unwrap();
        assert!(changes.is_empty(), "{at}: {changes:#?}\n{script}");
        assert_eq!(lose.is_empty(), !self.case.others_lose, "{at}: {lose:#?}");
        drop(session);
        self.leave();
    }

    /// Under other names, they are in nobody's way. What was left to people is dropped.
    fn leave(&self) {
        sql(self.cluster, "postgres", "orders", &self.text(self.case.after));
        for (number, name) in self.leavers.iter().enumerate() {
            let name = name.replace('"', "\"\"");
            let gone = format!("ALTER ROLE \"{name}\" RENAME TO gone_{}_{number}", self.case.name);
            sql(self.cluster, "postgres", "postgres", &gone);
        }
    }
}

/// Plays all scenarios on one version; gives those that failed, whose panics have said why.
fn play_all(cluster: &Cluster, only: Option<&str>) -> Vec<String> {
    let fits = |case: &&Case| {
        (case.from..=case.to).contains(&cluster.major())
            && only.is_none_or(|only| only.split(',').any(|one| one == case.name))
    };
    let mut failed = Vec::new();
    for case in CASES.iter().filter(fits) {
        let leavers = case.leavers.iter().map(|name| (*name).to_owned()).collect();
        let stage = Stage { cluster, case, leavers };
        let play = std::panic::AssertUnwindSafe(|| stage.play());
        if std::panic::catch_unwind(play).is_err() {
            failed.push(format!("{} on {}", case.name, cluster.major()));
            stage.leave();
        }
    }
    failed
}

#[test]
fn the_plan_does_what_the_simulation_said_and_nothing_to_others() {
    // Some scenarios alone, for whoever works on them.
    let only = std::env::var("REVOKED_TEST_CASE").ok();
    let failed: Vec<String> = std::thread::scope(|threads| {
        let running: Vec<_> = versions()
            .into_iter()
            .map(|binaries| threads.spawn(|| play_all(&start(&{ binaries }), only.as_deref())))
            .collect();
        running.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{failed:#?}");
}
