//! Records of pages: that one was filed, and what became of it.

use super::{Body, object};
use crate::domain::attestation::{LeftOut, Period, Schedule};
use crate::domain::page::Finding;
use crate::domain::time::UtcTime;
use serde_json::json;

/// What was filed, and where.
#[derive(Clone, Copy, Debug)]
pub struct Published<'a> {
    /// Id of the delivery, which stands on the page.
    pub delivery: &'a str,
    /// Where it was filed, as the configuration calls it.
    pub receiver: &'a str,
    /// What it is: `closure` or `attestation`.
    pub what: &'a str,
    /// The revocation, the checklist or the attestation that it is about.
    pub about: &'a str,
    /// The record that it tells.
    pub record: &'a str,
    /// Space and id of the page.
    pub remote: &'a str,
    /// Its title: another than usual where others had that.
    pub title: &'a str,
    /// Version after the last write.
    pub version: u64,
    /// SHA-256 of the text as it was read back, in hex.
    pub sha256: &'a str,
    /// Lines that the checkpoint on it covers.
    pub size: u64,
    /// Id of the page that somebody edited before it was complete, if this one was filed in its place.
    pub amends: Option<&'a str>,
    /// Id of the page that was removed, if this one was filed in its place.
    pub replaces: Option<&'a str>,
    /// When.
    pub at: UtcTime,
}

/// `attestation_published`: a page is filed, with all that belongs to it.
#[must_use]
pub fn attestation_published(filed: &Published<'_>) -> Body {
    object(json!({
        "about": filed.about, "amends": filed.amends, "at": filed.at, "delivery": filed.delivery,
        "receiver": filed.receiver, "record": filed.record, "remote": filed.remote,
        "replaces": filed.replaces, "sha256": filed.sha256, "size": filed.size, "title": filed.title,
        "version": filed.version, "what": filed.what,
    }))
}

/// `attestation_changed`: a look at a filed page found it otherwise than the look before. Who did it, the page's own
/// history tells: no person is named here.
#[must_use]
pub fn attestation_changed(
    (delivery, remote): (&str, &str),
    receiver: &str,
    (filed, found): (u64, u64),
    finding: Finding,
    at: UtcTime,
) -> Body {
    object(json!({
        "at": at, "delivery": delivery, "filed_version": filed, "finding": finding,
        "receiver": receiver, "remote": remote, "version": found,
    }))
}

/// `attestation_due`: a period ended, and is to be attested in this space, under this page. `left_out` are periods before
/// it that are not, since too many were missed.
#[must_use]
pub fn attestation_due(
    name: &str,
    schedule: &Schedule,
    period: &Period,
    left_out: Option<&LeftOut>,
    (space, parent): (&str, Option<&str>),
    at: UtcTime,
) -> Body {
    object(json!({
        "at": at, "attestation": name, "from": period.from, "left_out": left_out, "parent": parent,
        "schedule": schedule.pattern, "space": space, "time_zone": schedule.zone, "to": period.to,
    }))
}
