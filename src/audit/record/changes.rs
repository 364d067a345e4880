//! Records of what people change: a revocation after it was accepted, and the configuration.

use super::{About, Body, effective, fitting, linked, object, required, searched, with};
use crate::domain::account::{Account, AccountName, LinkRule};
use crate::domain::checklist::{Item, Word};
use crate::domain::credential::{Attested, Standing};
use crate::domain::erasure::Basis;
use crate::domain::lifecycle::Life;
use crate::domain::lineage::Unlinked;
use crate::domain::request::Request;
use crate::domain::residual::ResidualKind;
use crate::domain::time::UtcTime;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// `revocation_amended`: it asks for more, or earlier, than before. `notice` is the commitment to what asked for it.
#[must_use]
pub fn amended(about: &About<'_>, notice: Option<&str>) -> Body {
    let asked = about.revocation;
    with(
        about.body(),
        json!({
            "deadlines": asked.deadlines,
            "effective": effective(asked),
            "effective_at": asked.effective_at,
            "notice_sha256": notice,
            "permissions": fitting(asked.permissions.iter().map(|name| json!(name))),
            "required_permissions": required(&asked.required_permissions),
            "required_roles": required(&asked.required_roles),
            "roles": fitting(asked.roles.iter().map(|role| json!(role))),
            "searched": fitting(asked.accounts.iter().map(searched)),
            "searched_total": asked.accounts.len(),
        }),
    )
}

/// What `revocation_amended`, `subject_linked` or `exception_granted` says more where it takes back what was proved. `before` is the life until
/// now.
#[must_use]
pub fn taken_back(body: Body, before: &Life) -> Body {
    let more = json!({"state_before": before.state, "verified_at": before.verified_at});
    with(body, more)
}

/// Who asked for what keeps access, and who approved.
#[derive(Clone, Copy, Debug)]
pub struct Approval<'a> {
    /// What was asked for.
    pub request: &'a Request,
    /// Who approved.
    pub approved_by: &'a str,
}

impl Approval<'_> {
    fn value(&self) -> Value {
        json!({
            "approved_by": self.approved_by,
            "request": self.request.id,
            "requested_at": self.request.requested_at,
            "requested_by": self.request.requested_by,
            "self_approved": self.approved_by == self.request.requested_by,
        })
    }
}

/// `approval_requested`: something that keeps access waits for a second person.
#[must_use]
pub fn approval_requested(about: &About<'_>, request: &Request) -> Body {
    with(
        about.body(),
        json!({
            "asks": request.asks,
            "deadlines": request.deadlines,
            "effective_at": request.effective_at,
            "erroneous": request.erroneous,
            "request": request.id,
            "requested_by": request.requested_by,
            "unlink": request.unlink.as_ref().map(|unlink| place(&unlink.account)),
        }),
    )
}

/// `revocation_amended`, by what a second person approved.
#[must_use]
pub fn approved(about: &About<'_>, approval: &Approval<'_>) -> Body {
    let asked = about.revocation;
    with(
        about.body(),
        json!({
            "approval": approval.value(),
            "asks": approval.request.asks,
            "deadlines": asked.deadlines,
            "effective_at": asked.effective_at,
            "no_account": asked.no_account,
        }),
    )
}

/// `revocation_withdrawn`: nothing is expected any more.
#[must_use]
pub fn withdrawn(about: &About<'_>, approval: &Approval<'_>) -> Body {
    let erroneous = approval.request.erroneous;
    with(about.body(), json!({"approval": approval.value(), "erroneous": erroneous}))
}

/// `revocation_withdrawn`, by its only source: the end was taken back.
#[must_use]
pub fn rescinded(about: &About<'_>, by: &str) -> Body {
    let more = json!({"because": "termination_rescinded", "by": by, "erroneous": false});
    with(about.body(), more)
}

/// `revocation_amended`: the person works here again, and what is granted from `at` on is not asked to go. `before` is
/// how much of what was there before is known.
#[must_use]
pub fn rehired(about: &About<'_>, by: &str, at: UtcTime, before: Option<usize>) -> Body {
    let asked = about.revocation;
    with(
        about.body(),
        json!({
            "because": "user_rehired", "by": by, "deadlines": asked.deadlines,
            "effective_at": asked.effective_at, "rehired_at": at, "residual_before": before,
        }),
    )
}

