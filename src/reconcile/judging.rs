//! One revocation and the newest looks at its targets: the answer, and the move that follows from it.

use super::further::person_of;
use super::lineage::Reopened;
use super::question::{has_no_account, names_of, roles_of};
use super::{Reconciler, lineage, links, moves};
use crate::clock;
use crate::config::Config;
use crate::domain::account::{Account, AccountName};
use crate::domain::claims::Claims;
use crate::domain::credential::{self, Held, Standing};
use crate::domain::identity::questioned;
use crate::domain::lifecycle::{Life, Look};
use crate::domain::observation::Observation;
use crate::domain::probes::Person;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::domain::verdict::{
    Further, Judgement, Question, Rotation, Verdict, judge_further, met, under_hold,
};
use crate::store::{Move, StoreError, Stored};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What follows from a judgement.
pub(super) struct Judged {
    /// When the look was that it was judged by.
    pub(super) looked_at: UtcTime,
    /// What it said, where that is what the evidence is made of once the move is made.
    pub(super) said: Option<u64>,
    /// The move.
    pub(super) step: Option<Move>,
}

impl Reconciler {
    /// What follows from the newest looks; `None` while it must wait.
    pub(super) async fn judge_one(
        &self,
        target: &str,
        stored: &Stored,
        held: bool,
        claims: &Claims<'_>,
    ) -> Result<Option<Judged>, StoreError> {
        let config = self.in_force();
        let Some(looks) = self.looks_for(stored, &config) else { return Ok(None) };
        let person = person_of(stored, &config);
        let Some(external) = self.probed_elsewhere(stored, &config, &person, &looks) else {
            return Ok(None);
        };
        // Nobody looks at a target that was taken out, so whoever looks next speaks for it.
        let concerned = |look: &Arc<Observation>| {
            look.target == target || config.target(&look.target).is_none()
        };
        let system = external.iter().any(|look| look.target == target);
        if !system && !looks.iter().any(concerned) {
            return Ok(None);
        }
        let names = names_of(stored, &config);
        let accounts = self.linked(stored, &names, &looks).await?;
        let accounts = links::with_sources(accounts, stored, &config, clock::now());
        let (roles, unmapped) = roles_of(stored, &config);
        let borne = self.known_as(&roles, &looks).await?;
        let mut newest_judged = self.newest_judged(stored, &accounts);
        forget_for_more(Arc::make_mut(&mut newest_judged.life), &roles);
        let borrowed: Vec<&Observation> = looks.iter().map(AsRef::as_ref).collect();
        let certain = links::certain(stored, &accounts, &names, claims, (&borrowed, &config));
        let credentials = followed(stored, &accounts, &borrowed);
        let standings: Vec<&Standing> = credentials.iter().map(|held| &held.standing).collect();
        // Reading the URLs costs more than all the rest of a judgement.
        let servers = if stored.revocation.kind.is_about_a_secret() {
            config.servers()
        } else {
            BTreeMap::new()
        };
        let id = &stored.revocation.id;
        let rotation = Rotation { revocation: id, credentials: &standings, servers: &servers };
        let question = Question {
            kind: stored.revocation.kind,
            accounts: &certain.accounts,
            names: &certain.names,
            roles: &roles,
            unmapped: &unmapped,
            no_account: has_no_account(stored, &config),
            not_required: &config.not_required,
            known_as: &borne.names,
            seen: &borne.seen,
            gone_since: newest_judged.life.gone_since,
            rotation: Some(rotation),
        };
        let elsewhere: Vec<&Observation> = external.iter().map(AsRef::as_ref).collect();
        let required = self.required(stored, &config, &looks).await?;
        let further = Further {
            person: Some(&person),
            external: &elsewhere,
            required: &required,
            new_owner: stored.revocation.new_owner.as_deref(),
            open: &certain.open,
            lineage: Some(&stored.life.lineage),
            verified: stored.life.state == State::Verified,
        };
        let judged = judge_further(&question, &further, &borrowed).with_notes(certain.notes);
        let judged = if held { under_hold(judged) } else { judged };
        let met = met(&person, borrowed.iter().chain(&elsewhere).copied());
        let newest = (stored, &newest_judged);
        let (judged, lineage) = self.said(newest, judged, (&accounts, &borrowed), met).await?;
        let reopened = reopened(stored, (&certain.names, certain.asked), &judged, &borrowed);
        match reopened {
            Some(Reopened::Named) => reopen(Arc::make_mut(&mut newest_judged.life)),
            Some(Reopened::Asked) => {
                newest_judged.life = Arc::new(questioned(Arc::unwrap_or_clone(newest_judged.life)));
            }
            None => {}
        }
        let asked = elsewhere.iter().filter(|look| asks_about(look, &person));
        let borrowed: Vec<&Observation> = borrowed.iter().chain(asked).copied().collect();
        if self.rests_on_memory(&newest_judged, &judged, &borrowed, &config, held) {
            return Ok(None);
        }
        if !system {
            self.count(target, stored, &judged, &borrowed, &config);
        }
        let waited = self.steady.waited(id, &newest_judged.life, config.verification_delay);
        let look = Look { credentials, held, waited, ..moves::look_of(&judged, &borrowed) };
        let said = self.echoes.of(&judged, &borrowed, held);
        let looked_at = look.started_at;
        if reopened.is_none()
            && lineage == stored.life.lineage
            && self.echoes.is(id, stored.version, said)
            && moves::is_settled(&newest_judged, &accounts, &judged, &look, &borrowed, &config)
        {
            return Ok(Some(Judged { looked_at, said: None, step: None }));
        }
        let kept = self.journal.store.evidence(id).await?;
        let newest = (&newest_judged, &kept);
        let step = moves::plan(newest, accounts, judged, &look, &borrowed, &config, clock::now());
        // An older look tells nothing of what is kept.
        let tells = newest_judged.life.last_look_at.is_none_or(|last| looked_at > last);
        let mut step =
            lineage::carried(step, (stored, &newest_judged), lineage, reopened, clock::now());
        if let Some(step) = &mut step {
            step.life.gone_are(roles);
            self.steady.follow(id, &step.life);
        }
        Ok(Some(Judged { looked_at, said: tells.then_some(said), step }))
    }

