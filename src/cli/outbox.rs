//! `revoked outbox`: what people are told, and what could not be told.

use super::client::{ConfigFile, Where};
use super::exit;
use super::output::{self, Output, Rows, shown};
use super::values;
use crate::config::Config;
use crate::deliver::webhook::{Endpoint, Webhook};
use crate::domain::delivery::{Answer, Standing};
use crate::http::outbox::MessageView;
use anyhow::{Context as _, Result, bail};

/// What people and other systems are told: list, send again, drop, try an endpoint
///
/// Every message waits until the log has what it says, and then until the receiver has it. What is made of it is made when
/// it is sent, so the outbox holds no text.
///
/// Exit status: 0 done; 2 some could not be told (list); 1 refused, or the agent cannot be reached; test has more (see
/// there).
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    List(List),
    Retry(Retry),
    Drop(Drop),
    Test(Test),
}

/// List messages, newest first
///
/// STATE is one of these:
///   waiting     its record is not in the log yet
///   due         it is sent when its turn comes; `error` says why it was not
///   sending     it is on its way
///   ambiguous   it may have been sent: it is looked up before it is sent again
///   sent        the receiver has it
///   carried     a digest tells it
///   superseded  something newer says more
///   expired     it was not sent within a day; a digest tells it
///   dead        the receiver does not take it: send it again or drop it
///   dropped     somebody decided that it is not sent
///
/// Exit status: 0 listed; 2 some are dead; 1 the agent cannot be reached, or its state not be read.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    #[command(flatten)]
    at: Where,

    /// Only those that stand like this; without it all
    #[arg(long, value_name = "STATE", value_parser = standing)]
    state: Option<Standing>,

    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Send a message again that is dead, expired or was dropped
///
/// It has no end then, other than being sent or dropped. Who wanted it is in the log.
///
/// Exit status: 0 it is due; with --dry-run: it would be taken; 1 refused, or there is none.
#[derive(Debug, clap::Args)]
pub(super) struct Retry {
    #[command(flatten)]
    at: Where,

    /// Its id, as the list shows it
    #[arg(value_parser = values::text)]
    id: String,

    /// Print what would be sent, checked against the receiver's limits, and send nothing. For a message in any state
    #[arg(long)]
    dry_run: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Never send a message
///
/// Who decided that is in the log.
///
/// Exit status: 0 dropped; 1 refused, or there is none.
#[derive(Debug, clap::Args)]
pub(super) struct Drop {
    #[command(flatten)]
    at: Where,

    /// Its id, as the list shows it
    #[arg(value_parser = values::text)]
    id: String,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Send a signed test event to a configured endpoint
///
/// Uses the configuration alone, whether the agent runs or not. The event is of type test and says nothing of anybody; it
/// is neither in the outbox nor in the log.
///
/// Exit status: 0 it took the event; 1 it did not, or there is no such endpoint.
#[derive(Debug, clap::Args)]
pub(super) struct Test {
    #[command(flatten)]
    file: ConfigFile,

