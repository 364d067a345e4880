//! An event for programs: the body of a Standard Webhooks request. It names no person and has nobody's own words; for who
//! may not know what the access is, it has no role and no finding either.

use super::outline::{self, ticket};
use super::words::{Cite, text};
use crate::domain::delivery::{Audience, Topic};
use crate::domain::lifecycle::Life;
use crate::domain::milestone::Milestone;
use crate::domain::revocation::{Revocation, State};
use crate::domain::time::UtcTime;
use crate::store::{Evidenced, ToldRecord};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Roles that are written out.
const ROLES: usize = 50;

/// What an event is made of.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Id of the delivery.
    pub delivery: &'a str,
    /// What about.
    pub topic: Topic,
    /// Revocation, checklist or notice, or `target:NAME` or `attestation:NAME`.
    pub about: &'a str,
    /// Whom it is for.
    pub audience: Audience,
    /// Id of the record.
    pub id: &'a str,
    /// The record.
    pub record: &'a ToldRecord,
    /// Hash of its line, in hex, where the log could be read.
    pub sha256: Option<&'a str>,
    /// The revocation, if it is about one.
    pub stored: Option<&'a Evidenced>,
    /// Vendor and checklist of the offboarding that it is of.
    pub offboarding: (Option<&'a str>, Option<&'a str>),
    /// The newest checkpoint.
    pub cite: &'a Cite,
}

/// Events that could not be sent in time.
#[derive(Clone, Copy, Debug)]
pub struct Late<'a> {
    /// Id of the delivery.
    pub delivery: &'a str,
    /// Whom it is for.
    pub audience: Audience,
    /// The first of them, what matters most before the rest.
    pub missed: &'a [Missed<'a>],
    /// How many there are.
    pub total: u64,
    /// When they were given up.
    pub at: UtcTime,
    /// The newest checkpoint.
    pub cite: &'a Cite,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Missed<'a> {
    /// What about.
    pub topic: Topic,
    /// Revocation, checklist, notice, target or attestation.
    pub about: &'a str,
    /// Id of the record.
    pub record: &'a str,
    /// Its line.
    pub seq: Option<u64>,
}

/// The type of an event: what it is about, and what happened, as far as its audience may know it.
fn kind(about: &str, topic: Topic, audience: Audience) -> String {
    let topic = if audience.sees_details() { topic } else { outline::topic(topic) };
    let what = match about.split(['_', ':']).next().unwrap_or_default() {
        "rev" => "revocation",
        "chk" => "checklist",
        "ntc" => "notice",
        "target" => "target",
        "attestation" => "attestation",
        _ => "other",
    };
    format!("{what}.{topic}")
}

/// The body of a request.
#[must_use]
pub fn event(told: &Event<'_>) -> Value {
    let body = &told.record.body;
    let mut data = json!({
        "checkpoint_size": told.cite.size,
        "delivery": told.delivery,
        "record": record(told),
    });
    let mut put = |key: &str, value: Value| {
        if let (Value::Object(data), false) = (&mut data, value.is_null()) {
            data.insert(key.to_owned(), value);
        }
    };
    put("milestone", json!(text(body, "milestone")));
    let landed = told.stored.and_then(|stored| Some((stored, stored.landed.as_deref()?)));
    if let Some((stored, life)) = landed {
        put("revocation", revocation(told, stored, life));
        put("links", links(&stored.revocation.id));
    }
    if told.audience.sees_details() {
        if let Some((what, name)) = named(told.about) {
            put(what, json!(name));
        }
        put("vendor", json!(told.offboarding.0));
        put("checklist", json!(told.offboarding.1));
        put("session", session(told.topic, body));
        put("exception", exception(body));
        put("cause", json!(text(body, "cause")));
        if told.topic == Topic::Filed {
            let of = |key| text(body, key);
            put(
                "page",
                json!({"receiver": of("receiver"), "remote": of("remote"), "sha256": of("sha256")}),
            );
        }
    }
    let kind = kind(told.about, told.topic, told.audience);
    json!({"data": data, "timestamp": text(body, "at"), "type": kind})
}

/// What happened. Its type may tell what its audience may not know.
fn record(told: &Event<'_>) -> Value {
    let (id, seq, sha256) = (told.id, told.record.seq, told.sha256);
    if told.audience.sees_details() {
        json!({"id": id, "seq": seq, "sha256": sha256, "type": told.record.kind})
    } else {
        json!({"id": id, "seq": seq, "sha256": sha256})
    }
}

