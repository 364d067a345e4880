//! Messages of rotation campaigns: to a team about its consumers, and to security about all of them.

use super::words::{Cite, ROWS, counted, lasting, next, number, run, say, spaced, text, when};
use crate::deliver::message::{Fact, Message, Part, Table};
use crate::domain::acknowledged::Acknowledged;
use crate::domain::campaign::{Consumer, Hearer, Tone};
use crate::domain::delivery::Topic;
use crate::domain::effective::zone;
use crate::domain::time::UtcTime;
use crate::store::{KeptConsumer, ToldRecord};
use serde_json::{Map, Value};

/// Why who was told before is not reminded along with who is told later.
const IN_HAND: &str = "Somebody who was told before has it in hand, and is not reminded for a while. It is late all the same.";

/// What is known of a campaign's record that is to be told.
#[derive(Clone, Copy, Debug)]
pub struct Chased<'a> {
    /// What about.
    pub topic: Topic,
    /// Id of the lane: a team in a campaign, its lead, or security.
    pub about: &'a str,
    /// The record.
    pub record: &'a ToldRecord,
    /// The campaign's consumers, as they stand now.
    pub consumers: &'a [KeptConsumer],
    /// The newest sweep of the campaign.
    pub slot: Option<UtcTime>,
    /// Somebody has the team's consumers in hand, so that nobody is reminded.
    pub rests: Option<&'a Acknowledged>,
    /// The newest checkpoint.
    pub cite: &'a Cite,
}

/// The message; `None` where there is nothing to tell any more: nobody is late now, or a newer one tells it.
#[must_use]
pub fn campaign(chased: &Chased<'_>) -> Option<Message> {
    let message = if chased.topic == Topic::Sweep {
        chased.digest()
    } else if chased.topic == Topic::Acknowledged {
        chased.in_hand()
    } else {
        chased.nudge()
    }?;
    Some(Message {
        cite: chased.cite.line(chased.record.seq),
        urgent: chased.topic.is_urgent(),
        ..message
    })
}

/// An instant of a record.
fn instant(body: &Map<String, Value>, key: &str) -> Option<UtcTime> {
    text(body, key)?.parse().ok()
}

/// An instant in somebody's own zone, to the minute.
fn local(at: UtcTime, name: &str) -> String {
    let timestamp = jiff::Timestamp::from_microsecond(at.micros()).ok();
    match (timestamp, zone(name)) {
        (Some(at), Ok(zone)) => at.to_zoned(zone).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        _ => when(at),
    }
}

fn lasted(from: UtcTime, to: UtcTime) -> String {
    lasting(u64::try_from(to.since(from).as_micros()).unwrap_or(u64::MAX))
}

