//! Running real programs, showing their real output, and checking that it is what was told.

use crate::throwaway::Cluster;
use anyhow::{Context as _, Result, bail};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A step that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is ended when dropped.
pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a command printed.
pub(super) struct Said {
    command: String,
    text: String,
}

impl Said {
    /// The output has to hold `text`.
    pub(super) fn says(&self, text: &str) -> Result<()> {
        if self.text.contains(text) {
            return Ok(());
        }
        bail!("`{}` was to say `{text}`, but did not", self.command)
    }

    /// First word of the output that begins with `start`.
    pub(super) fn word_beginning(&self, start: &str) -> Option<String> {
        self.text.split_whitespace().find(|word| word.starts_with(start)).map(str::to_owned)
    }
}

/// Where the play takes place.
pub(super) struct Stage<'a> {
    cluster: &'a Cluster,
    home: TempDir,
    dir: PathBuf,
    program: PathBuf,
    agent: Option<Running>,
    ports: (u16, u16),
    step: u32,
    id: String,
    interrupted: &'a AtomicBool,
}

impl<'a> Stage<'a> {
    /// An empty stage.
    pub(super) fn new(cluster: &'a Cluster, interrupted: &'a AtomicBool) -> Result<Self> {
        let home = tempfile::Builder::new()
            .prefix("revoked-demo-")
            .tempdir()
            .context("making a temporary directory")?;
        let dir = home.path().join("revoked");
        let program = std::env::current_exe().context("finding this program")?;
        let free =
            || Ok::<_, std::io::Error>(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
        let ports = (free().context("finding a port")?, free().context("finding a port")?);
        println!("\n  $ export REVOKED_CONFIG={}", dir.join("revoked.yaml").display());
        println!("  $ export REVOKED_TARGET='{}'", cluster.url("revoked_agent", "postgres"));
        Ok(Self {
            cluster,
            home,
            dir,
            program,
            agent: None,
            ports,
            step: 0,
            id: String::new(),
            interrupted,
        })
    }

    /// Directory of the agent.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// URL of the cluster for a role.
    pub(super) fn url(&self, role: &str) -> String {
        self.cluster.url(role, "postgres")
    }

    /// Remembers the revocation the play is about.
    pub(super) fn remember(&mut self, id: String) {
        self.id = id;
    }

    /// The revocation the play is about.
    pub(super) fn id(&self) -> String {
        self.id.clone()
    }

    /// Narrates the next step.
    pub(super) fn tell(&mut self, text: &str) {
        self.step += 1;
        println!("\n{:>2}. {text}", self.step);
    }

    fn go_on(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            bail!("interrupted")
        }
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("REVOKED_CONFIG", self.dir.join("revoked.yaml"))
            .env("REVOKED_TARGET", self.url("revoked_agent"))
            .env_remove("REVOKED_URL")
            .stdin(Stdio::null());
        if self.dir.is_dir() {
            command.current_dir(&self.dir);
        }
        command
    }

    /// Runs `revoked`, shows command and output, and checks the exit status.
    pub(super) fn revoked(&mut self, arguments: &[&str], status: i32) -> Result<Said> {
        self.go_on()?;
        let line = format!(
            "revoked {}",
            arguments.iter().map(|a| quoted(a)).collect::<Vec<_>>().join(" ")
        );
        println!("  $ {line}");
        Self::shown(&line, self.command(arguments), status)
    }

