//! Notices that cannot be used as they are: kept, and decided about by people.

use super::amend::unchanged;
use super::door::Door;
use super::joining::RELEASED;
use super::sameness::facts_of;
use super::turns::Turn;
use super::webhook::{Case, Decided, Received, Said};
use super::{Intake, IntakeError, PATIENCE, TRIES, merge, submission};
use crate::audit::record::{self, About, Held};
use crate::clock;
use crate::config::Approvals;
use crate::domain::identity::{MOST, Unsure, questioned};
use crate::domain::notice::{Fault, Hold, Outcome, Unusable};
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::store::{Facts, KeptNotice, Move, NewRecord, NoticeKey, Settled, StoreError, Stored};
use std::collections::HashMap;

/// Notices that wait for people at a time. A sender whose every notice is wrong is to be mended, not stored.
const HELD: i64 = 10_000;
/// Faults that are kept of one notice.
const FAULTS: usize = 20;
/// Questions of one revocation that are read: more than are kept with it, without the one that is answered.
#[expect(clippy::cast_possible_wrap, reason = "a small number")]
const LISTED: i64 = MOST as i64 + 2;

impl Intake {
    /// Keeps an event that cannot be used, for a person to decide.
    pub(super) async fn hold(&self, case: Case, unusable: Unusable) -> Decided {
        self.hold_with(case, None, unusable).await
    }

    /// The same with the revocation `of` that expects what is certain of it.
    pub(super) async fn hold_with(
        &self,
        mut case: Case,
        of: Option<String>,
        mut unusable: Unusable,
    ) -> Decided {
        unusable.faults.truncate(FAULTS);
        let facts = &mut case.notice.facts;
        facts.outcome = Outcome::Quarantined;
        facts.cause = Some(unusable.cause);
        facts.faults = unusable.faults;
        facts.checklist.clear();
        if case.said.released {
            // It is held already.
            return Ok((Received::of(&case.notice, of.into_iter().collect(), false), Vec::new()));
        }
        if self.journal.store.notices_of(Outcome::Quarantined).await? >= HELD {
            return Err(IntakeError::Full(HELD));
        }
        let body = record::quarantined(&Held {
            at: case.now,
            notice: &case.notice.facts.id,
            digest: &case.notice.digest,
            source: &case.sender,
            cause: Some(unusable.cause),
            outcome: Outcome::Quarantined,
            by: None,
        });
        self.keep(case, of, NewRecord { kind: "notice_quarantined", body }).await
    }

    /// Keeps a token whose signature is good and that cannot be used, with `why`. When this returns, the record of it is
    /// in the log.
    pub(super) async fn hold_token(&self, notice: NoticeKey, why: &str) -> Result<(), IntakeError> {
        let (now, config) = (clock::now(), self.config.current());
        let sender = notice.source.clone();
        let case = Case { notice, sender, said: Said::default(), now, config };
        let unusable = Unusable::one(Hold::Unreadable, Fault::new("", why));
        Box::pin(self.landing(self.hold(case, unusable))).await.map(drop)
    }

    /// Tries once more to accept the notice `id`, which is held, on behalf of `by`: the mapping or the configuration may
    /// be another now, or `by` says that it is about the same person. What then becomes of it is answered; it may be
    /// held still. `None`: there is no such notice.
    ///
    /// # Errors
    /// When it is not held, or cannot be kept now.
    pub async fn retry(
        &self,
        id: &str,
        by: &str,
        same_person: bool,
    ) -> Result<Option<Received>, IntakeError> {
        self.released(id, by, Said { released: true, same_person, itself: false }).await
    }

