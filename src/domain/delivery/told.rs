//! Which records are told: those of a state that changed, and each once.

use super::{RecordKind, Topic};
use crate::domain::campaign::{Hearer, Tone};
use serde_json::{Map, Value};

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is about.
    pub topic: Topic,
    /// Id of the revocation or of the notice, or `target:NAME`.
    pub about: String,
    /// Reason of the revocation; empty where there is none.
    pub reason: String,
}

/// What is told of the record `kind` with the content `body`.
#[must_use]
pub fn told(kind: &str, body: &Map<String, Value>) -> Vec<Told> {
    let Some(kind) = RecordKind::from_word(kind) else { return Vec::new() };
    if let Some(campaign) = body.get("campaign").and_then(Value::as_str) {
        return of_campaign(topic(kind, body), campaign, body);
    }
    let word = |key: &str| body.get(key).and_then(Value::as_str);
    let account = body.get("account").and_then(|account| account.get("target"));
    if let Some(name) = word("attestation").filter(|_| kind == RecordKind::PeriodEnded) {
        // Where it is filed is the route in `reason`.
        let lane = format!("attestation:{name}");
        return vec![Told { topic: Topic::Attestation, about: lane.clone(), reason: lane }];
    }
    let target = word("target").or_else(|| account.and_then(Value::as_str));
    // A page may be about a revocation, a checklist or a period that is attested.
    let filed = word("about").filter(|_| kind == RecordKind::Published);
    let filed = filed.map(|about| match word("what") {
        Some("attestation") => format!("attestation:{about}"),
        _ => about.to_owned(),
    });
    let about = match (word("revocation").or(filed.as_deref()), target, word("notice")) {
        (Some(revocation), _, _) => revocation.to_owned(),
        (None, Some(target), _) => format!("target:{target}"),
        (None, None, Some(notice)) => notice.to_owned(),
        (None, None, None) => return Vec::new(),
    };
    let edits = word("revocation").is_some() && changes(kind);
    let one = |topic| Told {
        topic,
        about: about.clone(),
        reason: word("reason").unwrap_or_default().to_owned(),
    };
    let filed = (word("revocation").is_some() && closes(kind)).then_some(Topic::Closure);
    let again = takes_back(kind, body).then_some(Topic::Reopened);
    let told = topic(kind, body).into_iter().chain(again).chain(edits.then_some(Topic::Status));
    told.chain(filed).map(one).collect()
}

/// What is told of a campaign: a team of its consumers, from some time on its lead and security too, each in a lane of its
/// own; and how the campaign stands. Where each goes is the route in `reason`.
fn of_campaign(topic: Option<Topic>, campaign: &str, body: &Map<String, Value>) -> Vec<Told> {
    let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let team = word("team");
    let one = |topic, about: String, reason: String| Told { topic, about, reason };
    match topic {
        Some(Topic::Nudge) => {
            let about = format!("campaign:{campaign}/{team}");
            let tone = Tone::from_word(word("tone")).unwrap_or(Tone::Polite);
            // Of what they have in hand neither they are told, nor whoever is told before them.
            let in_hand = Hearer::from_word(word("in_hand"));
            let told = |who: &Hearer| match who {
                Hearer::Team => one(Topic::Nudge, about.clone(), format!("team:{team}")),
                Hearer::Lead => {
                    one(Topic::NudgeLead, format!("{about}:lead"), format!("lead:{team}"))
                }
                Hearer::Security => {
                    let lane = format!("{about}:security");
                    one(Topic::NudgeSecurity, lane, "security".to_owned())
                }
            };
            Hearer::ALL.iter().filter(|who| who.hears(tone, in_hand)).map(told).collect()
        }
        // Where the button was pressed: nobody who is told later rests by it.
        Some(Topic::Acknowledged) => {
            let (lane, route) = match word("asked_in") {
                "lead" => (":lead", format!("lead:{team}")),
                "security" => (":security", "security".to_owned()),
                _ => ("", format!("team:{team}")),
            };
            vec![one(Topic::Acknowledged, format!("campaign:{campaign}/{team}{lane}"), route)]
        }
        // Each begins a thread of its own, or nobody would see it.
        Some(Topic::Sweep) => {
            let about = format!("campaign:{campaign}@{}", word("slot"));
            vec![one(Topic::Sweep, about, "security".to_owned())]
        }
        Some(_) | None => Vec::new(),
    }
}

/// Whether a record takes back what was proved: by asking for more, by what was said of whose a role is, or by a legal hold.
fn takes_back(kind: RecordKind, body: &Map<String, Value>) -> bool {
    use RecordKind as K;
    let before = body.get("state_before").and_then(Value::as_str);
    matches!(kind, K::Amended | K::Linked | K::ExceptionGranted) && before == Some("verified")
}