    /// Its name under webhooks_out
    name: String,
}

fn standing(word: &str) -> Result<Standing, String> {
    Standing::from_word(word).ok_or_else(|| {
        let known: Vec<_> = Standing::ALL.iter().map(|one| one.as_str()).collect();
        format!("one of {}", known.join(", "))
    })
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<u8> {
    match command {
        Command::List(arguments) => list(arguments).await,
        Command::Retry(arguments) if arguments.dry_run => dry_run(arguments).await,
        Command::Retry(Retry { at, id, output, .. }) => changed(at, &id, true, output).await,
        Command::Drop(Drop { at, id, output }) => changed(at, &id, false, output).await,
        Command::Test(arguments) => test(&arguments).await,
    }
}

async fn list(arguments: List) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let state = arguments.state.map(|state| state.as_str().to_owned());
    let messages = reach.outbox(state, arguments.limit).await;
    reach.leave().await?;
    let messages = messages?;
    arguments.output.print(&messages, || rows(&messages), || print_table(&messages))?;
    let dead = messages.iter().any(|message| message.state == Standing::Dead);
    Ok(if dead { exit::RESIDUAL } else { exit::OK })
}

async fn dry_run(arguments: Retry) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let rendered = reach.render_message(&arguments.id).await;
    reach.leave().await?;
    let Some(rendered) = rendered? else { bail!("{}", none(&arguments.id)) };
    // What is sent is JSON, for people too.
    println!("{}", serde_json::to_string_pretty(&rendered)?);
    Ok(exit::OK)
}

async fn changed(at: Where, id: &str, retry: bool, output: Output) -> Result<u8> {
    let reach = at.reach().await?;
    let done = reach.change_message(id, retry).await;
    reach.leave().await?;
    let Some(message) = done? else { bail!("{}", none(id)) };
    let all = std::slice::from_ref(&message);
    output.print(&message, || rows(all), || println!("{}: {}", message.id, message.state))?;
    Ok(exit::OK)
}

async fn test(arguments: &Test) -> Result<u8> {
    let (path, name) = (&arguments.file.config, &arguments.name);
    let config = Config::read(path)?;
    let Some(endpoint) = Endpoint::of(&config, name) else {
        let known: Vec<_> = config.webhooks_out.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        bail!("{} is not under webhooks_out; there are: {known}", shown(name));
    };
    let receiver = Webhook::new(endpoint).with_context(|| path.display().to_string())?;
    let heard = receiver.try_out().await;
    let word = &heard.word;
    match heard.answer {
        Answer::Sent(id) => {
            println!("{name} took the test event {id} ({word})");
            Ok(exit::OK)
        }
        Answer::Token => bail!(
            "{name} refuses the signature or the headers ({word}); give both sides the same secret, and look at the \
             clock of each"
        ),
        Answer::Gone => {
            bail!("{name} wants nothing any more ({word}); take it out of webhooks_out")
        }
        Answer::Destination => {
            bail!("there is nothing that takes events ({word}); correct webhooks_out.{name}.url")
        }
        Answer::Later(_)
        | Answer::Doubtful
        | Answer::Thread
        | Answer::Payload
        | Answer::Unknown
        | Answer::Found(_)
        | Answer::Absent
        | Answer::Unsure => bail!(
            "{name} did not take the test event ({word}); look at the way to it, its certificate, and its own log"
        ),
    }
}

fn none(id: &str) -> String {
    format!("there is no message {}; `revoked outbox list` shows their ids", shown(id))
}

fn rows(messages: &[MessageView]) -> Rows {
    let row = |message: &MessageView| {
        vec![
            message.id.clone(),
            message.created_at.to_string(),
            message.receiver.clone(),
            message.topic.to_string(),
            message.about.clone(),
            message.state.to_string(),
            message.attempts.to_string(),
            message.error.clone(),
            message.record.clone(),
            message.seq.map(|seq| seq.to_string()).unwrap_or_default(),
            message.digest.clone().unwrap_or_default(),
        ]
    };
    Rows {
        header: &[
            "id",
            "created_at",
            "receiver",
            "topic",
            "about",
            "state",
            "attempts",
            "error",
            "record",
            "seq",
            "digest",
        ],
        rows: messages.iter().map(row).collect(),
    }
}

fn print_table(messages: &[MessageView]) {
    if messages.is_empty() {
        println!("no messages");
        return;
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["CREATED", "STATE", "TOPIC", "TRIES", "ERROR", "MESSAGE"]);
    for message in messages {
        let created = message.created_at.to_string();
        let error = if message.error.is_empty() { "-" } else { &message.error };
        table.add_row([
            created.get(..19).unwrap_or(&created),
            message.state.as_str(),
            message.topic.as_str(),
            &message.attempts.to_string(),
            &shown(error),
            &message.id,
        ]);
    }
    output::print_table(&table);
}
