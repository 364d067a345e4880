//! Configured checks of what no catalog knows: rows of tables, and other systems.
//!
//! Whoever looks asks them and brings back what was told; what that means is decided here and in the verdict. A probe
//! that was not asked, or not about all that is known of a subject, is a gap: silence is never zero rows.

mod person;
mod sql;
mod ways;

pub use person::{Parameter, Person};
pub use sql::{Statement, WrongSql};

use super::ids::RoleOid;
use super::observation::{Cause, Gap};
use super::plan::quote::ident;
use super::residual::{AccountRef, Residual, ResidualKind, Strength};
use super::revocation::Kind;
use super::time::UtcTime;
use super::words::words;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::ToSchema;

/// Most rows that are kept of one answer.
pub const KEPT: usize = 20;
/// Most characters of one value.
pub const VALUE: usize = 200;
/// Most ways in which a subject can be asked about by one probe.
const COMBINATIONS: usize = 64;
/// Most different values that a sentence names.
const NAMED: usize = 5;

/// What a probe has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No row.
    ZeroRows,
    /// One row with one number, which is this one.
    Count(u64),
    /// At least one row.
    AtLeastOne,
}

/// What is declared of a probe, whatever it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its name, which may stand in the log.
    pub name: String,
    /// Target or external system that it asks.
    pub place: String,
    /// Database that it asks, of a target.
    pub database: Option<String>,
    /// What it has to tell.
    pub expect: Expect,
    /// Without its answer nothing is proved.
    pub required: bool,
    /// How near to use what it finds is.
    pub strength: Strength,
    /// What it means that it finds something, in words; `{count}` and `{column}` are filled in.
    pub sentence: String,
    /// Columns that are kept as evidence, in this order.
    pub columns: Vec<String>,
    /// Parameters, in the order of their numbers.
    pub parameters: Vec<Parameter>,
    /// Permissions that it shows, as notices name them.
    pub permissions: BTreeSet<String>,
    /// Kinds of revocation that it is asked for. For a partial one the permissions decide.
    pub kinds: BTreeSet<Kind>,
    /// SHA-256 of what it asks.
    pub sha256: String,
}

/// A probe that asks a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlProbe {
    /// What is declared of it.
    pub declared: Arc<Declared>,
    /// Database.
    pub database: String,
    /// The statement.
    pub statement: Statement,
    /// Schemas in which unqualified names are looked up; none: `pg_catalog` alone.
    pub search_path: Vec<String>,
}

/// What a probe told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Rows, or the number in the one row.
    pub count: u64,
    /// There are more rows than were read.
    pub more: bool,
    /// The first rows, declared columns only.
    pub rows: Vec<Vec<String>>,
}

/// Why a probe told nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// Class of the cause.
    pub cause: Cause,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub fix: String,
}

/// What came of asking one probe about one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// With which values it was asked.
    pub values: Vec<Vec<String>>,
    /// When the look began that asked it.
    pub read_at: UtcTime,
    /// What it told.
    pub answer: Result<Told, Silent>,
}

/// What the probes of one place told in one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probing {
    /// Every probe of the place.
    pub declared: Vec<Arc<Declared>>,
    /// Answers, by name of the probe and key of the person.
    pub answers: BTreeMap<(String, String), Answered>,
}

/// Something that must be there and is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Missing {
    /// What is missing.
    pub what: Lacks,
    /// Name of the role, permission or probe.
    pub name: String,
    /// Target or external system, where it is missing at one.
    pub target: Option<String>,
    /// In words.
    pub sentence: String,
}

words! {
    /// What can be missing.
    Lacks {
        /// A role that has to be held.
        Role = "role",
        /// A permission that has to be held.
        Permission = "permission",
        /// A row that a probe has to find.
        Probe = "probe",
        /// The login of an account that only changes hands.
        Login = "login",
    }
}

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Met,
    /// Something is there that should not be.
    Residual(Box<Residual>),
    /// Something is not there that should be.
    Missing(Missing),
    /// Nobody knows.
    Unknown(Gap),
}

