//! The rules of a rotation: a shared password was changed, the old one is dead, and no session of it is left.
//!
//! The account stays, and what it may do is kept. That the password changed is seen, but only an attempt with the old
//! secret proves that it is dead. No look makes one: somebody does, and attests it.

use super::{Question, asked_for, identity_gap, roles_read};
use crate::domain::account::Account;
use crate::domain::address::Address;
use crate::domain::credential::{Attested, Change, Standing};
use crate::domain::observation::{Cause, Gap, NotCovered, Observation};
use crate::domain::residual::{AccountRef, Residual, ResidualKind as K, Strength};
use crate::domain::time::UtcTime;
use std::collections::BTreeMap;

/// What a rotation is judged by, beside the looks.
#[derive(Clone, Copy, Debug)]
pub struct Rotation<'a> {
    /// Its id: attempts are attested to it.
    pub revocation: &'a str,
    /// What is known of the passwords.
    pub credentials: &'a [&'a Standing],
    /// Where the servers of each target are.
    pub servers: &'a BTreeMap<String, Vec<Address>>,
}

/// Whether not having seen `surface` leaves a rotation unproved.
pub(super) fn matters(surface: K) -> bool {
    matches!(
        surface,
        K::Login | K::Session | K::VanishedSession | K::Replication | K::Credential | K::Probe
    )
}

/// Whether `residual` counts against a rotation.
pub(super) fn must_go(
    question: &Question<'_>,
    looks: &[&Observation],
    residual: &Residual,
) -> bool {
    match residual.kind {
        K::Credential | K::VanishedSession | K::Probe => true,
        K::Session | K::Replication => {
            standing_of(question, &residual.account).is_some_and(|standing| {
                let look = looks.iter().find(|look| look.target == residual.account.target);
                look.is_none_or(|look| opened_with_old(standing, residual, look).is_some())
            })
        }
        K::Login
        | K::Attribute
        | K::Membership
        | K::AdminOption
        | K::Ownership
        | K::Privilege
        | K::DefaultPrivilege
        | K::Policy
        | K::UserMapping
        | K::PreparedTransaction
        | K::Subscription
        | K::Job
        | K::HbaRule
        | K::IdentMap
        | K::RoleSetting
        | K::DanglingAcl => false,
    }
}

fn standing_of<'a>(question: &Question<'a>, account: &AccountRef) -> Option<&'a Standing> {
    let known = question.rotation?.credentials.iter().copied();
    known.into_iter().find(|s| (&s.target, s.oid) == (&account.target, account.oid))
}

/// The target's clock less the agent's.
fn skew(look: &Observation) -> i64 {
    look.server.as_ref().map_or(0, |server| server.clock_skew_us)
}

/// Whether a session began before `bound`. One of unknown beginning did.
fn begun_before(session: &Residual, bound: Option<UtcTime>, look: &Observation) -> bool {
    let Some(bound) = bound else { return false };
    let begun = session
        .since
        .zip(look.clock_skew_of(session))
        .and_then(|(since, skew)| UtcTime::from_micros(since.micros().saturating_sub(skew)));
    begun.is_none_or(|begun| begun < bound)
}

/// Why a session counts as opened with the old secret, if it does.
fn opened_with_old(
    standing: &Standing,
    session: &Residual,
    look: &Observation,
) -> Option<&'static str> {
    if begun_before(session, standing.old_until, look) {
        return Some("it is older than the change of the password");
    }
    let unchanged = standing.change == Change::Unchanged && standing.dead(skew(look)).is_none();
    (unchanged || standing.valid().is_some())
        .then_some("it was opened while the old secret was valid, which it still is")
}

/// Adds what a rotation leaves open, and what of it is there.
pub(super) fn judge(
    question: &Question<'_>,
    looks: &[&Observation],
    found: &mut Vec<Residual>,
    gaps: &mut Vec<Gap>,
    not_covered: &mut Vec<NotCovered>,
) {
    for account in question.accounts {
        let Some(look) = looks.iter().find(|look| look.target == account.target) else { continue };
        // Whatever keeps the roles from being known is a gap already. A role that is gone has no password; its
        // sessions are found as those of a vanished role.
        let known = roles_read(look) && identity_gap(account, look).is_none();
        if !known || look.role(account.oid).is_none() {
            continue;
        }
        not_covered.push(NotCovered {
            surface: format!("consumers of {}/{}", account.target, account.role),
            reason: "whether each of them uses the new secret is not followed yet".to_owned(),
        });
        let case = Case { question, account, agent: agent_of(look), look };
        case.sessions(found, gaps);
        case.password(found, gaps, not_covered);
    }
}

