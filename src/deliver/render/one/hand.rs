//! That somebody has in hand what is late, and that this is over. It proves nothing, and no message says so.

use super::super::words::{milestone, when};
use super::{Brief, Of};
use crate::deliver::message::{Fact, Message, Part};
use crate::domain::delivery::Topic;

impl Brief<'_> {
    /// What a button below the message acknowledges: a revocation that is late, and that nobody has in hand.
    pub(super) fn acknowledges(&self) -> Option<String> {
        let begs = matches!(
            self.topic,
            Topic::Overdue | Topic::Reminder | Topic::Residual | Topic::Regressed | Topic::Status
        );
        let of = self.of().filter(|of| begs && of.rests.is_none())?;
        let late = !of.life.late().is_empty() && !of.stored.evidence.no_account;
        late.then(|| of.asked.id.clone())
    }
}

impl Of<'_> {
    /// Who has it in hand, and until when nobody is reminded.
    pub(super) fn in_hand(&self) -> Option<Fact> {
        let known = self.rests?;
        let said = format!(" since {}; no reminders until {}", when(known.at), when(known.until));
        let parts = vec![Part::SlackUser(known.by.user.clone()), Part::Ours(said)];
        Some(Fact { label: "Acknowledged by", parts })
    }

    pub(super) fn acknowledged(&self) -> Option<Message> {
        // Over by now, or settled.
        let known = self.in_hand()?;
        Some(Message {
            title: "Somebody has it in hand".to_owned(),
            facts: self.with([known]),
            notes: vec![
                "It stays overdue until looks find that access has ended: an acknowledgement is no evidence."
                    .to_owned(),
            ],
            ..Message::default()
        })
    }

    /// The time is over for which somebody had it in hand.
    pub(super) fn reminder(&self) -> Option<Message> {
        let late = self.life.late();
        if late.is_empty() || self.rests.is_some() {
            return None;
        }
        let late: Vec<&str> = late.into_iter().map(milestone).collect();
        Some(Message {
            title: format!("Overdue still: {}", late.join(", ")),
            facts: self.with(self.terms()),
            notes: vec!["Somebody had it in hand, and the time for that is over.".to_owned()],
            next: self.removal(),
            ..Message::default()
        })
    }
}