impl Chased<'_> {
    fn body(&self) -> &Map<String, Value> {
        &self.record.body
    }

    fn credentials(&self) -> Vec<Fact> {
        let name = |key: &str| text(self.body(), key).unwrap_or_default().to_owned();
        vec![
            Fact::ours("Campaign", name("campaign")),
            Fact::theirs("Old credential", name("old")),
            Fact::theirs("New credential", name("new")),
        ]
    }

    /// Somebody has the team's consumers in hand.
    fn in_hand(&self) -> Option<Message> {
        let known = self.rests?;
        let said = format!(" since {}; no reminders until {}", when(known.at), when(known.until));
        let by = vec![Part::SlackUser(known.by.user.clone()), Part::Ours(said)];
        let mut facts = self.credentials();
        facts.insert(1, Fact::theirs("Team", text(self.body(), "team").unwrap_or_default()));
        facts.push(Fact { label: "Acknowledged by", parts: by });
        Some(Message {
            title: "Somebody has it in hand".to_owned(),
            facts,
            notes: vec![
                "A consumer is closed once it is seen to use the new credential, and by nothing that anybody says."
                    .to_owned(),
            ],
            ..Message::default()
        })
    }

    /// To a team, its lead or security. Whoever was reminded again since is in the newer message.
    fn nudge(&self) -> Option<Message> {
        let body = self.body();
        let at = instant(body, "at")?;
        // Whoever is told later than they who pressed said nothing, and hears of it as ever.
        let rests = self.rests.filter(|known| self.hearer() <= known.up_to());
        // What was to be said before the press waited here meanwhile: who pressed had not read it. Nor of what is late since.
        let in_hand =
            |one: &Consumer| rests.is_some_and(|known| at > known.at && one.was_overdue(known.at));
        let ids: Vec<&str> =
            super::words::items(body, "consumers").iter().filter_map(Value::as_str).collect();
        let of_this = |one: &&KeptConsumer| {
            let consumer = &one.kept.consumer;
            let late = consumer.overdue(at).is_some() && consumer.nudged_at == Some(at);
            late && ids.contains(&one.kept.id.as_str()) && !in_hand(consumer)
        };
        let mut late: Vec<&Consumer> =
            self.consumers.iter().filter(of_this).map(|one| &one.kept.consumer).collect();
        if late.is_empty() {
            return None;
        }
        late.sort_by_key(|one| one.deadline);
        let tone = text(body, "tone").and_then(Tone::from_word).unwrap_or(Tone::Polite);
        let zone = text(body, "time_zone").unwrap_or("UTC");
        let count = counted(late.len() as u64, "consumer", "consumers");
        let team = text(body, "team").unwrap_or_default();
        let (title, note) = said(self.topic, tone, &count, team);
        let told_before = text(body, "in_hand").map(|_| IN_HAND);
        let mut facts = self.credentials();
        facts.insert(1, Fact::theirs("Team", team));
        let rows = late.iter().take(ROWS).map(|one| {
            vec![
                one.name.clone(),
                local(one.deadline, zone),
                lasted(one.deadline, at),
                one.old_used_at.map_or_else(|| "–".to_owned(), |at| local(at, zone)),
                one.nudges.to_string(),
            ]
        });
        Some(Message {
            title,
            facts,
            table: Some(Table {
                columns: vec!["consumer", "deadline", "late by", "old one seen", "reminders"],
                rows: rows.collect(),
                total: late.len() as u64,
            }),
            notes: [Some(note), told_before].into_iter().flatten().map(str::to_owned).collect(),
            next: next([
                say(
                    "switch each to the new credential. It is closed once it is seen to use that; ",
                ),
                run(format!("revoked campaign confirm {} CONSUMER", self.name())),
                say(" ends the reminders until then."),
            ]),
            acknowledges: rests.is_none().then(|| self.about.to_owned()),
            ..Message::default()
        })
    }

    /// Who is told in this lane.
    fn hearer(&self) -> Hearer {
        if self.topic == Topic::NudgeSecurity {
            Hearer::Security
        } else if self.topic == Topic::NudgeLead {
            Hearer::Lead
        } else {
            Hearer::Team
        }
    }

    fn name(&self) -> &str {
        text(self.body(), "campaign").unwrap_or_default()
    }

    /// To security: how all of them stand, also where nothing is outstanding.
    fn digest(&self) -> Option<Message> {
        let body = self.body();
        let slot = instant(body, "slot")?;
        if self.slot.is_some_and(|newest| newest > slot) {
            return None;
        }
        let empty = Map::new();
        let part = |key: &str| body.get(key).and_then(Value::as_object).unwrap_or(&empty);
        let (standing, late) = (part("standing"), part("late"));
        let total = number(body, "total");
        let outstanding = number(standing, "pending") + number(standing, "reopened");
        let overdue: u64 = late.values().filter_map(Value::as_u64).sum();
        let read = body.get("list_read").and_then(Value::as_bool) == Some(true);
        let title = match (read, outstanding) {
            (false, _) => format!("Rotation {}: the list of consumers cannot be read", self.name()),
            (true, 0) => format!("Rotation {}: nothing outstanding", self.name()),
            (true, _) => format!(
                "Rotation {}: {outstanding} of {total} outstanding, {overdue} overdue",
                self.name()
            ),
        };
        let mut facts = self.credentials();
        facts.extend(instant(body, "deadline").map(|at| Fact::ours("Deadline", when(at))));
        facts.push(Fact::ours("Consumers", shares(standing, total)));
        if overdue > 0 {
            facts.push(Fact::ours("Overdue", counts(late)));
        }
        let mut notes = Vec::new();
        if !read {
            let known = instant(body, "list_read_at").map_or_else(
                || "it was never read, so nothing is known of them".to_owned(),
                |at| format!("what is said here is of the list of {}", when(at)),
            );
            notes.push(format!("The list of consumers could not be read: {known}."));
        }
        if number(standing, "unlisted") > 0 {
            notes.push(
                "Unlisted: in the list no more, and never seen to use the new credential."
                    .to_owned(),
            );
        }
        if number(standing, "claimed") > 0 {
            notes.push("Claimed: somebody says so; nobody has seen it yet.".to_owned());
        }
        Some(Message {
            title,
            facts,
            table: self.outstanding(outstanding),
            notes,
            next: next([
                run(format!("revoked campaign show {}", self.name())),
                say(" has every consumer, and when it was seen to use what."),
            ]),
            ..Message::default()
        })
    }

    /// Who has to act, the latest first.
    fn outstanding(&self, total: u64) -> Option<Table> {
        let at = instant(self.body(), "at")?;
        let open = self.consumers.iter().map(|one| &one.kept.consumer);
        let mut open: Vec<&Consumer> = open.filter(|one| one.standing.is_outstanding()).collect();
        open.sort_by_key(|one| one.deadline);
        let rows = open.iter().take(ROWS).map(|one| {
            let late = if at > one.deadline { lasted(one.deadline, at) } else { "–".to_owned() };
            vec![
                one.name.clone(),
                one.team.clone(),
                spaced(one.standing.as_str()),
                late,
                one.nudges.to_string(),
            ]
        });
        (!open.is_empty()).then(|| Table {
            columns: vec!["consumer", "team", "stands", "late by", "reminders"],
            rows: rows.collect(),
            total: total.max(open.len() as u64),
        })
    }
}

