//! Records of the positive control: that the canary of a target was found, or is missed.

use super::{About as AboutRevocation, Body, object, with};
use crate::domain::canary::{Canary, Watch};
use crate::domain::ids::SystemIdentifier;
use crate::domain::lifecycle::Life;
use crate::domain::residual::ResidualKind;
use crate::domain::time::UtcTime;
use serde_json::json;
use std::collections::BTreeSet;

/// Which canary, and which look, a record speaks of.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// What is planted.
    pub canary: &'a Canary,
    /// Configured name of the cluster.
    pub target: &'a str,
    /// The cluster that answered the look, if one did.
    pub system_identifier: Option<SystemIdentifier>,
    /// When the look began.
    pub as_of: UtcTime,
    /// The instant of the move.
    pub at: UtcTime,
}

impl About<'_> {
    fn body(&self) -> Body {
        object(json!({
            "as_of": self.as_of, "at": self.at,
            "every_us": u64::try_from(self.canary.every.as_micros()).ok(),
            "expect": self.canary.expect, "role": self.canary.role,
            "system_identifier": self.system_identifier, "target": self.target,
        }))
    }
}

/// `canary_detected`: a look found what was planted. `missed_at` is since when it had been missed.
#[must_use]
pub fn canary_detected(about: &About<'_>, missed_at: Option<UtcTime>) -> Body {
    with(about.body(), json!({"missed_at": missed_at}))
}

/// `canary_missed`, of a target: a look that could read where it lies did not find `missing`, or no look could
/// tell for longer than allowed (`missing` is empty then).
#[must_use]
pub fn canary_missed(about: &About<'_>, watch: &Watch, missing: &BTreeSet<ResidualKind>) -> Body {
    with(
        about.body(),
        json!({
            "last_detected_at": watch.seen_at,
            "last_good_at": watch.good_at,
            "missing": missing,
            "watched_since": watch.since,
        }),
    )
}

/// `canary_missed`, of a revocation: what was proved of it rests on looks that nothing vouches for. `before` is
/// its life until now, `canary` the record about the target.
#[must_use]
pub fn doubted(
    about: &AboutRevocation<'_>,
    target: &str,
    watch: &Watch,
    canary: Option<&str>,
    before: &Life,
) -> Body {
    with(
        about.body(),
        json!({
            "canary": canary,
            "first_clean_at": before.first_clean_at,
            "last_good_at": watch.good_at,
            "missed_at": watch.missed_at,
            "state_before": before.state,
            "target": target,
            "verified_at": before.verified_at,
        }),
    )
}