    /// The same, of which `said` is known.
    pub(super) async fn released(
        &self,
        id: &str,
        by: &str,
        said: Said,
    ) -> Result<Option<Received>, IntakeError> {
        let Some(kept) = self.held(id, Outcome::can_be_released).await? else { return Ok(None) };
        let now = clock::now();
        let config = self.config.current();
        if kept.key.facts.door == super::ssf::DOOR {
            return Err(IntakeError::NotHeld(format!(
                "{id} is a security event token, which is not taken twice: expect what it asks for by `expect add`, \
                 then dismiss it"
            )));
        }
        let door = Door::called(&kept.key.facts.door);
        let event = door.read(&config, kept.key.body.as_bytes(), now);
        // A notice of its own: what was held keeps its key, so that the same event again is known.
        let notice = NoticeKey {
            source: format!("{RELEASED}{}", kept.key.source),
            event_id: kept.key.facts.id.clone(),
            facts: Facts { outcome: Outcome::Part, ..facts_of(door, &event, now)? },
            ..kept.key.clone()
        };
        let sender = kept.key.source.clone();
        let case = Case { notice, sender, said, now, config };
        let received = Box::pin(self.landing(async {
            let (mut received, mut records) = Box::pin(self.follow(event, case)).await?;
            received.notice = id.to_owned();
            received.event_id.clone_from(&kept.key.event_id);
            let void = said.itself && received.outcome == Outcome::Superseded;
            if received.outcome != Outcome::Quarantined && !void {
                received.outcome = Outcome::Released;
                let settled = Settled {
                    outcome: Outcome::Released,
                    revocation: received.revocations.first().map(String::as_str),
                    checklist: received.checklist.as_deref().unwrap_or_default(),
                    by,
                    why: "",
                };
                // Also where it joined another revocation than the one that asks.
                records.extend(Box::pin(self.settle(&kept, &settled, now)).await?);
            }
            Ok((received, records))
        }));
        received.await.map(Some)
    }

    /// Decides, on behalf of `by`, that nothing follows from the notice `id`, which is held. Its bytes are deleted; that
    /// it came, and who decided, stays. `None`: there is no such notice.
    ///
    /// # Errors
    /// When it is not held, `by` sent it, or it cannot be done now.
    pub async fn dismiss(
        &self,
        id: &str,
        why: &str,
        by: &str,
    ) -> Result<Option<KeptNotice>, IntakeError> {
        submission::text_fits("/reason", Some(&why.to_owned()))?;
        let held = |outcome| outcome == Outcome::Quarantined;
        let Some(kept) = self.held(id, held).await? else { return Ok(None) };
        let single = self.config.current().approvals == Approvals::Single;
        if kept.key.source == by && !single {
            return Err(IntakeError::Sender(by.to_owned()));
        }
        let settled =
            Settled { outcome: Outcome::Dismissed, revocation: None, checklist: "", by, why };
        // It is not the same person: what the notice asked of the id stays, and the question is answered.
        for record in Box::pin(self.settle(&kept, &settled, clock::now())).await? {
            self.journal.landed(&record, PATIENCE).await?;
        }
        self.board.ask();
        Ok(self.journal.store.notice(id).await?)
    }

    /// The moves that answer what `kept` asks, wherever it asks, with the turn of the subject, in which nobody asks anew.
    async fn answer(
        &self,
        kept: &KeptNotice,
        now: UtcTime,
    ) -> Result<(Vec<Move>, Option<Turn>), IntakeError> {
        let store = &self.journal.store;
        let Some(id) = &kept.revocation else { return Ok((Vec::new(), None)) };
        let Some(read) = store.revocation(id).await? else { return Ok((Vec::new(), None)) };
        let turn = self.subjects.of(&read.revocation.subject).await;
        // Whoever had the turn before may have moved it, and asked more.
        let all = store.ever_of(&read.revocation.subject).await?;
        let notice = &kept.key.facts.id;
        let mut held = Vec::new();
        if all.iter().any(|one| one.life.lineage.more_unsure) {
            for one in &all {
                held.extend(store.unsure_of(&one.revocation.id, LISTED).await?);
            }
            held.retain(|unsure| unsure.notice != *notice);
        }
        let asked =
            all.iter().filter(|one| one.revocation.id == *id || one.life.lineage.has_asked(notice));
        Ok((asked.filter_map(|asked| answered(notice, asked, &held, now)).collect(), Some(turn)))
    }

