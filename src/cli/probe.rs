//! `revoked probe`: whether an old secret still works. Outside the agent, which never has one.

mod attest;
mod secret;

use super::output::{Format, print_wrapped, shown};
use super::{Usage, exit, values};
use crate::clock;
use crate::domain::probe::{Answer, Finding, Path, Said, Why, classify};
use crate::domain::time::UtcTime;
use crate::target::Target;
use crate::target::probe::{Attempt, Login};
use anyhow::{Context as _, Result};
use clap::ValueEnum;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use std::path::PathBuf;

/// Probes: what can only be found out by trying
///
/// Exit status of login: 0 dead on this path; 2 still valid; 3 the path says nothing; 1 the question could not be put.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Login(Box<Arguments>),
}

/// Is an old secret dead?
///
/// Tries to log in with it, once, from here. The database asked for does not exist: the server answers a right
/// secret otherwise than a wrong one, and no session ever begins. If the answer is not a plain refusal of the
/// password, a random secret is tried as well, to know whether this path asks for a password at all. The server's
/// log shows the attempts. What is found holds for this address, TLS mode, database and role, now.
///
/// Exit status: 0 dead on this path; 2 still valid, whatever else keeps it out; 3 the path says nothing about it;
/// 1 the question could not be put.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// File with the old secret in its only line; - for standard input
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,

    /// Role that the secret was the password of
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    role: String,

    /// Address of the server, or the directory of its socket
    #[arg(
        long,
        value_name = "HOST",
        required_unless_present = "target",
        conflicts_with = "target",
        value_parser = values::name
    )]
    host: Option<String>,

    /// Port of the server
    #[arg(long, value_name = "PORT", default_value_t = 5432, conflicts_with = "target")]
    port: u16,

    /// The server by its URL, such as postgres://db.example:5433/?sslrootcert=/etc/ca.pem; user and database in it
    /// are not used, and it holds no password
    #[arg(long, value_name = "URL")]
    target: Option<String>,

    /// TLS; without it, verify-full over TCP
    #[arg(long, value_enum, value_name = "MODE", conflicts_with = "target")]
    sslmode: Option<Tls>,

    /// Try a database that exists: reaches its own lines of pg_hba.conf. A right secret opens a session then, which
    /// is ended at once, and runs the database's login triggers
    #[arg(long, value_name = "DB", value_parser = values::name)]
    database: Option<String>,

    #[command(flatten)]
    to: attest::To,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Modes of TLS, by libpq's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tls {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    finding: Finding,
    why: Why,
    sentence: String,
    role: String,
    path: Path,
    at: UtcTime,
    answer: Answer,
    control: Option<Answer>,
    /// The server's processes of sessions that began.
    pids: Vec<i32>,
    /// The rotation that it was attested to.
    attested: Option<String>,
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<u8> {
    match command {
        Command::Login(arguments) => login(*arguments).await,
    }
}

async fn login(arguments: Arguments) -> Result<u8> {
    let target = arguments.target()?;
    let secret = secret::read(&arguments.secret_file)?;
    let way = Login::new(&target, &arguments.role, arguments.database.as_deref());
    let witness = arguments.to.witness(&arguments.role).await?;
    let at = clock::now();
    let (tried, control) = match attempts(&way, secret).await {
        Ok(attempts) => attempts,
        Err(error) => {
            if let Some(witness) = witness {
                witness.leave().await?;
            }
            return Err(error);
        }
    };
    let said = classify(&tried.answer, control.as_ref().map(|control| &control.answer));
    let report = report(&arguments, &way, at, said, tried, control);
    // Before anything is printed: whoever closes the pipe must not lose what the agent is to know.
    let told = match witness {
        Some(witness) => Some(
            witness.tell(report.path.clone(), report.answer.clone(), report.control.clone()).await,
        ),
        None => None,
    };
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => print(&report, said),
    }
    if let Some(told) = told {
        told.context("the agent was not told")?;
        if arguments.output == Format::Table {
            println!("  told     the agent, for {}", shown(&report.attested.unwrap_or_default()));
        }
    }
    Ok(match said.finding {
        Finding::Dead => exit::OK,
        Finding::Valid => exit::RESIDUAL,
        Finding::Nothing => exit::INCONCLUSIVE,
    })
}

