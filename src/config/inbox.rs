//! The folder in which files of notices are dropped.

use super::ConfigError;
use super::check::Reader;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A user or group of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Principal {
    /// By number.
    Id(u32),
    /// By name, as `/etc/passwd` or `/etc/group` has it.
    Name(String),
}

/// A folder whose files of notices, CSV or JSON, are read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InboxFile {
    /// The folder. done/ and rejected/ are made in it.
    dir: PathBuf,
    /// What its notices are said to come from: the source is inbox:NAME.
    source: String,
    /// Time between two readings of the folder where nothing tells of a change, 1s to 1h; 60s without it.
    scan: Option<String>,
    /// A file is read once it has not changed for so long, 1s to 10m; 2s without it.
    settle: Option<String>,
    /// Whether the system is asked to tell of changes; true without it. Of a network file system it tells none.
    events: Option<bool>,
    /// Users whose files are read beside the agent's own, by name or number.
    #[serde(default)]
    owners: Vec<Principal>,
    /// Groups whose files are read, by name or number.
    #[serde(default)]
    groups: Vec<Principal>,
}

/// A folder whose files of notices are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    /// The folder.
    pub dir: PathBuf,
    /// What its notices come from.
    pub source: String,
    /// Time between two readings.
    pub scan: Duration,
    /// Time without a change after which a file is whole.
    pub settle: Duration,
    /// Whether the system is asked to tell of changes.
    pub events: bool,
    /// Users whose files are read.
    pub owners: Vec<Principal>,
    /// Groups whose files are read.
    pub groups: Vec<Principal>,
}

impl Reader<'_> {
    /// Checks the section `inbox`.
    pub(super) fn inbox(
        &self,
        file: Option<InboxFile>,
        state_dir: &Path,
    ) -> Result<Option<Inbox>, ConfigError> {
        let Some(file) = file else { return Ok(None) };
        let dir = self.resolve(&file.dir);
        // Every file in it is moved away.
        let own = self.resolve(Path::new("."));
        if own.starts_with(&dir) || state_dir.starts_with(&dir) {
            let why = "a folder of its own, in which neither this file nor the agent's state lies";
            return Err(self.wrong("inbox.dir", why));
        }
        self.name_of_server("inbox.source", &file.source)?;
        let named = file.owners.iter().chain(&file.groups);
        if named.into_iter().any(|one| matches!(one, Principal::Name(name) if name.is_empty())) {
            return Err(self.wrong("inbox.owners", "no name is empty"));
        }
        let (minute, moment) = (Duration::from_secs(60), Duration::from_secs(2));
        Ok(Some(Inbox {
            dir,
            source: file.source,
            scan: self.duration("inbox.scan", file.scan, minute, (1, 3600))?,
            settle: self.duration("inbox.settle", file.settle, moment, (1, 600))?,
            events: file.events.unwrap_or(true),
            owners: file.owners,
            groups: file.groups,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(inbox: &str) -> Result<Option<Inbox>, String> {
        let text =
            format!("state_dir: /s\n{inbox}\ntargets: {{orders: {{url: 'postgres://a@db/x'}}}}\n");
        let config = Config::parse(Path::new("/etc/revoked/revoked.yaml"), &text);
        config.map(|config| config.inbox).map_err(|error| error.to_string())
    }

    #[test]
    fn a_folder_is_relative_to_the_file() {
        let inbox =
            parse("inbox: {dir: drop, source: hr, owners: [hrsync, 1001]}").unwrap().unwrap();
        assert_eq!(inbox.dir, Path::new("/etc/revoked/drop"));
        assert_eq!(inbox.owners, [Principal::Name("hrsync".to_owned()), Principal::Id(1001)]);
        assert!(inbox.events && inbox.groups.is_empty());
        assert_eq!((inbox.scan.as_secs(), inbox.settle.as_secs()), (60, 2));
        assert_eq!(parse("").unwrap(), None);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        for (inbox, says) in [
            ("inbox: {dir: drop}", "the key `source` is missing"),
            ("inbox: {source: hr}", "the key `dir` is missing"),
            ("inbox: {dir: drop, source: 'a b'}", "inbox.source: a name has"),
            ("inbox: {dir: '', source: hr}", "inbox.dir: a folder of its own"),
            ("inbox: {dir: ., source: hr}", "inbox.dir: a folder of its own"),
            ("inbox: {dir: /etc, source: hr}", "inbox.dir: a folder of its own"),
            ("inbox: {dir: /s/, source: hr}", "inbox.dir: a folder of its own"),
            ("inbox: {dir: d, source: hr, scan: 2h}", "inbox.scan: 1 s to 3600 s"),
            ("inbox: {dir: d, source: hr, settle: 0s}", "inbox.settle: 1 s to 600 s"),
            ("inbox: {dir: d, source: hr, owners: ['']}", "inbox.owners: no name is empty"),
            ("inbox: {dir: d, source: hr, mode: x}", "there is no key `mode` here"),
        ] {
            let error = parse(inbox).unwrap_err();
            assert!(error.contains(says), "{inbox}: {error}");
        }
    }
}
