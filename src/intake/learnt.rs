//! What is learnt of a subject at one revocation is searched for by its others that are in force: who expects that a
//! person loses a role expects it under whatever name.

mod names;
#[cfg(test)]
mod tests;

use super::amend::unchanged;
use super::{Intake, IntakeError, earlier, merge};
use crate::audit::record::{self, About};
use crate::clock;
use crate::config::Config;
use crate::domain::identity::questioned;
use crate::domain::lifecycle::Life;
use crate::domain::lineage::Lineage;
use crate::domain::request::Asked;
use crate::domain::revocation::{Kind, Revocation, State};
use crate::domain::time::UtcTime;
use crate::store::{Move, NewRecord, StoreError, Stored};
use names::{said, take_names};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// So many that cannot be moved, one after another, are no fault of theirs: each may wait for long. The next time another
/// one is the first.
const GIVE_UP: u32 = 5;

/// Something may be learnt while it is held: it is carried once this goes, whatever came of it. Whoever gives up waiting
/// for a store or a log that is late does not know what was written.
pub(super) struct Learning<'a>(&'a AtomicBool);

impl Drop for Learning<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Intake {
    /// To be taken before that is written of which others may learn.
    pub(super) fn learning(&self) -> Learning<'_> {
        Learning(&self.learnt)
    }

    /// Carries what notices and people said of a subject since the last time to its other revocations. After a start
    /// nobody knows what was, so that all are gone through.
    pub(super) async fn carry_names(&self) -> Result<(), IntakeError> {
        if !self.learnt.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let carried = self.carry_all().await;
        if carried.is_err() {
            self.learnt.store(true, Ordering::SeqCst);
        }
        carried
    }

    async fn carry_all(&self) -> Result<(), IntakeError> {
        let (config, now) = (self.config.current(), clock::now());
        let watched = self.journal.watched().await?;
        let mut subjects: HashMap<&str, Vec<&Stored>> = HashMap::new();
        for stored in watched.iter().filter(|stored| is_in_force(stored, now)) {
            subjects.entry(&stored.revocation.subject).or_default().push(stored);
        }
        let (mut carried, mut in_a_row) = (Ok(()), 0);
        for known in subjects.values().filter(|known| known.len() > 1) {
            // There may be very many, and mostly there is nothing to wait for.
            tokio::task::yield_now().await;
            let open = |stored: &&&Stored| learnt(stored, known, &config, now).is_some();
            let Some(first) = known.iter().find(open) else { continue };
            if let Err(error) = self.carry_to(&first.revocation.subject, &mut in_a_row).await {
                carried = Err(error);
            }
            if in_a_row >= GIVE_UP {
                return carried;
            }
        }
        carried
    }

    /// Carries what is known of `subject` to all that is expected of it. Nobody answers a question meanwhile: what was
    /// answered would be asked anew.
    async fn carry_to(&self, subject: &str, in_a_row: &mut u32) -> Result<(), IntakeError> {
        let _subject = self.subjects.of(subject).await;
        let known = self.journal.store.expected_of(subject).await;
        *in_a_row += u32::from(known.is_err());
        let known = known?;
        let known: Vec<&Stored> = known.iter().map(|one| &one.stored).collect();
        let mut carried = Ok(());
        for stored in &known {
            if learnt(stored, &known, &self.config.current(), clock::now()).is_none() {
                continue;
            }
            let moved = self.moving(&stored.revocation.id, |stored, config, now| {
                let step = learnt(stored, &known, config, now);
                Ok(step.unwrap_or_else(|| unchanged(stored, now)))
            });
            match moved.await {
                Ok(_) => *in_a_row = 0,
                // One that cannot be moved keeps nothing from the others.
                Err(error) => (carried, *in_a_row) = (Err(error), *in_a_row + 1),
            }
            if *in_a_row >= GIVE_UP {
                break;
            }
        }
        carried
    }
}

impl Intake {
    /// Commits `step`. Where a revocation expects by it no longer that everything goes, the others of its subject get what
    /// it knew before that: they were left as they were because of it, and nobody would look for these names any more.
    pub(super) async fn advance(&self, step: &Move) -> Result<Option<String>, StoreError> {
        let store = &self.journal.store;
        if ends_cover(step) {
            let known = store.expected_of(&step.from.revocation.subject).await?;
            let known: Vec<&Stored> = known.iter().map(|one| &one.stored).collect();
            let (id, version) = (&step.from.revocation.id, step.from.version);
            if known.iter().any(|one| one.revocation.id == *id && one.version != version) {
                // What it knew then may be answered by now.
                return Err(StoreError::Conflict { id: id.clone(), version });
            }
            let mut steps = handed_on(&step.from, &known, &self.config.current(), step.at);
            if !steps.is_empty() {
                // What is handed on after all is a question that was answered meanwhile, and nobody could answer it again.
                steps.push(step.clone());
                return Ok(store.advance_as_one(&steps).await?.pop().flatten());
            }
        }
        store.advance(step).await
    }
}

