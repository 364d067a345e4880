//! `targets.NAME.probes`: statements that are asked about a subject. And what every probe declares, also of `external`.

use super::ConfigError;
use super::check::Reader;
use crate::domain::hex::hex;
use crate::domain::probes::{Declared, Expect, Parameter, SqlProbe, Statement};
use crate::domain::residual::Strength;
use crate::domain::revocation::Kind;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Most probes of one target or external system.
const MOST: usize = 64;
/// Most columns that are kept as evidence.
const COLUMNS: usize = 16;
/// Longest sentence, in bytes.
const SENTENCE: usize = 500;

/// A statement that is asked about each subject: give sql or sql_file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbeFile {
    /// Database that it is asked in.
    database: String,
    /// One query. Parameters are $1, $2 and so on; tables with their schema, unless search_path is given.
    sql: Option<String>,
    /// File that holds the query.
    sql_file: Option<PathBuf>,
    /// Schemas in which names without one are looked up, in this order; pg_catalog alone without it.
    #[serde(default)]
    search_path: Vec<String>,
    /// Columns of the query that are kept as evidence, and may stand in the sentence as {column}.
    #[serde(default)]
    columns: Vec<String>,
    /// What is known of the subject, in the order of $1, $2 and so on: subject, username, employee_id, email,
    /// account, ticket.
    #[serde(default)]
    parameters: Vec<String>,
    /// What it has to tell: zero_rows (without it), at_least_one, or count: N of a query that gives one number.
    #[serde(default)]
    expect: ExpectFile,
    /// What every probe declares.
    #[serde(flatten)]
    common: CommonFile,
}

/// What a probe has to tell.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ExpectFile {
    /// No row.
    #[default]
    ZeroRows,
    /// At least one row.
    AtLeastOne,
    /// One row with this number.
    Count(u64),
}

/// What every probe declares.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CommonFile {
    /// What it means that it is not as expected, in words; {count} and {column} are filled in.
    sentence: String,
    /// Without its answer nothing is proved; true without it.
    required: Option<bool>,
    /// How near to use what it finds is: acts_now, can_log_in (without it), can_regain or latent.
    strength: Option<String>,
    /// Permissions that it shows, as notices name them: a partial revocation of one of them asks it.
    #[serde(default)]
    permissions: Vec<String>,
    /// Kinds of revocation that it is asked for: full and suspend without it.
    kinds: Option<Vec<String>>,
}

/// What is particular to one means of asking.
pub(super) struct Asking {
    pub(super) name: String,
    pub(super) place: String,
    pub(super) database: Option<String>,
    pub(super) expect: Expect,
    pub(super) columns: Vec<String>,
    pub(super) parameters: Vec<Parameter>,
    /// Of what is asked.
    pub(super) digest: Sha256,
}

