//! Events that take something back: the end is rescinded, the person is hired again, the name is somebody else's.
//!
//! A source takes back its own word only, and only what it said before. What another one said stays, and where both
//! spoke of one revocation a second person decides.

mod changed_back;
mod recycle;
mod rehire;
mod voice;

pub(super) use voice::ends_again;

use super::amend::{Amendment, Withdrawal, unchanged};
use super::exceptions::{endings, holds_nothing};
use super::webhook::{Case, Decided, Received, Said};
use super::{Intake, IntakeError, terms_of};
use crate::audit::record::{self, About};
use crate::clock;
use crate::config::Config;
use crate::domain::effective;
use crate::domain::lineage::Rescinded;
use crate::domain::notice::{Fault, Hold, Outcome, Unusable};
use crate::domain::request::Asked;
use crate::domain::revocation::{Kind, State};
use crate::domain::time::UtcTime;
use crate::store::{Evidenced, Move, NewRecord, NoticeKey, Stored};
use rehire::{Known, back_again};
use std::sync::Arc;
use voice::Voice;

/// What an event that takes something back says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Back<'a> {
    /// Stable id of the person, or the user name.
    pub(super) subject: &'a str,
    /// The user name, where the notice has one.
    pub(super) username: Option<&'a str>,
    /// Who says so.
    pub(super) sender: &'a str,
    /// From when on.
    pub(super) at: UtcTime,
    /// When the sender made the notice.
    pub(super) made_at: UtcTime,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It was done, or waits for a second person, at these revocations.
    To {
        /// Which.
        revocations: Vec<String>,
        /// Requests that wait.
        pending: Vec<String>,
    },
    /// This revocation was told of by a notice that was made later.
    Older(String),
    /// Nothing can follow from it as things stand.
    NotPossible(String),
}

impl Intake {
    /// The event `case` takes the end back: what only its sender said is withdrawn, with the exceptions from it. What
    /// somebody else said as well waits for a second person.
    pub(super) async fn rescind(&self, case: Case) -> Decided {
        let back = back_of(&case, case.made());
        let outcome = self.rescinded(&back).await?;
        self.end(case, outcome).await
    }

    /// The event `case` says that the person works here again, from `stated` on.
    pub(super) async fn rehire(&self, case: Case, stated: Option<&str>) -> Decided {
        let at = match case.instant(stated) {
            Ok(at) => at,
            Err(unusable) => return self.hold(case, unusable).await,
        };
        let outcome = self.rehired(&back_of(&case, at)).await?;
        self.end(case, outcome).await
    }

    /// The event `case` says that the name is somebody else's, from `stated` on.
    pub(super) async fn recycle(&self, case: Case, stated: Option<&str>) -> Decided {
        let at = match case.instant(stated) {
            Ok(at) => at,
            Err(unusable) => return self.hold(case, unusable).await,
        };
        let outcome = self.recycled(&back_of(&case, at)).await?;
        self.end(case, outcome).await
    }

    /// The same for a security event token; `None` where nothing is expected of the subject, and nothing is kept.
    ///
    /// # Errors
    /// When it came before with other content, or cannot be kept now.
    pub(super) async fn recycle_of(
        &self,
        notice: NoticeKey,
        config: Arc<Config>,
    ) -> Result<Option<Received>, IntakeError> {
        if self.journal.blocked() {
            return Err(IntakeError::Unavailable(anyhow::anyhow!("the audit log refuses records")));
        }
        let now = clock::now();
        let sender = notice.source.clone();
        let case = Case { notice, sender, said: Said::default(), now, config };
        Box::pin(self.landing(async {
            if let Some(kept) = self.before(&case.notice, now).await? {
                return self
                    .again(&kept)
                    .await
                    .map(|(received, records)| (Some(received), records));
            }
            if self.journal.store.expected_of(&case.notice.facts.subject).await?.is_empty() {
                return Ok((None, Vec::new()));
            }
            let (received, records) = self.recycle(case, None).await?;
            Ok((Some(received), records))
        }))
        .await
    }