/// Tries the secret, and a random one if that has to tell what the answer means.
async fn attempts(way: &Login, secret: SecretString) -> Result<(Attempt, Option<Attempt>)> {
    let tried = way.attempt(secret.expose_secret()).await?;
    let control = if tried.answer.needs_control() { Some(way.control().await?) } else { None };
    Ok((tried, control))
}

fn report(
    arguments: &Arguments,
    way: &Login,
    at: UtcTime,
    said: Said,
    tried: Attempt,
    control: Option<Attempt>,
) -> Report {
    let pids = [tried.pid, control.as_ref().and_then(|control| control.pid)];
    Report {
        finding: said.finding,
        why: said.why,
        sentence: said.sentence(&arguments.role),
        role: arguments.role.clone(),
        path: way.path(),
        at,
        answer: tried.answer,
        control: control.map(|control| control.answer),
        pids: pids.into_iter().flatten().collect(),
        attested: arguments.to.revocation.clone(),
    }
}

fn print(report: &Report, said: Said) {
    println!("{}", headline(said.finding));
    print_wrapped("  ", &shown(&report.sentence));
    print_wrapped("  path     ", &shown(&report.path.in_words()));
    println!("  tried    {}", report.at);
    println!("  answer   {}", shown(&in_words(&report.answer)));
    if let Some(control) = &report.control {
        println!("  a random secret: {}", shown(&in_words(control)));
    }
    for pid in &report.pids {
        println!("  session  pid {pid}, ended");
    }
    print_wrapped("  next     ", said.advice());
}

fn headline(finding: Finding) -> String {
    let (word, colour) = match finding {
        Finding::Dead => ("DEAD ON THIS PATH", 32),
        Finding::Valid => ("STILL VALID", 31),
        Finding::Nothing => ("SAYS NOTHING", 33),
    };
    if super::colour() { format!("\x1b[1;{colour}m{word}\x1b[0m") } else { word.to_owned() }
}

fn in_words(answer: &Answer) -> String {
    let Answer { sqlstate, routine } = answer;
    if *answer == Answer::session() {
        "a session began".to_owned()
    } else if routine.is_empty() {
        format!("SQLSTATE {sqlstate}")
    } else {
        format!("SQLSTATE {sqlstate} by {routine}")
    }
}

impl Arguments {
    fn target(&self) -> Result<Target> {
        if let Some(url) = &self.target {
            if holds_password(url) {
                let why =
                    "--target: it holds a password; the secret to try belongs in --secret-file";
                return Err(Usage(why.to_owned()).into());
            }
            return Target::from_url("probe", url)
                .context("--target is not a usable connection URL");
        }
        let host = self.host.as_deref().unwrap_or_default();
        let mut url = reqwest::Url::parse("postgres:///").context("--host")?;
        url.query_pairs_mut()
            .append_pair("host", host)
            .append_pair("port", &self.port.to_string())
            .append_pair("user", &self.role);
        if let Some(mode) = self.sslmode.and_then(|mode| mode.to_possible_value()) {
            url.query_pairs_mut().append_pair("sslmode", mode.get_name());
        }
        Target::from_url("probe", url.as_str()).context("--host")
    }
}

/// Whether a URL brings a password of its own.
fn holds_password(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| {
        url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password")
    })
}

#[cfg(test)]
mod tests {
    use super::holds_password;

    #[test]
    fn a_password_in_the_url_is_noticed() {
        assert!(holds_password("postgres://u:p@db.example/d"));
        assert!(holds_password("postgres:///d?host=/tmp&password=p"));
        assert!(!holds_password("postgres://u@db.example:5433/d?sslmode=require"));
    }
}