/// What a record is told as, if it is. Each is here, so that nobody is left untold by mistake.
fn topic(kind: RecordKind, body: &Map<String, Value>) -> Option<Topic> {
    use RecordKind as K;
    let word = |key: &str| body.get(key).and_then(Value::as_str);
    let yes = |key: &str| body.get(key).and_then(Value::as_bool) == Some(true);
    let of_one = word("revocation").is_some();
    match kind {
        K::Triggered => Some(Topic::Opened),
        K::Observation => {
            let begins = word("label") == Some("before") || yes("due");
            (begins && word("verdict") == Some("residual")).then_some(Topic::Residual)
        }
        K::Verified => Some(Topic::Verified),
        // Without a milestone a name became known that nobody looked for, or it is a question whose a role is: it is open
        // again, and nothing was missed.
        K::Failed | K::Inconclusive if word("milestone").is_none() => Some(Topic::Reopened),
        K::Failed | K::Inconclusive => Some(Topic::Overdue),
        K::Regressed => Some(Topic::Regressed),
        K::Used => Some(Topic::Used),
        K::ApprovalRequested | K::ExceptionRequested => Some(Topic::Asked),
        K::Amended => Some(Topic::Changed),
        K::Withdrawn => Some(Topic::Withdrawn),
        K::ExceptionGranted => Some(Topic::Excepted),
        // What was never granted ends nothing, and what another one replaces goes on.
        K::ExceptionExpired => {
            let due = matches!(word("state"), Some("open" | "regressed"));
            (yes("granted") && due && word("ending") != Some("replaced")).then_some(Topic::Resumed)
        }
        K::EmergencyUnapproved => Some(Topic::Unapproved),
        // What was decided about it needs nobody any more.
        K::Quarantined => (word("outcome") == Some("quarantined")).then_some(Topic::Held),
        // Of the target; and of each revocation whose proof it takes away.
        K::CanaryMissed if of_one => {
            (word("state_before") == Some("verified")).then_some(Topic::Reopened)
        }
        K::CanaryMissed => Some(Topic::Blind),
        K::CanaryDetected => word("missed_at").map(|_| Topic::Sighted),
        K::Published => Some(Topic::Filed),
        K::Nudged => Some(Topic::Nudge),
        K::Swept => Some(Topic::Sweep),
        K::Acknowledged => Some(Topic::Acknowledged),
        K::AcknowledgementEnded => (word("ended") == Some("over")).then_some(Topic::Reminder),
        // Parts of what is told anyway: of an opening, of a verification, of a message itself, of the next sweep.
        K::Validated
        | K::Subject
        | K::Linked
        | K::Disabled
        | K::Revoked
        | K::Notified
        | K::OutboxChanged
        | K::Claimed
        | K::ClaimWithdrawn
        | K::Observed
        | K::PageChanged
        // A page is filed for it, and nobody is told in words.
        | K::PeriodEnded
        // What somebody says or decided, and nobody has to act upon.
        | K::Archived
        | K::Attested
        | K::ExceptionReviewed
        | K::EmergencyApproved
        | K::Erasure
        // Of the agent itself: these have metrics and alerts.
        | K::CoverageChanged
        | K::ConfigChanged
        | K::Anchored => None,
    }
}

/// Whether the first message of a thread may say something else after such a record.
fn changes(kind: RecordKind) -> bool {
    use RecordKind as K;
    match kind {
        K::Observation
        | K::Disabled
        | K::Revoked
        | K::Failed
        | K::Inconclusive
        | K::Verified
        | K::Regressed
        | K::ExceptionGranted
        | K::ExceptionExpired
        | K::EmergencyApproved
        | K::EmergencyUnapproved
        | K::Withdrawn
        | K::Amended
        | K::Linked
        | K::Acknowledged
        | K::AcknowledgementEnded
        | K::CanaryMissed => true,
        K::Triggered
        | K::Validated
        | K::Archived
        | K::Attested
        | K::Used
        | K::ApprovalRequested
        | K::ExceptionRequested
        | K::ExceptionReviewed
        | K::Subject
        | K::Erasure
        | K::Quarantined
        | K::Nudged
        | K::Claimed
        | K::ClaimWithdrawn
        | K::Observed
        | K::Swept
        | K::Notified
        | K::PeriodEnded
        | K::Published
        | K::PageChanged
        | K::OutboxChanged
        | K::CanaryDetected
        | K::CoverageChanged
        | K::ConfigChanged
        | K::Anchored => false,
    }
}

/// Whether a revocation, or the last one of a vendor's offboarding, may be at its end with such a record.
fn closes(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Verified | RecordKind::Withdrawn)
}

#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
