//! The verdict rules.

mod callers;
mod held;
mod open;
mod probes;
mod rehired;
mod required;
mod rotation;
mod transfer;

pub use held::under_hold;
pub use probes::met;
pub use rehired::{after_rehire, not_to_be_taken};
pub use required::Required;
pub use rotation::Rotation;

use open::{
    came_to_light, identity_gap, names_without_account, question_gap, sessions_begun_before,
    vanished_sessions,
};

use super::account::{Account, AccountName};
use super::ids::SystemIdentifier;
use super::lineage::Lineage;
use super::observation::{Cause, Gap, NotCovered, Observation};
use super::powers;
use super::probes::{Missing, Person};
use super::residual::{Residual, ResidualKind, Strength};
use super::revocation::Kind;
use super::time::UtcTime;
use super::words::words;
use std::collections::BTreeSet;

words! {
    /// The answer of one evaluation.
    Verdict {
        /// Proved: nothing that should be gone is there.
        Revoked = "revoked",
        /// Something that should be gone is there.
        Residual = "residual",
        /// Nothing was seen, but not everything could be looked at.
        Inconclusive = "inconclusive",
    }
}

/// What is asked of one or more looks.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What must be gone.
    pub kind: Kind,
    /// Accounts linked to the subject.
    pub accounts: &'a [Account],
    /// Names searched for.
    pub names: &'a [AccountName],
    /// Roles that must be gone, for [`Kind::Partial`].
    pub roles: &'a [String],
    /// Permissions that must be gone and of which nobody said which roles give them.
    pub unmapped: &'a [String],
    /// It is known, not only unseen, that the subject has no account: a complete mapping lists none and the
    /// notice named none, or a second person confirmed it.
    pub no_account: bool,
    /// Surfaces that the configuration does not ask for.
    pub not_required: &'a BTreeSet<ResidualKind>,
    /// For [`Kind::Partial`]: every name that these roles bear or bore.
    pub known_as: &'a [String],
    /// For [`Kind::Partial`]: the clusters on which a role is that ever bore that name. Where none does any more, it bears
    /// another one of [`known_as`](Self::known_as).
    pub seen: &'a [(SystemIdentifier, String)],
    /// For [`Kind::Partial`]: since when they are known to be gone, if they are.
    pub gone_since: Option<UtcTime>,
    /// For [`Kind::Rotation`]: what is known of the passwords.
    pub rotation: Option<Rotation<'a>>,
}

/// What a question may ask beyond the catalogs of its targets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Further<'a> {
    /// Whom probes are asked about; `None` where a role is asked about, and nobody in particular.
    pub person: Option<&'a Person>,
    /// What external systems told.
    pub external: &'a [&'a Observation],
    /// For [`Kind::Partial`]: what must be there.
    pub required: &'a [Required],
    /// For [`Kind::Transfer`]: who owns the account from now on.
    pub new_owner: Option<&'a str>,
    /// What is open about whom it is about, and only a person can say.
    pub open: &'a [Gap],
    /// What was said of the subject since: names that somebody else may have by now.
    pub lineage: Option<&'a Lineage>,
    /// For [`Kind::Partial`]: it is verified. A session that began before the roles went and is seen now was hidden
    /// from the looks that proved it.
    pub verified: bool,
}

/// The answer with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// Answer for the login milestone alone: login off and no session.
    pub login: Verdict,
    /// Login is off and no session is open, whatever the configuration asks for; and there is an account.
    pub disabled: bool,
    /// What must go, worst first.
    pub residual: Vec<Residual>,
    /// What is there and may stay.
    pub kept: Vec<Residual>,
    /// What must be there and is not.
    pub missing: Vec<Missing>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// What this answer does not speak about.
    pub not_covered: Vec<NotCovered>,
    /// Every role of every target was read, and the subject has none. Not so while a target is down: then
    /// nobody knows.
    pub no_account: bool,
}

impl Judgement {
    /// The same with more that it does not speak about.
    #[must_use]
    pub fn with_notes(mut self, notes: Vec<NotCovered>) -> Self {
        self.not_covered.extend(notes);
        self.not_covered.sort();
        self.not_covered.dedup();
        self
    }
}

/// Residual kinds that decide the login milestone.
const LOGIN: &[ResidualKind] = &[
    ResidualKind::Login,
    ResidualKind::Session,
    ResidualKind::VanishedSession,
    ResidualKind::Replication,
];

/// Connections: each may act as a role that it took before. One for replication runs SQL as well.
pub const SESSIONS: &[ResidualKind] =
    &[ResidualKind::Session, ResidualKind::VanishedSession, ResidualKind::Replication];

