//! `revoked webhook`: what came in, what is held, and what an event would come to.

mod journal;
mod settle;
mod test;

use anyhow::Result;

/// Events of other systems: journal, try a held one again, dismiss one, test a payload
///
/// Exit status: 0 done; 1 refused, or the agent cannot be reached; test has more (see there).
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Journal(journal::Arguments),
    Retry(settle::Retry),
    Dismiss(settle::Dismiss),
    Test(test::Arguments),
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<u8> {
    match command {
        Command::Journal(arguments) => journal::run(arguments).await,
        Command::Retry(arguments) => Box::pin(settle::retry(arguments)).await,
        Command::Dismiss(arguments) => Box::pin(settle::dismiss(arguments)).await,
        Command::Test(arguments) => test::run(&arguments),
    }
}
