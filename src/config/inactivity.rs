//! `inactivity`: accounts that nobody uses.

use super::check::Reader;
use super::{ConfigError, TargetConfig};
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::inactivity::SeenQuery;
use crate::domain::probes::Statement;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Ninety days.
const AFTER: Duration = Duration::from_secs(90 * 86_400);
/// Ten seconds, to try it out, to ten years; in seconds.
const RANGE: (u64, u64) = (10, 3_650 * 86_400);
/// Most schemas of a search path.
const SCHEMAS: usize = 16;

/// Accounts that nobody uses: a suspension is expected of each.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InactivityFile {
    /// Time of actual watching without use, 10s to 3650d; 90d without it.
    pub(super) after: Option<String>,
    /// Roles that may stay unused, as ROLE or TARGET/ROLE. The agent's own, canaries and break-glass roles always may.
    #[serde(default)]
    pub(super) exempt: Vec<String>,
    /// Queries that tell when roles were last seen, by target.
    #[serde(default)]
    pub(super) last_seen: BTreeMap<String, SeenFile>,
}

/// A query of two columns: name of a role, and when it was last seen. Give sql or sql_file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SeenFile {
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

/// What is decided about accounts that nobody uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inactivity {
    /// Time of watching without use.
    pub after: Duration,
    /// Roles that may stay unused.
    pub exempt: Vec<AccountName>,
    /// Queries that tell when roles were last seen, by target.
    pub last_seen: BTreeMap<String, SeenQuery>,
}

impl Reader<'_> {
    pub(super) fn inactivity(
        &mut self,
        file: Option<InactivityFile>,
        targets: &[TargetConfig],
    ) -> Result<Option<Inactivity>, ConfigError> {
        let Some(file) = file else { return Ok(None) };
        let after = self.duration("inactivity.after", file.after, AFTER, RANGE)?;
        let exempt = self.roles("inactivity.exempt", file.exempt, targets)?;
        let mut last_seen = BTreeMap::new();
        for (target, query) in file.last_seen {
            let key = format!("inactivity.last_seen.{target}");
            if !targets.iter().any(|known| known.name == target) {
                return Err(self.wrong(&key, "there is no target of this name"));
            }
            last_seen.insert(target, self.seen_query(&key, query)?);
        }
        Ok(Some(Inactivity { after, exempt, last_seen }))
    }

    /// Role names, each as ROLE or TARGET/ROLE.
    pub(super) fn roles(
        &self,
        key: &str,
        texts: Vec<String>,
        targets: &[TargetConfig],
    ) -> Result<Vec<AccountName>, ConfigError> {
        let named = |text: String| {
            let (target, role) = match text.split_once('/') {
                Some((target, role)) if targets.iter().any(|known| known.name == target) => {
                    (Some(target.to_owned()), role.to_owned())
                }
                Some((target, role)) if !target.is_empty() && !role.is_empty() => {
                    let known: Vec<&str> =
                        targets.iter().map(|known| known.name.as_str()).collect();
                    let why = format!(
                        "{text}: there is no target {target}; the targets are {}. A role name with a slash in it needs its \
                         target before it",
                        known.join(", ")
                    );
                    return Err(self.wrong(key, why));
                }
                _ => (None, text),
            };
            if role.is_empty() {
                let why = "name roles, as ROLE or TARGET/ROLE, none of them empty";
                return Err(self.wrong(key, why));
            }
            Ok(AccountName { target, role, rule: LinkRule::Stated })
        };
        texts.into_iter().map(named).collect()
    }

    fn seen_query(&mut self, key: &str, file: SeenFile) -> Result<SeenQuery, ConfigError> {
        let SeenFile { database, sql, sql_file, search_path } = file;
        self.query(key, (database, search_path), (sql, sql_file))
    }

    /// A query without parameters, from its text or the file that holds it.
    pub(super) fn query(
        &mut self,
        key: &str,
        (database, search_path): (String, Vec<String>),
        text: (Option<String>, Option<PathBuf>),
    ) -> Result<SeenQuery, ConfigError> {
        let text = match text {
            (Some(sql), None) => sql,
            (None, Some(path)) => {
                let text = self.text_of(&format!("{key}.sql_file"), &path)?;
                // It decides as much as the file that names it does.
                self.digest.update(&text);
                text
            }
            _ => return Err(self.wrong(key, "give either sql or sql_file")),
        };
        let statement = Statement::parse(&text)
            .map_err(|wrong| self.wrong(&format!("{key}.sql"), wrong.to_string()))?;
        if statement.parameters() > 0 {
            return Err(self.wrong(&format!("{key}.sql"), "it has no parameters"));
        }
        if database.is_empty() {
            return Err(self.wrong(&format!("{key}.database"), "name the database"));
        }
        let good = |name: &String| !name.is_empty() && name.len() < 64 && !name.contains('\0');
        if search_path.len() > SCHEMAS || !search_path.iter().all(good) {
            let why = format!("up to {SCHEMAS} names of 1 to 63 bytes");
            return Err(self.wrong(&format!("{key}.search_path"), why));
        }
        Ok(SeenQuery { database, statement, search_path })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;
    use std::path::Path;

    fn parse(more: &str) -> Result<Config, ConfigError> {
        let text = format!("state_dir: s\ntargets: {{a: {{url: 'postgres://x@h/d'}}}}\n{more}\n");
        Config::parse(Path::new("/nowhere/revoked.yaml"), &text)
    }

    #[test]
    fn it_is_off_unless_it_is_asked_for() {
        assert_eq!(parse("").unwrap().inactivity, None);
        let config = parse("inactivity: {}").unwrap().inactivity.unwrap();
        assert_eq!((config.after, config.exempt.len()), (AFTER, 0));
        let config = parse(
            "inactivity: {after: 30d, exempt: [postgres, a/etl], last_seen: {a: {database: audit, \
             sql: 'SELECT role, at FROM audit.logins'}}}",
        );
        let config = config.unwrap().inactivity.unwrap();
        let exempt: Vec<_> =
            config.exempt.iter().map(|one| (one.target.as_deref(), one.role.as_str())).collect();
        assert_eq!(exempt, [(None, "postgres"), (Some("a"), "etl")]);
        assert_eq!(config.last_seen["a"].database, "audit");
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (more, key) in [
            ("{after: 1s}", "inactivity.after"),
            ("{exempt: ['a/']}", "inactivity.exempt"),
            ("{last_seen: {b: {database: d, sql: SELECT 1}}}", "inactivity.last_seen.b"),
            ("{last_seen: {a: {database: d}}}", "inactivity.last_seen.a"),
            ("{last_seen: {a: {database: d, sql: 'SELECT $1'}}}", "inactivity.last_seen.a.sql"),
            ("{last_seen: {a: {database: d, sql: DROP TABLE x}}}", "inactivity.last_seen.a.sql"),
            ("{last_seen: {a: {database: '', sql: SELECT 1}}}", "inactivity.last_seen.a.database"),
            ("{whom: all}", "whom"),
        ] {
            let error = parse(&format!("inactivity: {more}")).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
