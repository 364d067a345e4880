//! Who holds checkpoints of the log: where each witness stands, and how old the newest receipt of each place is.

use super::section::{Level, Section};
use super::store::Receipts;
use crate::anchor::{Standing, standing};
use crate::audit::prove::{Head, Prover};
use crate::cli::status::in_words;
use crate::config::{Config, WitnessConfig};
use crate::domain::time::UtcTime;
use anyhow::Result;

/// A witness that is ahead is asked so often: a running agent may have given it a checkpoint meanwhile.
const TRIES: usize = 3;
/// A receipt older than so many intervals is late.
const LATE: u32 = 3;

const HISTORY: &str = "do not start the agent: the log was put back to an older copy, or written in two places. \
                       docs/anchors.md, `When the witness is ahead`, says what to do";

/// Looks at the anchors; `None` where none are configured.
pub(super) async fn section(
    config: &Config,
    receipts: Option<&Receipts>,
    now: UtcTime,
) -> Option<Section> {
    let anchors = &config.anchors;
    let names: Vec<_> = anchors.names().map(|(kind, name)| label(kind, name)).collect();
    if names.is_empty() {
        return None;
    }
    let mut section = Section::new("anchors", names.join(", "));
    let prover = Prover::new(&config.log_dir);
    for witness in &anchors.witnesses {
        ask(&mut section, witness, &prover).await;
    }
    for (kind, name) in anchors.names() {
        let Some(receipts) = receipts else { continue };
        let known = receipts.get(&(kind.to_owned(), name.to_owned())).copied().flatten();
        let label = label(kind, name);
        let Some(known) = known else {
            let text = format!("{label}: it has taken no checkpoint yet");
            section.say(Level::Note, text);
            continue;
        };
        let age = now.since(known.at);
        let text = format!(
            "{label}: its newest receipt is {} old, of {} lines",
            in_words(age),
            known.size
        );
        section.fact(&format!("{kind}/{name}_age_seconds"), age.as_secs());
        if age > anchors.interval * LATE {
            let fix =
                "start the agent, or read in its log on stderr why a checkpoint was not taken";
            section.advise(Level::Warn, text, fix);
        } else {
            section.say(Level::Ok, text);
        }
    }
    Some(section)
}

fn label(kind: &str, name: &str) -> String {
    if kind == name { kind.to_owned() } else { format!("{kind} {name}") }
}

async fn ask(section: &mut Section, witness: &WitnessConfig, prover: &Prover) {
    let name = &witness.name;
    let asked = stands(witness, prover).await;
    let (key, ours) = match asked {
        Err(Trouble::Log(error)) => {
            let text = format!(
                "witness {name} was not asked, since the log's newest checkpoint cannot be read: {error:#}"
            );
            return section.say(Level::Unchecked, text);
        }
        Err(Trouble::Witness(error)) => {
            let fix = "check url and key of log.witnesses, and ask its operators; until it answers the agent goes on without its \
                       signatures";
            return section.advise(Level::Warn, format!("witness {name}: {error:#}"), fix);
        }
        Ok(standing) => standing,
    };
    let of = match key {
        Standing::Same => "same",
        Standing::Behind(_) => "behind",
        Standing::Ahead(_) => "ahead",
        Standing::Differs => "differs",
        Standing::OtherKey => "other_key",
        Standing::Unknown => "unknown",
    };
    section.fact(&format!("witness/{name}"), of);
    match key {
        Standing::Same => section.say(
            Level::Ok,
            format!("witness {name} holds this log, all {ours} lines, and signs with the configured key"),
        ),
        Standing::Behind(0) => {
            section.say(Level::Note, format!("witness {name} answers, and has seen nothing of this log yet"));
        }
        Standing::Behind(held) => section.say(
            Level::Ok,
            format!("witness {name} answers: it holds {held} lines of this log, which has {ours}"),
        ),
        Standing::Ahead(held) => section.advise(
            Level::Differs,
            format!("witness {name} holds {held} lines of this log, which has {ours}"),
            HISTORY,
        ),
        Standing::Differs => section.advise(
            Level::Differs,
            format!("witness {name} holds another tree of the same {ours} lines"),
            HISTORY,
        ),
        Standing::OtherKey => section.advise(
            Level::Warn,
            format!("witness {name} does not trust the key that signs this log"),
            "give its operators the public key in force (`revoked key show`), to add it as a second --log",
        ),
        Standing::Unknown => section.advise(
            Level::Warn,
            format!("witness {name} does not know this log"),
            "give its operators the log's public key (`revoked key show`) for --log, and check url in log.witnesses",
        ),
    }
}

/// Why nothing is known of a witness.
enum Trouble {
    Log(anyhow::Error),
    Witness(anyhow::Error),
}

/// Where it stands, and how many lines the log has.
async fn stands(witness: &WitnessConfig, prover: &Prover) -> Result<(Standing, u64), Trouble> {
    let mut tries = 0;
    loop {
        let head: Head = prover.head().map_err(|error| Trouble::Log(error.into()))?;
        let found = standing(witness, &head).await.map_err(Trouble::Witness)?;
        tries += 1;
        if !matches!(found, Standing::Ahead(_)) || tries == TRIES {
            return Ok((found, head.size));
        }
    }
}
