//! Periodic attestations: when each is due, and where it is filed.

use super::check::Reader;
use super::confluence::{is_page, is_space};
use super::{ConfigError, Confluence};
use crate::domain::attestation::Schedule;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Most of them.
const MOST: usize = 20;
/// Longest name.
const NAME: usize = 40;

/// An attestation that is filed at the end of each period.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AttestationFile {
    /// Its name: up to 40 of a-z, 0-9, - and _.
    name: String,
    /// When a period ends: weekly (Monday), monthly or quarterly (their first day), at midnight; or a cron expression such
    /// as 0 6 * * MON.
    schedule: String,
    /// Zone in which the schedule is meant (IANA name); time_zone of the file without it.
    time_zone: Option<String>,
    /// Key of the space; confluence.space without it.
    space: Option<String>,
    /// Id of the page under which it is filed; confluence.parent without it. Of another space, none without it.
    parent: Option<String>,
}

/// An attestation, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationConfig {
    /// Its name.
    pub name: String,
    /// When its periods end.
    pub schedule: Schedule,
    /// Key of the space.
    pub space: String,
    /// Page under which it is filed.
    pub parent: Option<String>,
}

impl Reader<'_> {
    /// Checks the list `attestations`. `zone` is the one of the file.
    pub(super) fn attestations(
        &mut self,
        files: Vec<AttestationFile>,
        zone: Option<&str>,
        confluence: Option<&Confluence>,
    ) -> Result<Vec<AttestationConfig>, ConfigError> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let Some(confluence) = confluence else {
            let why = "they are filed in Confluence: add the section confluence; `revoked attest` prints one without it";
            return Err(self.wrong("attestations", why));
        };
        if files.len() > MOST {
            return Err(self.wrong("attestations", format!("at most {MOST} of them")));
        }
        let mut names = BTreeSet::new();
        let mut all = Vec::with_capacity(files.len());
        for (n, file) in files.into_iter().enumerate() {
            let key = |name: &str| format!("attestations[{n}].{name}");
            let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
            if !(1..=NAME).contains(&file.name.len()) || !file.name.bytes().all(known) {
                return Err(self.wrong(&key("name"), "1 to 40 of a-z, 0-9, - and _"));
            }
            if !names.insert(file.name.clone()) {
                return Err(self.wrong(&key("name"), "another attestation has this name"));
            }
            let own = self.zone(&key("time_zone"), file.time_zone)?;
            let zone = own.as_deref().or(zone).unwrap_or("UTC");
            let schedule = Schedule::parse(&file.schedule, zone);
            let schedule =
                schedule.map_err(|error| self.wrong(&key("schedule"), error.to_string()))?;
            if file.space.as_ref().is_some_and(|space| !is_space(space)) {
                return Err(self.wrong(&key("space"), "the key of a space, as SEC"));
            }
            if file.parent.as_ref().is_some_and(|id| !is_page(id)) {
                let why = "the id of a page: the number in its address";
                return Err(self.wrong(&key("parent"), why));
            }
            let space = file.space.unwrap_or_else(|| confluence.space.clone());
            // A page of one space cannot lie under one of another.
            let usual = confluence.parent.clone().filter(|_| space == confluence.space);
            all.push(AttestationConfig {
                name: file.name,
                schedule,
                parent: file.parent.or(usual),
                space,
            });
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const CONFLUENCE: &str = "confluence: {base_url: 'https://acme.example/wiki', space: SEC, parent: '7', \
                              token_file: token, email: a@b.example}\ntime_zone: Europe/Berlin\n";

    fn parse(sections: &str) -> Result<Vec<AttestationConfig>, String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), "kanarienvogel").unwrap();
        let text = format!(
            "state_dir: /s\n{sections}\ntargets: {{orders: {{url: 'postgres://a@db/x'}}}}\n"
        );
        let config = Config::parse(&home.path().join("revoked.yaml"), &text);
        config.map(|config| config.attestations).map_err(|error| error.to_string())
    }

    #[test]
    fn when_and_where_each_is_filed() {
        let all = parse(&format!(
            "{CONFLUENCE}attestations:\n- {{name: weekly, schedule: weekly}}\n\
             - {{name: soc2, schedule: '0 6 1 */3 *', time_zone: UTC, space: AUD, parent: '99'}}\n\
             - {{name: elsewhere, schedule: monthly, space: AUD}}\n"
        ));
        let all = all.unwrap();
        let of = |n: usize| {
            let one: &AttestationConfig = &all[n];
            (one.schedule.zone.as_str(), one.space.as_str(), one.parent.as_deref())
        };
        assert_eq!(of(0), ("Europe/Berlin", "SEC", Some("7")));
        assert_eq!(of(1), ("UTC", "AUD", Some("99")));
        assert_eq!(of(2), ("Europe/Berlin", "AUD", None));
        assert_eq!(parse(CONFLUENCE).unwrap(), []);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        for (list, says) in [
            ("{name: Weekly, schedule: weekly}", "attestations[0].name: 1 to 40"),
            ("{name: w, schedule: fortnightly}", "attestations[0].schedule: `fortnightly`"),
            ("{name: w, schedule: '61 * * * *'}", "attestations[0].schedule: `61 * * * *`"),
            ("{name: w, schedule: '0 0 30 2 *'}", "attestations[0].schedule: `0 0 30 2 *`"),
            ("{name: w, schedule: weekly, time_zone: Mars}", "attestations[0].time_zone:"),
            ("{name: w, schedule: weekly, space: 'a b'}", "attestations[0].space: the key"),
            ("{name: w, schedule: weekly, parent: Home}", "attestations[0].parent: the id"),
            ("{name: w, schedule: weekly, page: 1}", "attestations[0].page"),
            (
                "{name: w, schedule: weekly}, {name: w, schedule: weekly}",
                "attestations[1].name: another",
            ),
        ] {
            let error = parse(&format!("{CONFLUENCE}attestations: [{list}]\n")).unwrap_err();
            assert!(error.contains(says), "{list}: {error}");
        }
        let error = parse("attestations: [{name: w, schedule: weekly}]\n").unwrap_err();
        assert!(error.contains("attestations: they are filed in Confluence"), "{error}");
    }
}
