//! An agent with one revocation that is open and one that is verified, and what must hold of it always.

use crate::common::agent::{Agent, PATIENCE};
use crate::common::http::{Answer, Api};
use crate::common::kills::assert_exactly_once;
use crate::common::sql;
use revoked::throwaway::Cluster;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Roles and a database of a target.
const PRELUDE: &str =
    "CREATE ROLE revoked_agent LOGIN; CREATE ROLE x LOGIN; CREATE ROLE y; CREATE ROLE z;
    CREATE ROLE crowd LOGIN; CREATE DATABASE orders;";

pub(crate) struct Stage {
    pub(crate) agent: Agent,
    pub(crate) api: Api,
    pub(crate) cluster: Cluster,
    /// The revocation of `x`, which may log in.
    pub(crate) open: String,
    /// The revocation of `y`, which has nothing.
    pub(crate) verified: String,
}

/// Waits until `wanted` gives something.
pub(crate) fn until<T>(what: &str, agent: &Agent, mut wanted: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = wanted() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never {what}: {}", agent.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An agent of `cluster`, not started.
pub(crate) fn agent_of(cluster: &Cluster) -> Agent {
    sql(cluster, "postgres", "postgres", PRELUDE);
    Agent::init(&[("main", &cluster.url("revoked_agent", "postgres"))], "")
}

impl Stage {
    /// Starts the agent and waits until one revocation is open and one verified.
    pub(crate) fn begin(mut agent: Agent, cluster: Cluster) -> Self {
        agent.start();
        let api = Api::of(&agent);
        let open = agent.expect("x", &[]);
        let verified = agent.expect("y", &[]);
        agent.until(&open, |view| view["verdict"] == "residual");
        agent.until_state(&verified, "verified");
        Self { agent, api, cluster, open, verified }
    }

    /// Sends a notice about `z` for the person `who`, whose id it is as well.
    pub(crate) async fn notice(&self, who: &str) -> Answer {
        let body = json!({"username": who, "account": "z", "reason": "terminated"});
        self.api.post(body.to_string(), Some(who)).await
    }

    /// Sends a notice that has to be accepted, and gives its revocation.
    pub(crate) async fn accepted(&self, who: &str) -> String {
        let answer = self.notice(who).await;
        self.taken(&answer)
    }

    /// The revocation of a notice that was accepted, which has its record by then.
    fn taken(&self, answer: &Answer) -> String {
        assert_eq!(answer.status, 202, "{answer:?}");
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(self.count("revocation_triggered", &id), 1, "202 before its record");
        id
    }

    /// Sends a notice that cannot be kept now.
    pub(crate) async fn refused(&self, who: &str) {
        let answer = self.notice(who).await;
        answer.problem(503);
        assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    }

    /// Sends again what was refused, until it is accepted, once. The end of a fault is not yet the end of what waited
    /// for it: locks that a killed session held, statements and connections that were given up.
    pub(crate) async fn sent_again(&self, who: &str) -> String {
        let begun = Instant::now();
        let id = loop {
            let answer = self.notice(who).await;
            if answer.status != 503 || begun.elapsed() > PATIENCE {
                break self.taken(&answer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(self.accepted(who).await, id);
        id
    }

    /// The value of a series.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let page = self.agent.get("/metrics").unwrap();
        page.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    /// Metrics and the probe of life answer, and the age of what is open grows.
    pub(crate) fn assert_alive(&self) {
        let age = || {
            let labels = r#"{milestone="access",reason="terminated",type="full"}"#;
            self.metric(&format!("access_revocation_in_progress_oldest_age_seconds{labels}"))
        };
        let before = age().unwrap();
        until("an older age", &self.agent, || age().filter(|now| *now > before));
        assert_eq!(self.agent.get("/-/healthy").as_deref(), Some("healthy\n"));
    }

    /// Waits until the target is shown as up or down.
    pub(crate) fn until_up(&self, up: bool) {
        let line = format!("access_revocation_target_up{{target=\"main\"}} {}", u8::from(up));
        self.agent.until_metrics(&[&line]);
    }

    /// Lines of the log that are whole, while the agent writes it.
    fn log(&self) -> Vec<Value> {
        self.agent.log()
    }

    /// Records of a type about a revocation.
    pub(crate) fn count(&self, kind: &str, id: &str) -> usize {
        let about = |line: &&Value| line["type"] == kind && line["what"]["revocation"] == id;
        self.log().iter().filter(about).count()
    }

    /// What the API and the counters tell has its record in the log.
    pub(crate) fn assert_told(&self, views: &[Value]) {
        let total: f64 = self
            .agent
            .get("/metrics")
            .unwrap()
            .lines()
            .filter(|line| line.starts_with("access_revocations_total{"))
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum();
        let log = self.log();
        let triggered = log.iter().filter(|line| line["type"] == "revocation_triggered").count();
        assert!(total <= f64::from(u32::try_from(triggered).unwrap()), "{total} of {triggered}");
        for view in views {
            let id = view["id"].as_str().unwrap();
            let needs = match view["state"].as_str().unwrap() {
                "verified" => "verification_completed",
                "regressed" => "access_regressed",
                _ => "revocation_triggered",
            };
            assert!(self.count(needs, id) > 0, "{needs} is not in the log: {view:#}");
        }
    }

    /// One revocation, as the running agent tells it.
    pub(crate) fn view(&self, id: &str) -> Value {
        self.agent.json(&["expect", "show", id, "-o", "json"])
    }

    /// While nobody can see: what was verified stays so, what was found is still told, and nothing is gone.
    pub(crate) fn assert_kept(&self) {
        let (open, verified) = (self.view(&self.open), self.view(&self.verified));
        assert_eq!(verified["state"], "verified", "{verified:#}");
        assert_eq!(open["state"], "open", "{open:#}");
        assert_ne!(open["verdict"], "revoked", "{open:#}");
        assert_eq!(open["residual"][0]["kind"], "login", "the last known: {open:#}");
        self.assert_told(&[open, verified]);
    }

    /// Sessions of the agent on the target, as the server counts them.
    fn sessions(&self) -> i64 {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'revoked_agent';";
        sql(&self.cluster, "postgres", "postgres", count).trim().parse().unwrap()
    }

    /// The fault is over: access is taken away, which is seen and proved; nothing was left behind.
    pub(crate) fn finish(mut self) {
        self.until_up(true);
        sql(&self.cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
        let open = self.agent.until_state(&self.open, "verified");
        let verified = self.view(&self.verified);
        assert_eq!(verified["state"], "verified", "{verified:#}");
        self.assert_told(&[open, verified]);
        assert_eq!(self.count("access_regressed", &self.verified), 0);
        assert_eq!(self.count("verification_completed", &self.verified), 1);
        until("few sessions", &self.agent, || (self.sessions() <= 1).then_some(()));
        // One line a look and target would be a hundred or two; a loop without a pause writes thousands.
        let lines = self.agent.stderr().lines().count();
        assert!(lines < 500, "{lines} lines on stderr");
        assert!(self.agent.stop().success(), "{}", self.agent.stderr());
        let (code, report) = self.agent.verify();
        assert_eq!(code, 0, "{report}");
        assert_exactly_once(&self.agent.log());
        until("no session", &self.agent, || (self.sessions() == 0).then_some(()));
    }
}
