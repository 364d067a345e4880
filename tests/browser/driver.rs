//! A headless Chromium, driven through chromedriver: WebDriver is JSON over HTTP, and this needs five of its calls.

use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

const MISSING: &str = "the page is tested in Chromium, which is driven by chromedriver: run scripts/setup test, which \
    installs both (packages chromium and chromium-driver)";

/// One window, and what has to be ended with it.
pub(crate) struct Browser {
    client: Client,
    session: String,
    driver: Child,
    reader: Option<JoinHandle<()>>,
    process: Option<u64>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// A new window with an empty profile, at the page as a file.
    pub(crate) async fn open() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver does not start ({error}); {MISSING}"));
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let port = port.unwrap_or_else(|| panic!("chromedriver names no port; {MISSING}"));
        // Its further lines have a reader, or it would wait for one.
        let reader = std::thread::Builder::new()
            .name("chromedriver".to_owned())
            .spawn(move || lines.for_each(drop))
            .unwrap();

        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            Client::builder().no_proxy().timeout(Duration::from_secs(600)).build().unwrap();
        let profile = tempfile::tempdir().unwrap();
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let mut browser = Self {
            client,
            session: format!("http://127.0.0.1:{port}/session"),
            driver,
            reader: Some(reader),
            process: None,
            _profile: profile,
        };
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments},
            "timeouts": {"script": 590_000},
        }}});
        let made = browser.ask(Method::POST, "", Some(wanted)).await;
        let id = made["sessionId"].as_str().unwrap_or_else(|| panic!("{made}\n{MISSING}"));
        browser.session = format!("{}/{id}", browser.session);
        browser.process = made["capabilities"]["goog:processID"].as_u64();
        browser.go(&page()).await;
        browser
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.client.request(method, format!("{}{path}", self.session));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let text = request.send().await.unwrap().text().await.unwrap();
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{path}: {value}");
        value
    }

    /// Goes to an address.
    pub(crate) async fn go(&self, url: &str) {
        self.ask(Method::POST, "/url", Some(json!({"url": url}))).await;
    }

    /// Runs the body of an async function of `given` in the page, and gives what it returns.
    pub(crate) async fn run(&self, body: &str, given: Value) -> Value {
        let script = format!(
            "const [given, done] = arguments;
             (async () => {{ {body} }})().then((value) => done({{ value: value ?? null }}), (error) => done({{ error: String(error.stack || error) }}));"
        );
        let mut answer = self
            .ask(Method::POST, "/execute/async", Some(json!({"script": script, "args": [given]})))
            .await;
        assert!(answer["error"].is_null(), "{}", answer["error"].as_str().unwrap_or_default());
        answer["value"].take()
    }

    async fn element(&self, selector: &str) -> String {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.ask(Method::POST, "/element", Some(wanted)).await;
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    /// Types into an element; into a field for files, their paths.
    pub(crate) async fn type_in(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.ask(Method::POST, &format!("/element/{element}/value"), Some(json!({"text": text})))
            .await;
    }

    pub(crate) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.ask(Method::POST, &format!("/element/{element}/click"), Some(json!({}))).await;
    }

    /// A command of the DevTools protocol, which knows what WebDriver does not.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let wanted = json!({"cmd": command, "params": parameters});
        self.ask(Method::POST, "/goog/cdp/execute", Some(wanted)).await
    }

    /// What the page says above its report, once it does.
    pub(crate) async fn word(&self) -> String {
        let script = "for (let n = 0; n < 600; n++) {
            const result = document.getElementById('result');
            if (!result.hidden) return result.querySelector('.word').textContent;
            await new Promise((go) => setTimeout(go, 50));
        }
        throw new Error('no report');";
        self.run(script, Value::Null).await.as_str().unwrap().to_owned()
    }
}

/// The page as a file.
pub(crate) fn page() -> String {
    format!("file://{}/src/audit/verify.html", env!("CARGO_MANIFEST_DIR"))
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(process) = self.process {
            let _ = Command::new("kill").arg(process.to_string()).status();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
