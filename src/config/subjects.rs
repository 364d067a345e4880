//! Which roles belong to whom, from the configuration and a mapping file.

use super::check::Reader;
use super::file::SubjectsFile;
use super::{ConfigError, TargetConfig};
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::subject::{Mapping, Template};
use sha2::Digest as _;
use std::path::Path;

/// Most accounts in a mapping.
const MAPPED: usize = 1_000_000;

impl Reader<'_> {
    /// Checks the section `subjects`.
    pub(super) fn subjects(
        &mut self,
        file: SubjectsFile,
        targets: &[TargetConfig],
    ) -> Result<Mapping, ConfigError> {
        let mut mapping = Mapping { complete: file.complete, ..Mapping::default() };
        for (number, text) in file.templates.iter().enumerate() {
            let key = format!("subjects.templates[{number}]");
            let template =
                Template::parse(text).map_err(|error| self.wrong(&key, error.to_string()))?;
            if let Some(target) = template.target() {
                self.known_target(&key, target, targets)?;
            }
            mapping.templates.push(template);
        }
        for (subject, accounts) in file.accounts {
            let key = format!("subjects.accounts.{subject}");
            for account in accounts {
                let name = self.account(&key, &account, targets)?;
                mapping.accounts.entry(subject.trim().to_owned()).or_default().push(name);
            }
        }
        if let Some(path) = file.mapping_file {
            self.mapping_file(&path, targets, &mut mapping)?;
        }
        Ok(mapping)
    }

    fn known_target(
        &self,
        key: &str,
        target: &str,
        targets: &[TargetConfig],
    ) -> Result<(), ConfigError> {
        if targets.iter().any(|configured| configured.name == target) {
            return Ok(());
        }
        let why = "a role name with a slash in it needs its target before it";
        Err(self.wrong(key, format!("there is no target `{target}`; {why}")))
    }

    fn account(
        &self,
        key: &str,
        text: &str,
        targets: &[TargetConfig],
    ) -> Result<AccountName, ConfigError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(self.wrong(key, "an account is ROLE or TARGET/ROLE"));
        }
        let (target, role) = match text.split_once('/') {
            Some((target, role)) => {
                self.known_target(key, target, targets)?;
                (Some(target.to_owned()), role)
            }
            None => (None, text),
        };
        Ok(AccountName { target, role: role.to_owned(), rule: LinkRule::Mapping })
    }

    fn mapping_file(
        &mut self,
        path: &Path,
        targets: &[TargetConfig],
        mapping: &mut Mapping,
    ) -> Result<(), ConfigError> {
        const KEY: &str = "subjects.mapping_file";
        let text = self.text_of(KEY, path)?;
        self.digest.update(&text);
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| self.wrong(KEY, error.to_string()))?.clone();
        let column =
            |name: &str| header.iter().position(|h| h.trim_start_matches('\u{feff}') == name);
        let (Some(subject), Some(account)) = (column("subject"), column("account")) else {
            return Err(self.wrong(KEY, "the first line names the columns: subject,account"));
        };
        let owner = column("owner");
        for (number, row) in reader.into_records().enumerate() {
            let row = row.map_err(|error| self.wrong(KEY, error.to_string()))?;
            let line = row.position().map_or(0, csv::Position::line);
            let key = format!("{KEY} line {line}");
            if number >= MAPPED {
                return Err(self.wrong(&key, format!("more than {MAPPED} accounts")));
            }
            let (subject, account) =
                (row.get(subject).unwrap_or_default(), row.get(account).unwrap_or_default());
            if subject.is_empty() {
                return Err(self.wrong(&key, "no subject"));
            }
            let name = self.account(&key, account, targets)?;
            mapping.accounts.entry(subject.to_owned()).or_default().push(name);
            let owner = owner.and_then(|owner| row.get(owner)).unwrap_or_default();
            if !owner.is_empty() {
                self.owned.entry(owner.to_owned()).or_default().insert(subject.to_owned());
            }
        }
        Ok(())
    }
}