    /// The revocation as it is before this judgement, without what no longer holds.
    fn newest_judged(&self, stored: &Stored, accounts: &[Account]) -> Stored {
        let mut newest = stored.clone();
        let life = Arc::make_mut(&mut newest.life);
        if forget_the_future(life, clock::now()) {
            tracing::warn!(
                revocation = stored.revocation.id,
                "the clock went back: what was known of it lies in the future"
            );
        }
        forget_for_others(life, &stored.accounts, accounts);
        let at = self.board.judged(&stored.revocation.id).filter(|at| *at <= clock::now());
        life.last_look_at = life.last_look_at.max(at);
        newest
    }

    /// Whether the judgement would decide something while it rests on access lists that an earlier look read.
    /// Then those looks are asked for that read everything, and nothing is decided before.
    fn rests_on_memory(
        &self,
        stored: &Stored,
        judged: &Judgement,
        looks: &[&Observation],
        config: &Config,
        held: bool,
    ) -> bool {
        let terms = moves::terms_for(stored, judged, config);
        let remembered = moves::remembered(stored, judged, looks, &terms, held);
        for look in &remembered {
            self.board.ask_whole(&look.target);
        }
        !remembered.is_empty()
    }
}

/// What is known of the passwords that a rotation is about.
fn followed(stored: &Stored, accounts: &[Account], looks: &[&Observation]) -> Vec<Held> {
    if stored.revocation.kind.is_about_a_secret() {
        credential::follow(&stored.life.credentials, accounts, looks)
    } else {
        Vec::new()
    }
}

/// Whether something is verified no more although the looks saw no access, and why.
fn reopened(
    stored: &Stored,
    (names, asked): (&[AccountName], bool),
    judged: &Judgement,
    looks: &[&Observation],
) -> Option<Reopened> {
    if links::unlooked_for(stored, judged, names, looks) {
        return Some(Reopened::Named);
    }
    let asked =
        asked && stored.life.state == State::Verified && judged.verdict == Verdict::Inconclusive;
    asked.then_some(Reopened::Asked)
}

/// Nobody looked for what is named by now: what was proved of less is open again.
fn reopen(life: &mut Life) {
    life.state = State::Open;
    life.first_clean_at = None;
    life.confirm_from = None;
}

/// Whether a check of the system that was asked is about `person`.
fn asks_about(look: &Observation, person: &Person) -> bool {
    look.probing.declared.iter().any(|declared| declared.applies(person))
}

/// Drops times that lie after `now`: they are from before the clock was set back, and would keep every newer
/// look out. Gives whether there were any.
pub(super) fn forget_the_future(life: &mut Life, now: UtcTime) -> bool {
    let times = [
        &mut life.last_look_at,
        &mut life.confirm_from,
        &mut life.blind_since,
        &mut life.first_clean_at,
        &mut life.gone_since,
    ];
    let mut any = false;
    for time in times {
        if time.is_some_and(|at| at > now) {
            *time = None;
            any = true;
        }
    }
    any
}

/// A session may act as a role that was not looked for when the others were seen to be gone. What was proved before that was
/// proved of those.
pub(super) fn forget_for_more(life: &mut Life, roles: &[String]) {
    let more = roles.iter().any(|role| !life.gone.contains(role));
    if life.gone_since.is_some() && more && life.state != State::Verified {
        // What an earlier version kept does not say which they were.
        if !life.gone.is_empty() {
            life.gone_since = None;
        }
        life.gone = roles.to_vec();
    }
}

/// A session of another account may act as a role that the known ones lost long ago.
pub(super) fn forget_for_others(life: &mut Life, known: &[Account], accounts: &[Account]) {
    if known != accounts {
        life.gone_since = None;
    }
}