    /// Keeps the event with what came of it, last: until then the same event goes on where it was broken off.
    async fn end(&self, case: Case, outcome: Came) -> Decided {
        match outcome {
            Came::To { revocations, pending } => {
                let first = revocations.first().cloned();
                let (case, outcome) = case.waiting(pending);
                let (mut received, records) = self.note(case, outcome, first).await?;
                if !received.duplicate {
                    received.revocations = revocations;
                }
                Ok((received, records))
            }
            Came::Older(id) => self.note(case, Outcome::Superseded, Some(id)).await,
            Came::NotPossible(why) => {
                let fault = Fault::new("/event_type", why);
                self.hold(case, Unusable::one(Hold::NotPossible, fault)).await
            }
        }
    }

    /// The withdrawn end of the subject that `sender` took back by a notice made after `made_at`.
    pub(super) async fn rescinded_since(
        &self,
        subject: &str,
        sender: &str,
        made_at: UtcTime,
    ) -> Result<Option<String>, IntakeError> {
        let newest = self.journal.store.newest_of(subject, Kind::Full).await?;
        let back = |stored: &Stored| {
            let rescinded = stored.life.lineage.rescinded.as_ref();
            stored.life.state == State::Withdrawn
                && rescinded.is_some_and(|one| one.by == sender && one.made_at >= made_at)
        };
        Ok(newest.map(|found| found.stored).filter(back).map(|stored| stored.revocation.id))
    }

