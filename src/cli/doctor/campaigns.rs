//! Rotation campaigns: whether each list of consumers can be read.

use super::section::{Level, Section};
use crate::config::Config;
use crate::reconcile::listed;

/// Reads the list of every campaign as a sweep does; `None` where there are none.
pub(super) async fn section(config: &Config) -> Option<Section> {
    let chaser = config.chaser.as_ref().filter(|chaser| !chaser.campaigns.is_empty())?;
    let names: Vec<&str> = chaser.campaigns.iter().map(|one| one.name.as_str()).collect();
    let mut section = Section::new("campaigns", names.join(", "));
    for campaign in &chaser.campaigns {
        let name = &campaign.name;
        match listed(config, chaser, campaign).await {
            Ok(consumers) => {
                section.fact(name, consumers.len());
                let text = format!("{name}: its list can be read, {} consumers", consumers.len());
                section.say(Level::Ok, text);
            }
            Err(error) => {
                let text = format!("{name}: its list of consumers cannot be read: {error}");
                let fix = "mend the list, or how it is asked for: nobody is reminded until then, docs/campaigns.md";
                section.advise(Level::Warn, text, fix);
            }
        }
    }
    if config.slack.is_none() {
        let text = "nobody is reminded: the configuration has no section for Slack";
        section.say(Level::Note, text);
    }
    Some(section)
}
