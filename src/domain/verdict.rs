//! The verdict rules.

mod rotation;

pub use rotation::Rotation;

use super::account::{Account, AccountName};
use super::observation::{Cause, Gap, NotCovered, Observation};
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
    /// For [`Kind::Partial`]: since when they are known to be gone, if they are.
    pub gone_since: Option<UtcTime>,
    /// For [`Kind::Rotation`]: what is known of the passwords.
    pub rotation: Option<Rotation<'a>>,
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
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// What this answer does not speak about.
    pub not_covered: Vec<NotCovered>,
    /// Every role of every target was read, and the subject has none. Not so while a target is down: then
    /// nobody knows.
    pub no_account: bool,
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

/// What a rotation is about.
const ROTATED: &[ResidualKind] = &[
    ResidualKind::Credential,
    ResidualKind::Session,
    ResidualKind::VanishedSession,
    ResidualKind::Replication,
];

/// Answers `question` from the newest look at each target. Pure: same arguments, same answer.
///
/// Worst wins: residual anywhere is [`Verdict::Residual`]; else a gap anywhere is
/// [`Verdict::Inconclusive`]; only looks without gaps and without residual give [`Verdict::Revoked`].
#[must_use]
pub fn judge(question: &Question<'_>, looks: &[&Observation]) -> Judgement {
    let mut found: Vec<Residual> = Vec::new();
    let mut gaps: Vec<Gap> = Vec::new();
    let mut not_covered: Vec<NotCovered> = Vec::new();
    for look in looks {
        // Of the whole target: the configuration requires what no look reads.
        let required =
            |gap: &Gap| gap.database.is_none() && gap.surface == ResidualKind::Credential;
        let asked =
            |gap: &&Gap| doubts_all(gap) || required(gap) || asked_for(question, gap.surface);
        gaps.extend(look.gaps.iter().filter(asked).cloned());
        not_covered.extend(look.not_covered.iter().cloned());
        for account in question.accounts.iter().filter(|account| account.target == look.target) {
            match identity_gap(account, look) {
                Some(gap) => gaps.push(gap),
                None => found
                    .extend(look.residual.iter().filter(|r| r.account.oid == account.oid).cloned()),
            }
        }
    }
    let no_account = question.accounts.is_empty()
        && !looks.is_empty()
        && looks.iter().all(|look| roles_read(look));
    gaps.extend(question_gap(question, looks, no_account));
    gaps.extend(names_without_account(question, looks));
    if asked_for(question, ResidualKind::VanishedSession) {
        gaps.extend(vanished_sessions(looks));
    }
    if question.kind == Kind::Partial {
        gaps.extend(sessions_begun_before(question, looks, &found));
    }
    if question.kind == Kind::Rotation {
        rotation::judge(question, looks, &mut found, &mut gaps, &mut not_covered);
    }
    let required = |surface: &ResidualKind| !question.not_required.contains(surface);
    not_covered.extend(question.not_required.iter().map(|surface| NotCovered {
        surface: format!("{surface} of every account"),
        reason: "switched off in the configuration".to_owned(),
    }));
    found.sort();
    found.dedup();
    not_covered.sort();
    not_covered.dedup();

    let disabled = !no_account
        && !found.iter().any(|r| LOGIN.contains(&r.kind))
        && !looks.iter().flat_map(|look| &look.gaps).any(of_login);
    let login = answer(
        found.iter().any(|r| LOGIN.contains(&r.kind) && required(&r.kind)),
        gaps.iter().any(of_login),
    );
    let (residual, kept): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|residual| must_go(question, looks, residual));
    gaps.retain(|gap| doubts_all(gap) || matters(question.kind, gap.surface));
    gaps.sort();
    gaps.dedup();
    Judgement {
        verdict: answer(!residual.is_empty(), !gaps.is_empty()),
        login,
        disabled,
        residual,
        kept,
        gaps,
        not_covered,
        no_account,
    }
}

/// Whether the look knows every role of its target.
fn roles_read(look: &Observation) -> bool {
    !look.roster.is_empty() && !look.gaps.iter().any(|gap| gap.surface == ResidualKind::Login)
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
    // Only a rotation is about a password.
    let foreign = surface == ResidualKind::Credential && question.kind != Kind::Rotation;
    surface == ResidualKind::Login || !(foreign || question.not_required.contains(&surface))
}