impl Declared {
    /// Whether `person` is asked about by it.
    #[must_use]
    pub fn applies(&self, person: &Person) -> bool {
        let shows = |names: &[String]| names.iter().any(|name| self.permissions.contains(name));
        match person.kind {
            None => self.kinds.contains(&Kind::Full),
            Some(Kind::Partial) => shows(&person.permissions) || shows(&person.required),
            Some(kind) => self.kinds.contains(&kind),
        }
    }

    /// The values with which `person` has to be asked about: one list a statement.
    ///
    /// # Errors
    /// What is not known of the person, or that there are too many ways.
    pub fn values(&self, person: &Person) -> Result<Vec<Vec<String>>, Silent> {
        let silent = |reason: String, fix: &str| Silent {
            cause: Cause::Internal,
            reason: format!("probe {}: {reason}", self.name),
            fix: fix.to_owned(),
        };
        let distinct: BTreeSet<Parameter> = self.parameters.iter().copied().collect();
        let mut ways: Vec<BTreeMap<Parameter, String>> = vec![BTreeMap::new()];
        for parameter in distinct {
            let target = self.database.as_ref().map(|_| self.place.as_str());
            let values = person.values_of(parameter, target);
            if values.is_empty() {
                let (reason, fix) = person::unknown(parameter);
                return Err(silent(reason.to_owned(), fix));
            }
            if ways.len().saturating_mul(values.len()) > COMBINATIONS {
                let reason = format!("more than {COMBINATIONS} ways to ask about the subject");
                return Err(silent(
                    reason,
                    "let the probe take one parameter of which there are several",
                ));
            }
            let longer = ways.iter().flat_map(|way| {
                values.iter().map(move |value| {
                    let mut way = way.clone();
                    way.insert(parameter, value.clone());
                    way
                })
            });
            ways = longer.collect();
        }
        let in_order = |way: &BTreeMap<Parameter, String>| {
            self.parameters.iter().filter_map(|parameter| way.get(parameter).cloned()).collect()
        };
        Ok(ways.iter().map(in_order).collect())
    }

    /// The gap that `silent` leaves.
    fn gap(&self, silent: Silent) -> Gap {
        Gap {
            surface: ResidualKind::Probe,
            target: self.place.clone(),
            database: self.database.clone(),
            reason: silent.reason,
            fix: silent.fix,
            cause: silent.cause,
        }
    }

    /// What `answered` says of `person`.
    #[must_use]
    pub fn outcome(&self, person: &Person, answered: Option<&Answered>) -> Outcome {
        let values = match self.values(person) {
            Ok(values) => values,
            Err(silent) => return Outcome::Unknown(self.gap(silent)),
        };
        let Some(answered) = answered.filter(|answered| answered.values == values) else {
            return Outcome::Unknown(self.gap(Silent {
                cause: Cause::Internal,
                reason: format!("probe {} has not been asked about the subject", self.name),
                fix: format!("make {} answer, and wait for the next look", self.place),
            }));
        };
        match &answered.answer {
            Err(silent) => Outcome::Unknown(self.gap(silent.clone())),
            Ok(told) => self.weighed(told),
        }
    }

    /// Whether the answer is as it should be.
    #[must_use]
    pub fn is_met(&self, told: &Told) -> bool {
        match self.expect {
            Expect::ZeroRows => told.count == 0,
            Expect::Count(count) => told.count == count,
            Expect::AtLeastOne => told.count > 0,
        }
    }

    /// Whether `person` waits for nothing more after what was told: what shows a permission that must be there is to
    /// find something.
    #[must_use]
    pub fn settles(&self, told: &Told, person: &Person) -> bool {
        let to_be_there = person.required.iter().any(|name| self.permissions.contains(name));
        self.is_met(told) != to_be_there
    }