/// Answers `question` from the newest look at each target. Pure: same arguments, same answer.
///
/// Worst wins: residual anywhere is [`Verdict::Residual`]; else a gap anywhere is
/// [`Verdict::Inconclusive`]; only looks without gaps and without residual give [`Verdict::Revoked`].
#[must_use]
pub fn judge(question: &Question<'_>, looks: &[&Observation]) -> Judgement {
    judge_further(question, &Further::default(), looks)
}

/// The same, with what is asked beyond the catalogs. What must be there and is not is [`Verdict::Residual`] too.
#[must_use]
pub fn judge_further(
    question: &Question<'_>,
    further: &Further<'_>,
    looks: &[&Observation],
) -> Judgement {
    let Seen { mut found, mut gaps, mut not_covered } = seen(question, looks);
    let strangers = callers::judge(question, further, looks, &found);
    let probes::Asked { found: probed, mut missing, gaps: unasked, not_covered: skipped } =
        probes::judge(question, further, looks);
    not_covered.extend(skipped);
    // Whoever fits a role that is not judged may have an account, and may log in.
    gaps.extend(further.open.iter().cloned());
    let no_account = question.accounts.is_empty()
        && further.open.is_empty()
        && !looks.is_empty()
        && looks.iter().all(|look| roles_read(look));
    gaps.extend(question_gap(question, further, looks, no_account));
    gaps.extend(names_without_account(question, looks));
    if asked_for(question, ResidualKind::VanishedSession) {
        gaps.extend(vanished_sessions(looks));
    }
    let mut hidden = BTreeSet::new();
    if question.kind == Kind::Partial {
        gaps.extend(sessions_begun_before(question, looks, &found));
        if further.verified {
            hidden = came_to_light(question, looks, &mut found);
        }
    }
    if question.kind.is_about_a_secret() {
        rotation::judge(question, looks, &mut found, &mut gaps, &mut not_covered);
    }
    if question.kind == Kind::Transfer {
        gaps.extend(transfer::owner(question, further, looks));
    }
    let (lacking, unknown) = required::judge(question, further, looks, &found);
    missing.extend(lacking);
    // Whoever has an account elsewhere has something to be late with.
    let no_account = no_account && probed.is_empty() && strangers.is_empty();
    found.extend(probed);
    found.extend(strangers);
    let required = |surface: &ResidualKind| !question.not_required.contains(surface);
    not_covered.extend(switched_off(question));
    found.sort();
    found.dedup();
    not_covered.sort();
    not_covered.dedup();

    let disabled = !no_account && further.open.is_empty() && is_off(&found, looks);
    let login = answer(
        found.iter().any(|r| LOGIN.contains(&r.kind) && required(&r.kind)),
        gaps.iter().any(of_login),
    );
    let (residual, kept): (Vec<_>, Vec<_>) = found.into_iter().partition(|residual| {
        must_go(question, looks, residual) || hidden.contains(&residual.identity())
    });
    gaps.retain(|gap| doubts_all(gap) || matters(question.kind, gap.surface));
    // Only what matters to the question was asked.
    gaps.extend(unasked);
    gaps.extend(unknown);
    gaps.sort();
    gaps.dedup();
    missing.sort();
    missing.dedup();
    Judgement {
        verdict: answer(!residual.is_empty() || !missing.is_empty(), !gaps.is_empty()),
        login,
        disabled,
        residual,
        kept,
        missing,
        gaps,
        not_covered,
        no_account,
    }
}

/// Login is off and no session is open, as far as the looks could tell.
fn is_off(found: &[Residual], looks: &[&Observation]) -> bool {
    !found.iter().any(|found| LOGIN.contains(&found.kind))
        && !looks.iter().flat_map(|look| &look.gaps).any(of_login)
}

/// What the configuration does not ask for.
fn switched_off(question: &Question<'_>) -> impl Iterator<Item = NotCovered> {
    question.not_required.iter().map(|surface| NotCovered {
        surface: format!("{surface} of every account"),
        reason: "switched off in the configuration".to_owned(),
    })
}

/// What the looks say of the accounts of a question.
#[derive(Default)]
struct Seen {
    found: Vec<Residual>,
    gaps: Vec<Gap>,
    not_covered: Vec<NotCovered>,
}

