//! The real witness as a process.

use super::agent::{Agent, PATIENCE};
use super::{revoked, run};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Its name.
pub(crate) const NAME: &str = "witness.example/audit";

pub(crate) struct Witness {
    home: tempfile::TempDir,
    child: Option<Child>,
    pub(crate) port: u16,
    /// Its public key.
    pub(crate) vkey: String,
}

impl Witness {
    /// Made and not started.
    pub(crate) fn init() -> Self {
        let home = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (code, out, err) = run(revoked()
            .args(["witness", "--init", "--name", NAME, "--key"])
            .arg(home.path().join("key"))
            .arg("--state")
            .arg(home.path().join("state")));
        assert_eq!(code, 0, "{err}");
        Self { home, child: None, port, vkey: out.trim().to_owned() }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// Starts it for these logs and waits until it listens.
    pub(crate) fn start(&mut self, logs: &[&Path]) {
        let mut command = revoked();
        command.args(["witness", "--name", NAME, "--key"]).arg(self.home.path().join("key"));
        command.arg("--state").arg(self.state());
        command.arg("--listen").arg(format!("127.0.0.1:{}", self.port));
        for log in logs {
            command.arg("--log").arg(log);
        }
        let log = std::fs::File::create(self.home.path().join("stderr")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.child = Some(child.unwrap());
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = !matches!(self.child.as_mut().unwrap().try_wait(), Ok(None));
            assert!(!ended && begun.elapsed() < PATIENCE, "no witness: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(self.home.path().join("stderr")).unwrap_or_default()
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends a request as it is.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/add-checkpoint", self.port)
    }

    /// Lines of the newest checkpoint that it holds.
    pub(crate) fn holds(&self) -> u64 {
        let entries = std::fs::read_dir(self.state()).unwrap();
        let mut kept = entries.map(|entry| entry.unwrap().path());
        let kept = kept.find(|path| path.extension().is_some_and(|e| e == "checkpoint"));
        let text = kept.map(|path| std::fs::read_to_string(path).unwrap()).unwrap_or_default();
        text.lines().nth(1).map_or(0, |size| size.parse().unwrap())
    }

    /// Waits until its newest checkpoint has more lines than that.
    pub(crate) fn until_holds_more_than(&self, lines: u64) {
        let begun = Instant::now();
        while self.holds() <= lines {
            assert!(begun.elapsed() < PATIENCE, "{} lines\n{}", self.holds(), self.stderr());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Agent {
    /// Adds to the configuration.
    pub(crate) fn configure(&self, more: &str) {
        let text = std::fs::read_to_string(self.config()).unwrap();
        std::fs::write(self.config(), format!("{text}{more}\n")).unwrap();
    }

    /// Records of the type `anchor`.
    pub(crate) fn anchors(&self) -> Vec<serde_json::Value> {
        self.log().into_iter().filter(|line| line["type"] == "anchor").collect()
    }

    /// Waits until there are that many of them.
    pub(crate) fn until_anchors(&self, count: usize) -> Vec<serde_json::Value> {
        let begun = Instant::now();
        loop {
            let anchors = self.anchors();
            if anchors.len() >= count {
                return anchors;
            }
            assert!(begun.elapsed() < PATIENCE, "{} anchors\n{}", anchors.len(), self.stderr());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