impl Reader<'_> {
    /// The probes of `target`, whose key is `key`.
    pub(super) fn probes(
        &mut self,
        key: &str,
        target: &str,
        file: BTreeMap<String, ProbeFile>,
    ) -> Result<Vec<SqlProbe>, ConfigError> {
        if file.len() > MOST {
            return Err(self.wrong(&format!("{key}.probes"), format!("at most {MOST} probes")));
        }
        file.into_iter()
            .map(|(name, probe)| {
                let key = format!("{key}.probes.{name}");
                self.name_of_server(&key, &name)?;
                self.probe(&key, name, target, probe)
            })
            .collect()
    }

    fn probe(
        &mut self,
        key: &str,
        name: String,
        target: &str,
        file: ProbeFile,
    ) -> Result<SqlProbe, ConfigError> {
        let text = match (file.sql, file.sql_file) {
            (Some(sql), None) => sql,
            (None, Some(path)) => {
                let text = self.text_of(&format!("{key}.sql_file"), &path)?;
                // It decides what is proved, as the file that names it does.
                self.digest.update(&text);
                text
            }
            _ => return Err(self.wrong(key, "give either sql or sql_file")),
        };
        let statement = Statement::parse(&text)
            .map_err(|wrong| self.wrong(&format!("{key}.sql"), wrong.to_string()))?;
        let parameters = self.parameters(&format!("{key}.parameters"), &file.parameters)?;
        if parameters.len() != statement.parameters() {
            let (has, given) = (statement.parameters(), parameters.len());
            let why = format!("the statement has {has} parameters, and {given} are named here");
            return Err(self.wrong(&format!("{key}.parameters"), why));
        }
        for (part, names) in [("columns", &file.columns), ("search_path", &file.search_path)] {
            let good = |name: &String| !name.is_empty() && name.len() < 64 && !name.contains('\0');
            if names.len() > COLUMNS || !names.iter().all(good) {
                let why = format!("up to {COLUMNS} names of 1 to 63 bytes");
                return Err(self.wrong(&format!("{key}.{part}"), why));
            }
        }
        let expect = match file.expect {
            ExpectFile::ZeroRows => Expect::ZeroRows,
            ExpectFile::AtLeastOne => Expect::AtLeastOne,
            ExpectFile::Count(count) => Expect::Count(count),
        };
        if matches!(expect, Expect::Count(_)) && !file.columns.is_empty() {
            return Err(self.wrong(&format!("{key}.columns"), "a count has no columns to keep"));
        }
        if file.database.is_empty() {
            return Err(self.wrong(&format!("{key}.database"), "name the database"));
        }
        let mut digest = Sha256::new();
        for part in
            std::iter::once(statement.text()).chain(file.search_path.iter().map(String::as_str))
        {
            digest.update(part);
            digest.update([0]);
        }
        let asking = Asking {
            name,
            place: target.to_owned(),
            database: Some(file.database.clone()),
            expect,
            columns: file.columns,
            parameters,
            digest,
        };
        let declared = self.declared(key, asking, file.common)?;
        let search_path = file.search_path;
        Ok(SqlProbe { declared, database: file.database, statement, search_path })
    }

    pub(super) fn parameters(
        &self,
        key: &str,
        words: &[String],
    ) -> Result<Vec<Parameter>, ConfigError> {
        let known = || Parameter::ALL.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(", ");
        let read = |word: &String| {
            Parameter::from_word(word).ok_or_else(|| {
                self.wrong(
                    key,
                    format!("`{word}` is not known of a subject; there are {}", known()),
                )
            })
        };
        words.iter().map(read).collect()
    }

    /// What is judged by.
    pub(super) fn declared(
        &self,
        key: &str,
        asking: Asking,
        file: CommonFile,
    ) -> Result<Arc<Declared>, ConfigError> {
        let sentence = file.sentence.trim().to_owned();
        if sentence.is_empty() || sentence.len() > SENTENCE || sentence.contains(char::is_control) {
            let why =
                format!("say in 1 to {SENTENCE} bytes what it means that it is not as expected");
            return Err(self.wrong(&format!("{key}.sentence"), why));
        }
        self.fields(&format!("{key}.sentence"), &sentence, &asking.columns)?;
        let strength = match file.strength.as_deref() {
            None => Strength::CanLogIn,
            Some(word) => Strength::from_word(word)
                .filter(|strength| *strength != Strength::ViaPublic)
                .ok_or_else(|| {
                    let why = "acts_now, can_log_in, can_regain or latent";
                    self.wrong(&format!("{key}.strength"), format!("{why}, not `{word}`"))
                })?,
        };
        let kinds = match file.kinds {
            None => BTreeSet::from([Kind::Full, Kind::Suspend]),
            Some(words) => words
                .iter()
                .map(|word| {
                    // What shows a permission of a partial one is said by permissions.
                    let kind = Kind::from_word(word).filter(|kind| *kind != Kind::Partial);
                    kind.ok_or_else(|| {
                        let why =
                            "full, suspend, rotation or transfer (partial goes by permissions)";
                        self.wrong(&format!("{key}.kinds"), format!("{why}, not `{word}`"))
                    })
                })
                .collect::<Result<_, _>>()?,
        };
        if kinds.is_empty() && file.permissions.is_empty() {
            return Err(self.wrong(
                &format!("{key}.kinds"),
                "without kinds and permissions it is never asked",
            ));
        }
        let mut digest = asking.digest;
        for parameter in &asking.parameters {
            digest.update(parameter.as_str());
            digest.update([0]);
        }
        Ok(Arc::new(Declared {
            name: asking.name,
            place: asking.place,
            database: asking.database,
            expect: asking.expect,
            required: file.required.unwrap_or(true),
            strength,
            sentence,
            columns: asking.columns,
            parameters: asking.parameters,
            permissions: file.permissions.into_iter().collect(),
            kinds,
            sha256: hex(&digest.finalize()),
        }))
    }

    /// What stands in braces has to be something that is filled in.
    fn fields(&self, key: &str, sentence: &str, columns: &[String]) -> Result<(), ConfigError> {
        let mut rest = sentence;
        while let Some((_, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').unwrap_or((after, ""));
            if name != "count" && !columns.iter().any(|column| column == name) {
                let why = format!("`{{{name}}}` is neither {{count}} nor one of columns");
                return Err(self.wrong(key, why));
            }
            rest = behind;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;
    use std::path::Path;

    fn parse(probe: &str) -> Result<Config, String> {
        let text = format!(
            "state_dir: /s\ntargets: {{console: {{url: 'postgres://a@db/x', probes: {{sessions: {{{probe}}}}}}}}}\n"
        );
        Config::parse(Path::new("/etc/revoked/revoked.yaml"), &text).map_err(|e| e.to_string())
    }

    #[test]
    fn a_probe_is_read_with_its_defaults() {
        let config = parse(
            "database: app, sql: 'SELECT id FROM public.s WHERE email = $1;', parameters: [email], columns: [id], \
             sentence: 'has sessions {id}'",
        )
        .unwrap();
        let probe = &config.targets[0].probes[0];
        let declared = &probe.declared;
        assert_eq!(probe.statement.text(), "SELECT id FROM public.s WHERE email = $1");
        assert_eq!((declared.expect, declared.required), (Expect::ZeroRows, true));
        assert_eq!(declared.strength, Strength::CanLogIn);
        assert_eq!(declared.kinds, [Kind::Full, Kind::Suspend].into());
        let other = parse(
            "database: app, sql: 'SELECT 1 FROM public.s', sentence: s, expect: {count: 2}, required: false, \
             permissions: [api.admin], kinds: []",
        )
        .unwrap();
        let declared = &other.targets[0].probes[0].declared;
        assert_eq!((declared.expect, declared.required), (Expect::Count(2), false));
        assert!(declared.kinds.is_empty());
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_its_key() {
        let sql =
            "database: app, sentence: s, sql: 'SELECT 1 FROM t WHERE a = $1', parameters: [email]";
        for (probe, says) in [
            ("database: app, sentence: s", "give either sql or sql_file"),
            (
                "database: app, sentence: s, sql: 'DROP TABLE t'",
                "probes.sessions.sql: it is no query",
            ),
            ("database: app, sentence: s, sql: 'SELECT 1; SELECT 2'", "more than one statement"),
            ("database: app, sentence: s, sql: 'SELECT $1'", "has 1 parameters, and 0 are named"),
            (
                "database: app, sentence: s, sql: 'SELECT $1', parameters: [shoe]",
                "`shoe` is not known",
            ),
            ("database: '', sentence: s, sql: 'SELECT 1'", "database: name the database"),
            ("database: app, sentence: '', sql: 'SELECT 1'", "sentence: say in 1 to 500"),
            (
                "database: app, sentence: 'is {who}', sql: 'SELECT 1'",
                "`{who}` is neither {count} nor",
            ),
            (&format!("{sql}, strength: via_public"), "strength: acts_now, can_log_in"),
            (&format!("{sql}, kinds: [partial]"), "partial goes by permissions"),
            (&format!("{sql}, kinds: []"), "it is never asked"),
            (&format!("{sql}, expect: {{count: 0}}, columns: [a]"), "a count has no columns"),
            (&format!("{sql}, expect: some"), "`some` is none of"),
            (&format!("{sql}, collumns: [a]"), "there is no key `collumns` here"),
        ] {
            let error = parse(probe).unwrap_err();
            assert!(error.contains(says), "{probe}: {error}");
        }
    }
}