fn seen(question: &Question<'_>, looks: &[&Observation]) -> Seen {
    let mut seen = Seen::default();
    for look in looks {
        // Of the whole target: the configuration requires what no look reads.
        let required =
            |gap: &Gap| gap.database.is_none() && gap.surface == ResidualKind::Credential;
        let asked =
            |gap: &&Gap| doubts_all(gap) || required(gap) || asked_for(question, gap.surface);
        seen.gaps.extend(look.gaps.iter().filter(asked).cloned());
        seen.not_covered.extend(look.not_covered.iter().cloned());
        for account in question.accounts.iter().filter(|account| account.target == look.target) {
            if let Some(gap) = identity_gap(account, look) {
                seen.gaps.push(gap);
                continue;
            }
            let theirs = look.residual.iter().filter(|found| found.account.oid == account.oid);
            seen.found.extend(theirs.cloned());
            let partly = look.partly.get(&account.oid).into_iter().flatten();
            seen.gaps.extend(partly.filter(asked).cloned());
        }
    }
    seen
}

/// Whether the look knows every role of its target.
fn roles_read(look: &Observation) -> bool {
    look.roles_read()
}

fn answer(residual: bool, gap: bool) -> Verdict {
    match (residual, gap) {
        (true, _) => Verdict::Residual,
        (false, true) => Verdict::Inconclusive,
        (false, false) => Verdict::Revoked,
    }
}

/// A look that does not find the canary proves no absence at all, wherever the canary lies.
fn doubts_all(gap: &Gap) -> bool {
    gap.cause == Cause::CanaryMissed
}

/// Whether the gap leaves the login milestone open.
fn of_login(gap: &Gap) -> bool {
    doubts_all(gap) || LOGIN.contains(&gap.surface)
}

/// Whether not having seen `surface` matters. The state of the roles always does: everything else rests on it.
fn asked_for(question: &Question<'_>, surface: ResidualKind) -> bool {
    // Only a rotation or a transfer is about a password.
    let foreign = surface == ResidualKind::Credential && !question.kind.is_about_a_secret();
    surface == ResidualKind::Login || !(foreign || question.not_required.contains(&surface))
}

/// Whether `residual` counts against the expectation, or may stay.
fn must_go(question: &Question<'_>, looks: &[&Observation], residual: &Residual) -> bool {
    // Whoever may take every role has those that must be gone: that is no attribute beside them.
    let takes_all = question.kind == Kind::Partial && takes_every_role(looks, residual);
    if question.not_required.contains(&residual.kind) && !takes_all {
        return false;
    }
    match question.kind {
        Kind::Full => true,
        Kind::Rotation | Kind::Transfer => rotation::must_go(question, looks, residual),
        // Committing what was prepared may give the login back.
        Kind::Suspend => {
            matches!(residual.strength, Strength::ActsNow | Strength::CanLogIn)
                || matches!(residual.kind, ResidualKind::Job | ResidualKind::PreparedTransaction)
        }
        Kind::Partial => {
            let named =
                residual.privilege.as_ref().is_some_and(|role| question.known_as.contains(role));
            let held =
                matches!(residual.kind, ResidualKind::Membership | ResidualKind::AdminOption);
            // Whoever can make itself a superuser may take every role too.
            let breaks_out = residual.strength != Strength::Latent
                && residual.privilege.as_deref().is_some_and(powers::breaks_out);
            (held && (named || breaks_out))
                || residual.kind == ResidualKind::Probe
                || takes_all
                || residual.kind == ResidualKind::PreparedTransaction
        }
    }
}

/// Whether it lets every role be taken without holding it.
fn takes_every_role(looks: &[&Observation], residual: &Residual) -> bool {
    let before_16 = || {
        looks.iter().any(|look| {
            look.target == residual.account.target
                && look.server.as_ref().is_some_and(|server| server.version_num < 160_000)
        })
    };
    residual.kind == ResidualKind::Attribute
        && match residual.privilege.as_deref() {
            Some("SUPERUSER") => true,
            // Until 15 it grants itself any role that is no superuser.
            Some("CREATEROLE") => before_16(),
            _ => false,
        }
}

/// Whether not having seen `surface` leaves a revocation of `kind` unproved.
fn matters(kind: Kind, surface: ResidualKind) -> bool {
    use ResidualKind as K;
    match kind {
        Kind::Full => true,
        Kind::Rotation | Kind::Transfer => rotation::matters(surface),
        Kind::Suspend => matches!(
            surface,
            K::Login
                | K::Attribute
                | K::Session
                | K::VanishedSession
                | K::Replication
                | K::Subscription
                | K::PreparedTransaction
                | K::Job
                | K::HbaRule
                | K::IdentMap
                | K::Credential
                | K::Probe
        ),
        Kind::Partial => matches!(
            surface,
            K::Login
                | K::Attribute
                | K::Membership
                | K::AdminOption
                | K::Session
                | K::VanishedSession
                | K::Replication
                | K::PreparedTransaction
        ),
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "verdict/further_tests.rs"]
mod further_tests;
