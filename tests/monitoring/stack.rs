//! Prometheus and Alertmanager as processes of the test, and somebody who is told of alerts.

use crate::common::agent::PATIENCE;
use crate::common::http::client;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// A process that ends with the test.
struct Service(Child);

impl Service {
    fn start(program: &str, arguments: &[String], log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Self(
            command
                .spawn()
                .unwrap_or_else(|error| panic!("{program}: {error}; run scripts/setup test")),
        )
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What somebody was told: by whom it was received, alert, `firing` or `resolved`, and its labels.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) receiver: String,
    pub(crate) alert: String,
    pub(crate) status: String,
    pub(crate) labels: Value,
}

impl Told {
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels[name].as_str().unwrap_or_default()
    }
}

type Inbox = Arc<Mutex<Vec<Told>>>;

async fn take(State(inbox): State<Inbox>, Json(message): Json<Value>) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let alerts = message["alerts"].as_array().cloned().unwrap_or_default();
    inbox.lock().unwrap().extend(alerts.into_iter().map(|alert| Told {
        receiver: word(&message["receiver"]),
        alert: word(&alert["labels"]["alertname"]),
        status: word(&alert["status"]),
        labels: alert["labels"].clone(),
    }));
}

/// Prometheus that scrapes an agent, Alertmanager behind it, and the receiver.
pub(crate) struct Stack {
    dir: tempfile::TempDir,
    prometheus: String,
    client: Client,
    inbox: Inbox,
    _receiver: JoinSet<()>,
    _services: [Service; 2],
}

fn free() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The example for Alertmanager, with receivers of ours in place of all others, and no pauses.
fn example(url: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/alertmanager/alertmanager.yml");
    let mut config: Value =
        serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    without_pauses(&mut config["route"]);
    for receiver in config["receivers"].as_array_mut().unwrap() {
        let resolved = receiver["name"] != "watchdog";
        let hook = json!([{"url": url, "send_resolved": resolved}]);
        *receiver = json!({"name": receiver["name"], "webhook_configs": hook});
    }
    config
}

fn without_pauses(route: &mut Value) {
    route["group_wait"] = "0s".into();
    route["group_interval"] = "1s".into();
    for inner in route["routes"].as_array_mut().into_iter().flatten() {
        without_pauses(inner);
    }
}

impl Stack {
    /// Starts all three. `rules` are files of rules, by name.
    pub(crate) async fn start(metrics: u16, rules: &[(String, Value)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, value: &Value| {
            // JSON is YAML.
            std::fs::write(dir.path().join(name), value.to_string()).unwrap();
        };
        let inbox = Inbox::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver_port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/", post(take)).with_state(inbox.clone());
        let mut receiver = JoinSet::new();
        receiver.spawn(async move { axum::serve(listener, router).await.unwrap() });

        let (prometheus, manager) = (free(), free());
        for (name, file) in rules {
            write(name, file);
        }
        let names: Vec<&str> = rules.iter().map(|(name, _)| name.as_str()).collect();
        write(
            "prometheus.yml",
            &json!({
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                "rule_files": names,
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [format!("127.0.0.1:{manager}")]}]}]},
                "scrape_configs": [{
                    "job_name": "revoked",
                    "static_configs": [{"targets": [format!("127.0.0.1:{metrics}")]}],
                }],
            }),
        );
        let url = format!("http://127.0.0.1:{receiver_port}/");
        write("alertmanager.yml", &example(&url));
        let path = |name: &str| dir.path().join(name).display().to_string();
        let services = [
            Service::start(
                "prometheus-alertmanager",
                &[
                    format!("--config.file={}", path("alertmanager.yml")),
                    format!("--storage.path={}", path("alerts")),
                    format!("--web.listen-address=127.0.0.1:{manager}"),
                    "--cluster.listen-address=".to_owned(),
                ],
                &dir.path().join("alertmanager.log"),
            ),
            Service::start(
                "prometheus",
                &[
                    format!("--config.file={}", path("prometheus.yml")),
                    format!("--storage.tsdb.path={}", path("tsdb")),
                    format!("--web.listen-address=127.0.0.1:{prometheus}"),
                    "--rules.alert.resend-delay=1s".to_owned(),
                ],
                &dir.path().join("prometheus.log"),
            ),
        ];
        let prometheus = format!("http://127.0.0.1:{prometheus}");
        let client = client();
        Self { dir, prometheus, client, inbox, _receiver: receiver, _services: services }
    }

    /// What Prometheus answers to `expression` now, series by series.
    ///
    /// # Errors
    /// When it cannot be asked, or refuses.
    pub(crate) async fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let path = format!("{}/api/v1/query", self.prometheus);
        let url = Url::parse_with_params(&path, [("query", expression)]).unwrap();
        let answer = self.client.get(url).send().await.map_err(|error| error.to_string())?;
        let answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        if answer["status"] != "success" {
            return Err(answer["error"].to_string());
        }
        let data = &answer["data"];
        Ok(match data["resultType"].as_str() {
            Some("vector") => data["result"].as_array().cloned().unwrap_or_default(),
            _ => vec![json!({"metric": {}, "value": data["result"]})],
        })
    }

    /// Waits until `expression` gives something.
    pub(crate) async fn until(&self, expression: &str) {
        let begun = Instant::now();
        loop {
            let answer = self.query(expression).await;
            if answer.as_ref().is_ok_and(|series| !series.is_empty()) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE * 2, "{expression}: {answer:?}\n{}", self.says());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until `receiver` was told of `alert`, as `status`, `after` that many messages.
    pub(crate) async fn until_told(
        &self,
        (receiver, alert): (&str, &str),
        status: &str,
        after: usize,
    ) -> Told {
        let begun = Instant::now();
        loop {
            let told = self.told();
            let is_it = |told: &&Told| {
                (told.receiver.as_str(), told.alert.as_str(), told.status.as_str())
                    == (receiver, alert, status)
            };
            let found = told.iter().skip(after).find(is_it);
            if let Some(found) = found {
                return found.clone();
            }
            let firing = self.query("ALERTS").await;
            assert!(
                begun.elapsed() < PATIENCE * 2,
                "{receiver} was not told that {alert} is {status}, only {told:?}; {firing:?}\n{}",
                self.says()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Everything that was told so far.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.inbox.lock().unwrap().clone()
    }

    fn says(&self) -> String {
        ["prometheus.log", "alertmanager.log"]
            .map(|name| std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default())
            .concat()
    }
}
