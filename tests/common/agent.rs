//! The real agent as a process, with its own directory and ports.

use super::{revoked, run};
use serde_json::Value;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What takes longer than this has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The token of the API's only user.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct Agent {
    home: TempDir,
    child: Option<Child>,
    /// A program and its arguments that start the agent instead of this test.
    pub(crate) starter: Vec<String>,
    pub(crate) api: u16,
    pub(crate) metrics: u16,
}

impl Agent {
    /// A fresh directory with `more` added to the configuration; not started.
    pub(crate) fn init(targets: &[(&str, &str)], more: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let agent = Self { child: None, starter: Vec::new(), api: free(), metrics: free(), home };
        let mut command = revoked();
        command.arg("init").arg(agent.dir());
        for (name, url) in targets {
            command.arg("--target").arg(format!("{name}={url}"));
        }
        let (code, _, err) = run(&mut command);
        assert_eq!(code, 0, "{err}");
        std::fs::write(agent.dir().join("hr.token"), TOKEN).unwrap();
        let mut text = std::fs::read_to_string(agent.config()).unwrap();
        let _ = write!(
            text,
            "look_interval: 1s\nverification_delay: 1s\ntokens: {{hr: {{token_file: hr.token}}}}\n\
             listen: {{metrics: '127.0.0.1:{}', api: '127.0.0.1:{}'}}\n{more}\n",
            agent.metrics, agent.api
        );
        std::fs::write(agent.config(), text).unwrap();
        agent
    }

    /// Keeps state at `url`, which may be on a cluster that is a copy of the target's.
    pub(crate) fn keep_at(&self, url: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        let (before, after) = text.split_once("\n  main:\n").unwrap();
        let text = format!(
            "{before}\n  main:\n    store_on_target: true\n{after}store: {{url: '{url}'}}\n"
        );
        std::fs::write(self.config(), text).unwrap();
    }

    /// Configures a canary on the target `main`.
    pub(crate) fn plant(&self, role: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        let canary = format!("\n  main:\n    canary: {{role: {role}}}\n");
        assert!(text.contains("\n  main:\n"), "{text}");
        std::fs::write(self.config(), text.replace("\n  main:\n", &canary)).unwrap();
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.home.path().join("revoked")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir().join("revoked.yaml")
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.dir().join("state/log/revlog-000000000000.jsonl")
    }

    /// Every file of the log, in order.
    pub(crate) fn log_files(&self) -> Vec<PathBuf> {
        segments(&self.dir().join("state/log"))
    }

    /// Starts it and waits until it can accept notices.
    pub(crate) fn start(&mut self) {
        self.spawn();
        self.until_ready();
    }

    /// Waits until it can accept notices.
    pub(crate) fn until_ready(&mut self) {
        let begun = Instant::now();
        while self.get("/-/ready").is_none() {
            let ended = !matches!(self.child.as_mut().unwrap().try_wait(), Ok(None));
            assert!(
                !ended && begun.elapsed() < PATIENCE,
                "the agent did not start: {}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts it without waiting.
    pub(crate) fn spawn(&mut self) {
        let mut command = self.command(&["serve"]);
        if let Some((program, arguments)) = self.starter.split_first() {
            let agent = std::mem::replace(&mut command, Command::new(program));
            command.args(arguments).arg(agent.get_program()).args(agent.get_args());
            command.env("REVOKED_CONFIG", self.config());
        }
        self.spawn_as(command);
    }

    /// Starts it by a command of one's own, without waiting.
    pub(crate) fn spawn_as(&mut self, mut command: Command) {
        let log = std::fs::File::create(self.home.path().join("stderr")).unwrap();
        self.child =
            Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(self.home.path().join("stderr")).unwrap_or_default()
    }

    /// A command with this agent's configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = revoked();
        command.args(arguments).env("REVOKED_CONFIG", self.config());
        command
    }

    /// Runs a command and gives exit code, stdout, stderr.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        run(&mut self.command(arguments))
    }

    /// Runs a command that has to succeed and print JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let (_, out, err) = self.run(arguments);
        serde_json::from_str(&out)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}{err}"))
    }

    /// Expects the revocation of `subject` and gives its id.
    pub(crate) fn expect(&self, subject: &str, more: &[&str]) -> String {
        let mut arguments =
            vec!["expect", "add", "-o", "json", "--reason", "terminated", "--user", subject];
        arguments.extend(more);
        let (code, out, err) = self.run(&arguments);
        assert_eq!(code, 0, "{err}");
        let added: Value = serde_json::from_str(&out).unwrap();
        added["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the revocation `id` is as `wanted` says, and gives it.
    pub(crate) fn until(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let view = self.json(&["expect", "show", id, "-o", "json"]);
            if wanted(&view) {
                return view;
            }
            assert!(begun.elapsed() < PATIENCE, "it is still {view:#}\n{}", self.stderr());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits for a state.
    pub(crate) fn until_state(&self, id: &str, state: &str) -> Value {
        self.until(id, |view| view["state"] == state)
    }

    /// Waits until the metrics have each of `lines`.
    pub(crate) fn until_metrics(&self, lines: &[&str]) {
        let begun = Instant::now();
        for line in lines {
            loop {
                let metrics = self.get("/metrics").unwrap();
                if metrics.lines().any(|shown| shown == *line) {
                    break;
                }
                assert!(begun.elapsed() < PATIENCE, "{line} is not in\n{metrics}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    /// A page of the telemetry listener, if it answers 200.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.metrics)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to stop.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        child.wait().unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").arg(format!("-{name}")).arg(id).status().unwrap().success());
    }

    /// Waits for an end that was not asked for.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.take().unwrap().wait().unwrap()
    }

    /// Exit code and report of `revoked verify`.
    pub(crate) fn verify(&self) -> (i32, String) {
        let dir = self.dir();
        let (code, out, err) = run(revoked()
            .arg("verify")
            .arg(dir.join("state/log"))
            .arg("--key")
            .arg(dir.join("log.vkey"))
            .arg("--all-signatures"));
        (code, out + &err)
    }

    /// Lines of the log.
    pub(crate) fn log(&self) -> Vec<Value> {
        lines(&self.log_files())
    }
}

/// The files of the log in `dir`, in order.
pub(crate) fn segments(dir: &std::path::Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    found.sort();
    found
}

/// Lines of these files; all but a torn last one have to be JSON.
pub(crate) fn lines(files: &[PathBuf]) -> Vec<Value> {
    let text: String = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    text[..whole].lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}
