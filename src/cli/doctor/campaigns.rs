//! Rotation campaigns: whether each list of consumers can be read, whether their roles are there, and whether your own table
//! could be told. Nothing is written.

use super::section::{Level, Section};
use crate::config::{Campaign, Config};
use crate::domain::campaign::Listed;
use crate::domain::observation::Observation;
use crate::external::tracker::rehearse;
use crate::reconcile::listed;
use std::collections::{BTreeMap, BTreeSet};

/// Names of the roles of each target, where all of them were read.
pub(super) type Rosters = BTreeMap<String, BTreeSet<String>>;

/// Keeps the names of the roles that a look saw.
pub(super) fn keep(rosters: &mut Rosters, seen: &Observation) {
    if seen.roles_read() {
        let names = seen.roster.iter().map(|role| role.name.clone());
        rosters.insert(seen.target.clone(), names.collect());
    }
}

/// Reads the list of every campaign as a sweep does, and rehearses what is told to trackers; `None` where there are none.
pub(super) async fn section(config: &Config, rosters: &Rosters) -> Option<Section> {
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
                roles(&mut section, campaign, &consumers, rosters);
            }
            Err(error) => {
                let text = format!("{name}: its list of consumers cannot be read: {error}");
                let fix = "mend the list, or how it is asked for: nobody is reminded until then, docs/campaigns.md";
                section.advise(Level::Warn, text, fix);
            }
        }
        tracked(&mut section, campaign).await;
    }
    if config.slack.is_none() {
        let text = "nobody is reminded: the configuration has no section for Slack";
        section.say(Level::Note, text);
    }
    Some(section)
}

/// Whether the roles of the consumers can be seen: by one that is not there nobody is ever seen.
fn roles(section: &mut Section, campaign: &Campaign, consumers: &[Listed], rosters: &Rosters) {
    let name = &campaign.name;
    let named = |role: fn(&Listed) -> Option<&String>| -> BTreeSet<&str> {
        consumers.iter().filter_map(role).map(String::as_str).collect()
    };
    let old = named(|one| one.old_role.as_ref());
    let new = named(|one| one.new_role.as_ref());
    let Some(target) = &campaign.target else {
        if !(old.is_empty() && new.is_empty()) {
            let text = format!("{name}: its list names roles, and no session of them is seen");
            section.advise(Level::Warn, text, format!("say where: chaser.campaigns.{name}.target"));
        }
        return;
    };
    let Some(known) = rosters.get(target) else { return };
    let missing = |roles: BTreeSet<&str>| {
        let gone: Vec<&str> = roles.into_iter().filter(|role| !known.contains(*role)).collect();
        (!gone.is_empty()).then(|| gone.join(", "))
    };
    if let Some(gone) = missing(new) {
        let text = format!("{name}: new_role in its list is not there on {target}: {gone}");
        section.advise(
            Level::Warn,
            text,
            "mend the list, or make the role: by it nobody is ever closed",
        );
    }
    if let Some(gone) = missing(old) {
        let text = format!("{name}: old_role in its list is not there on {target}: {gone}");
        section.say(Level::Note, text);
    }
}

async fn tracked(section: &mut Section, campaign: &Campaign) {
    let Some(tracker) = &campaign.tracker else { return };
    let (name, place) = (&campaign.name, &tracker.leads_to);
    match rehearse(tracker).await {
        Ok(None) => {
            let text = format!(
                "{name}: its tracker can be told, at {place}: the server understands the statement, and the role may run \
                 it; nothing was written"
            );
            section.say(Level::Ok, text);
        }
        Ok(Some(much)) => {
            let text = format!("{name}: its tracker can be told, at {place}; but {much}");
            let fix = format!("another URL in chaser.campaigns.{name}.tracker.url_file");
            section.advise(Level::Warn, text, fix);
        }
        Err(error) => {
            let text = format!("{name}: its tracker cannot be told, at {place}: {error}");
            let fix = format!(
                "mend chaser.campaigns.{name}.tracker, or what it may do there: teams are reminded all the same, and the \
                 table is told later"
            );
            section.advise(Level::Warn, text, fix);
        }
    }
}
