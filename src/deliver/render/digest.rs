//! Many things in one message: counted, and the first that matter listed.

use super::outline;
use super::words::{Cite, ROWS, next, run, say, spaced, standing};
use crate::deliver::message::{Fact, Message, Table};
use crate::domain::delivery::Topic;
use crate::domain::time::UtcTime;
use crate::store::Stored;

/// What a digest tells.
#[derive(Clone, Debug)]
pub struct Digested<'a> {
    /// How many there are, by topic and reason.
    pub counts: &'a [(Topic, String, u64)],
    /// The first of them, what is to be read first before the rest.
    pub samples: &'a [Sample<'a>],
    /// When the oldest of the samples was queued, if that is long ago.
    pub late_since: Option<UtcTime>,
    /// A vendor offboarding: its checklist.
    pub checklist: Option<&'a str>,
    /// Whose roles they are, and why they end, may be said.
    pub details: bool,
    /// Line of the newest record it tells.
    pub seq: u64,
    /// The newest checkpoint.
    pub cite: &'a Cite,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// What about.
    pub topic: Topic,
    /// Revocation or target.
    pub about: &'a str,
    /// The revocation.
    pub stored: Option<&'a Stored>,
}

fn phrase(topic: Topic, count: u64) -> String {
    let of = |one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    match topic {
        Topic::Used => of("use after the end", "uses after the end"),
        Topic::Regressed => of("has access again", "have access again"),
        Topic::Blind => of("target is blind", "targets are blind"),
        Topic::Unapproved => of("emergency not approved", "emergencies not approved"),
        Topic::Overdue => of("deadline missed", "deadlines missed"),
        Topic::Reminder => of("late still", "late still"),
        Topic::Acknowledged => of("in hand", "in hand"),
        Topic::Reopened => of("verified no more", "verified no more"),
        Topic::Residual => of("still has access", "still have access"),
        Topic::Resumed => of("exception over", "exceptions over"),
        Topic::Held => of("notice held", "notices held"),
        Topic::Asked => of("request waits", "requests wait"),
        Topic::Opened => of("revocation opened", "revocations opened"),
        Topic::Changed => of("revocation changed", "revocations changed"),
        Topic::Verified => of("verified", "verified"),
        Topic::Excepted => of("exception granted", "exceptions granted"),
        Topic::Withdrawn => of("withdrawn", "withdrawn"),
        Topic::Sighted => of("target is seen again", "targets are seen again"),
        Topic::NudgeSecurity => of("team late for longest", "teams late for longest"),
        Topic::NudgeLead | Topic::Nudge => of("reminder", "reminders"),
        Topic::Sweep => of("sweep", "sweeps"),
        Topic::Digest => of("digest", "digests"),
        Topic::Status => of("change", "changes"),
        Topic::Closure | Topic::Filed => of("record filed", "records filed"),
        Topic::Attestation => of("period attested", "periods attested"),
    }
}

/// The message.
#[must_use]
pub fn digest(what: &Digested<'_>) -> Message {
    let mut topics: Vec<(Topic, u64)> = Vec::new();
    let mut reasons: Vec<(&str, u64)> = Vec::new();
    for (topic, reason, count) in what.counts {
        let topic = if what.details { *topic } else { outline::topic(*topic) };
        match topics.iter_mut().find(|(known, _)| *known == topic) {
            Some((_, all)) => *all += count,
            None => topics.push((topic, *count)),
        }
        if reason.is_empty() || !what.details {
            continue;
        }
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, all)) => *all += count,
            None => reasons.push((reason, *count)),
        }
    }
    topics.sort_by_key(|(topic, _)| topic.rank());
    let total = topics.iter().map(|(_, count)| count).sum();
    let said: Vec<String> = topics.iter().map(|(topic, count)| phrase(*topic, *count)).collect();
    let title = match (what.checklist, what.late_since) {
        (Some(_), _) => format!("Vendor offboarding: {}", said.join(", ")),
        (None, Some(_)) => format!("Told late: {}", said.join(", ")),
        (None, None) => said.join(", "),
    };
    let mut facts = Vec::new();
    if let Some(checklist) = what.checklist {
        facts.push(Fact::ours("Checklist", checklist));
    }
    if !reasons.is_empty() {
        let by = reasons.iter().map(|(reason, count)| format!("{} {count}", spaced(reason)));
        facts.push(Fact::ours("By reason", by.collect::<Vec<_>>().join(", ")));
    }
    let mut notes = Vec::new();
    if let Some(since) = what.late_since {
        facts.push(Fact::ours("Since", super::words::when(since)));
        notes.push("None of this could be told when it happened.".to_owned());
    }
    let urgent = topics.iter().any(|(topic, _)| topic.is_urgent());
    let rows = what.samples.iter().take(ROWS).map(|one| row(one, what.details)).collect();
    let columns = if what.details {
        vec!["what", "revocation", "role", "state"]
    } else {
        vec!["what", "revocation", "state"]
    };
    let commands = what.details.then(|| {
        next([
            run("revoked status"),
            say(" has them all, overdue first; "),
            run("revoked outbox list"),
            say(" says what each message told."),
        ])
    });
    Message {
        title,
        facts,
        table: Some(Table { columns, rows, total }),
        notes,
        next: commands.flatten(),
        cite: what.cite.line(what.seq),
        urgent,
        acknowledges: None,
    }
}

fn row(sample: &Sample<'_>, details: bool) -> Vec<String> {
    let stored = sample.stored;
    let life = stored.and_then(|stored| stored.landed.as_deref());
    let about = sample.about.to_owned();
    if !details {
        let now = life.map_or("–", |life| standing(outline::state(life.state)));
        return vec![spaced(outline::topic(sample.topic).as_str()), about, now.to_owned()];
    }
    let now = life.map_or("–", |life| standing(life.state)).to_owned();
    let what = spaced(sample.topic.as_str());
    let account = stored.and_then(|stored| stored.accounts.first());
    let role = account.map_or_else(
        || "none found yet".to_owned(),
        |account| format!("{} on {}", account.role, account.target),
    );
    vec![what, about, role, now]
}
