//! Endpoints that are told: whether anybody answers there. They are told nothing by that.

use super::section::{Level, Section};
use crate::config::Config;
use crate::deliver::webhook::{Endpoint, Webhook};
use crate::deliver::{Heard, Receiver as _};
use crate::domain::delivery::Answer;

/// A section for each endpoint.
pub(super) async fn sections(config: &Config) -> Vec<Section> {
    let mut sections = Vec::new();
    for endpoint in config.webhooks_out.keys().filter_map(|name| Endpoint::of(config, name)) {
        sections.push(section(endpoint).await);
    }
    sections
}

async fn section(endpoint: Endpoint) -> Section {
    let name = endpoint.name.clone();
    let mut section = Section::new("webhook", name.as_str());
    section.fact("audience", endpoint.hook.audience.as_str());
    match Webhook::new(endpoint) {
        Ok(receiver) => say(&mut section, &name, &receiver.probe().await),
        Err(error) => section.say(Level::Broken, format!("{error:#}")),
    }
    section
}

fn say(section: &mut Section, name: &str, heard: &Heard) {
    section.fact("answer", heard.word.as_str());
    let word = &heard.word;
    match heard.answer {
        Answer::Sent(_) | Answer::Found(_) => {
            section.say(Level::Ok, format!("somebody answers there ({word})"));
            let text = format!(
                "whether it takes the signature: revoked outbox test {name}, which sends it a test event"
            );
            section.say(Level::Note, text);
        }
        Answer::Gone => {
            let text = format!("it wants nothing any more ({word})");
            let fix = "take it out of webhooks_out, or correct its url";
            section.advise(Level::Warn, text, fix);
        }
        Answer::Destination => {
            let text = format!("it sends us elsewhere ({word}), where nothing is sent");
            let fix = format!("correct webhooks_out.{name}.url; events wait");
            section.advise(Level::Warn, text, &fix);
        }
        Answer::Later(_)
        | Answer::Doubtful
        | Answer::Token
        | Answer::Thread
        | Answer::Payload
        | Answer::Unknown
        | Answer::Absent
        | Answer::Unsure => {
            let text = format!("it does not answer as it should ({word})");
            let fix = format!(
                "look at the way to webhooks_out.{name}.url, and at its certificate (ca_file); events wait"
            );
            section.advise(Level::Warn, text, &fix);
        }
    }
}