    fn weighed(&self, told: &Told) -> Outcome {
        if self.is_met(told) {
            return Outcome::Met;
        }
        let fewer = match self.expect {
            Expect::ZeroRows => false,
            Expect::Count(count) => told.count < count,
            Expect::AtLeastOne => true,
        };
        if fewer {
            return Outcome::Missing(Missing {
                what: Lacks::Probe,
                name: self.name.clone(),
                target: Some(self.place.clone()),
                sentence: self.in_words(told),
            });
        }
        let mut found = self.finding();
        found.count = Some(told.count);
        found.rows = told.rows.iter().map(|row| self.row(row)).collect();
        found.sentence = self.in_words(told);
        Outcome::Residual(Box::new(found))
    }

    /// What it finds, without how much of it.
    #[must_use]
    pub fn finding(&self) -> Residual {
        // It is the subject's, and no role's.
        let account = AccountRef { target: self.place.clone(), oid: RoleOid(0), role: None };
        let mut found = Residual::new(ResidualKind::Probe, self.strength, account);
        found.database.clone_from(&self.database);
        found.object = Some(self.name.clone());
        found
    }

    /// One row as evidence.
    fn row(&self, row: &[String]) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let shown =
            |name: &str| if name.chars().all(plain) { name.to_owned() } else { ident(name) };
        let cells = self.columns.iter().zip(row);
        cells.map(|(name, value)| format!("{}={value}", shown(name))).collect::<Vec<_>>().join(" ")
    }

    /// The sentence, filled in.
    fn in_words(&self, told: &Told) -> String {
        let more = if told.more { " or more" } else { "" };
        let count = format!("{}{more}", told.count);
        let mut sentence = self.sentence.replace("{count}", &count);
        for (place, column) in self.columns.iter().enumerate() {
            let field = format!("{{{column}}}");
            if sentence.contains(&field) {
                sentence = sentence.replace(&field, &named(told, place));
            }
        }
        if !self.sentence.contains('{') && self.expect != Expect::AtLeastOne {
            sentence = match told.count {
                1 => format!("{sentence} (1 found)"),
                _ => format!("{sentence} ({count} found)"),
            };
        }
        sentence
    }
}

/// The values of one column, each once.
fn named(told: &Told, column: usize) -> String {
    let values: BTreeSet<&str> =
        told.rows.iter().filter_map(|row| row.get(column)).map(String::as_str).collect();
    let shown: Vec<&str> = values.iter().copied().take(NAMED).collect();
    let unseen = told.count > told.rows.len() as u64;
    match (values.len() - shown.len(), unseen) {
        (0, false) => shown.join(", "),
        (0, true) => format!("{} and others", shown.join(", ")),
        (more, _) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `text` as a value that people are shown: without control characters, and not longer than [`VALUE`].
#[must_use]
pub fn value(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(VALUE).map(clean).collect();
    if text.chars().nth(VALUE).is_some() {
        shown.push('…');
    }
    shown
}

impl Probing {
    /// What the probe called `probe` told of whom `key` stands for.
    #[must_use]
    pub fn answer(&self, probe: &str, key: &str) -> Option<&Answered> {
        self.answers.get(&(probe.to_owned(), key.to_owned()))
    }

    /// Whether every answer of `probe` is of the look that began at `started_at`.
    #[must_use]
    pub fn asked_now(&self, probe: &str, started_at: UtcTime) -> bool {
        let theirs = self.answers.iter().filter(|((name, _), _)| name == probe);
        theirs.map(|(_, answered)| answered.read_at).all(|read_at| read_at >= started_at)
    }

    /// A required probe told nothing.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        let required = |name: &String| {
            self.declared.iter().any(|declared| declared.required && declared.name == *name)
        };
        self.answers.iter().any(|((name, _), one)| one.answer.is_err() && required(name))
    }
}

#[cfg(test)]
#[path = "probes_tests.rs"]
mod tests;
