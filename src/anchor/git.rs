//! Committing a checkpoint to a repository, by the `git` program.

use crate::audit::prove::Head;
use crate::audit::signed::cp1;
use crate::config::GitConfig;
use anyhow::{Context as _, Result, bail};
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// The file with one `cp1.` line per checkpoint.
const FILE: &str = "checkpoints.txt";
/// A commit on this machine.
const LOCAL: Duration = Duration::from_secs(10);
/// A push to another.
const PUSH: Duration = Duration::from_secs(60);
/// `O_NOFOLLOW` of Linux.
const O_NOFOLLOW: i32 = 0o400_000;

/// Nothing of the repository or the machine runs a program or asks a question, but for the transport of a push.
const QUIET: &[&str] = &[
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "commit.gpgSign=false",
    "-c",
    "push.gpgSign=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "credential.helper=",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "user.name=revoked",
    "-c",
    "user.email=revoked@localhost",
];

/// Commits the checkpoint, and pushes it where a remote is configured. Gives the commit. Begun twice for one
/// checkpoint, it writes and commits once.
pub(super) async fn commit(repository: &GitConfig, head: &Head) -> Result<String> {
    let dir = &repository.dir;
    append(&dir.join(FILE), &cp1(&head.note))?;
    let changed = git(dir, &["status", "--porcelain", "--", FILE], LOCAL).await?;
    if !changed.is_empty() {
        git(dir, &["add", "--", FILE], LOCAL).await?;
        let message = format!("checkpoint {} of {}", head.size, head.origin);
        let arguments =
            ["commit", "--quiet", "--no-verify", "--no-gpg-sign", "-m", &message, "--", FILE];
        git(dir, &arguments, LOCAL).await?;
    }
    let commit = git(dir, &["log", "-n", "1", "--format=%H", "--", FILE], LOCAL).await?;
    if let Some(remote) = &repository.remote {
        git(dir, &["push", "--quiet", "--no-verify", "--", remote, "HEAD"], PUSH).await?;
    }
    Ok(commit.trim().to_owned())
}

/// Appends the line unless it is there.
fn append(path: &Path, line: &str) -> Result<()> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o644)
        .custom_flags(O_NOFOLLOW)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))?;
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(|| format!("reading {}", path.display()))?;
    if text.lines().any(|there| there == line) {
        return Ok(());
    }
    // A line that a crash cut off stays by itself.
    let begin = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{begin}{line}\n").as_bytes())
        .with_context(|| format!("writing {}", path.display()))
}

async fn git(dir: &Path, arguments: &[&str], patience: Duration) -> Result<String> {
    let name = arguments.first().copied().unwrap_or_default();
    let mut command = Command::new("git");
    command
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"))
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=10")
        .args(QUIET)
        .arg("-C")
        .arg(dir)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let run = command.output();
    let output = tokio::time::timeout(patience, run).await;
    let output = output
        .with_context(|| format!("git {name} took longer than {} s", patience.as_secs()))?
        .with_context(|| format!("running git {name}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().filter(|line| !line.is_empty()).take(3).collect();
        bail!("git {name}: {}", said.join("; "));
    }
    String::from_utf8(output.stdout).with_context(|| format!("git {name}: its answer is not text"))
}
