//! What goes into the store and comes out of it.

use super::evidence::{Evidence, Gist};
use super::notices::Facts;
use crate::domain::account::Account;
use crate::domain::acknowledged::Acknowledged;
use crate::domain::before::BeforeState;
use crate::domain::lifecycle::Life;
use crate::domain::revocation::{Revocation, State};
use crate::domain::time::UtcTime;
use serde_json::{Map, Value};
use std::ops::Deref;
use std::sync::Arc;

/// A revocation with what is known of it between looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// As accepted, and amended since.
    pub revocation: Revocation,
    /// As the log holds it, where that is not the same.
    pub landed_revocation: Option<Box<Revocation>>,
    /// Id of the subject in the log.
    pub subject_id: String,
    /// Accounts linked.
    pub accounts: Vec<Account>,
    /// As committed.
    pub life: Arc<Life>,
    /// As the log holds it; `None` until its first records landed. Mostly the same, and then the same in memory.
    pub landed: Option<Arc<Life>>,
    /// What is needed of what the newest look found.
    pub gist: Gist,
    /// Version for compare-and-swap.
    pub version: i64,
    /// Records queued so far.
    pub records: i64,
    /// When the newest of them was queued: records of one revocation never go back in time.
    pub queued_at: UtcTime,
    /// Until when it is looked at after verification.
    pub watch_until: UtcTime,
}

impl Stored {
    /// Whether who the subject is was erased: its id in the log stands for the name.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.revocation.subject == self.subject_id
    }

    /// The acknowledgement that the log holds, with who pressed: only what is committed has that. `None`: there is none, or
    /// it has ended since.
    #[must_use]
    pub fn in_hand(&self) -> Option<&Acknowledged> {
        let landed = self.landed.as_deref()?.acknowledged.as_deref()?;
        self.life.acknowledged.as_deref().filter(|known| known.at == landed.at)
    }

    /// Whether looks are judged for it, as `revocations_watched` selects it.
    #[must_use]
    pub fn is_watched(&self, now: UtcTime) -> bool {
        match self.life.state {
            State::Scheduled | State::Open | State::Regressed | State::Excepted => true,
            State::Verified => self.watch_until > now,
            State::Withdrawn => false,
        }
    }
}

/// A revocation with all that the newest look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidenced {
    /// The revocation.
    pub stored: Stored,
    /// What was found.
    pub evidence: Evidence,
}

impl Deref for Evidenced {
    type Target = Stored;
    fn deref(&self) -> &Stored {
        &self.stored
    }
}

/// A record to queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// Record type.
    pub kind: &'static str,
    /// Content; the id is added here.
    pub body: Map<String, Value>,
}

/// A row of `subject`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SubjectRow {
    /// Id in the log.
    pub id: String,
    /// Stable id of the person, vendor or service.
    pub name: String,
    /// RFC 9901 disclosure: salt and name.
    pub disclosure: String,
    /// Hash of the disclosure, which the log holds.
    pub commitment: String,
}

/// What makes a repeated notice the same notice, and what else is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeKey {
    /// Sender.
    pub source: String,
    /// Its id for the event.
    pub event_id: String,
    /// SHA-256 of the bytes.
    pub digest: String,
    /// The bytes.
    pub body: String,
    /// What it says, as far as that is listed.
    pub facts: Facts,
}

/// A revocation to accept.
#[derive(Clone, Debug)]
pub struct NewRevocation {
    /// What was asked.
    pub revocation: Revocation,
    /// Its subject; `new_subject` says whether it has to be inserted.
    pub subject: SubjectRow,
    /// First time this subject is seen.
    pub new_subject: bool,
    /// Accounts known already.
    pub accounts: Vec<Account>,
    /// Its beginning.
    pub life: Life,
    /// What told us.
    pub notice: NoticeKey,
    /// First records.
    pub records: Vec<NewRecord>,
    /// When.
    pub at: UtcTime,
    /// Until when to look.
    pub watch_until: UtcTime,
}

/// What became of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Accepted now; the id of the last record to wait for.
    New {
        /// Revocation.
        id: String,
        /// Record to wait for.
        record: String,
    },
    /// Received before, with the same content.
    Repeated {
        /// Revocation it made or joined.
        id: String,
    },
}

/// One move of a revocation.
#[derive(Clone, Debug)]
pub struct Move {
    /// The row as it was read.
    pub from: Stored,
    /// The request, when it was amended.
    pub revocation: Revocation,
    /// Accounts after the move.
    pub accounts: Vec<Account>,
    /// Life after the move.
    pub life: Life,
    /// What was found; `None`: what was found before.
    pub evidence: Option<Evidence>,
    /// What accounts had before anything was taken away, where this move tells it. Kept if nothing is kept of them.
    pub before: Vec<BeforeState>,
    /// Records to queue, in order.
    pub records: Vec<NewRecord>,
    /// The notice that made the move, if one did.
    pub notice: Option<NoticeKey>,
    /// When.
    pub at: UtcTime,
    /// Until when to look.
    pub watch_until: UtcTime,
}
