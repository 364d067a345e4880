//! What is told of a record, and how one delivery stands: pure.
//!
//! A row of the outbox moves by what the receiver answered, and by nothing else. Presence at the receiver is proved by its
//! answer or by finding the message there; where neither can be had, the row is `ambiguous` and is looked up before
//! anything is sent again.

mod audience;
mod circuit;
mod kind;
mod told;

pub use audience::Audience;
pub use circuit::{Circuit, Gate};
pub use kind::RecordKind;
pub use told::{Told, told};

use super::time::UtcTime;
use super::words::words;
use std::time::Duration;

words! {
    /// What a message is about.
    Topic {
        /// A session began after the end.
        Used = "used",
        /// Access came back.
        Regressed = "regressed",
        /// Nothing that looks do not show is proved on a target.
        Blind = "blind",
        /// An emergency that nobody approved in time.
        Unapproved = "unapproved",
        /// A deadline was missed.
        Overdue = "overdue",
        /// It is late still, and the time is over for which somebody had it in hand.
        Reminder = "reminder",
        /// Consumers of an old credential are late for longest: security is told.
        NudgeSecurity = "nudge_security",
        /// They are late for long: the lead of their team is told.
        NudgeLead = "nudge_lead",
        /// They are late: their team is told.
        Nudge = "nudge",
        /// What was verified is in doubt.
        Reopened = "reopened",
        /// What remains, at the first look, and when it takes effect.
        Residual = "residual",
        /// An exception is over, so that access has to end.
        Resumed = "resumed",
        /// A notice that waits for a person.
        Held = "held",
        /// Somebody asks for what keeps access.
        Asked = "asked",
        /// A revocation is expected.
        Opened = "opened",
        /// It asks for something else.
        Changed = "changed",
        /// Several of these in one message.
        Digest = "digest",
        /// How a rotation campaign stands.
        Sweep = "sweep",
        /// Somebody has in hand what is late.
        Acknowledged = "acknowledged",
        /// Nothing remains: two clean looks.
        Verified = "verified",
        /// Somebody signed for keeping access.
        Excepted = "excepted",
        /// Nothing is expected any more.
        Withdrawn = "withdrawn",
        /// The canary of a target is found again.
        Sighted = "sighted",
        /// A record of a closed revocation was filed.
        Filed = "filed",
        /// Where a revocation stands: the first message of its thread is edited.
        Status = "status",
        /// The record of a revocation that is verified, filed where such records are kept.
        Closure = "closure",
        /// The attestation of a period, filed there too.
        Attestation = "attestation",
    }
}

/// Messages are worth sending one by one for so long. What is older is told of in a digest.
const FRESH: Duration = Duration::from_secs(24 * 3600);

impl Topic {
    /// Somebody has to act: it is shown in the channel too, not in the thread alone.
    #[must_use]
    pub fn is_urgent(self) -> bool {
        match self {
            Self::Used
            | Self::Regressed
            | Self::Blind
            | Self::Unapproved
            | Self::Overdue
            | Self::Reminder
            | Self::NudgeSecurity
            | Self::NudgeLead
            | Self::Nudge => true,
            Self::Reopened
            | Self::Residual
            | Self::Resumed
            | Self::Held
            | Self::Asked
            | Self::Opened
            | Self::Changed
            | Self::Digest
            | Self::Sweep
            | Self::Acknowledged
            | Self::Verified
            | Self::Excepted
            | Self::Withdrawn
            | Self::Sighted
            | Self::Filed
            | Self::Status
            | Self::Closure
            | Self::Attestation => false,
        }
    }

    /// Place in a list: what is to be read first is 0.
    #[must_use]
    pub fn rank(self) -> i64 {
        Self::ALL.iter().position(|one| *one == self).and_then(|n| n.try_into().ok()).unwrap_or(0)
    }

    /// How long it is worth sending; `None`: always. An edit says how things stand when it is made, and evidence is
    /// filed however late.
    #[must_use]
    pub fn lifetime(self) -> Option<Duration> {
        (!matches!(self, Self::Digest | Self::Status | Self::Closure | Self::Attestation))
            .then_some(FRESH)
    }
}

words! {
    /// Where a delivery stands.
    Standing {
        /// Its record is not in the log yet.
        Waiting = "waiting",
        /// It may be sent.
        Due = "due",
        /// Somebody is sending it.
        Sending = "sending",
        /// Nobody knows whether it was sent: it is looked up before it is sent again.
        Ambiguous = "ambiguous",
        /// The receiver has it.
        Sent = "sent",
        /// A digest tells it.
        Carried = "carried",
        /// Something newer says more, or it is true no more.
        Superseded = "superseded",
        /// It was not sent while it was worth sending.
        Expired = "expired",
        /// It cannot be sent.
        Dead = "dead",
        /// Somebody decided that it is not sent.
        Dropped = "dropped",
    }
}

impl Standing {
    /// Nothing follows by itself.
    #[must_use]
    pub fn is_settled(self) -> bool {
        match self {
            Self::Waiting | Self::Due | Self::Sending | Self::Ambiguous => false,
            Self::Sent
            | Self::Carried
            | Self::Superseded
            | Self::Expired
            | Self::Dead
            | Self::Dropped => true,
        }
    }
}

/// What a receiver answered, or what it means that it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has the message: where.
    Sent(String),
    /// It certainly has not; not before this time, where it said one.
    Later(Option<Duration>),
    /// It may have the message.
    Doubtful,
    /// The credential is not good, or not for this.
    Token,
    /// The channel or space cannot be written to.
    Destination,
    /// What the message was to follow is gone or closed.
    Thread,
    /// It wants nothing there any more.
    Gone,
    /// The message is not in a form that it takes.
    Payload,
    /// It refused for a reason that nobody knows.
    Unknown,
    /// Looked up: it has the message, here.
    Found(String),
    /// Looked up: it has not.
    Absent,
    /// It does not let the message be looked up.
    Unsure,
}