/// Whether `residual` counts against the expectation, or may stay.
fn must_go(question: &Question<'_>, looks: &[&Observation], residual: &Residual) -> bool {
    if question.not_required.contains(&residual.kind) {
        return false;
    }
    match question.kind {
        Kind::Full | Kind::Transfer => true,
        Kind::Rotation => rotation::must_go(question, looks, residual),
        // Committing what was prepared may give the login back.
        Kind::Suspend => {
            matches!(residual.strength, Strength::ActsNow | Strength::CanLogIn)
                || matches!(residual.kind, ResidualKind::Job | ResidualKind::PreparedTransaction)
        }
        Kind::Partial => {
            // Until 15 it grants itself any role that is no superuser.
            let createrole = residual.kind == ResidualKind::Attribute
                && residual.privilege.as_deref() == Some("CREATEROLE")
                && looks.iter().any(|look| {
                    look.target == residual.account.target
                        && look.server.as_ref().is_some_and(|server| server.version_num < 160_000)
                });
            let named =
                residual.privilege.as_ref().is_some_and(|role| question.known_as.contains(role));
            let held =
                matches!(residual.kind, ResidualKind::Membership | ResidualKind::AdminOption);
            // A superuser may take every role without holding it.
            let superuser = residual.kind == ResidualKind::Attribute
                && residual.privilege.as_deref() == Some("SUPERUSER");
            (held && named)
                || superuser
                || createrole
                || residual.kind == ResidualKind::PreparedTransaction
        }
    }
}

