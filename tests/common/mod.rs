//! What the tests on real servers share.
#![expect(dead_code, reason = "each test binary uses its own part of this")]

pub(crate) mod agent;
pub(crate) mod byhand;
pub(crate) mod confluence;
pub(crate) mod endpoint;
pub(crate) mod frozen;
pub(crate) mod http;
pub(crate) mod issuer;
pub(crate) mod kills;
pub(crate) mod logbook;
pub(crate) mod mirror;
pub(crate) mod passwords;
pub(crate) mod place;
pub(crate) mod sample;
pub(crate) mod scenario;
pub(crate) mod slack;
pub(crate) mod standin;
pub(crate) mod telling;
pub(crate) mod vectors;
pub(crate) mod withheld;
pub(crate) mod witness;

use revoked::throwaway::{Binaries, Cluster, Template};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// Where `scripts/setup test` puts what is not Debian's.
pub(crate) fn tools() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let own = std::fs::metadata("/proc/self").unwrap();
    let root = std::os::unix::fs::MetadataExt::uid(&own) == 0;
    match (set("REVOKED_CACHE"), set("XDG_CACHE_HOME")) {
        (Some(cache), _) => cache,
        (None, _) if root => PathBuf::from("/var/cache/revoked"),
        (None, Some(cache)) => cache.join("revoked"),
        (None, None) => set("HOME").unwrap_or_default().join(".cache/revoked"),
    }
}

/// A cluster of the newest version found.
pub(crate) fn cluster() -> Cluster {
    cluster_of(&Binaries::find().unwrap())
}

/// A cluster of a version, with room for prepared transactions.
pub(crate) fn cluster_of(binaries: &Binaries) -> Cluster {
    Cluster::start(&Template::shared(binaries).unwrap(), &["max_prepared_transactions=5"]).unwrap()
}

/// The oldest and the newest major version that the program knows.
const KNOWN: std::ops::RangeInclusive<u32> = 13..=18;

/// The versions to test on, newest first, as `REVOKED_TEST_VERSIONS` names them: `14,17`, `all`, or `usual`,
/// which is the default and may stand in a list.
pub(crate) fn versions() -> Vec<Binaries> {
    let found = Binaries::all();
    let wanted = std::env::var("REVOKED_TEST_VERSIONS").unwrap_or_default();
    let majors = wanted.split(',').flat_map(|word| match word.trim() {
        "" | "usual" => usual(&found),
        "all" => KNOWN.collect(),
        major => vec![major.parse().expect("REVOKED_TEST_VERSIONS")],
    });
    let mut majors: Vec<u32> = majors.collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors.dedup();
    let of = |major: &u32| {
        let binaries = found.iter().find(|binaries| binaries.major == *major);
        binaries.cloned().unwrap_or_else(|| {
            let have: Vec<u32> = found.iter().map(|binaries| binaries.major).collect();
            panic!("PostgreSQL {major} is not here, only {have:?}; run scripts/setup test-all")
        })
    };
    majors.iter().map(of).collect()
}

/// The installed version, which brought psql, and the newest; where that is the same one, the oldest beside it.
fn usual(found: &[Binaries]) -> Vec<u32> {
    let newest = found.first().expect("no PostgreSQL server found; run scripts/setup test").major;
    let installed = found.iter().find(|binaries| binaries.dir.join("psql").is_file());
    let installed = installed.map_or(newest, |binaries| binaries.major);
    let second =
        if installed == newest { found.last().map_or(newest, |b| b.major) } else { newest };
    vec![installed, second]
}

/// Settings of a server with pg_cron in database postgres.
pub(crate) const CRON: &[&str] =
    &["shared_preload_libraries=pg_cron", "cron.database_name=postgres"];

/// Whether pg_cron was installed for this server: Debian has it for its own version.
pub(crate) fn has_cron(binaries: &Binaries) -> bool {
    let share = format!("/usr/share/postgresql/{}/extension/pg_cron.control", binaries.major);
    binaries.dir.starts_with("/usr/lib/postgresql") && std::path::Path::new(&share).is_file()
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
        let child = cluster
            .psql(user, database)
            .args(["-A", "-t"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut session = Self(child);
        session.ask(first).map(|_| session)
    }

    /// Runs `script` in the session and gives what it printed; nothing if the server refused it, which ends
    /// the session.
    pub(crate) fn ask(&mut self, script: &str) -> Option<String> {
        let script = format!("{script}\n\\echo ready\n");
        // Refused, it may be gone before it reads.
        let _ = self.0.stdin.as_mut().unwrap().write_all(script.as_bytes());
        let mut answer = Vec::new();
        let stdout = self.0.stdout.as_mut().unwrap();
        while !answer.ends_with(b"ready\n") {
            let mut byte = [0];
            std::io::Read::read_exact(stdout, &mut byte).ok()?;
            answer.push(byte[0]);
        }
        let answer = String::from_utf8(answer).unwrap();
        Some(answer.trim_end_matches("ready\n").trim().to_owned())
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

/// promtool has nothing to say about a page of metrics.
pub(crate) fn assert_clean_metrics(page: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing; run scripts/setup test");
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let says = [output.stdout, output.stderr].concat();
    let says = String::from_utf8_lossy(&says);
    assert!(output.status.success() && says.is_empty(), "promtool: {says}");
}