/// `subject_linked`: somebody said that a role is the subject's: a person, or, after it was said that it is not, a notice.
#[must_use]
pub fn linked_by(
    about: &About<'_>,
    accounts: &[Account],
    name: &AccountName,
    (because, by): (LinkRule, &str),
) -> Body {
    let more = json!({"accounts": linked(accounts), "because": because, "by": by, "named": searched(name)});
    with(about.body(), more)
}

/// `verification_inconclusive`: it is verified no more. Either a role is named by now that nobody looked for then, and
/// nobody can look for it at the moment; or a role is there of which nobody knows whether it is the subject's.
#[must_use]
pub fn reopened(about: &About<'_>, asked: bool, verified_at: Option<UtcTime>) -> Body {
    let because = if asked { "a_question_is_open" } else { "another_role_is_named" };
    with(about.body(), json!({"because": because, "verified_at": verified_at}))
}

/// By whom links were removed, and why.
#[derive(Clone, Copy, Debug)]
pub struct Parted<'a> {
    /// Why.
    pub because: Unlinked,
    /// Who said so.
    pub by: &'a str,
    /// Who approved, where that was needed.
    pub approval: Option<Approval<'a>>,
}

/// `subject_linked`: the links that are left, and those that were removed.
#[must_use]
pub fn unlinked(
    about: &About<'_>,
    left: &[Account],
    removed: &[Account],
    parted: &Parted<'_>,
) -> Body {
    with(
        about.body(),
        json!({
            "accounts": linked(left),
            "approval": parted.approval.map(|approval| approval.value()),
            "because": parted.because,
            "by": parted.by,
            "unlinked": linked(removed),
        }),
    )
}

/// `item_attested`: somebody tried the old secret of an account, and says how the server answered.
#[must_use]
pub fn attested(about: &About<'_>, account: &Account, probe: &Attested) -> Body {
    with(
        about.body(),
        json!({
            "account": place(account),
            "attests": "old_secret",
            "probe": attempt(probe),
        }),
    )
}

/// `item_attested`, or `data_archived` where that is what is attested: somebody's word about an item of the
/// checklist. Their own words stay in the store.
#[must_use]
pub fn item_attested(about: &About<'_>, item: &Item, word: &Word) -> Body {
    with(
        about.body(),
        json!({"attests": "item", "by": word.by, "due_at": item.due_at, "item": item.name}),
    )
}

fn place(account: &Account) -> Value {
    json!({
        "oid": account.oid, "role": account.role,
        "system_identifier": account.system_identifier, "target": account.target,
    })
}

fn attempt(probe: &Attested) -> Value {
    json!({
        "answer": probe.answer, "at": probe.at, "by": probe.by, "control": probe.control,
        "credential_since": probe.credential, "finding": probe.finding, "path": probe.path,
    })
}

/// What was known of a password. Nothing of its verifier.
pub(super) fn credential(standing: &Standing) -> Value {
    json!({
        "change": standing.change, "expires_at": standing.expires_at, "first_read_at": standing.first_read_at,
        "oid": standing.oid, "old_until": standing.old_until,
        "probes": fitting(standing.current().map(attempt)), "since": standing.since,
        "target": standing.target, "unsure_until": standing.unsure_until,
    })
}

/// `config_changed`: another configuration is in force. `not_required` are the surfaces that it does not ask
/// for.
#[must_use]
pub fn config_changed(
    at: UtcTime,
    before: &str,
    after: &str,
    not_required: &BTreeSet<ResidualKind>,
) -> Body {
    object(json!({
        "at": at, "config_sha256": after, "config_sha256_before": before,
        "not_required": not_required,
    }))
}

/// `erasure`: who `subject` is was deleted from the store. The commitment stays, and fits nobody any more.
#[must_use]
pub fn erasure(subject: &str, basis: Basis, by: &str, at: UtcTime) -> Body {
    object(json!({"at": at, "basis": basis, "by": by, "subject": subject}))
}