    /// Asks again what is held with a question of which its revocation knows nothing: the notice is kept after that was
    /// opened, and others may be answered in between.
    pub(super) async fn ask_what_is_held(&self) -> Result<(), IntakeError> {
        let held = self.journal.store.asking().await?;
        if held.is_empty() {
            return Ok(());
        }
        let watched = self.journal.watched().await?;
        let watched: HashMap<&str, &Stored> =
            watched.iter().map(|stored| (stored.revocation.id.as_str(), stored.as_ref())).collect();
        let mut unasked: Vec<&Stored> = Vec::new();
        for (revocation, notice) in &held {
            let Some(stored) = watched.get(revocation.as_str()) else { continue };
            let lineage = &stored.life.lineage;
            let asked =
                lineage.more_unsure || lineage.unsure.iter().any(|one| one.notice == *notice);
            if !asked && !unasked.iter().any(|known| known.revocation.id == *revocation) {
                unasked.push(stored);
            }
        }
        for stored in unasked {
            let (id, subject) = (&stored.revocation.id, &stored.revocation.subject);
            // Nobody answers meanwhile.
            let _subject = self.subjects.of(subject).await;
            let held = self.journal.store.unsure_of(id, LISTED).await?;
            self.moving(id, |stored, _, now| {
                let mut step = unchanged(stored, now);
                if stored.life.state != State::Withdrawn {
                    for unsure in &held {
                        step.life.lineage.ask(unsure);
                    }
                }
                if step.life.lineage.asks_more_than(&stored.life.lineage) {
                    step.life = questioned(step.life);
                    merge::remind_anew(&mut step);
                }
                Ok(amended(step, now).unwrap_or_else(|| unchanged(stored, now)))
            })
            .await?;
        }
        Ok(())
    }

    /// The notice `id`, if its outcome `may` be changed.
    async fn held(
        &self,
        id: &str,
        may: impl Fn(Outcome) -> bool,
    ) -> Result<Option<KeptNotice>, IntakeError> {
        if self.journal.blocked() {
            return Err(IntakeError::Unavailable(anyhow::anyhow!("the audit log refuses records")));
        }
        let Some(kept) = self.journal.store.notice(id).await? else { return Ok(None) };
        let outcome = kept.key.facts.outcome;
        if !may(outcome) {
            return Err(IntakeError::NotHeld(format!("{id} is {outcome}")));
        }
        if kept.key.body.is_empty() {
            return Err(IntakeError::NotHeld(format!("what {id} said was erased")));
        }
        Ok(Some(kept))
    }

    /// Notes what was decided, with the question answered that the notice asked: broken off, neither is done. Gives the
    /// records that say so.
    async fn settle(
        &self,
        kept: &KeptNotice,
        settled: &Settled<'_>,
        now: UtcTime,
    ) -> Result<Vec<String>, IntakeError> {
        let (facts, store) = (&kept.key.facts, &self.journal.store);
        let record = format!("{}.2", facts.id);
        let body = record::quarantined(&Held {
            at: now,
            notice: &facts.id,
            digest: &kept.key.digest,
            source: &kept.key.source,
            cause: facts.cause,
            outcome: settled.outcome,
            by: Some(settled.by),
        });
        let note = NewRecord { kind: "notice_quarantined", body };
        for _ in 0..TRIES {
            let (steps, _subject) = Box::pin(self.answer(kept, now)).await?;
            let record = (record.as_str(), &note);
            match store.settle_notice(kept, settled, record, &steps, now).await {
                Ok(Some(records)) => return Ok(records),
                Ok(None) => {
                    let said = format!("somebody else decided about {} a moment ago", facts.id);
                    return Err(IntakeError::NotHeld(said));
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(IntakeError::Unavailable(anyhow::anyhow!(
            "the revocation moved too often at this moment"
        )))
    }
}

/// The move that ends the question which `notice` asks of the revocation `asked`; those come up that are `held` with it.
fn answered(notice: &str, asked: &Stored, held: &[Unsure], now: UtcTime) -> Option<Move> {
    let mut step = unchanged(asked, now);
    step.life.lineage.answered(notice);
    step.life.lineage.ask_again(held);
    amended(step, now)
}

/// The move with its record, if it changes what is asked.
fn amended(mut step: Move, now: UtcTime) -> Option<Move> {
    if step.life.lineage == step.from.life.lineage {
        return None;
    }
    let about = About { revocation: &step.revocation, subject: &step.from.subject_id, at: now };
    let body = record::amended(&about, None);
    step.records.push(NewRecord { kind: "revocation_amended", body });
    Some(step)
}
