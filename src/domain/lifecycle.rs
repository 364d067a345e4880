//! How a revocation moves from state to state.

mod parts;

pub use parts::{Effect, Label, Look, Terms};

use super::acknowledged::Acknowledged;
use super::checklist::Word;
use super::credential::Held;
use super::emergency::Emergency;
use super::exception::Exception;
use super::expectation::milestones;
use super::ids::SystemIdentifier;
use super::lineage::Lineage;
use super::milestone::{Milestone, PerMilestone};
use super::relapse::{Before, Relapse};
use super::request::{Request, Withdrawn};
use super::residual::ResidualKind;
use super::revocation::{Revocation, State};
use super::time::UtcTime;
use super::uses::Uses;
use super::verdict::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is remembered of a revocation between looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Where it stands.
    pub state: State,
    /// When each milestone was first missed.
    pub missed: PerMilestone<Option<UtcTime>>,
    /// Start of the look that proved each milestone; cleared when access is seen again.
    pub met: PerMilestone<Option<UtcTime>>,
    /// First look that found something to go.
    pub first_residual_at: Option<UtcTime>,
    /// First clean look since anything was last seen. Stops the clock. Kept while blind.
    pub first_clean_at: Option<UtcTime>,
    /// The look from which confirmation counts: like `first_clean_at`, but being blind starts it anew.
    pub confirm_from: Option<UtcTime>,
    /// The clusters of that look. Others confirm nothing about these: where there is no account, nothing else ties a
    /// revocation to its cluster.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub confirm_on: BTreeSet<SystemIdentifier>,
    /// When it was last verified.
    pub verified_at: Option<UtcTime>,
    /// The duration was reported: once in a life, at the first verification.
    pub duration_reported: bool,
    /// First of the present row of inconclusive looks.
    pub blind_since: Option<UtcTime>,
    /// How long nothing could be told since `first_clean_at`, in microseconds.
    pub blind_us: u64,
    /// Start of the look that made this state.
    pub last_look_at: Option<UtcTime>,
    /// Answer of that look.
    pub last_verdict: Option<Verdict>,
    /// Fingerprint of what the newest conclusive look found.
    pub fingerprint: Option<String>,
    /// The account was seen disabled (login off and no session) once.
    pub disabled_at: Option<UtcTime>,
    /// Kinds of access that were ever found: what has been taken away by the time of verification.
    #[serde(default)]
    pub seen: BTreeSet<ResidualKind>,
    /// Since when everything that must go is known to be gone, whatever its sessions may still do.
    #[serde(default)]
    pub gone_since: Option<UtcTime>,
    /// For a partial one: the roles that this is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// For a rotation: what is known of the passwords.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<Held>,
    /// What people attested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attested: Vec<Word>,
    /// What waits for a second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Request>,
    /// Permissions to keep access: asked for, in force, and over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// When the last of them ended: times allowed and ages count from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_from: Option<UtcTime>,
    /// It was withdrawn because it should never have been expected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erroneous: bool,
    /// Who withdrew it. What an earlier version withdrew, only the log tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawn>,
    /// What was said of the subject since: back again, and whose roles are whose.
    #[serde(default, skip_serializing_if = "Lineage::is_empty")]
    pub lineage: Lineage,
    /// It was asked for in an emergency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<Box<Emergency>>,
    /// When we were told that access ends as soon as it does, where that was later than the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<UtcTime>,
    /// Sessions that began after the end.
    #[serde(default, skip_serializing_if = "Uses::is_empty")]
    pub uses: Box<Uses>,
    /// What tells later why access came back. Mostly the same as what the log holds of it.
    #[serde(default, skip_serializing_if = "Before::is_empty")]
    pub before: Arc<Before>,
    /// How it last came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relapse: Option<Box<Relapse>>,
    /// Somebody saw that it is late: people are not reminded for a while. Nothing else follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Box<Acknowledged>>,
}

impl Life {
    /// The life of a revocation accepted at `received_at`.
    #[must_use]
    pub fn begin(effective_at: UtcTime, received_at: UtcTime) -> Self {
        Self {
            state: if effective_at > received_at { State::Scheduled } else { State::Open },
            missed: PerMilestone::default(),
            met: PerMilestone::default(),
            first_residual_at: None,
            first_clean_at: None,
            confirm_from: None,
            confirm_on: BTreeSet::new(),
            verified_at: None,
            duration_reported: false,
            blind_since: None,
            blind_us: 0,
            last_look_at: None,
            last_verdict: None,
            fingerprint: None,
            disabled_at: None,
            seen: BTreeSet::new(),
            gone_since: None,
            gone: Vec::new(),
            credentials: Vec::new(),
            attested: Vec::new(),
            pending: None,
            exceptions: Vec::new(),
            due_from: None,
            erroneous: false,
            withdrawn: None,
            lineage: Lineage::default(),
            emergency: None,
            told_at: None,
            uses: Box::default(),
            before: Arc::default(),
            relapse: None,
            acknowledged: None,
        }
    }

