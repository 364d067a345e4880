//! What a look saw, for the record.

use super::changes::credential;
use super::{About, Body, fitting, with};
use crate::domain::credential::Held;
use crate::domain::lifecycle::Label;
use crate::domain::observation::{Coverage, Gap, NotCovered};
use crate::domain::probes::Missing;
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::time::UtcTime;
use crate::domain::verdict::Verdict;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a look saw, for the record.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Answer.
    pub verdict: Verdict,
    /// When the look began.
    pub as_of: UtcTime,
    /// What remains.
    pub residual: &'a [Residual],
    /// What must be there and is not.
    pub missing: &'a [Missing],
    /// What could not be seen.
    pub gaps: &'a [Gap],
    /// What the answer does not speak about.
    pub not_covered: &'a [NotCovered],
    /// What was read.
    pub coverage: &'a [Coverage],
    /// For a rotation: what is known of the passwords.
    pub credentials: &'a [Held],
    /// The accounts exist still.
    pub exists: bool,
    /// What is owned decides nothing, by a legal hold.
    pub held: bool,
}

/// `observation`: before, changed or after.
#[must_use]
pub fn observation(about: &About<'_>, label: Label, seen: &Seen<'_>) -> Body {
    let (word, state) = match label {
        Label::Before => ("before", "before_state"),
        Label::Changed => ("changed", "state"),
        Label::After => ("after", "after_state"),
    };
    let mut body = with(
        about.body(),
        json!({
            "as_of": seen.as_of,
            "coverage": coverage(seen.coverage),
            "gaps": gaps(seen.gaps),
            "label": word,
            "not_covered": not_covered(seen.not_covered),
            "residual": residual(seen.residual),
            "residual_total": seen.residual.len(),
            "verdict": seen.verdict,
        }),
    );
    body.insert(state.to_owned(), account_state(seen));
    if seen.held {
        body.insert("kept_by".to_owned(), json!("legal_hold"));
    }
    add_missing(&mut body, seen.missing);
    if !seen.credentials.is_empty() {
        let known = seen.credentials.iter().map(|held| credential(&held.standing));
        body.insert("credentials".to_owned(), Value::Array(fitting(known)));
    }
    body
}

/// The account as the seed's audit format describes it.
fn account_state(seen: &Seen<'_>) -> Value {
    let words = |found: BTreeSet<String>| fitting(found.into_iter().map(Value::String));
    let names = |wanted: fn(&Residual) -> bool| -> BTreeSet<String> {
        seen.residual
            .iter()
            .filter(|r| r.kind == ResidualKind::Membership && wanted(r))
            .filter_map(|r| r.privilege.clone())
            .collect()
    };
    let permissions: BTreeSet<String> = seen
        .residual
        .iter()
        .filter(|r| matches!(r.kind, ResidualKind::Privilege | ResidualKind::DefaultPrivilege))
        .map(|r| {
            format!(
                "{} on {}",
                r.privilege.as_deref().unwrap_or("default"),
                r.object.as_deref().unwrap_or("an object")
            )
        })
        .collect();
    let login = seen.residual.iter().any(|r| r.kind == ResidualKind::Login);
    let status = match (seen.exists, login) {
        (false, _) => "absent",
        (true, true) => "active",
        (true, false) => "disabled",
    };
    json!({
        "account_status": status,
        "groups": words(names(|r| !r.via.is_empty())),
        "permissions": words(permissions),
        "roles": words(names(|r| r.via.is_empty())),
    })
}

/// Adds what is missing, where anything is.
pub(super) fn add_missing(body: &mut Body, missing: &[Missing]) {
    if !missing.is_empty() {
        let one = |m: &Missing| json!({"name": m.name, "target": m.target, "what": m.what});
        body.insert("missing".to_owned(), Value::Array(fitting(missing.iter().map(one))));
    }
}

pub(super) fn residual(found: &[Residual]) -> Vec<Value> {
    fitting(found.iter().map(|r| {
        let mut one = json!({
            "database": r.database, "grantor": r.grantor, "kind": r.kind,
            // A session's pid and start stay; its address and program are nobody's business.
            "object": r.object, "oid": r.account.oid, "privilege": r.privilege,
            "strength": r.strength, "tampered": r.tampered, "target": r.account.target,
            "via": r.via,
        });
        // How many a probe found; what it found may name people, and stays in the store.
        if let (Some(count), Value::Object(one)) = (r.count, &mut one) {
            one.insert("count".to_owned(), json!(count));
        }
        one
    }))
}

pub(super) fn gaps(gaps: &[Gap]) -> Vec<Value> {
    fitting(gaps.iter().map(|gap| {
        json!({
            "cause": gap.cause, "database": gap.database, "surface": gap.surface,
            "target": gap.target,
        })
    }))
}

fn not_covered(skipped: &[NotCovered]) -> Vec<Value> {
    fitting(skipped.iter().map(|s| json!(s.surface)))
}

/// Statements per database: enough to see what was read; the texts' hashes are in `check -o json`.
fn coverage(covered: &[Coverage]) -> Vec<Value> {
    let mut statements: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for one in covered {
        *statements.entry((&one.target, &one.database)).or_default() += 1;
    }
    fitting(statements.into_iter().map(|((target, database), count)| {
        json!({"database": database, "statements": count, "target": target})
    }))
}
