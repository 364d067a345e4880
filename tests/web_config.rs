//! The metrics listener behind TLS and passwords, as the web.config file of exporters says.

mod common;

use common::agent::{Agent, PATIENCE};
use common::cluster;
use common::http::{ask, client, prepared};
use reqwest::{Certificate, Client, Identity, Method, RequestBuilder};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The listener of an agent, over TLS or not.
struct Listener {
    client: Client,
    base: String,
}

impl Listener {
    fn open(agent: &Agent) -> Self {
        Self { client: client(), base: format!("http://127.0.0.1:{}", agent.metrics) }
    }

    /// As somebody who trusts `dir`/ca.pem, and shows `identity`.
    fn tls(agent: &Agent, dir: &Path, identity: Option<&str>) -> Self {
        let _ = client();
        let ca = std::fs::read(dir.join("ca.pem")).unwrap();
        let mut builder = Client::builder()
            .timeout(PATIENCE)
            .pool_max_idle_per_host(0)
            .no_proxy()
            .tls_certs_only([Certificate::from_pem(&ca).unwrap()]);
        if let Some(name) = identity {
            let file = |end: &str| std::fs::read(dir.join(format!("{name}.{end}"))).unwrap();
            let pem = [file("pem"), file("key")].concat();
            builder = builder.identity(Identity::from_pem(&pem).unwrap());
        }
        let base = format!("https://localhost:{}", agent.metrics);
        Self { client: builder.build().unwrap(), base }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.request(Method::GET, format!("{}{path}", self.base))
    }

