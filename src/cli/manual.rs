//! `revoked completions` and `revoked man`: made from the command line itself, so that they are never behind it.

use super::exit;
use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use std::io::Write as _;
use std::path::PathBuf;

/// Print completions for a shell
///
/// For bash: revoked completions bash > /etc/bash_completion.d/revoked
///
/// Exit status: 0 printed; 1 it could not be written.
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Shell
    shell: clap_complete::Shell,
}

/// Print the manual page, or write one page per command to a directory
///
/// To read it at once: revoked man | man -l -
///
/// Exit status: 0 printed or written; 1 it could not be written.
#[derive(Debug, clap::Args)]
pub(super) struct Manual {
    /// Directory for revoked.1, revoked-check.1 and so on, such as /usr/local/share/man/man1
    dir: Option<PathBuf>,
}

/// Runs `revoked completions`.
pub(super) fn completions(arguments: &Completions) -> Result<u8> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "revoked", &mut text);
    print(&text)
}

/// Runs `revoked man`.
pub(super) fn man(arguments: &Manual) -> Result<u8> {
    let Some(dir) = &arguments.dir else {
        let mut text = Vec::new();
        clap_mangen::Man::new(command()).render(&mut text).context("writing the manual page")?;
        return print(&text);
    };
    std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    clap_mangen::generate_to(command(), dir)
        .with_context(|| format!("writing manual pages to {}", dir.display()))?;
    Ok(exit::OK)
}

/// Without the `help` commands, which would have pages of their own.
fn command() -> clap::Command {
    fn plain(command: clap::Command) -> clap::Command {
        command.disable_help_subcommand(true).mut_subcommands(plain)
    }
    plain(super::Arguments::command())
}

fn print(text: &[u8]) -> Result<u8> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        // `revoked man | head` has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(exit::OK),
        written => written.context("writing to stdout").map(|()| exit::OK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_says_what_it_is_for() {
        fn speaks(command: &clap::Command) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty(), "{} has no about", command.get_name());
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                let name = argument.get_id();
                assert!(!help.is_empty(), "{}: {name} has no help", command.get_name());
            }
            command.get_subcommands().for_each(speaks);
        }
        let mut command = command();
        command.build();
        speaks(&command);
    }
}
