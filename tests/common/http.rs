//! Asking a running agent over HTTP, as any other system would.

use super::agent::{Agent, PATIENCE, TOKEN};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// Where notices go.
pub(crate) const REVOCATIONS: &str = "/api/v1/revocations";

/// One answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A test that waits without yielding does not see the agent close a connection that was idle for long, and would
    // send its next request into it.
    Client::builder().timeout(PATIENCE).pool_max_idle_per_host(0).no_proxy().build().unwrap()
}

pub(crate) async fn ask(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

/// Sends `bytes` as they are and gives what comes back until the other side closes.
pub(crate) fn raw(port: u16, bytes: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // An answer may be followed by a reset, since not everything that was sent was read.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Asserts that this is a problem (RFC 9457) of `status`, and gives its detail.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{self:?}");
        for key in ["type", "title"] {
            assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {self:?}");
        }
        problem["detail"].as_str().unwrap_or_default().to_owned()
    }
}

/// The API with the right token.
pub(crate) struct Api {
    pub(crate) client: Client,
    base: String,
    telemetry: String,
}

impl Api {
    pub(crate) fn of(agent: &Agent) -> Self {
        Self {
            client: client(),
            base: format!("http://127.0.0.1:{}", agent.api),
            telemetry: format!("http://127.0.0.1:{}", agent.metrics),
        }
    }

    /// A request to the API without a token.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// A request to the API.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(TOKEN)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        ask(self.request(Method::GET, path)).await
    }

    /// Sends a notice, with an idempotency key if there is one.
    pub(crate) async fn post(&self, body: impl Into<reqwest::Body>, key: Option<&str>) -> Answer {
        let mut request = self.request(Method::POST, REVOCATIONS).body(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        ask(request).await
    }

    /// A request to the listener of metrics and probes.
    pub(crate) fn telemetry(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.telemetry))
    }
}

/// An agent that looks at an empty cluster.
pub(crate) fn started(cluster: &revoked::throwaway::Cluster) -> Agent {
    let mut agent = prepared(cluster, "");
    agent.start();
    agent
}

/// An agent of that cluster, not started.
pub(crate) fn prepared(cluster: &revoked::throwaway::Cluster, more: &str) -> Agent {
    super::sql(cluster, "postgres", "postgres", "CREATE ROLE revoked_agent LOGIN;");
    Agent::init(&[("main", &cluster.url("revoked_agent", "postgres"))], more)
}
