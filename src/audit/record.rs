//! What the records say. Pure: moves in, JSON objects out.
//!
//! Names of people, e-mail addresses and free-text reasons never come here: a record has the subject's id
//! of the log, role names and object names. Texts of a server's error messages stay out as well, since
//! nobody knows what they quote.

mod anchor;
mod canary;
mod changes;

pub use anchor::{Anchor, anchor};
pub use canary::{About as AboutCanary, canary_detected, canary_missed, doubted};
use changes::credential;
pub use changes::{
    Approval, amended, approval_requested, approved, attested, config_changed, withdrawn,
};

use crate::domain::account::{Account, AccountName};
use crate::domain::credential::Held;
use crate::domain::lifecycle::{Label, Life, Terms};
use crate::domain::milestone::Milestone;
use crate::domain::observation::{Coverage, Gap, NotCovered};
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::revocation::Revocation;
use crate::domain::time::UtcTime;
use crate::domain::verdict::Verdict;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of each list in a record: names can be long, a way through roles too, and a line has its limit.
/// What is cut is counted.
const LISTED: usize = 96 * 1024;

/// As many of `items` as fit.
fn fitting(items: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut room = LISTED;
    items
        .into_iter()
        .take_while(|item| {
            let size = item.to_string().len() + 1;
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        })
        .collect()
}

type Body = Map<String, Value>;

/// What every record of a revocation begins with.
fn begin(revocation: &str, subject: &str, at: UtcTime) -> Body {
    object(json!({"at": at, "revocation": revocation, "subject": subject}))
}

fn object(value: Value) -> Body {
    if let Value::Object(body) = value { body } else { Body::new() }
}

fn with(mut body: Body, more: Value) -> Body {
    body.extend(object(more));
    body
}

/// Which move a record speaks of.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The revocation.
    pub revocation: &'a Revocation,
    /// Its subject's id in the log.
    pub subject: &'a str,
    /// The instant of the move.
    pub at: UtcTime,
}

impl About<'_> {
    fn body(&self) -> Body {
        with(
            begin(&self.revocation.id, self.subject, self.at),
            json!({"kind": self.revocation.kind, "reason": self.revocation.reason}),
        )
    }
}

/// `subject`: the commitment to who it is, once per subject.
#[must_use]
pub fn subject(id: &str, commitment: &str, at: UtcTime) -> Body {
    object(json!({"at": at, "commit": commitment, "subject": id}))
}

/// `revocation_triggered`: what came in.
#[must_use]
pub fn triggered(about: &About<'_>, digest: &str) -> Body {
    let asked = about.revocation;
    with(
        about.body(),
        json!({
            "deadlines": asked.deadlines,
            "effective": effective(asked),
            "effective_at": asked.effective_at,
            // Nobody told us who acts; the verifier never does.
            "executor": "unknown",
            "notice_sha256": digest,
            "preserve_data": asked.preserve_data,
            "received_at": asked.received_at,
            "triggered_by": asked.source,
        }),
    )
}

/// How the time came about, the sender's own text left out.
fn effective(asked: &Revocation) -> Value {
    asked.effective.as_ref().map_or(Value::Null, |effective| {
        json!({"tzdb": effective.tzdb, "zone": effective.zone, "zone_from": effective.zone_from})
    })
}

/// `validation_completed`: what will be looked for.
#[must_use]
pub fn validated(about: &About<'_>, accounts: &[Account]) -> Body {
    with(
        about.body(),
        json!({
            "accounts": linked(accounts),
            "permissions": fitting(about.revocation.permissions.iter().map(|name| json!(name))),
            "roles": fitting(about.revocation.roles.iter().map(|role| json!(role))),
            "searched": fitting(about.revocation.accounts.iter().map(searched)),
            "searched_total": about.revocation.accounts.len(),
        }),
    )
}

/// `subject_linked`: a role was found to be the subject's.
#[must_use]
pub fn subject_linked(about: &About<'_>, accounts: &[Account]) -> Body {
    with(about.body(), json!({"accounts": linked(accounts)}))
}

fn searched(name: &AccountName) -> Value {
    // A name that nobody gave as a role's is the subject's, and stays out.
    let role = if name.suggested() { Value::Null } else { json!(name.role) };
    json!({"role": role, "target": name.target})
}

fn linked(accounts: &[Account]) -> Vec<Value> {
    fitting(accounts.iter().map(|account| {
        json!({
            "oid": account.oid, "role": account.role, "rule": account.rule,
            "system_identifier": account.system_identifier, "target": account.target,
        })
    }))
}

/// What a look saw, for the record.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Answer.
    pub verdict: Verdict,
    /// When the look began.
    pub as_of: UtcTime,
    /// What remains.
    pub residual: &'a [Residual],
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

fn residual(found: &[Residual]) -> Vec<Value> {
    fitting(found.iter().map(|r| {
        json!({
            "database": r.database, "grantor": r.grantor, "kind": r.kind,
            // A session's pid and start stay; its address and program are nobody's business.
            "object": r.object, "oid": r.account.oid, "privilege": r.privilege,
            "strength": r.strength, "tampered": r.tampered, "target": r.account.target,
            "via": r.via,
        })
    }))
}

