//! Records of emergencies: what was asked for at once, who approved it afterwards, and that nobody did in time.

use super::{About, Body, with};
use crate::domain::emergency::Emergency;
use serde_json::json;

/// What `revocation_triggered` or `revocation_amended` says more where it was an emergency.
#[must_use]
pub fn emergency(body: Body, called: &Emergency) -> Body {
    with(
        body,
        json!({"emergency": {
            "approval_due_at": called.approval_due_at,
            "request": called.id,
            "requested_by": called.requested_by,
            "self_approved": !called.waits(),
        }}),
    )
}

fn body(about: &About<'_>, called: &Emergency) -> Body {
    with(
        about.body(),
        json!({
            "approval_due_at": called.approval_due_at,
            "request": called.id,
            "requested_at": called.requested_at,
            "requested_by": called.requested_by,
        }),
    )
}

/// `emergency_approved`: a second person said that it was right.
#[must_use]
pub fn emergency_approved(about: &About<'_>, called: &Emergency) -> Body {
    with(
        body(about, called),
        json!({
            "approved_at": called.approved_at,
            "approved_by": called.approved_by,
            "in_time": called.approved_at.is_some_and(|at| at < called.approval_due_at),
            "self_approved": called.approved_by.as_ref() == Some(&called.requested_by),
        }),
    )
}

/// `emergency_unapproved`: nobody said so in time.
#[must_use]
pub fn emergency_unapproved(about: &About<'_>, called: &Emergency) -> Body {
    body(about, called)
}
