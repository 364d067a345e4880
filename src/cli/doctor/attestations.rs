//! Periodic attestations: when each is next due.

use super::section::{Level, Section};
use crate::config::Config;
use crate::domain::time::UtcTime;

/// When every attestation is next due; `None` where there are none.
pub(super) fn section(config: &Config, now: UtcTime) -> Option<Section> {
    let names: Vec<&str> = config.attestations.iter().map(|one| one.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let mut section = Section::new("attestations", names.join(", "));
    for one in &config.attestations {
        let due = one.schedule.next(now).map_or_else(|| "never".to_owned(), |at| at.to_string());
        section.fact(&one.name, due.as_str());
        let (pattern, zone, space) = (&one.schedule.pattern, &one.schedule.zone, &one.space);
        let text = format!("{}: next due {due} ({pattern} in {zone}), filed in {space}", one.name);
        section.say(Level::Ok, text);
    }
    Some(section)
}