fn gaps(gaps: &[Gap]) -> Vec<Value> {
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

/// `account_disabled` and `access_revoked`: something was seen to be gone.
#[must_use]
pub fn gone(about: &About<'_>, as_of: UtcTime) -> Body {
    with(about.body(), json!({"as_of": as_of}))
}

/// `verification_completed`: proved twice.
#[must_use]
pub fn verified(about: &About<'_>, terms: &Terms, life: &Life, report_duration: bool) -> Body {
    let start = terms.effective_at.max(about.revocation.received_at);
    let duration = life.first_clean_at.map(|at| at.since(start).as_micros());
    let duration = duration.and_then(|us| u64::try_from(us).ok());
    with(
        about.body(),
        json!({
            "actions_taken": actions(&life.seen),
            "blind_us": life.blind_us,
            "duration_us": duration.filter(|_| report_duration),
            "first_clean_at": life.first_clean_at,
            "first_residual_at": life.first_residual_at,
            "verification": {
                "status": "success",
                "verified_at": life.verified_at,
                "verifier": concat!("revoked ", env!("CARGO_PKG_VERSION")),
            },
        }),
    )
}

/// What must have been done, from what was there and is not.
fn actions(seen: &BTreeSet<ResidualKind>) -> BTreeSet<&'static str> {
    use ResidualKind as K;
    seen.iter()
        .map(|kind| match kind {
            K::Login => "account_disabled",
            K::Session | K::VanishedSession | K::Replication => "sessions_terminated",
            K::Membership | K::AdminOption => "groups_removed",
            K::Ownership => "objects_reassigned",
            K::Attribute => "attributes_removed",
            K::Credential | K::UserMapping => "tokens_revoked",
            K::Privilege
            | K::DefaultPrivilege
            | K::Policy
            | K::PreparedTransaction
            | K::Subscription
            | K::Job
            | K::HbaRule
            | K::IdentMap
            | K::RoleSetting
            | K::DanglingAcl
            | K::Probe => "permissions_revoked",
        })
        .collect()
}

/// `verification_failed` and `verification_inconclusive`: a deadline passed.
#[must_use]
pub fn missed(about: &About<'_>, milestone: Milestone, seen: &Seen<'_>) -> Body {
    with(
        about.body(),
        json!({
            "as_of": seen.as_of,
            "deadline": about.revocation.deadlines.get(milestone),
            "gaps": gaps(seen.gaps),
            "milestone": milestone,
            "residual": residual(seen.residual),
            "residual_total": seen.residual.len(),
            "verification": {
                "status": if seen.verdict == Verdict::Residual { "failure" } else { "inconclusive" },
                "verifier": concat!("revoked ", env!("CARGO_PKG_VERSION")),
            },
        }),
    )
}

/// `access_regressed`: it came back.
#[must_use]
pub fn regressed(about: &About<'_>, verified_at: Option<UtcTime>, seen: &Seen<'_>) -> Body {
    with(
        about.body(),
        json!({
            "as_of": seen.as_of,
            "residual": residual(seen.residual),
            "residual_total": seen.residual.len(),
            "verified_at": verified_at,
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::line;
    use crate::domain::ids::RoleOid;
    use crate::domain::residual::{AccountRef, Strength};

    fn sample() -> Revocation {
        let now = UtcTime::from_micros(0).unwrap();
        let name = |n: usize| AccountName {
            target: None,
            role: format!("{n}{}", "\u{1}".repeat(200)),
            rule: crate::domain::account::LinkRule::Stated,
        };
        Revocation {
            accounts: (0..5_000).map(name).collect(),
            roles: (0..5_000).map(|n| name(n).role).collect(),
            ..crate::domain::revocation::sample(now)
        }
    }

    #[test]
    fn the_largest_record_fits_a_line() {
        let account =
            AccountRef { target: "t".into(), oid: RoleOid(1), role: Some("\u{1}".repeat(63)) };
        let mut found = Residual::new(ResidualKind::Membership, Strength::Latent, account);
        found.privilege = Some("\u{1}".repeat(63));
        found.via = vec!["\u{1}".repeat(63); 400];
        let found = vec![found; 400];
        let revocation = sample();
        let about = About { revocation: &revocation, subject: "s", at: revocation.received_at };
        let seen = Seen {
            verdict: Verdict::Residual,
            as_of: revocation.received_at,
            residual: &found,
            gaps: &[],
            not_covered: &[],
            coverage: &[],
            credentials: &[],
            exists: true,
        };
        let body = observation(&about, Label::Before, &seen);
        assert_eq!(body["residual_total"], 400);
        line::record("", 0, "t", "observation", &body).unwrap();
        let body = validated(&about, &[]);
        line::record("", 0, "t", "validation_completed", &body).unwrap();
    }
}
