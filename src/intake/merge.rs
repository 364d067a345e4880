//! A second notice for the same subject and kind tightens the first, and never loosens it. Pure.

use crate::audit::record;
use crate::domain::account::AccountName;
use crate::domain::identity::is_another;
use crate::domain::lifecycle::Life;
use crate::domain::milestone::Deadlines;
use crate::domain::milestone::Milestone;
use crate::domain::revocation::{Kind, Reason, Revocation, State};
use crate::domain::subject::{Called, Mapping};
use crate::domain::time::UtcTime;
use crate::intake::joining::RELEASED;
use crate::store::{Move, NoticeKey, Stored};

/// What both together ask for, if that is more than `known` asks for already.
#[must_use]
pub fn tighten(known: &Revocation, asked: &Revocation) -> Option<Revocation> {
    let mut both = known.clone();
    for name in &asked.accounts {
        let same = |known: &AccountName| (&known.target, &known.role) == (&name.target, &name.role);
        match both.accounts.iter_mut().find(|known| same(known)) {
            // What was a guess is named now.
            Some(known) => known.rule = known.rule.min(name.rule),
            None => both.accounts.push(name.clone()),
        }
    }
    if known.kind == Kind::Suspend && asked.kind == Kind::Full {
        both.kind = Kind::Full;
        // It is no suspension for silence any more, of which nobody knows whose the account is.
        both.inactive = None;
    }
    // That there is no account was confirmed of what was known then.
    both.no_account = known.no_account && both.accounts.len() == known.accounts.len();
    for role in &asked.roles {
        if !both.roles.contains(role) {
            both.roles.push(role.clone());
        }
    }
    for permission in &asked.permissions {
        if !both.permissions.contains(permission) {
            both.permissions.push(permission.clone());
        }
    }
    for (both, asked) in [
        (&mut both.emails, &asked.emails),
        (&mut both.required_roles, &asked.required_roles),
        (&mut both.required_permissions, &asked.required_permissions),
    ] {
        both.extend(asked.iter().filter(|one| !known_of(both, one)).cloned().collect::<Vec<_>>());
    }
    // What must be gone is not asked to be there by an earlier or a later notice.
    both.required_roles.retain(|role| !both.roles.contains(role));
    both.required_permissions.retain(|name| !both.permissions.contains(name));
    both.new_owner = asked.new_owner.clone().or_else(|| known.new_owner.clone());
    if asked.effective_at < known.effective_at {
        both.effective_at = asked.effective_at;
        both.effective.clone_from(&asked.effective);
    }
    both.username = known.username.clone().or_else(|| asked.username.clone());
    both.also_called.extend(another_name(known, asked));
    both.also_called.retain(|name| both.username.as_ref() != Some(name));
    // Deadlines of a repeated notice run from its own receipt; only an earlier one counts.
    both.deadlines = earlier(&known.deadlines, &asked.deadlines);
    // The stricter reason decides which milestones there are, and whom alerts call.
    let adds_login = known.deadlines.login.is_none() && asked.deadlines.login.is_some();
    let urgent = matches!(asked.reason, Reason::Terminated | Reason::PolicyViolation);
    let weaker = asked.reason.rank() < known.reason.rank();
    let stricter =
        adds_login || both.kind != known.kind || (urgent && both.deadlines != known.deadlines);
    if stricter && !weaker {
        both.reason = asked.reason;
    }
    (both != *known).then_some(both)
}

fn known_of(list: &[String], one: &String) -> bool {
    list.contains(one)
}

