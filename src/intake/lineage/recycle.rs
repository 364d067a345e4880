//! A name that is somebody else's: roles that got it since are not linked by it any more.

use super::{Back, Came, Voice, another_s_word, nobody_leaves, same};
use crate::audit::record::{self, About, Parted};
use crate::clock;
use crate::config::Config;
use crate::domain::account::{Account, AccountName};
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::lineage::{Barred, Unlink, Unlinked};
use crate::domain::request::{Asked, Request};
use crate::domain::residual::Residual;
use crate::domain::revocation::State;
use crate::domain::subject::Called;
use crate::domain::time::UtcTime;
use crate::intake::amend::{Amendment, ask, unchanged};
use crate::intake::links::forget;
use crate::intake::{Intake, IntakeError};
use crate::store::{Evidenced, Move, NewRecord};
use std::collections::{BTreeMap, BTreeSet};

/// When roles were first seen under one name.
struct Seen {
    name: String,
    /// By cluster.
    roles: BTreeMap<SystemIdentifier, Vec<(RoleOid, UtcTime)>>,
}

impl Seen {
    /// Roles of `cluster`, known since `since`, that bore the name before `at`, or may have: which of those that the first
    /// look saw are older than `at` nobody can tell.
    fn before(&self, cluster: SystemIdentifier, since: UtcTime, at: UtcTime) -> BTreeSet<RoleOid> {
        let roles = self.roles.get(&cluster).into_iter().flatten();
        let before = |(_, first): &&(RoleOid, UtcTime)| *first < at || *first <= since;
        roles.filter(before).map(|(oid, _)| *oid).collect()
    }
}

/// What is known of the names that are somebody else's.
struct Facts {
    seen: Vec<Seen>,
    /// Since when the roles of each cluster are known.
    since: BTreeMap<SystemIdentifier, UtcTime>,
}

impl Facts {
    /// Whether nobody can tell if `account` is the new owner's: it bears no other name, and the first look at its cluster,
    /// which was after `at`, saw it already.
    fn may_be_new(&self, account: &Account, at: UtcTime) -> bool {
        let cluster = account.system_identifier;
        let since = self.since.get(&cluster).filter(|since| **since >= at);
        let old = |name: &String| {
            let seen = self.seen.iter().find(|seen| seen.name == *name);
            seen.is_some_and(|seen| {
                let mut roles = seen.roles.get(&cluster).into_iter().flatten();
                roles.any(|(oid, first)| *oid == account.oid && since.is_some_and(|s| first <= s))
            })
        };
        account.called().all(old)
    }

    /// Whether `account` was first seen after `at`: it is none of those that were the subject's then.
    fn came_after(&self, account: &Account, at: UtcTime) -> bool {
        let mut roles =
            self.seen.iter().filter_map(|seen| seen.roles.get(&account.system_identifier));
        let earlier = |(oid, first): &(RoleOid, UtcTime)| *oid == account.oid && *first <= at;
        !roles.any(|roles| roles.iter().any(earlier))
    }
}

impl Intake {
    pub(in crate::intake) async fn recycled(&self, back: &Back<'_>) -> Result<Came, IntakeError> {
        let store = &self.journal.store;
        let _subject = self.subjects.of(back.subject).await;
        let (mut done, mut older, mut others, mut unsure) = (Vec::new(), None, false, Vec::new());
        let mut pending = Vec::new();
        for stored in store.expected_of(back.subject).await? {
            let id = stored.revocation.id.clone();
            if stored.revocation.kind.is_about_a_secret() {
                continue;
            }
            let voice = Voice::of(&store.told_of(&id).await?, back.sender);
            if !voice.own {
                others = true;
                continue;
            }
            if voice.newest > back.made_at {
                older = Some(id);
                continue;
            }
            // Who is still here has the name still, and what bears it by then nobody knows yet.
            if stored.revocation.effective_at.max(back.at) > clock::now() {
                return Ok(Came::NotPossible(too_soon()));
            }
            let back = &Back { at: back.at.max(stored.revocation.effective_at), ..*back };
            let facts = self.facts(&stored, back).await?;
            if facts.since.is_empty() {
                return Ok(Came::NotPossible(nothing_known()));
            }
            let moved = self.moving(&id, |now_is, config, now| {
                same(&stored, now_is)?;
                parted(now_is, back, &facts, config, now)
            });
            match moved.await {
                Err(IntakeError::Refused(refused)) => {
                    return Ok(Came::NotPossible(refused.to_string()));
                }
                moved => {
                    let request = moved?.and_then(|moved| moved.pending);
                    let request = request.filter(|request| request.asks == Asked::Unlink);
                    pending.extend(request.map(|request| request.id));
                }
            }
            let there = |account: &&Account| {
                self.board.newest(&account.target).is_none_or(|look| {
                    look.roster.is_empty() || look.roster.iter().any(|role| role.oid == account.oid)
                })
            };
            let accounts = stored.accounts.iter().filter(there);
            let doubtful = accounts.filter(|account| facts.may_be_new(account, back.at));
            unsure.extend(
                doubtful.map(|account| format!("{id} {}/{}", account.target, account.role)),
            );
            done.push(id);
        }
        Ok(match (unsure.is_empty(), done.is_empty(), older, others) {
            (false, _, _, _) => Came::NotPossible(nobody_can_tell(&unsure)),
            (true, false, _, _) => Came::To { revocations: done, pending },
            (true, true, Some(id), _) => Came::Older(id),
            (true, true, None, true) => {
                Came::NotPossible(another_s_word("unlinked from the new owner's role"))
            }
            (true, true, None, false) => Came::NotPossible(nobody_leaves()),
        })
    }

