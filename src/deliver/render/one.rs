//! The message of one record.

mod hand;
mod kept;
mod lost;
mod proof;

use super::words::{
    Cite, accounts, findings, kind, milestone, next, reason, run, say, standing as word_of, when,
};
use crate::deliver::message::{Fact, Message};
use crate::domain::acknowledged::Acknowledged;
use crate::domain::delivery::Topic;
use crate::domain::exception::Exception;
use crate::domain::lifecycle::Life;
use crate::domain::milestone::Milestone;
use crate::domain::revocation::{Revocation, State};
use crate::store::{Evidenced, ToldRecord};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// What is told where nothing is left but that.
const HELD: &str = "Data are kept: a legal hold";

/// What is known of what is to be told.
#[derive(Clone, Copy, Debug)]
pub struct Brief<'a> {
    /// What about.
    pub topic: Topic,
    /// The record.
    pub record: &'a ToldRecord,
    /// The revocation, if it is about one.
    pub stored: Option<&'a Evidenced>,
    /// The observation that a verification rests on.
    pub after: Option<&'a Map<String, Value>>,
    /// Somebody has it in hand, so that nobody is reminded.
    pub rests: Option<&'a Acknowledged>,
    /// The newest checkpoint.
    pub cite: &'a Cite,
}

/// The message; `None` where there is nothing to tell any more.
#[must_use]
pub fn one(brief: &Brief<'_>) -> Option<Message> {
    let message = match brief.topic {
        Topic::Opened => Some(brief.of()?.opened(true)),
        Topic::Status => Some(brief.of()?.opened(false)),
        Topic::Changed => brief.of()?.changed(),
        Topic::Residual => brief.of()?.residual(),
        Topic::Overdue => brief.of()?.overdue(),
        Topic::Reminder => brief.of()?.reminder(),
        Topic::Acknowledged => brief.of()?.acknowledged(),
        Topic::Verified => brief.of()?.verified(),
        Topic::Reopened => brief.of()?.reopened(),
        Topic::Regressed => Some(brief.of()?.regressed()),
        Topic::Asked => brief.of()?.asked(),
        Topic::Excepted => brief.of()?.excepted(),
        Topic::Resumed => brief.of()?.resumed(),
        Topic::Withdrawn => Some(brief.of()?.withdrawn()),
        Topic::Unapproved => brief.of()?.unapproved(),
        Topic::Used => Some(lost::used(brief)),
        Topic::Blind => Some(lost::blind(brief)),
        Topic::Sighted => Some(lost::sighted(brief)),
        Topic::Held => Some(lost::held(brief)),
        Topic::Filed => Some(lost::filed(brief)),
        // Campaigns are rendered by themselves.
        Topic::NudgeSecurity
        | Topic::NudgeLead
        | Topic::Nudge
        | Topic::Sweep
        | Topic::Digest
        | Topic::Closure
        | Topic::Attestation => None,
    }?;
    Some(Message {
        cite: brief.cite.line(brief.record.seq),
        urgent: brief.topic.is_urgent(),
        acknowledges: brief.acknowledges(),
        ..message
    })
}

impl<'a> Brief<'a> {
    /// What it says of its revocation, as the log holds that.
    fn of(&self) -> Option<Of<'a>> {
        let stored = self.stored?;
        let asked = stored.landed_revocation.as_deref().unwrap_or(&stored.revocation);
        let life = stored.landed.as_deref()?;
        let (after, rests) = (self.after, self.rests);
        Some(Of { body: &self.record.body, stored, asked, life, after, rests })
    }
}

struct Of<'a> {
    body: &'a Map<String, Value>,
    stored: &'a Evidenced,
    asked: &'a Revocation,
    life: &'a Life,
    after: Option<&'a Map<String, Value>>,
    rests: Option<&'a Acknowledged>,
}

