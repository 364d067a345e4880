//! `targets.NAME.canary`: a canary that could do anything would be a door, and is refused.

use super::ConfigError;
use super::check::Reader;
use super::file::CanaryFile;
use crate::domain::canary::{Canary, PLANTABLE};
use crate::domain::residual::ResidualKind;
use std::collections::BTreeSet;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(6 * 3_600);
/// Ten minutes to seven days, in seconds.
const RANGE: (u64, u64) = (600, 7 * 86_400);
/// Bytes of a role name in PostgreSQL (`NAMEDATALEN` less one).
const NAME: usize = 63;

impl Reader<'_> {
    pub(super) fn canary(&self, key: &str, file: CanaryFile) -> Result<Canary, ConfigError> {
        let role = file.role;
        if role.is_empty() || role.len() > NAME || role.starts_with("pg_") {
            return Err(self.wrong(
                &format!("{key}.role"),
                "name the role that is planted: 1 to 63 bytes, not one of PostgreSQL's own (pg_…)",
            ));
        }
        let every = self.duration(&format!("{key}.every"), file.every, EVERY, RANGE)?;
        let expect = match file.expect {
            None => [ResidualKind::Privilege].into(),
            Some(words) => self.planted(&format!("{key}.expect"), &words)?,
        };
        Ok(Canary { role, every, expect })
    }

    fn planted(&self, key: &str, words: &[String]) -> Result<BTreeSet<ResidualKind>, ConfigError> {
        let known = || PLANTABLE.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        if words.is_empty() {
            return Err(self.wrong(key, format!("name what must be found: {}", known())));
        }
        words
            .iter()
            .map(|word| {
                let kind = ResidualKind::from_word(word).filter(|kind| PLANTABLE.contains(kind));
                kind.ok_or_else(|| {
                    let why = "is nothing that a role without power has; there are";
                    self.wrong(key, format!("`{word}` {why} {}", known()))
                })
            })
            .collect()
    }
}
