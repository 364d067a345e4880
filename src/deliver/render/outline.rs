//! What is told to who answers for a person or a vendor: that access has to end, is late, or has ended. Whose roles they
//! are, what they may do, and why it ends is not theirs to know.

use super::one::Brief;
use super::words::{text, when, when_in};
use crate::deliver::message::{Fact, Message};
use crate::domain::delivery::Topic;
use crate::domain::milestone::Milestone;
use crate::domain::revocation::{Revocation, State};

/// A ticket that is one word: what is longer may say anything.
pub(super) fn ticket(asked: &Revocation) -> Option<&str> {
    let word = |text: &str| text.len() <= 100 && text.bytes().all(|b| b.is_ascii_graphic());
    asked.ticket.as_deref().filter(|text| !text.is_empty() && word(text))
}

/// As what it is told to them: that access was permitted for a while is not theirs to know.
pub(super) fn topic(topic: Topic) -> Topic {
    if topic == Topic::Resumed { Topic::Opened } else { topic }
}

/// How it stands, as far as they may know it.
pub(super) fn state(state: State) -> State {
    if state == State::Excepted { State::Open } else { state }
}

/// The message; `None` where there is nothing to tell any more.
#[must_use]
pub fn outline(brief: &Brief<'_>) -> Option<Message> {
    let stored = brief.stored?;
    let asked = stored.landed_revocation.as_deref().unwrap_or(&stored.revocation);
    let life = stored.landed.as_deref()?;
    let (body, state) = (&brief.record.body, life.state);
    let due = matches!(state, State::Open | State::Regressed);
    let title = match brief.topic {
        Topic::Opened if state == State::Scheduled => Some("Access will have to end"),
        Topic::Opened | Topic::Resumed => due.then_some("Access has to end"),
        Topic::Reopened => due.then_some("Access has to end: that it did is no longer proved"),
        Topic::Regressed => due.then_some("Access has to end again"),
        Topic::Overdue => {
            let which = Milestone::from_word(text(body, "milestone")?)?;
            (due && life.met.get(which).is_none()).then_some("Overdue: access had to end")
        }
        Topic::Verified => {
            (state == State::Verified).then_some("Verified: what had to end has ended")
        }
        Topic::Withdrawn => Some("Nothing is expected any more"),
        Topic::Used
        | Topic::Blind
        | Topic::Unapproved
        | Topic::Reminder
        | Topic::Acknowledged
        | Topic::NudgeSecurity
        | Topic::NudgeLead
        | Topic::Nudge
        | Topic::Residual
        | Topic::Held
        | Topic::Asked
        | Topic::Changed
        | Topic::Digest
        | Topic::Sweep
        | Topic::Excepted
        | Topic::Sighted
        | Topic::Filed
        | Topic::Status
        | Topic::Closure
        | Topic::Attestation => None,
    }?;
    let mut facts = vec![Fact::ours("Revocation", asked.id.clone())];
    facts.extend(ticket(asked).map(|ticket| Fact::theirs("Ticket", ticket)));
    if brief.topic == Topic::Overdue {
        facts.extend(when_in(body, "deadline").map(|at| Fact::ours("Was due", at)));
    } else if brief.topic == Topic::Verified {
        facts.extend(life.verified_at.map(|at| Fact::ours("Verified", when(at))));
    } else if brief.topic != Topic::Withdrawn {
        facts.push(Fact::ours("Effective", when(asked.effective_at)));
        let last = Milestone::ALL.iter().filter_map(|one| asked.deadlines.get(*one)).max();
        facts.extend(last.map(|at| Fact::ours("Due", when(at))));
    }
    Some(Message {
        title: title.to_owned(),
        facts,
        cite: brief.cite.line(brief.record.seq),
        urgent: brief.topic.is_urgent(),
        ..Message::default()
    })
}