    fn shown(line: &str, mut command: Command, status: i32) -> Result<Said> {
        let output = command.output().with_context(|| format!("running {line}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for shown in text.lines().chain(String::from_utf8_lossy(&output.stderr).lines()) {
            println!("    {shown}");
        }
        if output.status.code() != Some(status) {
            bail!(
                "`{line}` was to end with exit status {status}, but ended with {}",
                output.status
            );
        }
        Ok(Said { command: line.to_owned(), text })
    }

    /// Runs `revoked` quietly until it says `text`.
    pub(super) fn until(&self, arguments: &[&str], text: &str) -> Result<()> {
        let patience = Instant::now() + PATIENCE;
        loop {
            self.go_on()?;
            let output = self.command(arguments).output().context("running revoked")?;
            if String::from_utf8_lossy(&output.stdout).contains(text) {
                return Ok(());
            }
            if Instant::now() > patience {
                bail!(
                    "`revoked {}` did not say `{text}` within {} s. It says:\n{}{}",
                    arguments.join(" "),
                    PATIENCE.as_secs(),
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Runs a script as the superuser without showing it.
    pub(super) fn sql(&self, database: &str, script: &str) -> Result<()> {
        let mut child = self
            .cluster
            .psql("postgres", database)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("running psql")?;
        child.stdin.take().context("psql takes no input")?.write_all(script.as_bytes())?;
        let status = child.wait()?;
        if status.success() { Ok(()) } else { bail!("psql ended with {status}") }
    }

    /// Runs one line of SQL as the superuser, and shows it.
    pub(super) fn psql(&mut self, script: &str) -> Result<()> {
        self.go_on()?;
        println!("  $ psql -U postgres -c {}", quoted(script));
        self.sql("postgres", script)
    }

    /// Runs a file as the superuser, and shows it.
    pub(super) fn psql_file(&mut self, file: &str) -> Result<()> {
        self.go_on()?;
        println!("  $ psql -U postgres -f {file}");
        let script = std::fs::read_to_string(self.dir.join(file))
            .with_context(|| format!("reading {file}"))?;
        self.sql("postgres", &script)
    }

    /// Runs a line of shell in the agent's directory, and shows it.
    pub(super) fn shell(&mut self, line: &str) -> Result<()> {
        self.go_on()?;
        println!("  $ {line}");
        let status = Command::new("sh").args(["-c", line]).current_dir(&self.dir).status();
        let status = status.with_context(|| format!("running {line}"))?;
        if status.success() { Ok(()) } else { bail!("`{line}` ended with {status}") }
    }

    /// Prints the plan into plan.sql, and shows it.
    pub(super) fn plan(&mut self, role: &str) -> Result<()> {
        self.go_on()?;
        println!("  $ revoked plan {role} | tee plan.sql");
        let said = Self::shown("revoked plan", self.command(&["plan", role]), 0)?;
        std::fs::write(self.dir.join("plan.sql"), said.text).context("writing plan.sql")
    }

    /// A session that stays open: a psql that waits for input.
    pub(super) fn session(&self, role: &str, database: &str) -> Result<Running> {
        let mut child = self
            .cluster
            .psql(role, database)
            .args(["-A", "-t"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("running psql")?;
        child.stdin.as_mut().context("psql takes no input")?.write_all(b"\\echo in\n")?;
        child.stdout.as_mut().context("psql has no output")?.read_exact(&mut [0; 3])?;
        Ok(Running(child))
    }

    /// Adds to the configuration what makes the play short.
    pub(super) fn configure(&self, more: &str) -> Result<()> {
        let path = self.dir.join("revoked.yaml");
        let mut text = std::fs::read_to_string(&path).context("reading revoked.yaml")?;
        let (metrics, api) = self.ports;
        text = format!(
            "{text}{more}listen: {{metrics: '127.0.0.1:{metrics}', api: '127.0.0.1:{api}'}}\n"
        );
        std::fs::write(path, text).context("writing revoked.yaml")
    }

    /// Starts the agent as a process of its own and waits until it can accept notices.
    pub(super) fn start_agent(&mut self) -> Result<()> {
        self.go_on()?;
        println!("  $ revoked serve &");
        let log = std::fs::File::create(self.home.path().join("agent.log"))
            .context("making agent.log")?;
        let child = self.command(&["serve"]).stderr(log).stdout(Stdio::null()).spawn();
        self.agent = Some(Running(child.context("starting the agent")?));
        let patience = Instant::now() + PATIENCE;
        while self.get("/-/ready").is_err() {
            let ended =
                self.agent.as_mut().is_none_or(|agent| !matches!(agent.0.try_wait(), Ok(None)));
            if ended || Instant::now() > patience {
                let said =
                    std::fs::read_to_string(self.home.path().join("agent.log")).unwrap_or_default();
                bail!("the agent did not start:\n{said}");
            }
            self.go_on()?;
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Asks the agent to stop, and waits.
    pub(super) fn stop_agent(&mut self) -> Result<()> {
        let Some(mut agent) = self.agent.take() else { return Ok(()) };
        let pid = agent.0.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().context("stopping the agent")?;
        let status = agent.0.wait().context("waiting for the agent")?;
        if status.success() { Ok(()) } else { bail!("the agent ended with {status}") }
    }

    /// Shows the metrics that begin with one of `names` and are not zero.
    pub(super) fn metrics(&mut self, names: &[&str]) -> Result<()> {
        self.go_on()?;
        println!(
            "  GET http://127.0.0.1:{}/metrics, of these families what is not 0:",
            self.ports.0
        );
        let text = self.get("/metrics")?;
        let lines: Vec<_> = text
            .lines()
            .filter(|line| names.iter().any(|name| line.starts_with(name)) && !line.ends_with(" 0"))
            .collect();
        for line in &lines {
            println!("    {line}");
        }
        for name in names {
            if !lines.iter().any(|line| line.starts_with(name)) {
                bail!("the metrics were to show {name}…}}, but do not");
            }
        }
        Ok(())
    }

    /// A plain HTTP GET from the agent's telemetry listener.
    fn get(&self, path: &str) -> Result<String> {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.ports.0))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if !answer.starts_with("HTTP/1.1 200") {
            bail!("{path} answered {}", answer.lines().next().unwrap_or_default());
        }
        Ok(answer)
    }

    /// Leaves everything running until Ctrl-C.
    pub(super) fn wait_for_the_end(&mut self) {
        let (metrics, api) = self.ports;
        println!("\nLeft running until Ctrl-C:");
        println!("  configuration  {}", self.dir.join("revoked.yaml").display());
        println!("  metrics        http://127.0.0.1:{metrics}/metrics");
        println!(
            "  API            http://127.0.0.1:{api}/api/v1/revocations (or: revoked expect list)"
        );
        println!("  database       psql -h {} -U postgres", self.cluster.socket_dir().display());
        while !self.interrupted.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(100));
        }
        println!("\nRemoved.");
    }
}

/// An argument as a shell would need it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if argument.chars().all(plain) { argument.to_owned() } else { format!("'{argument}'") }
}