fn agent_of(look: &Observation) -> &str {
    look.server.as_ref().map_or("the agent's role", |server| server.agent_role.as_str())
}

/// One account of a rotation.
struct Case<'a> {
    question: &'a Question<'a>,
    account: &'a Account,
    agent: &'a str,
    look: &'a Observation,
}

impl Case<'_> {
    fn account_ref(&self) -> AccountRef {
        AccountRef {
            target: self.account.target.clone(),
            oid: self.account.oid,
            role: Some(self.account.role.clone()),
        }
    }

    fn gap(&self, surface: K, reason: String, fix: String) -> Gap {
        Gap {
            surface,
            target: self.account.target.clone(),
            database: None,
            reason,
            fix,
            cause: Cause::Internal,
        }
    }

    /// The command that tries the old secret.
    fn command(&self) -> String {
        let id = self.question.rotation.map_or("rev_…", |rotation| rotation.revocation);
        let role = shell_word(&self.account.role);
        let servers = self.question.rotation.and_then(|it| it.servers.get(&self.account.target));
        let place = match servers.and_then(|servers| servers.first()) {
            Some(Address { host, port }) => format!("--host {} --port {port}", shell_word(host)),
            None => "--host HOST --port PORT".to_owned(),
        };
        format!(
            "revoked probe login --revocation {id} --role {role} --secret-file OLD_SECRET {place}"
        )
    }

    /// Says of old sessions why they are, and asks about those of which nobody knows.
    fn sessions(&self, found: &mut [Residual], gaps: &mut Vec<Gap>) {
        let me = self.account_ref();
        let Some(standing) = standing_of(self.question, &me) else { return };
        let mine = |r: &&mut Residual| {
            matches!(r.kind, K::Session | K::Replication)
                && (&r.account.target, r.account.oid) == (&me.target, me.oid)
        };
        for session in found.iter_mut().filter(mine) {
            if let Some(why) = opened_with_old(standing, session, self.look) {
                session.sentence = format!("{}; {why}", session.sentence);
            } else if begun_before(session, standing.unsure_until, self.look)
                && asked_for(self.question, session.kind)
            {
                gaps.push(self.gap(
                    session.kind,
                    format!("{}; it may have been opened with the old secret", session.sentence),
                    "end that session; a new one needs the new secret".to_owned(),
                ));
            } else if standing.dead(skew(self.look)).is_none() {
                // Nothing is proved yet, and it may not look as if this session were proved to be a good one.
                session.sentence.push_str("; with which secret it was opened is not known");
            }
        }
    }

    fn password(
        &self,
        found: &mut Vec<Residual>,
        gaps: &mut Vec<Gap>,
        not_covered: &mut Vec<NotCovered>,
    ) {
        let role = &self.account.role;
        let Some(standing) = standing_of(self.question, &self.account_ref()) else {
            gaps.push(self.gap(
                K::Credential,
                format!("nobody has looked yet whether the password of {role} changes"),
                "wait for the next look of the agent".to_owned(),
            ));
            return;
        };
        if let Some(probe) = standing.valid() {
            found.push(self.residual("old secret", probe_says(role, probe)));
            return;
        }
        let dead = standing.dead(skew(self.look));
        match (standing.change, dead) {
            (Change::Unchanged, None) => {
                found.push(self.residual("password", self.unchanged(standing)));
            }
            (Change::Unchanged, Some(probe))
                if standing.first_read_at.is_none_or(|first| first <= probe.at) =>
            {
                gaps.push(self.gap(
                    K::Credential,
                    format!(
                        "{}, and yet {} attests at {} that the old secret is refused: it was changed before that \
                         look, or another secret was tried",
                        self.unchanged(standing),
                        probe.by,
                        probe.at
                    ),
                    format!("change the password once more, so that it is seen, and then: {}", self.command()),
                ));
            }
            (Change::Unread | Change::Unknown | Change::Changed, None) => {
                gaps.push(self.unproved(standing));
            }
            (
                Change::Unread | Change::Unknown | Change::Unchanged | Change::Changed,
                Some(probe),
            ) => {
                self.word(standing, probe, not_covered);
            }
        }
    }

    /// Whose word it is that the old secret is dead.
    fn word(&self, standing: &Standing, probe: &Attested, not_covered: &mut Vec<NotCovered>) {
        let name = format!("{}/{}", self.account.target, self.account.role);
        let paths: Vec<String> = standing
            .refused()
            .map(|probe| format!("{} ({})", probe.path.in_words(), probe.by))
            .collect();
        not_covered.push(NotCovered {
            surface: format!("the old secret of {name} on other paths"),
            reason: format!(
                "that it is refused, and that it was the old one that they tried, is the word of those who tried it, \
                 last at {}: {}",
                probe.at,
                paths.join("; ")
            ),
        });
        if standing.change == Change::Unread {
            not_covered.push(NotCovered {
                surface: format!("the password of {name} since {}", probe.at),
                reason: format!("{} may not read whether it was changed again", self.agent),
            });
        }
        if let (Change::Unknown, Some(first)) = (standing.change, standing.first_read_at) {
            not_covered.push(NotCovered {
                surface: format!("the password of {name} before {first}"),
                reason: format!(
                    "{} could not read it at first, so no look has seen it change; that it did rests on the attempt \
                     with the old secret alone",
                    self.agent
                ),
            });
        }
    }

    fn residual(&self, object: &str, sentence: String) -> Residual {
        let mut found = Residual::new(K::Credential, Strength::CanLogIn, self.account_ref());
        found.object = Some(object.to_owned());
        found.sentence = sentence;
        found
    }

    fn unchanged(&self, standing: &Standing) -> String {
        let first = standing.first_read_at.unwrap_or(standing.since);
        format!(
            "the password of {} has not been changed since the first look at it, at {first}",
            self.account.role
        )
    }

    /// Nobody has proved that the old secret is dead.
    fn unproved(&self, standing: &Standing) -> Gap {
        let (role, agent) = (&self.account.role, self.agent);
        let before = match standing.current().next_back() {
            Some(probe) if standing.refused().next().is_some() => format!(
                "; when {} tried the old secret, at {}, every password of the role was past its VALID UNTIL",
                probe.by, probe.at
            ),
            Some(probe) => format!(
                "; what {} tried at {} says nothing about the old secret",
                probe.by, probe.at
            ),
            None if !standing.probes.is_empty() => {
                "; what was tried before was tried against an earlier password or VALID UNTIL"
                    .to_owned()
            }
            None => String::new(),
        };
        let command = self.command();
        if standing.change == Change::Unread {
            use crate::domain::plan::quote::ident;
            return self.gap(
                K::Credential,
                format!("{agent} may not read whether the password of {role} was changed{before}"),
                format!(
                    "try the old secret: {command}; to see changes: GRANT SELECT (oid, rolname, rolpassword) ON \
                     pg_catalog.pg_authid TO {};",
                    ident(agent)
                ),
            );
        }
        if let (Change::Unknown, Some(first)) = (standing.change, standing.first_read_at) {
            return self.gap(
                K::Credential,
                format!(
                    "whether the password of {role} was changed before {first} is not known: {agent} could not read it \
                     then, and since then it is the same{before}"
                ),
                format!("try the old secret: {command}; or change the password once more, so that it is seen"),
            );
        }
        self.gap(
            K::Probe,
            format!(
                "the password of {role} was changed, as seen at {}, but it may be the same one set again{before}",
                standing.since
            ),
            format!("try the old secret: {command}"),
        )
    }
}

fn probe_says(role: &str, probe: &Attested) -> String {
    format!(
        "the old secret of {role} is still its password, says {}, who tried it at {}: {}",
        probe.by,
        probe.at,
        probe.path.in_words()
    )
}

/// `text` as one word for a shell.
fn shell_word(text: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '/' | ':');
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