    /// From when the time allowed and ages count: effect, receipt, or the end of the last exception.
    #[must_use]
    pub fn counts_from(&self, revocation: &Revocation) -> UtcTime {
        let told = revocation.effective_at.max(revocation.received_at);
        self.due_from.map_or(told, |from| from.max(told))
    }

    /// Notes which roles are gone since it is known that they are, where that was not noted yet.
    pub fn gone_are(&mut self, roles: Vec<String>) {
        if self.gone_since.is_some() && self.gone.is_empty() {
            self.gone = roles;
        }
    }

    /// Whether any exception is in force. Then nothing is verified, whatever a look finds.
    #[must_use]
    pub fn is_excepted(&self) -> bool {
        self.exceptions.iter().any(Exception::in_force)
    }

    /// Whether this look would decide something: absence for the first time or its confirmation, access that came
    /// back, or a milestone missed. Such a look must have read everything itself.
    #[must_use]
    pub fn decides(&self, terms: &Terms, look: &Look) -> bool {
        let open = matches!(self.state, State::Open | State::Regressed)
            || (self.state == State::Scheduled && look.started_at >= terms.effective_at);
        let confirms = !look.held
            && !self.is_excepted()
            && self
                .confirm_from
                .is_none_or(|from| look.started_at.since(from) >= terms.verification_delay);
        let misses = milestones(terms.kind, terms.reason).iter().any(|milestone| {
            let due = terms.deadlines.get(*milestone).is_some_and(|at| look.started_at >= at);
            due && self.met.get(*milestone).is_none() && self.missed.get(*milestone).is_none()
        });
        match look.verdict {
            Verdict::Residual if self.state == State::Verified && look.lacking => false,
            Verdict::Revoked => open && (self.first_clean_at.is_none() || confirms || misses),
            Verdict::Residual => self.state == State::Verified || (open && misses),
            Verdict::Inconclusive => open && misses,
        }
    }

    /// Milestones missed and not met. Only those that the revocation has are ever missed.
    #[must_use]
    pub fn late(&self) -> Vec<Milestone> {
        let due = matches!(self.state, State::Open | State::Regressed);
        let missed =
            |one: &Milestone| self.missed.get(*one).is_some() && self.met.get(*one).is_none();
        Milestone::ALL.iter().copied().filter(|one| due && missed(one)).collect()
    }

    /// Milestones missed and not met: what `overdue` means. Only `Open` and `Regressed` can be.
    pub fn overdue<'a>(&'a self, terms: &Terms) -> impl Iterator<Item = Milestone> + 'a {
        let due = matches!(self.state, State::Open | State::Regressed);
        milestones(terms.kind, terms.reason).iter().copied().filter(move |milestone| {
            due && self.missed.get(*milestone).is_some() && self.met.get(*milestone).is_none()
        })
    }
}

/// Moves `life` by one look. Pure; the same look twice, or one older than the newest, moves nothing.
#[must_use]
pub fn step(terms: &Terms, life: &Life, look: &Look) -> (Life, Vec<Effect>) {
    use State as S;
    use Verdict as V;
    let mut next = life.clone();
    let mut effects = Vec::new();
    if life.last_look_at.is_some_and(|last| look.started_at <= last) {
        return (next, effects);
    }
    if life.state == S::Scheduled && look.started_at >= terms.effective_at {
        next.state = S::Open;
    }
    observe(&mut next, look, &mut effects);
    match (next.state, look.verdict) {
        // Before its effect nothing is due, and an early absence proves nothing about later. Of what is
        // excepted or withdrawn nothing is expected. What was proved and is so still, or cannot be told for a
        // moment, does not move: blindness has its own metric and alert.
        (S::Scheduled | S::Excepted | S::Withdrawn, V::Revoked | V::Residual | V::Inconclusive)
        | (S::Verified, V::Revoked | V::Inconclusive) => {}
        // Nothing came back. What is missing is shown, and is another matter by now.
        (S::Verified, V::Residual) if look.lacking => {}

        (S::Open | S::Regressed, V::Residual) => {
            found(&mut next, look);
            deadlines(terms, &mut next, look, &mut effects);
        }
        (S::Open | S::Regressed, V::Inconclusive) => {
            next.confirm_from = None;
            deadlines(terms, &mut next, look, &mut effects);
        }
        (S::Open | S::Regressed, V::Revoked) => clean(terms, &mut next, look, &mut effects),
        // The deadline is no shelter for access that came back.
        (S::Verified, V::Residual) => {
            next.state = S::Regressed;
            found(&mut next, look);
            effects.push(Effect::Regressed);
        }
    }
    (next, effects)
}

