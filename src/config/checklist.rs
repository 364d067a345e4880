//! `checklist`: what people attest. `secrets`: shared secrets and who knows them.

use super::check::Reader;
use super::{ConfigError, TargetConfig};
use crate::domain::checklist::Item;
use crate::domain::revocation::{Kind, Reason};
use crate::domain::time::UtcTime;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Digest as _;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// Most items, and most secrets.
const MOST: usize = 64;
/// Five days.
const DUE: Duration = Duration::from_secs(5 * 86_400);
/// Most people who know a secret.
const PEOPLE: usize = 100_000;

/// An item that people attest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemConfig {
    /// Its name.
    pub name: String,
    /// What is attested, in words.
    pub what: String,
    /// Time allowed, from the effect.
    pub due: Duration,
    /// Kinds of revocation that have it.
    pub kinds: BTreeSet<Kind>,
    /// Reasons that have it; none: all.
    pub reasons: BTreeSet<Reason>,
    /// The subject's data were archived.
    pub archive: bool,
}

/// A shared secret and who knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretConfig {
    /// Its name.
    pub name: String,
    /// Accounts whose password it is, each as TARGET/ROLE.
    pub accounts: Vec<String>,
    /// Stable ids or user names of those who know it.
    pub known_by: BTreeSet<String>,
    /// Who sees to it.
    pub owner: Option<String>,
}

/// An item that people attest; it never decides a verdict.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemFile {
    /// What is attested, in words.
    what: String,
    /// Time allowed from the effect on, up to 366d; 5d without it.
    due: Option<String>,
    /// Kinds of revocation that have it; full without it.
    kinds: Option<Vec<String>>,
    /// Reasons that have it; all without it.
    #[serde(default)]
    reasons: Vec<String>,
    /// It says that the subject's data were archived; the log has it as data_archived.
    #[serde(default)]
    archive: bool,
}

/// A shared secret: a leaver who knew it opens a rotation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretFile {
    /// Accounts whose password it is, each as TARGET/ROLE.
    accounts: Vec<String>,
    /// Stable ids or user names of those who know it.
    #[serde(default)]
    known_by: Vec<String>,
    /// File with one of them a line.
    known_by_file: Option<PathBuf>,
    /// Who sees to it.
    owner: Option<String>,
}

impl ItemConfig {
    /// The item of a revocation that takes effect at `start`, if it has this one.
    #[must_use]
    pub fn of(&self, kind: Kind, reason: Reason, start: UtcTime) -> Option<Item> {
        let has = self.kinds.contains(&kind)
            && (self.reasons.is_empty() || self.reasons.contains(&reason));
        has.then(|| Item {
            name: self.name.clone(),
            what: self.what.clone(),
            due_at: start.plus(self.due),
            archive: self.archive,
        })
    }
}