    /// Waits until `path` is answered with `status`; 0: not at all.
    async fn until(&self, path: &str, status: u16) {
        let begun = Instant::now();
        loop {
            let answer = self.get(path).send().await.map_or(0, |answer| answer.status().as_u16());
            if answer == status {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{path}: {answer} instead of {status}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn openssl(dir: &Path, arguments: &[&str]) {
    let made = Command::new("openssl").args(arguments).current_dir(dir).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// An authority in `dir`, and certificates that it gave to a server and a client.
fn certificates(dir: &Path) {
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -sha256 -subj";
    let new: Vec<&str> = new.split(' ').collect();
    openssl(dir, &[&new[..], &["/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem"]].concat());
    for (name, uses) in [("server", "serverAuth"), ("client", "clientAuth")] {
        let (key, cert) = (format!("{name}.key"), format!("{name}.pem"));
        let uses = format!("extendedKeyUsage={uses}");
        let leaf = [
            "/CN=localhost",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext",
            &uses,
            "-keyout",
            &key,
            "-out",
            &cert,
        ];
        openssl(dir, &[&new[..], &leaf].concat());
    }
}

/// Writes the web.config, and checks that Prometheus's own tool takes it.
fn write(agent: &Agent, text: &str) {
    let path = agent.dir().join("web.yml");
    std::fs::write(&path, text).unwrap();
    let checked =
        Command::new("promtool").args(["check", "web-config"]).arg(&path).output().unwrap();
    assert!(checked.status.success(), "{text}: {}", String::from_utf8_lossy(&checked.stderr));
}

fn guarded(cluster: &revoked::throwaway::Cluster, text: &str) -> Agent {
    let agent = prepared(cluster, "");
    let config = std::fs::read_to_string(agent.config()).unwrap();
    let config = config.replace("listen: {", "listen: {metrics_web_config: web.yml, ");
    std::fs::write(agent.config(), config).unwrap();
    certificates(&agent.dir());
    write(&agent, text);
    agent
}

fn users(password: &str, cost: u32) -> String {
    let hash = bcrypt::hash(password, cost).unwrap();
    format!("basic_auth_users: {{prometheus: '{hash}'}}\n")
}

const TLS: &str = "tls_server_config: {cert_file: server.pem, key_file: server.key";

#[tokio::test]
async fn only_who_has_the_password_sees_anything() {
    let cluster = cluster();
    // Costly enough to be seen, cheap enough for a test.
    let mut agent = guarded(&cluster, &users("s3cret", 10));
    agent.spawn();
    let listener = Listener::open(&agent);
    listener.until("/-/healthy", 401).await;
    let refused = ask(listener.get("/metrics")).await;
    assert!(refused.problem(401).contains("Authorization: Basic"), "{refused:?}");
    assert_eq!(refused.header("www-authenticate"), "Basic realm=\"revoked\"");
    let mut took = Vec::new();
    for (user, password, status) in [
        ("prometheus", "s3cret", 200),
        ("prometheus", "s3cret", 200),
        ("prometheus", "wrong", 401),
        ("nobody", "s3cret", 401),
        ("prometheus", "", 401),
    ] {
        let begun = Instant::now();
        let answer = ask(listener.get("/metrics").basic_auth(user, Some(password))).await;
        took.push(begun.elapsed());
        assert_eq!(answer.status, status, "{user}:{password}");
        assert_eq!(answer.text.contains("access_revocation"), status == 200, "{user}:{password}");
    }
    assert!(took[1] < took[0] / 2, "a right password is remembered: {took:?}");
    assert!(took[3] > took[1] * 2, "a user who does not exist takes as long: {took:?}");
    for strange in ["Basic", "Basic !", "Basic cHJvbWV0aGV1cw==", "Bearer s3cret", ""] {
        let answer = ask(listener.get("/metrics").header("authorization", strange)).await;
        assert_eq!(answer.status, 401, "{strange}");
    }
    let doctor = agent.run(&["doctor"]).1;
    assert!(doctor.contains("guarded by listen.metrics_web_config"), "{doctor}");

    // Another password takes the old one's place, remembered or not.
    write(&agent, &users("other", 4));
    let right = |password: &'static str| {
        let request = listener.get("/metrics").basic_auth("prometheus", Some(password));
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let begun = Instant::now();
    while right("other").await != 200 {
        assert!(begun.elapsed() < PATIENCE, "{}", agent.stderr());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(right("s3cret").await, 401);

    // What is wrong changes nothing.
    std::fs::write(agent.dir().join("web.yml"), "basic_auth_users: {prometheus: plain}").unwrap();
    let failed = "access_revocation_agent_config_last_reload_successful 0";
    let begun = Instant::now();
    loop {
        let request = listener.get("/metrics").basic_auth("prometheus", Some("other"));
        if ask(request).await.text.lines().any(|line| line == failed) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", agent.stderr());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(agent.stderr().contains("no bcrypt hash"), "{}", agent.stderr());
    assert!(agent.stop().success());
}

#[tokio::test]
async fn tls_is_served_and_its_certificate_can_change() {
    let cluster = cluster();
    let mut agent = guarded(&cluster, &format!("{TLS}, min_version: TLS13}}\n"));
    agent.spawn();
    let dir = agent.dir();
    let first = Listener::tls(&agent, &dir, None);
    first.until("/-/ready", 200).await;
    let page = ask(first.get("/metrics")).await;
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    Listener::open(&agent).until("/metrics", 0).await;
    let old = first.client;
    // Another authority, another certificate: whoever trusts the old one only is not answered any more.
    let config = std::fs::read_to_string(dir.join("web.yml")).unwrap();
    certificates(&dir);
    Listener::tls(&agent, &dir, None).until("/metrics", 200).await;
    let stranger = Listener { client: old, base: format!("https://localhost:{}", agent.metrics) };
    let begun = Instant::now();
    // Its kept connection may live on for a while.
    while stranger.get("/metrics").send().await.is_ok() {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_secs(11)).await;
    }
    // Clients have to show a certificate from now on.
    let more = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem";
    write(&agent, &config.replace(", min_version", &format!("{more}, min_version")));
    Listener::tls(&agent, &dir, None).until("/metrics", 0).await;
    Listener::tls(&agent, &dir, Some("client")).until("/metrics", 200).await;
    assert!(agent.stop().success());
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let cluster = cluster();
    let agent = guarded(&cluster, &format!("{TLS}}}\n"));
    assert_eq!(agent.run(&["config", "check"]).0, 0);
    std::fs::copy(agent.dir().join("client.key"), agent.dir().join("server.key")).unwrap();
    let (code, _, says) = agent.run(&["config", "check"]);
    assert_eq!(code, 1, "{says}");
    assert!(says.contains("listen.metrics_web_config: tls_server_config"), "{says}");
    assert!(says.contains("cert_file and key_file do not fit"), "{says}");
}