fn counts(of: &Map<String, Value>) -> String {
    let some = of.iter().filter(|(_, count)| count.as_u64() != Some(0));
    let said: Vec<String> = some.map(|(word, count)| format!("{} {count}", spaced(word))).collect();
    said.join(", ")
}

/// How many stand where, and how far it is.
fn shares(standing: &Map<String, Value>, total: u64) -> String {
    let closed = number(standing, "closed");
    let share = (closed * 100).checked_div(total).unwrap_or(0);
    format!("{total} in all: {}. {share} % are seen to use the new one", counts(standing))
}

/// Title and tone of a reminder.
fn said(topic: Topic, tone: Tone, count: &str, team: &str) -> (String, &'static str) {
    if topic == Topic::NudgeLead {
        return (
            format!("Team {team} is late: {count} not on the new credential"),
            "The team was reminded several times. Please see to it that somebody does it.",
        );
    }
    if topic == Topic::NudgeSecurity {
        return (
            format!("Team {team} is late for longest: {count} not on the new credential"),
            "Team and lead were reminded. The old credential cannot be retired without breaking them.",
        );
    }
    match tone {
        Tone::Polite => (
            format!("A reminder: {count} not on the new credential yet"),
            "The deadline is over. If something is in the way, please tell security.",
        ),
        Tone::Firm => (
            format!("Overdue: {count} not on the new credential"),
            "The deadline is over by more than a reminder should take. Please do it today.",
        ),
        Tone::Lead => (
            format!("Overdue for days: {count} not on the new credential"),
            "Your lead is told too.",
        ),
        Tone::Security => (
            format!("Overdue for longest: {count} not on the new credential"),
            "Your lead and security are told too.",
        ),
    }
}

#[cfg(test)]
#[path = "campaign_tests.rs"]
mod tests;