impl Answer {
    /// Its class, as metrics and rows name it.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Sent(_) | Self::Found(_) => "sent",
            Self::Later(_) => "retry",
            Self::Doubtful => "ambiguous",
            Self::Token => "token",
            Self::Destination => "destination",
            Self::Thread => "thread",
            Self::Gone => "gone",
            Self::Payload => "payload",
            Self::Unknown => "unknown",
            Self::Absent => "absent",
            Self::Unsure => "unsure",
        }
    }

    /// Every class that a metric may have.
    pub const CLASSES: &'static [&'static str] = &[
        "sent",
        "retry",
        "ambiguous",
        "token",
        "destination",
        "thread",
        "gone",
        "payload",
        "unknown",
    ];
}

/// A delivery, as far as its next step depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub standing: Standing,
    /// How often it was sent or looked up.
    pub attempts: u32,
    /// How often it was refused for a reason that nobody knows.
    pub unknown: u32,
    /// It goes as plain text: the full form was refused.
    pub plain: bool,
    /// It may be there twice.
    pub doubled: bool,
    /// Not before.
    pub due_at: UtcTime,
    /// Not after.
    pub expires_at: Option<UtcTime>,
}

/// What follows for others than the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// The receiver answered well.
    Good,
    /// The receiver did not answer, or not well: after some of these it is left alone for a while.
    Strike,
    /// Nothing more goes to this destination for so long.
    Hold(Duration),
    /// Nothing more is sent with this credential.
    Trip,
    /// Nothing more goes to this destination until somebody mends it.
    Park,
    /// Nothing more goes to this destination until the configuration is read anew.
    Close,
    /// The next message of its lane begins a new thread.
    Rethread,
}

/// First pause before another attempt; each is up to twice as long as the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(pub Duration);

/// Longest pause.
const SLOWEST: Duration = Duration::from_secs(15 * 60);
/// Refusals for an unknown reason after which it is given up.
const UNKNOWN: u32 = 3;

impl Pace {
    /// Full jitter: anything up to the whole pause, by `dice` between 0 and 1, but never nothing.
    #[must_use]
    pub fn pause(self, attempts: u32, dice: f64) -> Duration {
        let whole = self.0.saturating_mul(1_u32 << attempts.min(16)).min(SLOWEST);
        whole.mul_f64(dice.clamp(0.05, 1.0))
    }
}

/// A pause that was asked for is kept, and up to a fifth more, so that not all come back at once.
fn at_least(asked: Duration, dice: f64) -> Duration {
    asked.mul_f64(1.0 + 0.2 * dice.clamp(0.0, 1.0))
}

/// What an answer makes of a row that is being sent or looked up.
#[must_use]
pub fn next(row: &Row, answer: &Answer, now: UtcTime, pace: Pace, dice: f64) -> (Row, Effect) {
    let looking = row.standing == Standing::Ambiguous;
    let attempts = row.attempts.saturating_add(1);
    let row = Row { attempts, ..*row };
    let back = if looking { Standing::Ambiguous } else { Standing::Due };
    let pause = pace.pause(attempts - 1, dice);
    let later = |standing, wait| Row { standing, due_at: now.plus(wait), ..row };
    let (row, effect) = match answer {
        Answer::Sent(_) | Answer::Found(_) => {
            (Row { standing: Standing::Sent, due_at: now, ..row }, Effect::Good)
        }
        Answer::Later(None) => (later(back, pause), Effect::Strike),
        Answer::Later(Some(asked)) => {
            let wait = at_least(*asked, dice);
            (later(back, wait.max(pause)), Effect::Hold(wait))
        }
        Answer::Doubtful => (later(Standing::Ambiguous, pause.max(pace.0)), Effect::Strike),
        Answer::Token => (later(back, Duration::ZERO), Effect::Trip),
        Answer::Absent => (later(Standing::Due, Duration::ZERO), Effect::Good),
        Answer::Unsure => {
            (Row { doubled: true, ..later(Standing::Due, Duration::ZERO) }, Effect::None)
        }
        // Looked up in vain: whoever waits for an answer that never comes tells nobody.
        Answer::Destination | Answer::Thread | Answer::Gone | Answer::Payload if looking => {
            (Row { doubled: true, ..later(Standing::Due, Duration::ZERO) }, Effect::None)
        }
        Answer::Destination => (later(Standing::Due, Duration::ZERO), Effect::Park),
        Answer::Thread => (later(Standing::Due, Duration::ZERO), Effect::Rethread),
        Answer::Gone => (later(Standing::Due, Duration::ZERO), Effect::Close),
        Answer::Payload if row.plain => (later(Standing::Dead, Duration::ZERO), Effect::None),
        Answer::Payload => {
            (Row { plain: true, ..later(Standing::Due, Duration::ZERO) }, Effect::None)
        }
        Answer::Unknown => {
            let row = Row { unknown: row.unknown + 1, ..later(back, pause) };
            match (row.unknown >= UNKNOWN, looking) {
                (false, _) => (row, Effect::None),
                (true, false) => (Row { standing: Standing::Dead, ..row }, Effect::None),
                (true, true) => {
                    (Row { standing: Standing::Due, doubled: true, ..row }, Effect::None)
                }
            }
        }
    };
    let late = row.expires_at.is_some_and(|end| end <= row.due_at);
    if row.standing == Standing::Due && late {
        return (Row { standing: Standing::Expired, ..row }, effect);
    }
    (row, effect)
}

#[cfg(test)]
mod tests;
