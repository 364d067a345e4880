//! One campaign: which credential takes the place of which, until when, and who uses them.

use crate::config::check::Reader;
use crate::config::{ConfigError, Endpoint, Secret, TargetConfig};
use crate::domain::campaign::{COLUMNS, Listed, read_list};
use crate::domain::effective::{Zones, resolve};
use crate::domain::inactivity::SeenQuery;
use crate::domain::time::UtcTime;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sha2::Digest as _;
use std::path::PathBuf;

/// A campaign: an old and a new credential, by name, and the consumers that change from one to the other.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignFile {
    /// Name of the old credential, never the secret.
    old: String,
    /// Name of the new credential, never the secret.
    new: String,
    /// Until when consumers have to use the new one: an instant, a local time or a date (17:00 then).
    deadline: String,
    /// Target at which sessions of the consumers' roles are seen (old_role, new_role).
    target: Option<String>,
    /// CSV file of consumers with the columns consumer and team, and perhaps status, deadline, confirmed_at, old_role,
    /// new_role, old_used_at and new_used_at.
    consumers_file: Option<PathBuf>,
    /// A query with the same columns; asked at each sweep.
    consumers_query: Option<ConsumersFile>,
    /// A table of yours that is told of each reminder.
    tracker: Option<TrackerFile>,
}

/// A query of consumers: give sql or sql_file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConsumersFile {
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

/// A table of yours that is told of each reminder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TrackerFile {
    /// File that holds the postgres:// URL, with a role of its own that may change that table and nothing else.
    url_file: PathBuf,
    /// One statement with $1 the consumer, $2 how often it was reminded in all, $3 when last; all are texts.
    sql: String,
}

/// A campaign, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its name.
    pub name: String,
    /// Name of the old credential.
    pub old: String,
    /// Name of the new credential.
    pub new: String,
    /// Until when.
    pub deadline: UtcTime,
    /// Where sessions of roles are seen.
    pub target: Option<String>,
    /// Who uses them.
    pub consumers: ConsumerList,
    /// Who is told of reminders.
    pub tracker: Option<Tracker>,
}

/// Where the list of consumers comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerList {
    /// A file, as it was read with the configuration; or why it cannot be used, which costs the campaign its list and
    /// nobody anything else.
    File(Result<Vec<Listed>, String>),
    /// A query at a target.
    Query {
        /// The target.
        target: String,
        /// The query.
        query: SeenQuery,
    },
}

/// A table of the operator's that is told of reminders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracker {
    /// Its URL.
    pub url: Secret,
    /// Where that leads.
    pub leads_to: Endpoint,
    /// The statement.
    pub sql: String,
}

