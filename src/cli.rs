//! The command line: wiring, printing, exit codes. No rules.

mod agent;
mod asked;
mod attest;
mod audit;
mod campaign;
mod check;
mod client;
mod config;
mod covered;
mod demo;
mod doctor;
mod exception;
mod expect;
mod explain;
mod holds;
mod init;
mod key;
mod log;
mod look;
mod manual;
mod openapi;
mod outbox;
mod output;
mod plan;
mod probe;
mod serve;
mod status;
mod values;
mod verify;
mod webhook;
mod witness;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser, Subcommand};
use std::io::IsTerminal as _;

/// Exit codes, the same in every command.
pub mod exit {
    /// Done, revoked, verified.
    pub const OK: u8 = 0;
    /// No question could be put: I/O, configuration, bad URL.
    pub const ERROR: u8 = 1;
    /// Residual access, or overdue.
    pub const RESIDUAL: u8 = 2;
    /// Inconclusive (check), or incomplete (verify).
    pub const INCONCLUSIVE: u8 = 3;
    /// A note kept elsewhere contradicts the log.
    pub const DIFFERS: u8 = 5;
    /// Not proved: a note that nobody known signed.
    pub const NOT_PROVED: u8 = 6;
    /// Wrong arguments (sysexits `EX_USAGE`).
    pub const USAGE: u8 = 64;
}

/// An argument is wrong in itself, and no parser of one value says so: it is about several, or its value may hold a secret,
/// which clap would repeat.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Proves that access is gone.
///
/// `revoked` looks at live Postgres grants and sessions, says what remains, why and since when, and keeps a
/// signed log that a stranger can check offline. It never changes a target.
///
/// Exit status, everywhere: 0 done, revoked or verified; 1 no question could be put (I/O, configuration, bad
/// URL); 2 residual access or overdue; 3 inconclusive or incomplete; 4 tampered; 5 history differs;
/// 6 not proved; 64 wrong arguments.
#[derive(Debug, Parser)]
#[command(name = "revoked", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Plan(plan::Arguments),
    #[command(subcommand)]
    Probe(probe::Command),
    Init(init::Arguments),
    Doctor(doctor::Arguments),
    Serve(serve::Arguments),
    #[command(subcommand)]
    Expect(expect::Command),
    #[command(subcommand)]
    Exception(exception::Command),
    Status(status::Arguments),
    #[command(subcommand)]
    Campaign(campaign::Command),
    #[command(subcommand)]
    Outbox(outbox::Command),
    Attest(attest::Arguments),
    #[command(subcommand)]
    Webhook(webhook::Command),
    #[command(subcommand)]
    Config(config::Command),
    Verify(verify::Arguments),
    #[command(subcommand)]
    Log(audit::Command),
    #[command(subcommand)]
    Key(key::Command),
    Witness(witness::Arguments),
    Completions(manual::Completions),
    Man(manual::Manual),
    #[command(hide = true)]
    Openapi(openapi::Arguments),
}

/// Runs the program and gives its exit code.
#[must_use]
pub fn run() -> u8 {
    end_quietly_on_a_closed_pipe();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let error = with_whole_usage(error);
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::OK };
        }
    };
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("revoked: the TLS provider was set twice");
        return exit::ERROR;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("revoked: starting the runtime: {error}");
            return exit::ERROR;
        }
    };
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Demo(arguments) => demo::run(arguments).await,
            Command::Check(arguments) => check::run(arguments).await,
            Command::Explain(arguments) => explain::run(arguments).await,
            Command::Plan(arguments) => plan::run(arguments).await,
            Command::Probe(command) => probe::run(command).await,
            Command::Init(arguments) => init::run(arguments).await,
            Command::Doctor(arguments) => doctor::run(arguments).await,
            Command::Serve(arguments) => serve::run(arguments).await,
            Command::Expect(command) => expect::run(command).await,
            Command::Exception(command) => Box::pin(exception::run(command)).await,
            Command::Config(command) => config::run(&command),
            Command::Status(arguments) => status::run(arguments).await,
            Command::Campaign(command) => campaign::run(command).await,
            Command::Outbox(command) => outbox::run(command).await,
            Command::Attest(arguments) => Box::pin(attest::run(arguments)).await,
            Command::Webhook(command) => webhook::run(command).await,
            Command::Verify(arguments) => verify::run(&arguments),
            Command::Log(command) => audit::run(command).await,
            Command::Key(command) => key::run(command).await,
            Command::Witness(arguments) => witness::run(arguments).await,
            Command::Completions(arguments) => manual::completions(&arguments),
            Command::Man(arguments) => manual::man(&arguments),
            Command::Openapi(arguments) => openapi::run(&arguments),
        }
    });
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("revoked: {error:#}");
            let usage = error.chain().any(<dyn std::error::Error>::is::<Usage>);
            if usage { exit::USAGE } else { exit::ERROR }
        }
    }
}

/// The usage of the command itself. What clap makes of an error takes options that the environment gives for ones
/// that have to be written.
fn with_whole_usage(mut error: clap::Error) -> clap::Error {
    if error.get(ContextKind::Usage).is_none() {
        return error;
    }
    let mut command = Arguments::command();
    command.build();
    for word in std::env::args().skip(1) {
        let Some(next) = command.find_subcommand(&word).cloned() else { break };
        command = next;
    }
    error.insert(ContextKind::Usage, ContextValue::StyledStr(command.render_usage()));
    error
}

/// A reader that has seen enough, as in `revoked check … | head`, ends the program like any other filter.
fn end_quietly_on_a_closed_pipe() {
    /// What a shell reports of a program that SIGPIPE ended.
    const CLOSED_PIPE: i32 = 128 + 13;
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if message.starts_with("failed printing to stdout") {
            std::process::exit(CLOSED_PIPE);
        }
        usual(panic);
    }));
}

/// Colour only for people.
fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