/// Whether not having seen `surface` leaves a revocation of `kind` unproved.
fn matters(kind: Kind, surface: ResidualKind) -> bool {
    use ResidualKind as K;
    match kind {
        Kind::Full | Kind::Transfer => true,
        Kind::Rotation => rotation::matters(surface),
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

/// An account is known by OID in one cluster. When another cluster answers at that target, or nobody,
/// the OID says nothing.
fn identity_gap(account: &Account, look: &Observation) -> Option<Gap> {
    let server = look.server.as_ref()?;
    let gap = |reason: String, fix: &str| Gap {
        surface: ResidualKind::Login,
        target: look.target.clone(),
        database: None,
        reason,
        fix: fix.to_owned(),
        cause: Cause::Internal,
    };
    if server.system_identifier != account.system_identifier {
        return Some(gap(
            format!(
                "{} was linked as OID {} in cluster {}, but cluster {} answers now",
                account.role, account.oid, account.system_identifier, server.system_identifier
            ),
            "point the target at the cluster it was configured for, or expect the revocation anew",
        ));
    }
    (!look.tracked.contains(&account.oid)).then(|| {
        gap(
            format!("the newest look did not search for {} (OID {})", account.role, account.oid),
            "wait for the next look",
        )
    })
}

/// A role that the notice named and that nobody has ever seen: misspelt, perhaps, and then the right one
/// is not looked at.
fn names_without_account(question: &Question<'_>, looks: &[&Observation]) -> Vec<Gap> {
    let unseen = |name: &&AccountName| {
        !name.suggested()
            && !looks
                .iter()
                .filter(|look| name.applies_to(&look.target))
                .any(|look| seen_under(question, look, &name.role))
    };
    if question.accounts.is_empty() {
        return Vec::new();
    }
    question
        .names
        .iter()
        .filter(unseen)
        .map(|name| Gap {
            surface: ResidualKind::Login,
            target: name.target.clone().unwrap_or_else(|| targets(looks)),
            database: None,
            reason: format!("no role is called {}, and none was when the notice came", name.role),
            fix: "expect it again with the role's present name (--account)".to_owned(),
            cause: Cause::Internal,
        })
        .collect()
}

/// Whether a linked account of the look's target was found under this name, now or earlier.
fn seen_under(question: &Question<'_>, look: &Observation, role: &str) -> bool {
    question
        .accounts
        .iter()
        .any(|account| account.target == look.target && account.names.iter().any(|n| n == role))
}

fn targets(looks: &[&Observation]) -> String {
    looks.iter().map(|look| look.target.as_str()).collect::<Vec<_>>().join(", ")
}

/// A session whose role is gone and was never seen may be that of an earlier role of the subject's name.
fn vanished_sessions(looks: &[&Observation]) -> Vec<Gap> {
    let gap = |look: &Observation, residual: &Residual| Gap {
        surface: ResidualKind::VanishedSession,
        target: look.target.clone(),
        database: residual.database.clone(),
        reason: format!("{}; whose it was is not known", residual.sentence),
        fix: "end that session, or find out whose it is".to_owned(),
        cause: Cause::Internal,
    };
    looks.iter().flat_map(|look| look.vanished.iter().map(|found| gap(look, found))).collect()
}

/// A session keeps a role that it took with SET ROLE before the role was revoked, and nobody can see that
/// from outside. The first look that misses the role cannot tell when it went, so every session that it sees may
/// have begun before.
fn sessions_begun_before(
    question: &Question<'_>,
    looks: &[&Observation],
    found: &[Residual],
) -> Vec<Gap> {
    // The start of a session is by the target's clock.
    let gone = |target: &str| {
        let look = looks.iter().find(|look| look.target == target)?;
        let skew = look.server.as_ref().map_or(0, |server| server.clock_skew_us);
        let gone = question.gone_since.unwrap_or(look.ended_at);
        UtcTime::from_micros(gone.micros().saturating_add(skew))
    };
    let before = |residual: &&Residual| {
        let (since, gone) = (residual.since, gone(&residual.account.target));
        since.zip(gone).is_none_or(|(since, gone)| since < gone)
    };
    found
        .iter()
        .filter(|residual| SESSIONS.contains(&residual.kind))
        .filter(before)
        .map(|residual| Gap {
            surface: residual.kind,
            target: residual.account.target.clone(),
            database: residual.database.clone(),
            reason: format!("{}; it may still act as a revoked role", residual.sentence),
            fix: "end that session; a new one has the roles that are left".to_owned(),
            cause: Cause::Internal,
        })
        .collect()
}

/// What the question itself leaves open.
fn question_gap(question: &Question<'_>, looks: &[&Observation], no_account: bool) -> Option<Gap> {
    let gap = |surface, reason: String, fix: &str| {
        Some(Gap {
            surface,
            target: targets(looks),
            database: None,
            reason,
            fix: fix.to_owned(),
            cause: Cause::Internal,
        })
    };
    if looks.is_empty() {
        return gap(
            ResidualKind::Login,
            "no target was looked at".to_owned(),
            "name at least one target",
        );
    }
    if no_account && question.no_account {
        return None;
    }
    if no_account {
        let names: Vec<_> = question.names.iter().map(|name| name.role.as_str()).collect();
        return gap(
            ResidualKind::Login,
            format!(
                "no account: no role is called {}; a role that was renamed or dropped earlier cannot \
                 be told from one that never was",
                names.join(" or ")
            ),
            "expect it again with the role's present name (--account), or have a second person confirm that \
             there is none (expect amend --no-account)",
        );
    }
    if question.accounts.is_empty() {
        // Whatever kept the roles from being read is a gap already. This holds even if it were not.
        return gap(
            ResidualKind::Login,
            "no account could be searched for, because not every role was read".to_owned(),
            "make every target answer",
        );
    }
    let unknown = question.roles.iter().find(|role| {
        // What another cluster has under that name is not what the subject held.
        let theirs = |look: &&&Observation| {
            question.accounts.iter().any(|account| account.target == look.target)
        };
        let missing = |look: &Observation| {
            roles_read(look) && look.roster.iter().all(|known| known.name != **role)
        };
        looks.iter().filter(theirs).all(|look| missing(look))
    });
    match (question.kind, unknown) {
        (Kind::Partial, Some(role)) => gap(
            ResidualKind::Membership,
            format!("no role is called {role}, so that nobody holds it says nothing"),
            "expect it again with the role's present name (--role)",
        ),
        _ => question_of_kind(question, gap),
    }
}

/// What the kind of revocation leaves open.
fn question_of_kind(
    question: &Question<'_>,
    gap: impl Fn(ResidualKind, String, &str) -> Option<Gap>,
) -> Option<Gap> {
    match question.kind {
        Kind::Partial if question.not_required.contains(&ResidualKind::Membership) => gap(
            ResidualKind::Login,
            "memberships are switched off in the configuration, and a partial revocation is about them"
                .to_owned(),
            "take rights_revocation.actions.remove_groups: false out of the configuration",
        ),
        Kind::Partial if !question.unmapped.is_empty() => gap(
            ResidualKind::Membership,
            format!("nobody said which roles give {}", question.unmapped.join(", ")),
            "name them in the configuration, as in permissions: {db.write: [app_writer]}",
        ),
        Kind::Partial if question.roles.is_empty() => gap(
            ResidualKind::Membership,
            "a partial revocation that names no role cannot be judged".to_owned(),
            "say which roles must be gone (--role)",
        ),
        Kind::Rotation if ROTATED.iter().any(|kind| question.not_required.contains(kind)) => gap(
            ResidualKind::Login,
            "secrets or sessions are switched off in the configuration, and a rotation is about them".to_owned(),
            "take revoke_tokens and terminate_sessions: false out of rights_revocation.actions",
        ),
        Kind::Rotation if question.rotation.is_none() => gap(
            ResidualKind::Credential,
            "whether a password was changed is known to the agent only".to_owned(),
            "ask about its revocation: rev_…",
        ),
        Kind::Full | Kind::Suspend | Kind::Partial | Kind::Rotation => None,
        Kind::Transfer => gap(
            ResidualKind::Credential,
            "a transfer needs evidence about the secret, which no look gives".to_owned(),
            "expect a full revocation, or a rotation",
        ),
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
