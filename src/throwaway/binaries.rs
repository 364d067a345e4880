//! The server programs on this machine, and who runs them.

use super::ThrowawayError;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `nobody`: Postgres refuses to run as root, and every Debian has this account.
pub(super) const NOBODY: u32 = 65_534;

/// Server binaries of one major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// Directory with `initdb` and `postgres`.
    pub dir: PathBuf,
    /// Major version, such as 15.
    pub major: u32,
    /// Full version, such as 15.18.
    pub version: String,
}

impl Binaries {
    /// Every server on this machine, newest first: `PG_BIN`, Debian's directories, the cache that the
    /// set-up script fills, and `PATH`.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut dirs: Vec<PathBuf> =
            std::env::var_os("PG_BIN").map(PathBuf::from).into_iter().collect();
        let cache = std::env::var_os("REVOKED_PG_CACHE").map(PathBuf::from);
        let xdg =
            std::env::var_os("XDG_CACHE_HOME").map(|dir| Path::new(&dir).join("revoked/postgres"));
        let home =
            std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/revoked/postgres"));
        let roots = [
            Some(PathBuf::from("/usr/lib/postgresql")),
            cache,
            Some(PathBuf::from("/var/cache/revoked/postgres")),
            xdg,
            home,
        ];
        for root in roots.into_iter().flatten() {
            let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
            dirs.extend(entries.map(|entry| entry.path().join("bin")));
        }
        dirs.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
        let mut found: Vec<Self> = dirs.into_iter().filter_map(Self::at).collect();
        found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
        found.dedup_by_key(|binaries| binaries.major);
        found
    }

    /// The server to use when any will do: the one in `PG_BIN`, else the newest.
    ///
    /// # Errors
    /// When there is none.
    pub fn find() -> Result<Self, ThrowawayError> {
        std::env::var_os("PG_BIN")
            .and_then(|dir| Self::at(PathBuf::from(dir)))
            .or_else(|| Self::all().into_iter().next())
            .ok_or(ThrowawayError::NoServer)
    }

    fn at(dir: PathBuf) -> Option<Self> {
        if !dir.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let number = text.split_whitespace().nth(2)?;
        let major = number.split('.').next()?.parse().ok()?;
        Some(Self { dir, major, version: number.to_owned() })
    }

    /// A command of this server, run as somebody who is not root.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.dir.join(program));
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.env_remove("PGDATA").env("LC_ALL", "C.UTF-8").current_dir("/");
        command
    }
}

pub(super) fn is_root() -> bool {
    user_id() == 0
}

/// Who runs this.
pub(super) fn user_id() -> u32 {
    std::fs::metadata("/proc/self")
        .map_or(NOBODY, |meta| std::os::unix::fs::MetadataExt::uid(&meta))
}

/// The `psql` of the newest server found, else the one in `PATH`. Sought once: that starts every server's
/// `--version`.
pub(super) fn psql_path() -> &'static Path {
    static PSQL: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    PSQL.get_or_init(|| {
        Binaries::all()
            .into_iter()
            .map(|binaries| binaries.dir.join("psql"))
            .find(|path| path.is_file())
            .unwrap_or_else(|| PathBuf::from("psql"))
    })
}