impl Reader<'_> {
    pub(super) fn campaign(
        &mut self,
        name: String,
        file: CampaignFile,
        zone: &str,
        targets: &[TargetConfig],
    ) -> Result<Campaign, ConfigError> {
        let key = format!("chaser.campaigns.{name}");
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            let why = "a campaign's name is 1 to 64 letters, digits, dots, dashes and underscores";
            return Err(self.wrong(&key, why));
        }
        for (part, text) in [("old", &file.old), ("new", &file.new)] {
            if text.is_empty() || text.chars().count() > 200 || text.contains('\0') {
                return Err(self.wrong(
                    &format!("{key}.{part}"),
                    "the name of a credential, up to 200 characters",
                ));
            }
        }
        if file.old == file.new {
            return Err(self.wrong(&format!("{key}.new"), "it is the old one"));
        }
        let zones = Zones { default: Some(zone), ..Zones::default() };
        let (deadline, _) = resolve(&file.deadline, &zones)
            .map_err(|error| self.wrong(&format!("{key}.deadline"), error.to_string()))?;
        if let Some(target) = &file.target {
            self.is_target(&format!("{key}.target"), target, targets)?;
        }
        let consumers = match (file.consumers_file, file.consumers_query) {
            (Some(path), None) => ConsumerList::File(self.consumers(&key, &path, zone)),
            (None, Some(query)) => self.consumers_query(&key, query, targets)?,
            _ => return Err(self.wrong(&key, "give either consumers_file or consumers_query")),
        };
        let tracker =
            file.tracker.map(|tracker| self.tracker(&key, &tracker, targets)).transpose()?;
        let (old, new, target) = (file.old, file.new, file.target);
        Ok(Campaign { name, old, new, deadline, target, consumers, tracker })
    }

    fn is_target(
        &self,
        key: &str,
        name: &str,
        targets: &[TargetConfig],
    ) -> Result<(), ConfigError> {
        if targets.iter().any(|known| known.name == name) {
            return Ok(());
        }
        Err(self.wrong(key, "there is no target of this name"))
    }

    /// Reads the list of a team. What is wrong with it is said where the list is needed: nobody else's work waits for it.
    fn consumers(
        &mut self,
        key: &str,
        path: &std::path::Path,
        zone: &str,
    ) -> Result<Vec<Listed>, String> {
        let text = self.text_of(&format!("{key}.consumers_file"), path);
        let text = text.map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
        self.digest.update(&text);
        from_csv(&text, zone)
    }

    fn consumers_query(
        &mut self,
        key: &str,
        file: ConsumersFile,
        targets: &[TargetConfig],
    ) -> Result<ConsumerList, ConfigError> {
        let key = format!("{key}.consumers_query");
        self.is_target(&format!("{key}.target"), &file.target, targets)?;
        let ConsumersFile { target, database, sql, sql_file, search_path } = file;
        let query = self.query(&key, (database, search_path), (sql, sql_file))?;
        Ok(ConsumerList::Query { target, query })
    }

    fn tracker(
        &mut self,
        key: &str,
        file: &TrackerFile,
        targets: &[TargetConfig],
    ) -> Result<Tracker, ConfigError> {
        let key = format!("{key}.tracker");
        let url = self.secret_file(&format!("{key}.url_file"), &file.url_file)?;
        // What a parser says of it may quote it.
        let Some(leads_to) = Endpoint::of(url.expose_secret()) else {
            let why = "it holds no URL of Postgres, as postgres://tracker:PASSWORD@db.example/ops";
            return Err(self.wrong(&format!("{key}.url_file"), why));
        };
        let looks =
            |target: &&TargetConfig| target.endpoints().any(|one| one.is_role_of(&leads_to));
        if let Some(target) = targets.iter().find(looks) {
            let why = format!(
                "it leads to a server of target {} by the role that looks there ({}): whoever looks must not be able to \
                 write; make a role of its own that may change this table and nothing else",
                target.name, leads_to.role
            );
            return Err(self.wrong(&format!("{key}.url_file"), why));
        }
        let begins = file.sql.trim_start().to_ascii_lowercase();
        if !["update", "insert"].iter().any(|word| begins.starts_with(word)) {
            return Err(self.wrong(&format!("{key}.sql"), "one UPDATE or INSERT"));
        }
        if !["$1", "$2", "$3"].iter().all(|one| file.sql.contains(one)) || file.sql.contains("$4") {
            let why = "it takes $1 the consumer, $2 how often it was reminded and $3 when last, all three as texts";
            return Err(self.wrong(&format!("{key}.sql"), why));
        }
        Ok(Tracker { url, leads_to, sql: file.sql.clone() })
    }
}

/// The consumers that the text of a file names.
fn from_csv(text: &str, zone: &str) -> Result<Vec<Listed>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| in_words(&error))?;
    let header: Vec<String> =
        header.iter().map(|name| name.trim_start_matches('\u{feff}').to_lowercase()).collect();
    for name in ["consumer", "team"] {
        if !header.iter().any(|known| known == name) {
            return Err(format!(
                "its first line names no column {name}; cells are separated by commas"
            ));
        }
    }
    if let Some(column) = header.iter().position(|name| !COLUMNS.contains(&name.as_str())) {
        let known = COLUMNS.join(", ");
        return Err(format!("column {} of its first line is none of {known}", column + 1));
    }
    let rows: Result<Vec<_>, _> = reader.into_records().collect();
    let rows = rows.map_err(|error| in_words(&error))?;
    let place = |name: &str| header.iter().position(|known| known == name);
    let rows = rows.iter().map(|row| |name: &str| row.get(place(name)?).map(str::to_owned));
    read_list(rows, Some(zone)).map_err(|error| error.to_string())
}

fn in_words(error: &csv::Error) -> String {
    if let csv::ErrorKind::UnequalLengths { pos: Some(pos), expected_len, len } = error.kind() {
        let line = pos.line();
        return format!("line {line} has {len} cells, and the first one {expected_len}");
    }
    "it is no CSV file: comma-separated text in UTF-8".to_owned()
}
