//! `revoked webhook test`: what an event would come to, without an agent.

use super::super::client::ConfigFile;
use super::super::exit;
use super::super::output::{Format, print_line, shown};
use crate::clock;
use crate::config::Config;
use crate::domain::revocation::Revocation;
use crate::domain::time::UtcTime;
use crate::intake::door::{Door, would_be};
use crate::intake::event::{Action, Does, Event};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::PathBuf;

/// Read a payload as the agent would, and say what it would come to
///
/// Uses the configuration alone: no agent, no state, no network. What only the state tells, such as whether the event
/// came before or the person is known by another name, is not checked.
///
/// Exit status: 0 it would be accepted; 1 it would be held, or the file or the configuration cannot be read.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    file: ConfigFile,

    /// File with the payload; - for standard input
    #[arg(value_name = "FILE")]
    payload: PathBuf,

    /// Who sends it: a source or a token of the configuration
    #[arg(long, value_name = "NAME")]
    source: String,

    /// It is sent to /api/v1/webhooks/vendor-offboarding
    #[arg(long)]
    vendor: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<u8> {
    let config = Config::read(&arguments.file.config)?;
    let source = arguments.source.as_str();
    let token = config.tokens.iter().any(|token| token.id == source);
    let door = match config.sources.get(source) {
        _ if arguments.vendor => Door::Vendor,
        Some(configured) if configured.mapping.is_some() || !token => Door::Source(source),
        Some(_) => Door::HrEvents,
        None if token => Door::HrEvents,
        None => bail!("the configuration has neither a source nor a token `{source}`"),
    };
    let bytes = bytes(&arguments.payload)?;
    let now = clock::now();
    let event = door.read(&config, &bytes, now);
    let (report, good) = report(&config, source, door, &event, now);
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => print_report(&report),
    }
    Ok(if good { exit::OK } else { exit::ERROR })
}

fn bytes(path: &PathBuf) -> Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("reading standard input")?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}

/// What is said of the event, and whether it would be accepted.
fn report(
    config: &Config,
    source: &str,
    door: Door<'_>,
    event: &Event,
    now: UtcTime,
) -> (Value, bool) {
    let read = would_be(config, source, event, now);
    let (outcome, revocations, faults) = match (&event.asks, &read) {
        (_, Err(unusable)) => ("quarantined", Vec::new(), unusable.faults.clone()),
        (Ok(Action::Test), Ok(_)) => ("test", Vec::new(), Vec::new()),
        (Ok(Action::Ignore), Ok(_)) => ("ignored", Vec::new(), Vec::new()),
        (_, Ok(revocations)) => ("accepted", revocations.iter().map(shape).collect(), Vec::new()),
    };
    let report = json!({
        "outcome": outcome,
        "address": format!("/api/v1/webhooks/{}", door.name()),
        "event_type": event.kind,
        "event_id": event.id,
        "timestamp": event.at,
        "revocations": revocations,
        "exception": exception(event),
        "errors": faults,
    });
    (report, read.is_ok())
}

/// What is asked of a second person, where the event is about an exception.
fn exception(event: &Event) -> Option<Value> {
    let Ok(Action::Exception(asked)) = &event.asks else { return None };
    let (does, kind) = match asked.kind.does() {
        Does::Ask(kind) => ("ask", Some(kind.as_str())),
        Does::Close(kind) => ("close", Some(kind.as_str())),
        Does::Restore => ("withdraw", None),
    };
    let (until, lasts) = (&asked.until, &asked.duration);
    Some(json!({
        "does": does, "kind": kind, "subject": event.who.subject(), "until": until, "for": lasts,
    }))
}

fn shape(asked: &Revocation) -> Value {
    let accounts: Vec<String> = asked
        .accounts
        .iter()
        .map(|name| match &name.target {
            Some(target) => format!("{target}/{}", name.role),
            None => name.role.clone(),
        })
        .collect();
    json!({
        "subject": asked.subject, "username": asked.username, "kind": asked.kind,
        "reason": asked.reason, "effective_at": asked.effective_at, "effective": asked.effective,
        "deadlines": asked.deadlines, "searched": accounts, "roles": asked.roles,
        "permissions": asked.permissions, "ticket": asked.ticket,
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => shown(text),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => shown(&value.to_string()),
    }
}

fn print_report(report: &Value) {
    let of = |value: &Value, key: &str| value.get(key).map_or_else(|| "-".to_owned(), text);
    println!("would be {}", of(report, "outcome"));
    for (label, key) in [
        ("address", "address"),
        ("event type", "event_type"),
        ("event id", "event_id"),
        ("made at", "timestamp"),
    ] {
        println!("  {label:<12} {}", of(report, key));
    }
    for fault in report["errors"].as_array().into_iter().flatten() {
        let pointer = of(fault, "pointer");
        let pointer = if pointer.is_empty() { "the whole".to_owned() } else { pointer };
        print_line("  wrong        ", &format!("{pointer}: {}", of(fault, "detail")));
    }
    let asked = &report["exception"];
    if asked.is_object() {
        let (kind, subject) = (of(asked, "kind"), of(asked, "subject"));
        match asked["does"].as_str() {
            Some("ask") => {
                println!("  exception    {kind} for {subject}; somebody else has to approve it");
                println!("    until      {}", of(asked, "until"));
                println!("    for        {}", of(asked, "for"));
            }
            Some("close") => println!("  exception    the {kind} of {subject} ends"),
            _ => println!(
                "  withdraws    what is expected of {subject}; somebody else has to approve it"
            ),
        }
    }
    for asked in report["revocations"].as_array().into_iter().flatten() {
        println!(
            "  revocation   {} of {}, {}",
            of(asked, "kind"),
            of(asked, "subject"),
            of(asked, "reason")
        );
        println!("    user name  {}", of(asked, "username"));
        println!("    effective  {}", of(asked, "effective_at"));
        println!("    searched   {}", of(asked, "searched"));
        for (label, key) in [("roles", "roles"), ("permissions", "permissions")] {
            let named = of(asked, key);
            if !named.is_empty() {
                println!("    {label:<10} {named}");
            }
        }
    }
}
