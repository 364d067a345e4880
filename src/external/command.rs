//! One program: no shell, no environment, no input, nobody reads its output, and it is not run as root.

use super::silent;
use crate::config::{Check, CommandCheck};
use crate::domain::observation::Cause;
use crate::domain::probes::Silent;
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::fs::MetadataExt as _;
use std::process::{ExitStatus, Stdio};
use tokio::process::{Child, Command};

/// Exit status that says that nothing is there.
const GONE: i32 = 0;
/// Exit status that says that something is.
const PRESENT: i32 = 1;

/// Whether something is there.
pub(super) async fn ask(
    check: &Check,
    command: &CommandCheck,
    values: &[String],
) -> Result<bool, Silent> {
    let wrong = |cause, reason: &str, fix: &str| silent(check, cause, reason, fix);
    let unusable = |value: &String| value.is_empty() || value.contains('\0');
    let mut arguments = Vec::new();
    for argument in &command.arguments {
        let text = argument.fill(values, str::to_owned);
        // It would be read as an option, and another question answered.
        let option = argument.begins_with_a_value() && text.starts_with('-');
        if option || values.iter().any(unusable) {
            return Err(wrong(
                Cause::Internal,
                "what is known of the subject cannot be an argument",
                "ask by another field, or write the option and the field as one argument",
            ));
        }
        arguments.push(text);
    }
    let mut program = Command::new(&command.program);
    program
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    let root = std::fs::metadata("/proc/self").map_or(true, |me| me.uid() == 0);
    if root {
        program.uid(command.run_as.0).gid(command.run_as.1);
    }
    let child = program.spawn().map_err(|error| {
        wrong(
            Cause::Unreachable,
            &format!("the program cannot be started: {error}"),
            "check its path, and that who runs it may execute it",
        )
    })?;
    let mut group = Group::of(child);
    match tokio::time::timeout(check.timeout, group.child.wait()).await {
        Ok(Ok(status)) => {
            group.leader = None;
            said(status).map_err(|reason| {
                wrong(
                    Cause::Internal,
                    &reason,
                    "let it end with 0 where nothing is there, and with 1 where something is",
                )
            })
        }
        Ok(Err(error)) => {
            Err(wrong(Cause::Internal, &format!("its end was not seen: {error}"), "try it by hand"))
        }
        Err(_) => Err(wrong(
            Cause::Timeout,
            &format!("no answer within {} s", check.timeout.as_secs()),
            "let it answer faster, or raise timeout",
        )),
    }
}

fn said(status: ExitStatus) -> Result<bool, String> {
    match status.code() {
        Some(GONE) => Ok(false),
        Some(PRESENT) => Ok(true),
        Some(code) => Err(format!("it ended with status {code}")),
        None => Err("it was ended by a signal".to_owned()),
    }
}

/// A program and whatever it started: if it has not ended by itself, all of it ends with this.
struct Group {
    child: Child,
    leader: Option<Pid>,
}

impl Group {
    fn of(child: Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { child, leader }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // None of them may be left; that there is none is fine.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