    async fn rescinded(&self, back: &Back<'_>) -> Result<Came, IntakeError> {
        let _subject = self.subjects.of(back.subject).await;
        let expected = self.journal.store.expected_of(back.subject).await?;
        let (mut ends, mut done, mut pending) = (Vec::new(), Vec::new(), Vec::new());
        // All of them or none: what is refused is held, and nothing follows from what is held.
        for stored in expected.iter().filter(|stored| stored.revocation.kind == Kind::Full) {
            let id = &stored.revocation.id;
            let voice = Voice::of(&self.journal.store.told_of(id).await?, back.sender);
            if voice.newest > back.made_at {
                return Ok(Came::Older(id.clone()));
            }
            match taken_back(stored, stored, back, clock::now()) {
                Ok(_) => ends.push((stored, voice.own && voice.ends)),
                Err(IntakeError::Refused(refused)) => {
                    return Ok(Came::NotPossible(refused.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        ends.sort_by_cached_key(|(stored, _)| turn_of(stored));
        for (stored, own) in ends {
            let id = stored.revocation.id.clone();
            let taken = if own {
                self.moving(&id, |now_is, _, now| taken_back(stored, now_is, back, now)).await
            } else {
                let why = Some("termination_rescinded");
                self.withdraw(&id, Withdrawal { why, erroneous: false }, back.sender).await
            };
            match taken {
                Ok(changed) => {
                    pending.extend(changed.and_then(|changed| changed.pending));
                    done.push(id);
                }
                Err(IntakeError::Refused(refused)) => {
                    return Ok(Came::NotPossible(refused.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        done.sort_by_key(|id| expected.iter().position(|one| one.revocation.id == *id));
        if done.is_empty() {
            done.extend(self.rescinded_since(back.subject, back.sender, UtcTime::EPOCH).await?);
        }
        let pending = pending.into_iter().map(|request| request.id).collect();
        Ok(if done.is_empty() {
            Came::NotPossible(nobody_leaves())
        } else {
            Came::To { revocations: done, pending }
        })
    }

    async fn rehired(&self, back: &Back<'_>) -> Result<Came, IntakeError> {
        let _subject = self.subjects.of(back.subject).await;
        let (mut done, mut older, mut others) = (Vec::new(), None, false);
        let expected = self.journal.store.expected_of(back.subject).await?;
        let mut turns: Vec<&Evidenced> = expected.iter().collect();
        turns.sort_by_cached_key(|stored| turn_of(stored));
        for stored in turns {
            if stored.revocation.kind.is_about_a_secret() {
                continue;
            }
            let id = stored.revocation.id.clone();
            let voice = Voice::of(&self.journal.store.told_of(&id).await?, back.sender);
            if !voice.own {
                others = true;
            } else if voice.newest > back.made_at {
                older = Some(id);
            } else {
                self.moving(&id, |now_is, config, now| {
                    let looked_at = self.board.judged(&id).filter(|at| *at <= now);
                    let looks =
                        config.targets.iter().filter_map(|one| self.board.newest(&one.name));
                    let clusters =
                        looks.filter_map(|look| Some(look.server.as_ref()?.system_identifier));
                    let known = Known { looked_at, clusters: clusters.collect() };
                    back_again(stored, now_is, (back, known), now)
                })
                .await?;
                done.push(id);
            }
        }
        done.sort_by_key(|id| expected.iter().position(|one| one.revocation.id == *id));
        Ok(match (done.is_empty(), older, others) {
            (false, _, _) => Came::To { revocations: done, pending: Vec::new() },
            (true, Some(id), _) => Came::Older(id),
            (true, None, true) => Came::NotPossible(another_s_word("withdrawn")),
            (true, None, false) => Came::NotPossible(nobody_leaves()),
        })
    }
}

/// In this order they are moved: whoever covers another one hands names on to it when that ends (`Intake::advance`), and
/// what is to end by the same word needs none.
fn turn_of(stored: &Stored) -> (bool, bool, UtcTime, String) {
    let (asked, open) = (&stored.revocation, stored.life.state != State::Verified);
    (asked.kind == Kind::Full, open, asked.received_at, asked.id.clone())
}

fn nobody_leaves() -> String {
    "nothing is expected of this person that could be taken back".to_owned()
}

/// What somebody else said is not this source's to take back.
pub(super) fn another_s_word(what: &str) -> String {
    format!(
        "somebody else said it, or said it as well, so this source alone cannot take it back: have it {what} \
         (revoked expect), which a second person approves, and dismiss this notice"
    )
}

/// It moved since it was read: whose word it is may be another now.
fn same(read: &Stored, now_is: &Stored) -> Result<(), IntakeError> {
    if read.revocation == now_is.revocation {
        return Ok(());
    }
    Err(IntakeError::Unavailable(anyhow::anyhow!("the revocation was amended at this moment")))
}

/// The move that withdraws what its only source takes back.
fn taken_back(
    read: &Stored,
    stored: &Stored,
    back: &Back<'_>,
    now: UtcTime,
) -> Result<Move, IntakeError> {
    same(read, stored)?;
    let request = Amendment::default().request(Asked::Withdraw, back.sender, now)?;
    request.possible(stored.life.state)?;
    holds_nothing(stored, &request)?;
    let mut step = unchanged(stored, now);
    (step.revocation, step.life) = request.granted(&step.revocation, &step.life, now);
    step.life.lineage.rescinded =
        Some(Rescinded { by: back.sender.to_owned(), made_at: back.made_at });
    let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
    let mut records = endings(stored, &step, now);
    let body = record::rescinded(&about, back.sender);
    records.push(NewRecord { kind: "revocation_withdrawn", body });
    step.records = records;
    Ok(step)
}

fn back_of(case: &Case, at: UtcTime) -> Back<'_> {
    let facts = &case.notice.facts;
    let username = Some(facts.username.as_str()).filter(|name| !name.is_empty());
    Back { subject: &facts.subject, username, sender: &case.sender, at, made_at: case.made() }
}

impl Case {
    /// The same, and its outcome, where `pending` waits for a second person.
    pub(super) fn waiting(mut self, pending: Vec<String>) -> (Self, Outcome) {
        let outcome = if pending.is_empty() { Outcome::Accepted } else { Outcome::Pending };
        self.notice.facts.pending = pending;
        (self, outcome)
    }

    /// When the sender made it; where that is not known, when it came.
    fn made(&self) -> UtcTime {
        self.notice.facts.event_at.unwrap_or(self.now).min(self.now)
    }

    /// The instant that `stated` means: a day begins at its midnight. Without it, when the event was made.
    fn instant(&self, stated: Option<&str>) -> Result<UtcTime, Unusable> {
        let Some(text) = stated.map(str::trim) else { return Ok(self.made()) };
        let zones = terms_of(&self.config, &self.notice.source, &self.sender).zones;
        let day = text.len() == 10 && !text.contains([':', 'T']);
        let whole = if day { format!("{text}T00:00") } else { text.to_owned() };
        let wrong = |error: effective::NotEffective| {
            let fault = Fault::new("/effective_at", error.to_string());
            Unusable::one(Hold::Unreadable, fault)
        };
        Ok(effective::resolve(&whole, &zones).map_err(wrong)?.0)
    }
}