impl Reader<'_> {
    pub(super) fn checklist(
        &self,
        file: BTreeMap<String, ItemFile>,
    ) -> Result<Vec<ItemConfig>, ConfigError> {
        if file.len() > MOST {
            return Err(self.wrong("checklist", format!("at most {MOST} items")));
        }
        file.into_iter()
            .map(|(name, item)| {
                let key = format!("checklist.{name}");
                self.name_of_server(&key, &name)?;
                let what = item.what.trim().to_owned();
                if what.is_empty() || what.len() > 500 || what.contains(char::is_control) {
                    return Err(
                        self.wrong(&format!("{key}.what"), "say in 1 to 500 bytes what it is")
                    );
                }
                let due =
                    self.duration(&format!("{key}.due"), item.due, DUE, (60, 366 * 86_400))?;
                let kinds = item.kinds.unwrap_or_else(|| vec!["full".to_owned()]);
                let kinds = self.words(&format!("{key}.kinds"), &kinds, Kind::from_word)?;
                let reasons =
                    self.words(&format!("{key}.reasons"), &item.reasons, Reason::from_word)?;
                Ok(ItemConfig { name, what, due, kinds, reasons, archive: item.archive })
            })
            .collect()
    }

    fn words<T: Ord>(
        &self,
        key: &str,
        words: &[String],
        read: fn(&str) -> Option<T>,
    ) -> Result<BTreeSet<T>, ConfigError> {
        let one = |word: &String| {
            read(word).ok_or_else(|| self.wrong(key, format!("`{word}` is none there is")))
        };
        words.iter().map(one).collect()
    }

    pub(super) fn secrets(
        &mut self,
        file: BTreeMap<String, SecretFile>,
        targets: &[TargetConfig],
    ) -> Result<Vec<SecretConfig>, ConfigError> {
        if file.len() > MOST {
            return Err(self.wrong("secrets", format!("at most {MOST} secrets")));
        }
        file.into_iter()
            .map(|(name, secret)| {
                let key = format!("secrets.{name}");
                self.name_of_server(&key, &name)?;
                let known = |account: &String| {
                    let parts = account.split_once('/');
                    parts.is_some_and(|(target, role)| {
                        !role.is_empty() && targets.iter().any(|known| known.name == target)
                    })
                };
                if secret.accounts.is_empty() || !secret.accounts.iter().all(known) {
                    let why = "name the accounts as TARGET/ROLE, each on a configured target";
                    return Err(self.wrong(&format!("{key}.accounts"), why));
                }
                let mut known_by: BTreeSet<String> = secret.known_by.into_iter().collect();
                if let Some(path) = secret.known_by_file {
                    let text = self.text_of(&format!("{key}.known_by_file"), &path)?;
                    self.digest.update(&text);
                    known_by.extend(text.lines().map(|line| line.trim().to_owned()));
                    known_by.remove("");
                }
                if known_by.is_empty() || known_by.len() > PEOPLE {
                    let why = format!("name 1 to {PEOPLE} who know it (known_by or known_by_file)");
                    return Err(self.wrong(&key, why));
                }
                let (accounts, owner) = (secret.accounts, secret.owner);
                Ok(SecretConfig { name, accounts, known_by, owner })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;
    use std::path::Path;

    fn parse(more: &str) -> Result<Config, String> {
        let text =
            format!("state_dir: /s\ntargets: {{orders: {{url: 'postgres://a@db/x'}}}}\n{more}\n");
        Config::parse(Path::new("/etc/revoked/revoked.yaml"), &text).map_err(|e| e.to_string())
    }

    #[test]
    fn items_belong_to_kinds_and_reasons() {
        let config = parse(
            "checklist: {devices: {what: devices returned, reasons: [terminated], due: 2d}, \
             archive: {what: archived, kinds: [full, suspend], archive: true}}",
        )
        .unwrap();
        let start = UtcTime::from_micros(0).unwrap();
        let of = |kind, reason| {
            let items = config.checklist.iter().filter_map(|item| item.of(kind, reason, start));
            items.map(|item| item.name).collect::<Vec<_>>()
        };
        assert_eq!(of(Kind::Full, Reason::Terminated), ["archive", "devices"]);
        assert_eq!(of(Kind::Full, Reason::Inactive), ["archive"]);
        assert_eq!(of(Kind::Suspend, Reason::Terminated), ["archive"]);
        assert!(of(Kind::Partial, Reason::Terminated).is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_key() {
        for (more, says) in [
            ("checklist: {a: {what: ''}}", "checklist.a.what: say in"),
            ("checklist: {a: {what: w, kinds: [some]}}", "checklist.a.kinds: `some` is none"),
            ("checklist: {a: {what: w, due: 0s}}", "checklist.a.due: 60 s"),
            (
                "secrets: {a: {accounts: [app], known_by: [x]}}",
                "secrets.a.accounts: name the accounts",
            ),
            ("secrets: {a: {accounts: [other/app], known_by: [x]}}", "secrets.a.accounts"),
            ("secrets: {a: {accounts: [orders/app]}}", "secrets.a: name 1 to"),
        ] {
            let error = parse(more).unwrap_err();
            assert!(error.contains(says), "{more}: {error}");
        }
    }
}
