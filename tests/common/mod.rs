//! What the tests on real servers share.
#![expect(dead_code, reason = "each test binary uses its own part of this")]

pub(crate) mod agent;
pub(crate) mod frozen;
pub(crate) mod http;
pub(crate) mod kills;
pub(crate) mod logbook;
pub(crate) mod passwords;
pub(crate) mod place;
pub(crate) mod sample;
pub(crate) mod scenario;

use revoked::throwaway::{Binaries, Cluster, Template};
use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};

/// A cluster of the newest version found.
pub(crate) fn cluster() -> Cluster {
    cluster_of(&Binaries::find().unwrap())
}

/// A cluster of a version, with room for prepared transactions.
pub(crate) fn cluster_of(binaries: &Binaries) -> Cluster {
    Cluster::start(&Template::shared(binaries).unwrap(), &["max_prepared_transactions=5"]).unwrap()
}

/// Every version on this machine.
pub(crate) fn versions() -> Vec<Binaries> {
    let found = Binaries::all();
    assert!(!found.is_empty(), "no PostgreSQL server found; run scripts/setup test");
    found
}

/// Runs `script` with psql and fails the test if psql does.
pub(crate) fn sql(cluster: &Cluster, user: &str, database: &str, script: &str) -> String {
    let output = psql(cluster, user, database, script);
    assert!(
        output.status.success(),
        "psql failed:\n{script}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `script` with psql.
pub(crate) fn psql(cluster: &Cluster, user: &str, database: &str, script: &str) -> Output {
    let mut child = cluster
        .psql(user, database)
        .args(["-A", "-t"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// An open psql that waits for its next line: a live session.
pub(crate) struct LiveSession(Child);

impl LiveSession {
    /// Connects as `user` and runs `first`, waiting until it answered.
    pub(crate) fn open(cluster: &Cluster, user: &str, database: &str, first: &str) -> Self {
        Self::try_open(cluster, user, database, first).expect("the session ended early")
    }

    /// As [`open`](Self::open), if the server lets it in.
    pub(crate) fn try_open(
        cluster: &Cluster,
        user: &str,
        database: &str,
        first: &str,
    ) -> Option<Self> {
        let mut child = cluster
            .psql(user, database)
            .args(["-A", "-t"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let script = format!("{first}\n\\echo ready\n");
        // Refused, it may be gone before it reads.
        let _ = child.stdin.as_mut().unwrap().write_all(script.as_bytes());
        let mut answer = Vec::new();
        let stdout = child.stdout.as_mut().unwrap();
        while !answer.ends_with(b"ready\n") {
            let mut byte = [0];
            if std::io::Read::read_exact(stdout, &mut byte).is_err() {
                let _ = child.wait();
                return None;
            }
            answer.push(byte[0]);
        }
        Some(Self(child))
    }
}

impl Drop for LiveSession {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program under test.
pub(crate) fn revoked() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_revoked"));
    command.env("RUST_BACKTRACE", "0").env_remove("REVOKED_CONFIG").env_remove("REVOKED_URL");
    command
}

/// Runs the program and gives exit code, stdout, stderr.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}
