//! Words that several messages share.

use crate::audit::prove::Head;
use crate::deliver::message::{Fact, Part, Table};
use crate::domain::account::Account;
use crate::domain::hex::hex;
use crate::domain::milestone::Milestone;
use crate::domain::revocation::{Kind, Reason, State};
use crate::domain::time::UtcTime;
use serde_json::{Map, Value};

/// Accounts that are written out.
const ACCOUNTS: usize = 5;
/// Rows of a table that are written out at most; a receiver may show fewer.
pub(super) const ROWS: usize = 50;

/// The newest checkpoint, which covers what is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cite {
    /// Lines that it covers.
    pub size: u64,
    /// The first 16 digits of the root over them.
    pub root: String,
}

impl From<&Head> for Cite {
    fn from(head: &Head) -> Self {
        let mut root = hex(&head.root);
        root.truncate(16);
        Self { size: head.size, root }
    }
}

impl Cite {
    pub(super) fn line(&self, seq: u64) -> String {
        format!("Log record {seq}, in the checkpoint of {} lines, root {}…", self.size, self.root)
    }
}

/// How many there are of what has these names.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// How many findings there are.
pub(super) fn findings(count: u64) -> String {
    counted(count, "finding", "findings")
}

/// What is to be done: sentences of ours, with commands between them; `None` where nothing is said.
pub(super) fn next(parts: impl IntoIterator<Item = Part>) -> Option<Fact> {
    let parts: Vec<Part> = parts.into_iter().collect();
    (!parts.is_empty()).then_some(Fact { label: "Next", parts })
}

pub(super) fn say(text: &str) -> Part {
    Part::Ours(text.to_owned())
}

pub(super) fn run(command: impl Into<String>) -> Part {
    Part::Command(command.into())
}

/// A word of ours with spaces.
pub(super) fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

/// An instant as people read it, to the second.
pub(super) fn when(at: UtcTime) -> String {
    let text = at.to_string();
    let (day, time) = (text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default());
    format!("{day} {time} UTC")
}

/// An instant of a record.
pub(super) fn when_in(body: &Map<String, Value>, key: &str) -> Option<String> {
    body.get(key)?.as_str()?.parse().ok().map(when)
}

pub(super) fn text<'a>(body: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    body.get(key)?.as_str()
}

pub(super) fn items<'a>(body: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    body.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn number(body: &Map<String, Value>, key: &str) -> u64 {
    body.get(key).and_then(Value::as_u64).unwrap_or(0)
}

/// A length of time in its two largest units.
pub(super) fn lasting(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let mut left = seconds;
    let mut said = Vec::new();
    for (unit, size) in units {
        let count = left / size;
        left %= size;
        if count > 0 && said.len() < 2 {
            said.push(format!("{count} {unit}"));
        }
    }
    if said.is_empty() { "less than a second".to_owned() } else { said.join(" ") }
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Full => "all access",
        Kind::Suspend => "login and whatever acts",
        Kind::Partial => "some roles or permissions",
        Kind::Rotation => "a shared secret",
        Kind::Transfer => "a service account's owner and secret",
    }
}

pub(super) fn reason(reason: Reason) -> String {
    spaced(reason.as_str())
}

pub(super) fn milestone(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::Login => "login off and no session",
        Milestone::Access => "everything gone",
        Milestone::Credentials => "secrets rotated",
    }
}

pub(super) fn standing(state: State) -> &'static str {
    match state {
        State::Scheduled => "scheduled",
        State::Open => "open",
        State::Verified => "verified",
        State::Regressed => "regressed",
        State::Excepted => "excepted",
        State::Withdrawn => "withdrawn",
    }
}

/// Whose access it is: roles, since people are not named.
pub(super) fn accounts(accounts: &[Account]) -> Fact {
    let mut parts = Vec::new();
    for account in accounts.iter().take(ACCOUNTS) {
        if !parts.is_empty() {
            parts.push(Part::Ours(", ".to_owned()));
        }
        parts.push(Part::Theirs(account.role.clone()));
        parts.push(Part::Ours(format!(" on {}", account.target)));
    }
    match accounts.len().saturating_sub(ACCOUNTS) {
        0 if parts.is_empty() => parts.push(Part::Ours("none found yet".to_owned())),
        0 => {}
        more => parts.push(Part::Ours(format!(" and {more} more"))),
    }
    Fact { label: "Accounts", parts }
}

/// What remains, as the record lists it.
pub(super) fn residual(body: &Map<String, Value>, known: &[Account]) -> Option<Table> {
    let listed = items(body, "residual");
    if listed.is_empty() {
        return None;
    }
    let rows = listed.iter().take(ROWS).filter_map(Value::as_object).map(|one| {
        let role = known.iter().find(|account| {
            Some(account.target.as_str()) == text(one, "target")
                && Some(u64::from(account.oid.0)) == one.get("oid").and_then(Value::as_u64)
        });
        let oid = one.get("oid").and_then(Value::as_u64).unwrap_or(0);
        let role = role.map_or_else(|| format!("OID {oid}"), |account| account.role.clone());
        let access = match text(one, "privilege") {
            Some(privilege) => {
                format!("{} {privilege}", spaced(text(one, "kind").unwrap_or_default()))
            }
            None => spaced(text(one, "kind").unwrap_or_default()),
        };
        let object = text(one, "object").unwrap_or("–");
        let target = text(one, "target").unwrap_or_default();
        let place = match text(one, "database") {
            Some(database) => format!("{target}/{database}"),
            None => target.to_owned(),
        };
        let strength = spaced(text(one, "strength").unwrap_or_default());
        vec![role, access, object.to_owned(), place, strength]
    });
    Some(Table {
        columns: vec!["role", "access", "object", "where", "how near"],
        rows: rows.collect(),
        total: number(body, "residual_total").max(listed.len() as u64),
    })
}

/// What must be there and is not, as the record lists it.
pub(super) fn missing(body: &Map<String, Value>) -> Option<Table> {
    let listed = items(body, "missing");
    if listed.is_empty() {
        return None;
    }
    let rows = listed.iter().take(ROWS).filter_map(Value::as_object).map(|one| {
        let of = |key| text(one, key).unwrap_or("–").to_owned();
        vec![spaced(&of("what")), of("name"), of("target")]
    });
    Some(Table {
        columns: vec!["missing", "name", "where"],
        rows: rows.collect(),
        total: listed.len() as u64,
    })
}

/// What could not be seen, as the record lists it.
pub(super) fn gaps(body: &Map<String, Value>) -> Option<Table> {
    let listed = items(body, "gaps");
    if listed.is_empty() {
        return None;
    }
    let rows = listed.iter().take(ROWS).filter_map(Value::as_object).map(|one| {
        let said = |key| text(one, key).map_or_else(|| "–".to_owned(), spaced);
        let of = |key| text(one, key).unwrap_or("–").to_owned();
        vec![said("surface"), of("target"), of("database"), said("cause")]
    });
    Some(Table {
        columns: vec!["not seen", "target", "database", "cause"],
        rows: rows.collect(),
        total: listed.len() as u64,
    })
}