    async fn facts(&self, stored: &Evidenced, back: &Back<'_>) -> Result<Facts, IntakeError> {
        let store = &self.journal.store;
        let called = back.username.or(stored.revocation.username.as_deref());
        let mut seen = Vec::new();
        for name in self.names_of(called.unwrap_or(back.subject)) {
            let mut roles: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for (cluster, oid, first) in store.roles_called(&name).await? {
                roles.entry(cluster).or_default().push((oid, first));
            }
            seen.push(Seen { name, roles });
        }
        Ok(Facts { seen, since: store.known_since().await? })
    }

    /// Names that roles of somebody called `username` bear, by the conventions.
    fn names_of(&self, username: &str) -> BTreeSet<String> {
        let called = Called { subject: username, username: None };
        let names = self.config.current().subjects.names(&called, &[]);
        let suggested = names.into_iter().filter(AccountName::suggested);
        suggested.map(|name| name.role).chain([username.to_owned()]).collect()
    }
}

fn too_soon() -> String {
    "the name is somebody else's only later, or before the person has left: send it again when it is so".to_owned()
}

fn nothing_known() -> String {
    "no target was looked at yet, so nothing can be kept from being linked: send it again, or retry it, after the first \
     look"
        .to_owned()
}

fn nobody_can_tell(accounts: &[String]) -> String {
    format!(
        "who of both has the role nobody can tell, since it was there when its target was first looked at, which was after the \
         name changed hands: if it is not theirs, revoked expect unlink {}, which a second person approves, and dismiss this \
         notice. Roles that get the name from now on are not linked",
        accounts.join(", and ")
    )
}

/// The move that bars the names, and removes the links of roles that got them since. A link that anybody named, or that
/// would take away what was found, is removed once a second person agreed.
fn parted(
    stored: &Evidenced,
    back: &Back<'_>,
    facts: &Facts,
    config: &Config,
    now: UtcTime,
) -> Result<Move, IntakeError> {
    let mut step = unchanged(stored, now);
    let barred = &mut step.life.lineage.barred;
    for one in &facts.seen {
        for (cluster, since) in &facts.since {
            let bar = Barred {
                because: Unlinked::Recycled,
                role: one.name.clone(),
                system_identifier: *cluster,
                oid: None,
                known: one.before(*cluster, *since, back.at),
                by: back.sender.to_owned(),
                since: back.at,
                said_at: Some(now),
            };
            let same = |known: &Barred| {
                (known.because, &known.role, known.system_identifier)
                    == (bar.because, &bar.role, bar.system_identifier)
            };
            if !barred.iter().any(same) {
                barred.push(bar);
            }
        }
    }
    let lineage = &step.life.lineage;
    let theirs = |account: &&Account| {
        // Whoever bore another name before is not the new owner of this one.
        let Account { target, system_identifier, oid, .. } = account;
        account.called().all(|name| lineage.bars(target, *system_identifier, *oid, name))
    };
    let (removed, asked): (Vec<&Account>, Vec<&Account>) = stored
        .accounts
        .iter()
        .filter(theirs)
        .partition(|account| loses_nothing(stored, facts, account));
    if step.life.lineage.barred != stored.life.lineage.barred || !removed.is_empty() {
        let removed: Vec<Account> = removed.into_iter().cloned().collect();
        forget(&mut step, &stored.evidence, &removed);
        let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
        let parted = Parted { because: Unlinked::Recycled, by: back.sender, approval: None };
        let body = record::unlinked(&about, &step.accounts, &removed, &parted);
        step.records.push(NewRecord { kind: "subject_linked", body });
    }
    // One request waits at a time: the others stay linked, and the same event again asks for the next.
    let Some(account) = asked.first().map(|account| (*account).clone()) else { return Ok(step) };
    let why = Some("identifier_recycled".to_owned());
    let request = Amendment { why, ..Amendment::default() };
    let request = request.request(Asked::Unlink, back.sender, now)?;
    let unlink = Some(Unlink { account, bar: true });
    ask(stored, step, Request { unlink, ..request }, config, now)
}

/// Whether the link is a guess of a role that came after the notice of the end, and nothing was found of it, nor could be:
/// then no presence goes with it.
fn loses_nothing(stored: &Evidenced, facts: &Facts, account: &Account) -> bool {
    let evidence = &stored.evidence;
    let of = |found: &Residual| {
        (&found.account.target, found.account.oid) == (&account.target, account.oid)
    };
    account.rule.guessed()
        && facts.came_after(account, stored.revocation.received_at)
        && stored.life.state == State::Verified
        && evidence.gaps.is_empty()
        && !evidence.residual.iter().chain(&evidence.kept).any(of)
}
