//! A throwaway Postgres cluster: own data directory, Unix socket only, gone when dropped.
//!
//! The demo runs on one and the tests start dozens. Nothing on the machine is touched: no port, no
//! default cluster, no service.

mod binaries;

pub use binaries::Binaries;
use binaries::{NOBODY, is_root, psql_path, user_id};
use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Why a cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ThrowawayError {
    /// No server binaries.
    #[error(
        "no PostgreSQL server found: set PG_BIN to the directory that holds initdb and postgres, or \
         install one (Debian: scripts/setup demo)"
    )]
    NoServer,
    /// The file system or a process could not be used.
    #[error("throwaway cluster: {doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// A server program refused.
    #[error("throwaway cluster: {program} failed:\n{output}")]
    Failed {
        /// Program.
        program: String,
        /// What it printed.
        output: String,
    },
}

fn doing(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> ThrowawayError {
    let doing = what.into();
    move |source| ThrowawayError::Io { doing, source }
}

/// Where clusters are put: memory if there is room for files in it, else the temporary directory.
fn root() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let writable = tempfile::Builder::new().prefix("revoked-").tempfile_in(memory).is_ok();
    if writable { memory.to_owned() } else { std::env::temp_dir() }
}

fn run(mut command: Command) -> Result<(), ThrowawayError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().map_err(doing(format!("running {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(ThrowawayError::Failed { program, output: String::from_utf8_lossy(&text).into_owned() })
}

/// An initialised data directory to copy clusters from: `initdb` takes seconds, a copy does not.
#[derive(Debug)]
pub struct Template {
    binaries: Binaries,
    dir: PathBuf,
    /// Where its clusters are put.
    place: PathBuf,
    /// Removes the directory with the template; `None` when it is shared.
    _owned: Option<TempDir>,
}

impl Template {
    /// Runs `initdb`. Superuser `postgres`, trust authentication, UTF-8.
    ///
    /// # Errors
    /// When the directory cannot be made or `initdb` fails.
    pub fn create(binaries: &Binaries) -> Result<Self, ThrowawayError> {
        Self::create_in(binaries, &root())
    }

    /// The same with every cluster of it under `place`, for those that need a disk to be true.
    ///
    /// # Errors
    /// As [`Template::create`].
    pub fn create_in(binaries: &Binaries, place: &Path) -> Result<Self, ThrowawayError> {
        let dir = private_dir("revoked-pgt-", place)?;
        initdb(binaries, dir.path())?;
        Ok(Self {
            binaries: binaries.clone(),
            dir: dir.path().to_owned(),
            place: place.to_owned(),
            _owned: Some(dir),
        })
    }

    /// The template that all processes of this user share; made by the first and left for the next. For
    /// test runners, which start a process per test.
    ///
    /// # Errors
    /// As [`Template::create`].
    pub fn shared(binaries: &Binaries) -> Result<Self, ThrowawayError> {
        let dir = root().join(format!("revoked-template-{}-{}", user_id(), binaries.version));
        let lock = std::fs::File::create(dir.with_extension("lock"))
            .map_err(doing("making the template's lock"))?;
        lock.lock().map_err(doing("waiting for the template's lock"))?;
        if !dir.join("data/PG_VERSION").is_file() {
            let made = private_dir("revoked-pgt-", &root())?;
            initdb(binaries, made.path())?;
            let _ = std::fs::remove_dir_all(&dir);
            std::fs::rename(made.keep(), &dir).map_err(doing("naming the template"))?;
        }
        Ok(Self { binaries: binaries.clone(), dir, place: root(), _owned: None })
    }
}

/// Superuser `postgres`, trust authentication, UTF-8.
fn initdb(binaries: &Binaries, dir: &Path) -> Result<(), ThrowawayError> {
    let mut command = binaries.command("initdb");
    command.args(["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8"]);
    command.args(["--locale=C.UTF-8", "--wal-segsize=1", "-D"]).arg(dir.join("data"));
    run(command)
}

fn private_dir(prefix: &str, place: &Path) -> Result<TempDir, ThrowawayError> {
    let dir = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(place)
        .map_err(doing("making a temporary directory"))?;
    let mode = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(dir.path(), mode).map_err(doing("setting permissions"))?;
    if is_root() {
        chown(dir.path(), Some(NOBODY), Some(NOBODY)).map_err(doing("giving a directory away"))?;
    }
    Ok(dir)
}

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    dir: TempDir,
    server: Option<Child>,
    settings: Vec<String>,
}

impl Cluster {
    /// Copies `template` and starts it. `settings` are added to the command line, as in
    /// `max_prepared_transactions=5`.
    ///
    /// # Errors
    /// When the copy fails or the server does not take connections within a minute.
    pub fn start(template: &Template, settings: &[&str]) -> Result<Self, ThrowawayError> {
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut cluster =
            Self::copy(&template.binaries, &template.dir.join("data"), &template.place, settings)?;
        cluster.boot()?;
        Ok(cluster)
    }

    fn copy(
        binaries: &Binaries,
        from: &Path,
        place: &Path,
        settings: Vec<String>,
    ) -> Result<Self, ThrowawayError> {
        let dir = private_dir("revoked-pg-", place)?;
        let data = dir.path().join("data");
        let mut copy = Command::new("cp");
        if is_root() {
            copy.uid(NOBODY).gid(NOBODY).current_dir("/");
        }
        // With the times of the files: a server that starts in the second in which its pg_hba.conf was written may not
        // have read it, as far as a look can tell.
        copy.arg("-rp").arg(from).arg(&data);
        run(copy)?;
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&data, mode).map_err(doing("setting permissions"))?;
        Ok(Self { binaries: binaries.clone(), dir, server: None, settings })
    }

    /// A hot standby that follows this cluster. The cluster is restarted: its files are copied at rest.
    ///
    /// # Errors
    /// When the copy fails or one of the servers does not come up.
    pub fn standby(&mut self) -> Result<Self, ThrowawayError> {
        self.stop();
        let place = self.dir.path().parent().unwrap_or_else(|| Path::new("/tmp")).to_owned();
        let mut settings = self.settings.clone();
        let primary = format!("host={} user=postgres", self.dir.path().display());
        settings.push(format!("primary_conninfo={primary}"));
        let data = self.dir.path().join("data");
        let mut standby = Self::copy(&self.binaries, &data, &place, settings)?;
        self.boot()?;
        std::fs::write(standby.dir.path().join("data/standby.signal"), "")
            .map_err(doing("making a standby"))?;
        standby.boot()?;
        Ok(standby)
    }

    /// A cluster of its own template, for when one is enough.
    ///
    /// # Errors
    /// As [`Template::create`] and [`Cluster::start`].
    pub fn single(settings: &[&str]) -> Result<Self, ThrowawayError> {
        Self::start(&Template::create(&Binaries::find()?)?, settings)
    }

    fn boot(&mut self) -> Result<(), ThrowawayError> {
        let data = self.dir.path().join("data");
        let log = std::fs::File::create(self.dir.path().join("server.log"))
            .map_err(doing("making the server log"))?;
        let mut command = self.binaries.command("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(self.dir.path());
        let quick = [
            "listen_addresses=",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "shared_buffers=8MB",
            "max_connections=40",
            "min_wal_size=2MB",
            "max_wal_size=16MB",
            "unix_socket_permissions=0777",
        ];
        for setting in quick.into_iter().chain(self.settings.iter().map(String::as_str)) {
            command.arg("-c").arg(setting);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(log));
        self.server = Some(command.spawn().map_err(doing("starting postgres"))?);
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<(), ThrowawayError> {
        let patience = Instant::now() + Duration::from_secs(60);
        let pid_file = self.dir.path().join("data/postmaster.pid");
        loop {
            // The eighth line says `ready` once connections are taken, `standby` on a standby.
            let ready = std::fs::read_to_string(&pid_file).is_ok_and(|text| {
                let state = text.lines().nth(7).unwrap_or_default();
                matches!(state.trim(), "ready" | "standby")
            });
            if ready {
                return Ok(());
            }
            let ended =
                self.server.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended || Instant::now() > patience {
                let output = std::fs::read_to_string(self.dir.path().join("server.log"));
                return Err(ThrowawayError::Failed {
                    program: "postgres".to_owned(),
                    output: output.unwrap_or_default(),
                });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the server and its sessions in order, so that [`restart`](Self::restart) finds every commit.
    pub fn stop(&mut self) {
        self.end("INT");
    }

    fn end(&mut self, signal: &str) {
        if let Some(mut server) = self.server.take() {
            let _ = Self::signal(&server, signal);
            let _ = server.wait();
        }
    }

    /// Starts the server again after [`stop`](Self::stop).
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart(&mut self) -> Result<(), ThrowawayError> {
        self.stop();
        self.boot()
    }

    fn signal(server: &Child, signal: &str) -> std::io::Result<()> {
        Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(server.id().to_string())
            .status()
            .map(|_| ())
    }

    /// Directory of the socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        self.dir.path()
    }

    /// Major version of the server.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.binaries.major
    }

    /// The port, of TCP too where the settings open it, as in `listen_addresses=127.0.0.1` and `port=54321`.
    #[must_use]
    pub fn port(&self) -> u16 {
        let set = self.settings.iter().find_map(|setting| setting.strip_prefix("port="));
        set.and_then(|port| port.parse().ok()).unwrap_or(5432)
    }

    /// URL for `user` and `database`, over the socket.
    #[must_use]
    pub fn url(&self, user: &str, database: &str) -> String {
        let url =
            format!("postgres:///{database}?host={}&user={user}", self.socket_dir().display());
        if self.port() == 5432 { url } else { format!("{url}&port={}", self.port()) }
    }

    /// `psql` on this cluster, stopping at the first error, without anybody's `.psqlrc`.
    ///
    /// psql need not be of the server's version; the newest found is used.
    #[must_use]
    pub fn psql(&self, user: &str, database: &str) -> Command {
        let mut command = Command::new(psql_path());
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h"]).arg(self.socket_dir());
        command.args(["-p", &self.port().to_string()]);
        command.args([OsStr::new("-U"), OsStr::new(user), OsStr::new("-d"), OsStr::new(database)]);
        command
    }
}

impl Drop for Cluster {
    /// At once: nothing of it is worth keeping.
    fn drop(&mut self) {
        self.end("QUIT");
    }
}
