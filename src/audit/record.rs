//! What the records say. Pure: moves in, JSON objects out.
//!
//! Names of people, e-mail addresses and free-text reasons never come here: a record has the subject's id
//! of the log, role names and object names. Texts of a server's error messages stay out as well, since
//! nobody knows what they quote.

mod acknowledged;
mod anchor;
mod campaign;
mod canary;
mod changes;
mod delivery;
mod emergency;
mod exceptions;
mod filed;
mod look;
mod notice;
mod uses;

pub use acknowledged::{acknowledged, acknowledgement_ended, team_acknowledged};
pub use anchor::{Anchor, anchor};
pub use campaign::{
    AboutCampaign, campaign_swept, consumer_claim_withdrawn, consumer_claimed, consumer_observed,
    nudge_sent,
};
pub use canary::{About as AboutCanary, canary_detected, canary_missed, doubted};
pub use changes::{
    Approval, Parted, amended, approval_requested, approved, attested, config_changed, erasure,
    item_attested, linked_by, rehired, reopened, rescinded, taken_back, unlinked, withdrawn,
};
pub use delivery::{Notification, notification_sent, outbox_changed};
pub use emergency::{emergency, emergency_approved, emergency_unapproved};
pub use exceptions::exceptions;
pub use filed::{Published, attestation_changed, attestation_due, attestation_published};
pub use look::{Seen, observation};
use look::{add_missing, gaps, residual};
pub use notice::{Held, Noticed, noticed, quarantined};
pub use uses::{glass_used, regressed, used};

use crate::domain::account::{Account, AccountName};
use crate::domain::lifecycle::{Life, Terms};
use crate::domain::milestone::Milestone;
use crate::domain::residual::ResidualKind;
use crate::domain::revocation::Revocation;
use crate::domain::time::UtcTime;
use crate::domain::verdict::Verdict;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

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

/// `revocation_triggered`: what came in. `notice` is the commitment to its bytes.
#[must_use]
pub fn triggered(about: &About<'_>, notice: Option<&str>) -> Body {
    let asked = about.revocation;
    let mut body = with(
        about.body(),
        json!({
            "deadlines": asked.deadlines,
            "effective": effective(asked),
            "effective_at": asked.effective_at,
            // Nobody told us who acts; the verifier never does.
            "executor": "unknown",
            "notice_sha256": notice,
            "preserve_data": asked.preserve_data,
            "received_at": asked.received_at,
            "triggered_by": asked.source,
        }),
    );
    if let Some(inactive) = &asked.inactive {
        body.insert("inactive".to_owned(), json!(inactive));
    }
    body
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
            "because": about.revocation.because,
            "permissions": fitting(about.revocation.permissions.iter().map(|name| json!(name))),
            "required_permissions": required(&about.revocation.required_permissions),
            "required_roles": required(&about.revocation.required_roles),
            "roles": fitting(about.revocation.roles.iter().map(|role| json!(role))),
            "searched": fitting(about.revocation.accounts.iter().map(searched)),
            "searched_total": about.revocation.accounts.len(),
        }),
    )
}

/// Names of what must be there.
fn required(names: &[String]) -> Vec<Value> {
    fitting(names.iter().map(|name| json!(name)))
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
            "oid": account.oid, "role": account.role, "rule": account.rule, "source": account.source,
            "system_identifier": account.system_identifier, "target": account.target,
        })
    }))
}

/// `account_disabled` and `access_revoked`: something was seen to be gone. `held`: what is owned stays, by a legal
/// hold.
#[must_use]
pub fn gone(about: &About<'_>, as_of: UtcTime, held: bool) -> Body {
    let body = with(about.body(), json!({"as_of": as_of}));
    if held { with(body, json!({"kept_by": "legal_hold"})) } else { body }
}

/// `verification_completed`: proved twice.
#[must_use]
pub fn verified(about: &About<'_>, terms: &Terms, life: &Life, report_duration: bool) -> Body {
    // The terms' effect is not before the end of the last exception.
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
    let mut body = with(
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
    );
    add_missing(&mut body, seen.missing);
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::line;
    use crate::domain::ids::RoleOid;
    use crate::domain::lifecycle::Label;
    use crate::domain::residual::{AccountRef, Residual, Strength};

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
            missing: &[],
            gaps: &[],
            not_covered: &[],
            coverage: &[],
            credentials: &[],
            exists: true,
            held: false,
        };
        let body = observation(&about, Label::Before, &seen);
        assert_eq!(body["residual_total"], 400);
        line::record("", 0, "t", "observation", &body).unwrap();
        let body = validated(&about, &[]);
        line::record("", 0, "t", "validation_completed", &body).unwrap();
    }
}
