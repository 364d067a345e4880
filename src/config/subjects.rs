//! Which roles belong to whom, from the configuration and a mapping file.

use super::check::Reader;
use super::file::SubjectsFile;
use super::{ConfigError, TargetConfig};
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::subject::{Mapping, MappingQuery, Template};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Digest as _;
use std::path::{Path, PathBuf};

/// Most accounts in a mapping.
const MAPPED: usize = 1_000_000;

/// A query with the columns subject and account, and target where the account is on another: give sql or sql_file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryFile {
    /// Target that it is asked at.
    target: String,
    /// Database that it is asked in.
    database: String,
    /// One query without parameters; tables with their schema, unless search_path is given.
    sql: Option<String>,
    /// File that holds the query.
    sql_file: Option<PathBuf>,
    /// Schemas in which names without one are looked up, in this order; pg_catalog alone without it.
    #[serde(default)]
    search_path: Vec<String>,
}

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
                let name = self.account(&key, &account, targets, LinkRule::Mapping)?;
                mapping.accounts.entry(subject.trim().to_owned()).or_default().push(name);
            }
        }
        if let Some(path) = file.mapping_file {
            self.mapping_file(&path, targets, &mut mapping)?;
        }
        if let Some(QueryFile { target, database, sql, sql_file, search_path }) = file.mapping_query
        {
            const KEY: &str = "subjects.mapping_query";
            if !targets.iter().any(|known| known.name == target) {
                return Err(self.wrong(&format!("{KEY}.target"), "there is no target of this name"));
            }
            let query = self.query(KEY, (database, search_path), (sql, sql_file))?;
            mapping.query = Some(MappingQuery { target, query });
        }
        mapping.index();
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
        by: LinkRule,
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
        Ok(AccountName { target, role: role.to_owned(), rule: by })
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
            let name = self.account(&key, account, targets, LinkRule::MappingFile)?;
            mapping.accounts.entry(subject.to_owned()).or_default().push(name);
            let owner = owner.and_then(|owner| row.get(owner)).unwrap_or_default();
            if !owner.is_empty() {
                self.owned.entry(owner.to_owned()).or_default().insert(subject.to_owned());
            }
        }
        Ok(())
    }
}
