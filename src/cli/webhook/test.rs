//! `revoked webhook test`: what an event would come to, without an agent.

use super::super::client::ConfigFile;
use super::super::exit;
use super::super::output::{Format, print_line, shown};
use crate::clock;
use crate::config::{Config, Scope};
use crate::domain::exception::ExceptionKind;
use crate::domain::hex::hex;
use crate::domain::notice::Unusable;
use crate::domain::revocation::{Kind, Revocation};
use crate::domain::time::UtcTime;
use crate::intake::door::{Door, would_be};
use crate::intake::event::{Action, Does, Event};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
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
        None => bail!(
            "the configuration has neither a source nor a token `{}`; there are {}",
            shown(source),
            senders(&config)
        ),
    };
    let bytes = bytes(&arguments.payload)?;
    let now = clock::now();
    let event = door.read(&config, &bytes, now);
    let (mut report, mut good) = report(&config, source, door, &event, now);
    if let Some(lacks) = lacking(&config, source, door) {
        set(&mut report, "outcome", json!("refused"));
        set(&mut report, "errors", json!([{"pointer": "", "detail": lacks}]));
        good = false;
    }
    if event.id.is_none() && good {
        set(&mut report, "event_id", json!(known_as(&bytes, &event)));
    }
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => print_report(&report),
    }
    Ok(if good { exit::OK } else { exit::ERROR })
}

/// Who may send, in words.
fn senders(config: &Config) -> String {
    let listed = |names: Vec<&str>, none: &str| {
        if names.is_empty() { none.to_owned() } else { names.join(", ") }
    };
    let sources = listed(config.sources.keys().map(String::as_str).collect(), "none");
    let tokens = listed(config.tokens.iter().map(|token| token.id.as_str()).collect(), "none");
    format!("sources: {sources}; tokens: {tokens}")
}

fn set(report: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = report {
        members.insert(key.to_owned(), value);
    }
}

/// The scope that the sender's token lacks for the address, in words.
fn lacking(config: &Config, source: &str, door: Door<'_>) -> Option<String> {
    let scope = if door == Door::Vendor { Scope::Vendor } else { Scope::Hr };
    let signs = config.sources.get(source).is_some_and(|source| source.signing.is_some());
    if signs && matches!(door, Door::Source(_)) {
        return None;
    }
    let token = config.tokens.iter().find(|token| token.id == source)?;
    let scope = scope.as_str();
    let lacks = !token.scopes.iter().any(|has| has.as_str() == scope);
    lacks.then(|| {
        format!("403: the token {source} lacks the scope {scope} (tokens.{source}.scopes), so nothing of it is kept")
    })
}

/// What an event without an id is known by.
fn known_as(bytes: &[u8], event: &Event) -> String {
    let digest = hex(&Sha256::digest(bytes));
    match event.at {
        Some(_) => format!("sha256:{digest}"),
        None => format!("sha256:{digest}, on that day and the next"),
    }
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
        (Ok(Action::Exception(asked)), Ok(_)) => match asked.kind.does() {
            Does::Ask(_) | Does::Restore | Does::Close(ExceptionKind::LegalHold) => {
                ("pending", Vec::new(), Vec::new())
            }
            Does::Close(_) => ("accepted", Vec::new(), Vec::new()),
        },
        (_, Ok(revocations)) => ("accepted", revocations.iter().map(shape).collect(), Vec::new()),
    };
    let report = json!({
        "outcome": outcome,
        "address": format!("/api/v1/webhooks/{}", door.name()),
        "event_type": event.kind,
        "event_id": event.id,
        "timestamp": event.at,
        "revocations": revocations,
        "exception": exception(event, now),
        "takes_back": takes_back(event),
        "notes": notes(revocations_of(&read)),
        "errors": faults,
    });
    (report, read.is_ok())
}

/// What is asked of a second person, where the event is about an exception.
fn exception(event: &Event, now: UtcTime) -> Option<Value> {
    use ExceptionKind as K;
    let Ok(Action::Exception(asked)) = &event.asks else { return None };
    let usual = match asked.kind.does() {
        Does::Ask(kind) => Some(kind),
        Does::Close(_) | Does::Restore => None,
    };
    let (does, kind) = match asked.kind.does() {
        Does::Ask(kind) => ("ask", Some(kind.as_str())),
        Does::Close(kind) => ("close", Some(kind.as_str())),
        Does::Restore => ("withdraw", None),
    };
    let (mut until, lasts) = (asked.until.clone(), &asked.duration);
    // Without an end some kinds have one by themselves, whatever is expected.
    if let (Some(kind @ (K::Temporary | K::BreakGlass)), None, None) = (usual, &until, lasts) {
        until = kind.usual(now).map(|at| at.to_string());
    }
    Some(json!({
        "does": does, "kind": kind, "subject": event.who.subject(), "until": until, "for": lasts,
    }))
}

/// What an event takes back, and from when on.
fn takes_back(event: &Event) -> Option<Value> {
    let (what, from) = match event.asks.as_ref().ok()? {
        Action::Rescind => ("the end", None),
        Action::Rehire { effective_at } => {
            ("access granted from then on is kept", effective_at.as_ref())
        }
        Action::Recycle { effective_at } => {
            ("roles that get the name from then on are not linked", effective_at.as_ref())
        }
        Action::Revoke(_)
        | Action::Offboard(_)
        | Action::Exception(_)
        | Action::Test
        | Action::Ignore => return None,
    };
    let at = from.cloned().or_else(|| event.at.map(|at| at.to_string()));
    let from = at.unwrap_or_else(|| "the receipt".to_owned());
    Some(json!({"what": what, "subject": event.who.subject(), "from": from}))
}

fn revocations_of(read: &Result<Vec<Revocation>, Unusable>) -> &[Revocation] {
    read.as_deref().unwrap_or_default()
}

/// What would be accepted, and is not all that is needed.
fn notes(revocations: &[Revocation]) -> Vec<&'static str> {
    let open = |asked: &Revocation| {
        asked.kind == Kind::Partial && asked.roles.is_empty() && asked.permissions.is_empty()
    };
    let nameless = revocations.iter().any(open);
    let note = "without revoke.roles or revoke.permissions it stays inconclusive until somebody says which must be gone";
    nameless.then_some(note).into_iter().collect()
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
    let empty = |value: &Value| value.as_str().is_some_and(str::is_empty);

    let of = |value: &Value, key: &str| value.get(key).map_or_else(|| "-".to_owned(), text);
    println!("would be {}", of(report, "outcome"));
    for (label, key) in [
        ("address", "address"),
        ("event type", "event_type"),
        ("event id", "event_id"),
        ("made at", "timestamp"),
    ] {
        let value = if empty(&report[key]) { "-".to_owned() } else { of(report, key) };
        println!("  {label:<12} {value}");
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
    let back = &report["takes_back"];
    if back.is_object() {
        let (subject, what, from) = (of(back, "subject"), of(back, "what"), of(back, "from"));
        println!("  takes back   of {subject}: {what}; as of {from}");
        println!(
            "    only the agent knows what its sender said of the person, and whether it waits for somebody else"
        );
    }
    for note in report["notes"].as_array().into_iter().flatten() {
        print_line("  note         ", &text(note));
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
        if asked["ticket"].is_string() {
            println!("    ticket     {}", of(asked, "ticket"));
        }
        for (label, key) in [("roles", "roles"), ("permissions", "permissions")] {
            let named = of(asked, key);
            if !named.is_empty() {
                println!("    {label:<10} {named}");
            }
        }
    }
}
