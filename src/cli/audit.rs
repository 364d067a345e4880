//! `revoked log`: the audit log as files.

mod accept_loss;
mod export;
mod subjects;

use anyhow::Result;

/// The audit log: evidence for auditors, and a new log after damage
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Export(export::Arguments),
    Subjects(subjects::Arguments),
    AcceptLoss(accept_loss::Arguments),
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<u8> {
    match command {
        Command::Export(arguments) => export::run(&arguments),
        Command::Subjects(arguments) => subjects::run(&arguments).await,
        Command::AcceptLoss(arguments) => Box::pin(accept_loss::run(arguments)).await,
    }
}
