//! `revoked log`: read the audit log and prove what is in it.

mod accept_loss;
mod consistency;
mod export;
mod point;
mod prove;
mod source;
mod subjects;
mod tail;

use super::exit;
use anyhow::{Context as _, Result};
use source::Place;
use std::io::Write as _;
use std::path::Path;

/// Read the audit log, prove what is in it, export it, and go on after damage
///
/// `prove`, `consistency`, `checkpoint` and `tail` ask the running agent, else they read the log's directory, where
/// nothing is locked or written. What is printed is never beyond the newest checkpoint.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Prove(prove::Arguments),
    Consistency(consistency::Arguments),
    Checkpoint(Checkpoint),
    Tail(tail::Arguments),
    Export(export::Arguments),
    Subjects(subjects::Arguments),
    AcceptLoss(accept_loss::Arguments),
}

/// Print the newest checkpoint: a signed note (C2SP)
///
/// Keep it somewhere else: with it a log that was cut or rewritten afterwards is found out by `revoked verify
/// --anchor`.
#[derive(Debug, clap::Args)]
pub(super) struct Checkpoint {
    /// In one line that survives web pages and chats
    #[arg(long)]
    cp1: bool,

    #[command(flatten)]
    at: Place,
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<u8> {
    match command {
        Command::Prove(arguments) => prove::run(arguments).await,
        Command::Consistency(arguments) => consistency::run(arguments).await,
        Command::Tail(arguments) => tail::run(arguments).await,
        Command::Export(arguments) => export::run(&arguments),
        Command::Subjects(arguments) => subjects::run(&arguments).await,
        Command::AcceptLoss(arguments) => Box::pin(accept_loss::run(arguments)).await,
        Command::Checkpoint(arguments) => {
            let head = arguments.at.find().await?.head().await?;
            if arguments.cp1 {
                print(format!("{}\n", crate::audit::signed::cp1(&head.note)).as_bytes())?;
            } else {
                print(head.note.as_bytes())?;
            }
            Ok(exit::OK)
        }
    }
}

/// Prints bytes as they are.
fn print(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // `revoked log tail | head` has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("writing to stdout"),
    }
}

/// Writes a proof to a file, or prints it.
fn write(output: Option<&Path>, text: &str) -> Result<()> {
    match output {
        None => print(text.as_bytes()),
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
        }
    }
}
