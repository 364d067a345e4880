//! What is learnt of a subject at one revocation is searched for by its others that are in force: who expects that a
//! person loses a role expects it under whatever name.

mod names;

use super::amend::unchanged;
use super::{Intake, IntakeError, earlier, merge};
use crate::audit::record::{self, About};
use crate::clock;
use crate::config::Config;
use crate::domain::identity::questioned;
use crate::domain::lifecycle::Life;
use crate::domain::request::Asked;
use crate::domain::revocation::{Kind, Revocation, State};
use crate::domain::time::UtcTime;
use crate::store::{Move, NewRecord, StoreError, Stored};
use names::{said, take_names};
use std::collections::HashMap;
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
            for stored in known {
                if learnt(stored, known, &config, now).is_none() {
                    continue;
                }
                let moved = self.moving(&stored.revocation.id, |stored, config, now| {
                    let step = learnt(stored, known, config, now);
                    Ok(step.unwrap_or_else(|| unchanged(stored, now)))
                });
                match moved.await {
                    Ok(_) => in_a_row = 0,
                    // One that cannot be moved keeps nothing from the others.
                    Err(error) => (carried, in_a_row) = (Err(error), in_a_row + 1),
                }
                if in_a_row >= GIVE_UP {
                    return carried;
                }
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
            let steps = handed_on(&step.from, &known, &self.config.current(), step.at);
            if !steps.is_empty() {
                for moved in store.advance_all(&steps).await? {
                    moved?;
                }
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
    let life = Life { state: State::Excepted, ..ending.life.clone() };
    let ending = Stored { life, ..ending.clone() };
    let mut all = known.to_vec();
    all.retain(|one| one.revocation.id != ending.revocation.id);
    let others = all.clone();
    all.push(&ending);
    others.into_iter().filter_map(|one| learnt(one, &all, config, now)).collect()
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
    let mut life = if was_proved(&stored.life) {
        // Of what it was about then it was proved, in time. A session may act as what is asked for only now.
        Life { gone_since: None, ..questioned(stored.life.clone()) }
    } else {
        merge::begun_anew(stored.life.clone())
    };
    // Nobody said anything new of what waits, unless it is that there is nothing.
    life.pending = life.pending.filter(|pending| same || pending.asks != Asked::NoAccount);
    step.life = merge::told(&stored.revocation, &asked, life, now);
    step.life.lineage = lineage;
    step.revocation = asked;
    let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
    let body = record::amended(&about, None);
    step.records.push(NewRecord { kind: "revocation_amended", body });
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{AccountName, LinkRule};
    use crate::domain::lineage::Rehired;
    use crate::domain::revocation::sample;
    use crate::store::Gist;
    use std::path::Path;

    fn at(second: i64) -> UtcTime {
        UtcTime::from_micros(second * 1_000_000).unwrap()
    }

    fn config() -> Config {
        let text = "state_dir: s\ntargets: {main: {url: 'postgres://x@h/d'}}";
        Config::parse(Path::new("/nowhere/revoked.yaml"), text).unwrap()
    }

    /// A revocation of one person, called `username` in it.
    fn one(id: &str, kind: Kind, state: State, username: &str) -> Stored {
        let role =
            AccountName { target: None, role: username.to_owned(), rule: LinkRule::Template };
        let revocation = Revocation {
            id: id.to_owned(),
            subject: "EMP-1".to_owned(),
            username: Some(username.to_owned()),
            kind,
            accounts: vec![role],
            ..sample(at(0))
        };
        Stored {
            life: Life { state, ..Life::begin(at(0), at(0)) },
            revocation,
            landed_revocation: None,
            subject_id: "s_1".to_owned(),
            accounts: Vec::new(),
            landed: None,
            gist: Gist::default(),
            version: 1,
            records: 0,
            queued_at: at(0),
            watch_until: at(100),
        }
    }

    fn carried(stored: &Stored, other: &Stored) -> Option<Move> {
        learnt(stored, &[stored, other], &config(), at(10))
    }

    #[test]
    fn another_name_is_searched_for_as_if_suggested() {
        let part = one("rev_1", Kind::Partial, State::Open, "jd");
        let mut end = one("rev_2", Kind::Full, State::Scheduled, "Jane");
        end.revocation.emails = vec!["jane@x".to_owned()];
        end.revocation.accounts =
            ["main/adm", "gone/adm"].map(crate::intake::submission::account_name).to_vec();
        let step = carried(&part, &end).unwrap();
        let asked = &step.revocation;
        assert_eq!(
            (&asked.also_called, &asked.emails),
            (&vec!["Jane".to_owned()], &end.revocation.emails)
        );
        let names: Vec<_> =
            asked.accounts.iter().map(|name| (name.role.as_str(), name.rule)).collect();
        assert_eq!(
            names,
            [("jd", LinkRule::Template), ("adm", LinkRule::Template)],
            "no target is called gone"
        );
        assert_eq!(step.records.len(), 1);
        let after = Stored { revocation: step.revocation, life: step.life, ..part };
        assert!(carried(&after, &end).is_none(), "once");
    }

    #[test]
    fn what_was_proved_is_opened_unless_another_one_expects_everything() {
        let mut proved = one("rev_1", Kind::Full, State::Verified, "jd");
        proved.life.met.access = Some(at(5));
        let part = one("rev_2", Kind::Partial, State::Open, "jane");
        let step = carried(&proved, &part).unwrap();
        assert_eq!((step.life.state, step.life.met.access), (State::Open, Some(at(5))));
        for (state, taken) in
            [(State::Open, false), (State::Verified, false), (State::Scheduled, true)]
        {
            let end = one("rev_2", Kind::Full, state, "jane");
            assert_eq!(carried(&proved, &end).is_some(), taken, "{state}");
        }
        let over =
            Stored { watch_until: at(9), ..one("rev_2", Kind::Partial, State::Verified, "jane") };
        assert!(carried(&proved, &over).is_none(), "it is watched no more");
        for kind in [Kind::Rotation, Kind::Transfer] {
            assert!(carried(&proved, &one("rev_2", kind, State::Open, "svc")).is_none());
        }
        proved.revocation.subject.clone_from(&proved.subject_id);
        assert!(carried(&proved, &part).is_none(), "it was erased");
    }

    #[test]
    fn what_a_question_left_met_is_met_when_a_name_answers_it() {
        let mut asked = one("rev_1", Kind::Full, State::Open, "jd");
        asked.life.met.access = Some(at(5));
        let part = one("rev_2", Kind::Partial, State::Open, "jane");
        for (verified, clean) in [(true, true), (false, true), (true, false)] {
            asked.life.verified_at = verified.then(|| at(6));
            asked.life.first_clean_at = clean.then(|| at(5));
            asked.life.confirm_from = Some(at(7));
            let life = carried(&asked, &part).unwrap().life;
            assert_eq!((life.state, life.confirm_from), (State::Open, None), "two looks more");
            assert_eq!(life.met.access.is_some(), verified && clean, "{verified} {clean}");
        }
    }

    #[test]
    fn of_two_that_are_proved_one_gets_the_name_that_a_third_learnt() {
        let (first, last) = (
            one("rev_1", Kind::Full, State::Verified, "jd"),
            one("rev_2", Kind::Full, State::Verified, "jd"),
        );
        let part = one("rev_3", Kind::Partial, State::Open, "jane");
        let taken = |stored: &Stored, first: &Stored, last: &Stored| {
            learnt(stored, &[first, last, &part], &config(), at(10)).is_some()
        };
        assert!(!taken(&first, &first, &last), "the other one has it");
        assert!(taken(&last, &first, &last));
        let shorter = Stored { watch_until: at(99), ..last.clone() };
        assert!(taken(&first, &first, &shorter), "nobody would look for it to the end");
        assert!(taken(&shorter, &first, &shorter));
        // Whichever came later, not whichever is called so.
        let mut newer = first.clone();
        newer.revocation.received_at = at(1);
        assert!(taken(&newer, &newer, &last) && !taken(&last, &newer, &last));
    }

    #[test]
    fn what_an_end_knew_is_handed_on_when_it_is_over() {
        let proved = one("rev_1", Kind::Partial, State::Verified, "jd");
        let end = one("rev_2", Kind::Full, State::Open, "jane");
        assert!(carried(&proved, &end).is_none());
        let mut step = unchanged(&end, at(10));
        assert!(!ends_cover(&step), "it expects the same still");
        for state in [State::Withdrawn, State::Excepted, State::Scheduled] {
            step.life.state = state;
            assert!(ends_cover(&step), "{state}");
        }
        step.life.state = State::Verified;
        let back = Rehired { at: at(9), made_at: at(9), by: "hr".into(), before: None };
        step.life.lineage.rehired = Some(back);
        assert!(ends_cover(&step));
        let steps = handed_on(&end, &[&proved, &end], &config(), at(10));
        let taken: Vec<_> =
            steps.iter().map(|step| (step.from.revocation.id.as_str(), step.life.state)).collect();
        assert_eq!(taken, [("rev_1", State::Open)]);
        assert!(steps[0].revocation.usernames().any(|name| name == "jane"));
        let another = one("rev_3", Kind::Full, State::Open, "jane");
        let steps = handed_on(&end, &[&proved, &end, &another], &config(), at(10));
        assert!(steps.iter().all(|step| step.from.revocation.id == "rev_3"), "that one goes on");
    }

    #[test]
    fn a_doubtful_name_stays_so_until_it_is_certain_somewhere() {
        let part = one("rev_1", Kind::Partial, State::Open, "jd");
        let mut end = one("rev_2", Kind::Full, State::Scheduled, "jd");
        end.revocation.also_called = vec!["jane".to_owned()];
        end.revocation.accounts.push(AccountName {
            target: None,
            role: "jane".to_owned(),
            rule: LinkRule::Template,
        });
        end.life.lineage.doubtful.insert("jane".to_owned());
        let step = carried(&part, &end).unwrap();
        assert_eq!(step.life.lineage.doubtful, end.life.lineage.doubtful);
        let after = Stored { revocation: step.revocation, life: step.life, ..part };
        assert!(carried(&after, &end).is_none());
        end.life.lineage.doubtful.clear();
        let step = carried(&after, &end).unwrap();
        assert!(step.life.lineage.doubtful.is_empty());
    }
}