impl Of<'_> {
    /// What every message about it begins with.
    fn begin(&self) -> Vec<Fact> {
        vec![
            Fact::ours("Revocation", self.asked.id.clone()),
            Fact::ours("Of", format!("{}, {}", kind(self.asked.kind), reason(self.asked.reason))),
            if self.stored.evidence.no_account {
                Fact::ours("Accounts", "no role is the subject's")
            } else {
                accounts(&self.stored.accounts)
            },
        ]
    }

    fn with(&self, more: impl IntoIterator<Item = Fact>) -> Vec<Fact> {
        let mut facts = self.begin();
        facts.extend(more);
        facts
    }

    /// What is owned may stay by a legal hold, of this revocation or of another of the same subject.
    fn is_held(&self) -> bool {
        let holds = |one: &Exception| one.holds() && one.in_force();
        self.stored.evidence.held || self.life.exceptions.iter().any(holds)
    }

    /// It is expected that access ends, and that is not proved.
    fn is_due(&self) -> bool {
        matches!(self.life.state, State::Open | State::Regressed)
    }

    /// How to see what remains, and what removes it.
    fn removal(&self) -> Option<Fact> {
        let id = &self.asked.id;
        next([
            run(format!("revoked plan {id}")),
            say(" prints the SQL that removes it, for an administrator to read and run; "),
            run(format!("revoked explain {id}")),
            say(" says why each is there."),
        ])
    }

    /// How to see what will have to go.
    fn later(&self) -> Option<Fact> {
        next([
            say("nothing until it takes effect. "),
            run(format!("revoked plan {}", self.asked.id)),
            say(" prints the SQL that will remove it."),
        ])
    }

    /// How to see what could not be read, and how that is mended.
    fn sight(&self) -> Option<Fact> {
        next([
            run(format!("revoked check {}", self.asked.id)),
            say(" names what cannot be read, and the fix for each."),
        ])
    }

    /// What is asked for, as it stands: from when, how far, until when.
    fn terms(&self) -> Vec<Fact> {
        let mut facts = vec![
            Fact::ours("Effective", when(self.asked.effective_at)),
            Fact::ours("State", self.standing()),
        ];
        for one in Milestone::ALL {
            if let Some(at) = self.asked.deadlines.get(*one) {
                let mut said = format!("{} by {}", milestone(*one), when(at));
                if let Some(met) = self.life.met.get(*one) {
                    let _ = write!(said, ", met {}", when(met));
                } else if self.life.missed.get(*one).is_some() {
                    said.push_str(", missed");
                }
                facts.push(Fact::ours("Due", said));
            }
        }
        facts.extend(self.emergency());
        facts.extend(self.in_hand());
        facts
    }

    /// That it was asked for at once, and who has to say that this was right.
    fn emergency(&self) -> Option<Fact> {
        let called = self.life.emergency.as_ref()?;
        let said = if called.waits() {
            format!("somebody else has to approve it by {}", when(called.approval_due_at))
        } else {
            "approved".to_owned()
        };
        Some(Fact::ours("Emergency", said))
    }

    /// The first message of its thread, which is edited when it moves.
    fn opened(&self, new: bool) -> Message {
        let held = self.is_held() && self.life.first_clean_at.is_some();
        let title = match self.life.state {
            State::Open if held => HELD,
            State::Scheduled => "Access will have to end",
            State::Open if new => "Access has to end",
            State::Open => "Access has to end, and is watched",
            State::Verified => "Access has ended, verified",
            State::Regressed => "Access is back",
            State::Excepted => "Access is kept for now",
            State::Withdrawn => "Nothing is expected any more",
        };
        let mut facts = self.with(self.terms());
        if let Some(at) = self.stored.evidence.as_of.filter(|_| !new) {
            facts.push(Fact::ours("Last change seen", when(at)));
        }
        let next = match self.life.state {
            State::Scheduled => self.later(),
            State::Open | State::Regressed => self.removal().filter(|_| !held),
            State::Verified | State::Excepted | State::Withdrawn => None,
        };
        Message { title: title.to_owned(), facts, next, ..Message::default() }
    }

    fn standing(&self) -> String {
        let said = word_of(self.life.state);
        match self.life.state {
            State::Verified => {
                let at = self.life.verified_at.map(when);
                format!("{said} {}", at.unwrap_or_default())
            }
            State::Open | State::Regressed => {
                let evidence = &self.stored.evidence;
                let found = u64::try_from(evidence.residual.len()).unwrap_or(u64::MAX);
                let missing = evidence.missing.len();
                if self.life.first_clean_at.is_some() && self.is_held() {
                    format!(
                        "{said}, nothing found but what a legal hold keeps; it can be verified once that ends"
                    )
                } else if self.life.first_clean_at.is_some() {
                    format!(
                        "{said}, nothing found at the last look; a second look has to confirm it"
                    )
                } else if evidence.verdict.is_none() {
                    format!("{said}, not looked at yet")
                } else if found == 0 && missing > 0 && evidence.gaps.is_empty() {
                    format!("{said}, {missing} missing that must stay")
                } else if found == 0 && evidence.gaps.is_empty() {
                    // A clean look is told once the log has it.
                    format!("{said}, being judged")
                } else if evidence.gaps.is_empty() {
                    format!("{said}, {}", findings(found))
                } else {
                    let gaps = evidence.gaps.len();
                    format!("{said}, {}, and {gaps} not seen", findings(found))
                }
            }
            State::Scheduled | State::Excepted | State::Withdrawn => said.to_owned(),
        }
    }
}