fn earlier(a: &Deadlines, b: &Deadlines) -> Deadlines {
    let mut earlier = *a;
    for milestone in Milestone::ALL {
        let first = match (a.get(*milestone), b.get(*milestone)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        earlier.set(*milestone, first);
    }
    earlier
}

/// The user name of `asked`, where it is none of those that are known.
fn another_name(known: &Revocation, asked: &Revocation) -> Option<String> {
    let name = asked.username.as_ref()?;
    is_another(name, known.usernames()).then(|| name.clone())
}

/// Names that follow from another user name of `asked` than those that are known, by a convention or since they are
/// declared for it: whether it is the same person nobody said. A notice that a person released was looked at.
#[must_use]
pub fn doubtful(
    known: &Revocation,
    asked: &Revocation,
    notice: &NoticeKey,
    mapping: &Mapping,
) -> Vec<String> {
    let another = another_name(known, asked);
    let Some(name) = another.filter(|_| !notice.source.starts_with(RELEASED)) else {
        return Vec::new();
    };
    let called = Called { subject: &known.subject, username: Some(&name) };
    let before = mapping.names_of(known);
    let names = mapping.names(&called, &asked.accounts).into_iter();
    let follows = |name: &AccountName| name.suggested() || name.rule.declared();
    let new = |name: &AccountName| follows(name) && !before.iter().any(|one| one.role == name.role);
    names.filter(new).map(|name| name.role).collect()
}

/// Names of roles that the user name of `asked` suggests.
#[must_use]
pub fn suggested(asked: &Revocation, mapping: &Mapping) -> Vec<String> {
    let names = mapping.names(&asked.called(), &asked.accounts).into_iter();
    names.filter(AccountName::suggested).map(|name| name.role).collect()
}

/// The life once more is asked for than was proved.
#[must_use]
pub fn begun_anew(mut life: Life) -> Life {
    life.first_clean_at = None;
    life.confirm_from = None;
    // A session may act as what is asked for only now, whenever the rest went.
    life.gone_since = None;
    life.met = crate::domain::milestone::PerMilestone::default();
    // Nobody has looked for what is new.
    if life.state == State::Verified {
        life.state = State::Open;
    }
    life
}

/// The life after an amendment: what was proved of less is not proved of more, and an earlier effect may
/// make it due.
#[must_use]
pub fn reopened(stored: &Stored, revocation: &Revocation) -> Life {
    let mut life = Life::clone(&stored.life);
    let more = revocation.kind != stored.revocation.kind
        || revocation.accounts != stored.revocation.accounts
        || revocation.roles != stored.revocation.roles
        || revocation.permissions != stored.revocation.permissions
        || revocation.emails != stored.revocation.emails
        || revocation.also_called != stored.revocation.also_called
        || revocation.required_roles != stored.revocation.required_roles
        || revocation.required_permissions != stored.revocation.required_permissions;
    if more {
        life = begun_anew(life);
    }
    // Whoever says more, or sooner, has not heard of what waits: it was asked for before, and of less.
    if *revocation != stored.revocation {
        life.pending = None;
    }
    let received: UtcTime = stored.revocation.received_at;
    if life.state == State::Scheduled && revocation.effective_at <= received {
        life.state = State::Open;
    }
    life
}

/// The life after an amendment at `now`. Whoever had access until then was told of nothing sooner: a session that
/// began before is no use after the end.
#[must_use]
pub fn told(before: &Revocation, after: &Revocation, life: Life, now: UtcTime) -> Life {
    let sooner = after.effective_at < before.effective_at;
    if sooner || after.kind != before.kind || after.accounts != before.accounts {
        Life { told_at: Some(now), ..life }
    } else {
        life
    }
}

/// Lets reminders rest no more where `step` asks for what it did not when somebody said that they have it in hand: they
/// never heard of that, and a deadline of it would be missed in silence. The next pass ends the acknowledgement, with one
/// reminder. A ticket asks for nothing.
pub(super) fn remind_anew(step: &mut Move) {
    let asked =
        |one: &Revocation| Revocation { ticket: None, earlier_tickets: Vec::new(), ..one.clone() };
    let before = &step.from;
    let Some(known) = &mut step.life.acknowledged else { return };
    if step.life.lineage != before.life.lineage
        || asked(&step.revocation) != asked(&before.revocation)
    {
        known.cut(step.at);
    }
}

/// Says in a record of `step` that it takes back what was proved, where it does: whoever was told of the proof is told.
pub(super) fn say_what_is_taken_back(step: &mut Move) {
    let before = &step.from.life;
    if before.state != State::Verified || step.life.state != State::Open {
        return;
    }
    let of = |kind: &str| step.records.iter().position(|record| record.kind == kind);
    let Some(place) = of("revocation_amended").or_else(|| of("subject_linked")) else { return };
    if let Some(told) = step.records.get_mut(place) {
        told.body = record::taken_back(std::mem::take(&mut told.body), before);
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