/// What it is about, where that is neither a revocation nor an offboarding.
fn named(about: &str) -> Option<(&'static str, &str)> {
    let target = about.strip_prefix("target:").map(|name| ("target", name));
    let period = about.strip_prefix("attestation:").map(|name| ("attestation", name));
    target.or(period).or_else(|| about.starts_with("ntc_").then_some(("notice", about)))
}

/// The revocation as the log holds it, as far as its audience may know it.
fn revocation(told: &Event<'_>, stored: &Evidenced, life: &Life) -> Value {
    let asked = stored.landed_revocation.as_deref().unwrap_or(&stored.revocation);
    let missed =
        |one: &&Milestone| life.missed.get(**one).is_some() && life.met.get(**one).is_none();
    let due = matches!(life.state, State::Open | State::Regressed);
    let overdue: Vec<_> = Milestone::ALL.iter().filter(missed).filter(|_| due).collect();
    let details = told.audience.sees_details();
    let state = if details { life.state } else { outline::state(life.state) };
    let mut shown = json!({
        "deadlines": asked.deadlines,
        "effective_at": asked.effective_at,
        "first_clean_at": life.first_clean_at,
        "id": asked.id,
        "overdue": overdue,
        "received_at": asked.received_at,
        "state": state,
        "ticket": ticket(asked),
        "verified_at": life.verified_at,
    });
    if let (Value::Object(shown), true) = (&mut shown, details) {
        shown.extend(access(asked, stored, life));
    }
    shown
}

/// What the access is.
fn access(asked: &Revocation, stored: &Evidenced, life: &Life) -> Map<String, Value> {
    let named = asked.accounts.iter().filter_map(|name| name.target.as_deref());
    let linked = stored.accounts.iter().map(|account| account.target.as_str());
    let targets: BTreeSet<&str> = linked.chain(named).collect();
    let role = |one: &crate::domain::account::Account| json!({"oid": one.oid, "role": one.role, "target": one.target});
    let roles: Vec<Value> = stored.accounts.iter().take(ROLES).map(role).collect();
    let evidence = &stored.evidence;
    let looked = evidence.verdict.is_some();
    // That nothing is left is told once the log has it.
    let clean = life.first_clean_at.is_some();
    let found = Some(evidence.residual.len()).filter(|count| looked && (*count > 0 || clean));
    let more = json!({
        "as_of": evidence.as_of,
        "findings": found,
        "gaps": looked.then_some(evidence.gaps.len()),
        "kind": asked.kind,
        "missing": looked.then_some(evidence.missing.len()),
        "reason": asked.reason,
        "roles": roles,
        "roles_total": stored.accounts.len(),
        "targets": targets,
    });
    if let Value::Object(more) = more { more } else { Map::new() }
}

/// Where the API of this agent has more.
fn links(id: &str) -> Value {
    let at = format!("/api/v1/revocations/{id}");
    json!({"evidence": format!("{at}/evidence"), "proof": format!("{at}/proof"), "revocation": at})
}

/// A session that began after the end.
fn session(topic: Topic, body: &Map<String, Value>) -> Value {
    if topic != Topic::Used {
        return Value::Null;
    }
    let account = body.get("account").and_then(Value::as_object);
    let of = |key: &str| account.and_then(|account| account.get(key));
    json!({
        "began_at": text(body, "began_at"), "because": text(body, "because"), "role": of("role"),
        "target": of("target"),
    })
}

/// The permission that it is about.
fn exception(body: &Map<String, Value>) -> Value {
    let Some(id) = text(body, "exception") else { return Value::Null };
    json!({"id": id, "kind": text(body, "exception_kind"), "until": text(body, "until")})
}

/// The one event that tells of others, which could not be sent in time.
#[must_use]
pub fn late(told: &Late<'_>) -> Value {
    let one = |one: &Missed<'_>| {
        json!({
            "about": one.about, "record": {"id": one.record, "seq": one.seq},
            "type": kind(one.about, one.topic, told.audience),
        })
    };
    let missed: Vec<Value> = told.missed.iter().map(one).collect();
    json!({
        "data": {
            "checkpoint_size": told.cite.size, "delivery": told.delivery, "events": missed,
            "total": told.total,
        },
        "timestamp": told.at, "type": "events.late",
    })
}

/// An event that says nothing, to see whether it arrives.
#[must_use]
pub fn test(now: UtcTime) -> Value {
    let text = "A test of this endpoint. Nothing happened, and the audit log has no record of it.";
    json!({"data": {"text": text}, "timestamp": now, "type": "test"})
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
