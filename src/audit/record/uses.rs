//! Records of access that somebody used or had again.

use super::{About, Body, Seen, object, residual, with};
use crate::domain::relapse::Relapse;
use crate::domain::time::UtcTime;
use crate::domain::uses::{Begun, Use};
use serde_json::{Value, json};

/// What is said of a session.
fn session(begun: &Begun, as_of: UtcTime, because: &str) -> Value {
    json!({
        "account": {
            "oid": begun.oid, "role": begun.role, "system_identifier": begun.system_identifier,
            "target": begun.target,
        },
        "as_of": as_of,
        "because": because,
        "began_at": begun.began_at,
        "instance": begun.instance,
        "session": begun.session,
        "session_since": begun.session_since,
    })
}

/// `use_after_effective`, of a break-glass role: it is used, and nobody permitted that.
#[must_use]
pub fn glass_used(begun: &Begun, as_of: UtcTime, at: UtcTime) -> Body {
    with(object(json!({"at": at})), session(begun, as_of, "no_open_break_glass"))
}

/// `use_after_effective`: a session began after access had ended.
#[must_use]
pub fn used(about: &About<'_>, one: &Use) -> Body {
    with(about.body(), session(&one.begun, one.seen_at, one.class.as_str()))
}

/// `access_regressed`: it came back.
#[must_use]
pub fn regressed(
    about: &About<'_>,
    verified_at: Option<UtcTime>,
    relapse: Option<&Relapse>,
    seen: &Seen<'_>,
) -> Body {
    let likely = relapse.map(|relapse| {
        json!({
            "grantor": relapse.grantor, "object": relapse.object,
            "privilege": relapse.privilege, "role": relapse.role, "target": relapse.target,
        })
    });
    with(
        about.body(),
        json!({
            "as_of": seen.as_of,
            "cause": relapse.map(|relapse| relapse.cause),
            "likely": likely,
            "residual": residual(seen.residual),
            "residual_total": seen.residual.len(),
            "verified_at": verified_at,
        }),
    )
}