/// Remembers the look itself: what it saw and how long nobody could tell.
fn observe(next: &mut Life, look: &Look, effects: &mut Vec<Effect>) {
    if look.verdict == Verdict::Inconclusive {
        next.blind_since.get_or_insert(look.started_at);
    } else {
        if let Some(since) = next.blind_since.take() {
            let blind = u64::try_from(look.started_at.since(since).as_micros()).unwrap_or(u64::MAX);
            next.blind_us = next.blind_us.saturating_add(blind);
        }
        match &next.fingerprint {
            None => effects.push(Effect::Observed(Label::Before)),
            Some(before) if *before != look.fingerprint && look.verdict == Verdict::Residual => {
                effects.push(Effect::Observed(Label::Changed));
            }
            Some(_) => {}
        }
        next.fingerprint = Some(look.fingerprint.clone());
    }
    match look.gone_at {
        Some(at) => next.gone_since = next.gone_since.or(Some(at)),
        None if look.verdict == Verdict::Residual => next.gone_since = None,
        None => {}
    }
    next.credentials.clone_from(&look.credentials);
    next.seen.extend(look.kinds.iter().copied());
    next.last_look_at = Some(look.started_at);
    next.last_verdict = Some(look.verdict);
}

/// Access is there: whatever absence was seen earlier counts no more.
fn found(next: &mut Life, look: &Look) {
    next.first_residual_at.get_or_insert(look.started_at);
    next.first_clean_at = None;
    next.confirm_from = None;
    next.met.access = None;
    next.met.credentials = None;
    if look.login == Verdict::Residual {
        next.met.login = None;
    }
    next.blind_us = 0;
}

fn clean(terms: &Terms, next: &mut Life, look: &Look, effects: &mut Vec<Effect>) {
    if next.first_clean_at.is_none() {
        next.first_clean_at = Some(look.started_at);
        next.blind_us = 0;
        effects.push(Effect::AccessRevoked);
    }
    deadlines(terms, next, look, effects);
    if next.confirm_on != look.clusters {
        next.confirm_on.clone_from(&look.clusters);
        next.confirm_from = None;
    }
    // What somebody permits to stay may be there, or come back unseen: the milestones can be met, no more.
    if look.held {
        next.confirm_from = None;
        return;
    }
    let confirm_from = *next.confirm_from.get_or_insert(look.started_at);
    if next.is_excepted() {
        return;
    }
    // The delay counts between two different looks, so a delay of zero still takes two.
    if look.waited
        && look.started_at > confirm_from
        && look.started_at.since(confirm_from) >= terms.verification_delay
    {
        next.state = State::Verified;
        next.verified_at = Some(look.started_at);
        effects.push(Effect::Observed(Label::After));
        effects.push(Effect::Verified);
    }
}

/// Meets, unmeets and misses milestones.
fn deadlines(terms: &Terms, next: &mut Life, look: &Look, effects: &mut Vec<Effect>) {
    for milestone in milestones(terms.kind, terms.reason) {
        let verdict = match milestone {
            Milestone::Login => look.login,
            Milestone::Access | Milestone::Credentials => look.verdict,
        };
        match verdict {
            Verdict::Revoked => {
                if next.met.get(*milestone).is_none() {
                    next.met.set(*milestone, Some(look.started_at));
                }
                if *milestone == Milestone::Login && look.disabled && next.disabled_at.is_none() {
                    next.disabled_at = Some(look.started_at);
                    effects.insert(
                        effects
                            .iter()
                            .position(|e| *e == Effect::AccessRevoked)
                            .unwrap_or(effects.len()),
                        Effect::AccountDisabled,
                    );
                }
            }
            Verdict::Residual => next.met.set(*milestone, None),
            Verdict::Inconclusive => {}
        }
        let due = terms.deadlines.get(*milestone).is_some_and(|at| look.started_at >= at);
        if due && next.met.get(*milestone).is_none() && next.missed.get(*milestone).is_none() {
            next.missed.set(*milestone, Some(look.started_at));
            effects.push(if verdict == Verdict::Residual {
                Effect::MilestoneFailed(*milestone)
            } else {
                Effect::MilestoneInconclusive(*milestone)
            });
        }
    }
}

#[cfg(test)]
#[path = "lifecycle_scripts.rs"]
mod scripts;