/// It is about what a person has, is judged or will be, and the person has not come back since. Of who was erased nobody
/// knows by what names to look: what was proved then stays so.
fn is_in_force(stored: &Stored, now: UtcTime) -> bool {
    earlier::is_in_force(stored, now)
        && !stored.revocation.kind.is_about_a_secret()
        // What is suspended for silence is a role, and nobody knows whose.
        && stored.revocation.inactive.is_none()
        && !stored.is_erased()
}

/// Everything of the subject has to go by now, whatever it is called.
fn expects_all(stored: &Stored) -> bool {
    is_end(&stored.revocation, &stored.life)
}

fn is_end(revocation: &Revocation, life: &Life) -> bool {
    revocation.kind == Kind::Full
        && matches!(life.state, State::Open | State::Regressed | State::Verified)
}

/// What it expected in force it does not after `step`: it is withdrawn or excepted, it waits, or the person is back.
fn ends_cover(step: &Move) -> bool {
    let after = is_end(&step.revocation, &step.life) && step.life.lineage.rehired.is_none();
    expects_all(&step.from) && is_in_force(&step.from, step.at) && !after
}

/// The moves by which the others of `known` take what `ending` knows, which covers them no more.
fn handed_on(ending: &Stored, known: &[&Stored], config: &Config, now: UtcTime) -> Vec<Move> {
    // Others learn from what is excepted, and nothing is left as it was because of it.
    let life = Life { state: State::Excepted, ..Life::clone(&ending.life) };
    let ending = Stored { life: Arc::new(life), ..ending.clone() };
    let mut all = known.to_vec();
    all.retain(|one| one.revocation.id != ending.revocation.id);
    let others = all.clone();
    all.push(&ending);
    let mut steps: Vec<Move> =
        others.into_iter().filter_map(|one| learnt(one, &all, config, now)).collect();
    for step in &mut steps {
        merge::say_what_is_taken_back(step);
    }
    steps
}

/// Whether `stored`, which is verified, need not be opened for a new name, since `cover` expects that everything goes. Of
/// those that are verified the one that came last is opened: if each were passed over because of another one, nobody
/// would look for the name. What is watched for less long covers nothing.
fn covers(cover: &Stored, stored: &Stored) -> bool {
    let (other, this) = (&cover.revocation, &stored.revocation);
    let later = (other.received_at, &other.id) > (this.received_at, &this.id);
    let proved = cover.life.state == State::Verified;
    expects_all(cover) && (!proved || (later && cover.watch_until >= stored.watch_until))
}

/// It is verified, or was until it became a question, and nothing was found since.
fn was_proved(life: &Life) -> bool {
    life.state == State::Verified
        || (life.state == State::Open
            && life.verified_at.is_some()
            && life.first_clean_at.is_some())
}

/// Whether nothing is searched for that `stored` does not, and only more is asked. A question is no access.
fn only_asks(stored: &Stored, asked: &Revocation, lineage: &Lineage) -> bool {
    let (unsure, more_unsure) = (lineage.unsure.clone(), lineage.more_unsure);
    let before = stored.life.lineage.clone();
    *asked == stored.revocation && *lineage == Lineage { unsure, more_unsure, ..before }
}

/// The move by which `stored` searches for what the others of `known` do; `None`: it does already. What was proved is
/// left as it is where another one expects that everything goes: that one has the new name.
fn learnt(stored: &Stored, known: &[&Stored], config: &Config, now: UtcTime) -> Option<Move> {
    let other = |one: &&&Stored| one.revocation.id != stored.revocation.id && is_in_force(one, now);
    let others: Vec<&Stored> = known.iter().filter(other).copied().collect();
    let covered =
        stored.life.state == State::Verified && others.iter().any(|other| covers(other, stored));
    if covered || !is_in_force(stored, now) {
        return None;
    }
    let mut asked = stored.revocation.clone();
    for other in &others {
        take_names(&mut asked, &other.revocation, config);
    }
    let same = asked.accounts == stored.revocation.accounts
        && asked.also_called == stored.revocation.also_called;
    // That there is no account was confirmed of what was known then.
    asked.no_account &= same;
    let lineage = said(stored, &asked, &others, &config.subjects);
    if asked == stored.revocation && lineage == stored.life.lineage {
        return None;
    }
    let mut step = unchanged(stored, now);
    let mut life = if was_proved(&stored.life) || only_asks(stored, &asked, &lineage) {
        // Of what it was about then it was proved, in time. A session may act as what is asked for only now.
        Life { gone_since: None, ..questioned(Life::clone(&stored.life)) }
    } else {
        merge::begun_anew(Life::clone(&stored.life))
    };
    // Nobody said anything new of what waits, unless it is that there is nothing.
    life.pending = life.pending.filter(|pending| same || pending.asks != Asked::NoAccount);
    step.life = merge::told(&stored.revocation, &asked, life, now);
    step.life.lineage = lineage;
    step.revocation = asked;
    let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
    let body = record::amended(&about, None);
    step.records.push(NewRecord { kind: "revocation_amended", body });
    merge::remind_anew(&mut step);
    Some(step)
}
