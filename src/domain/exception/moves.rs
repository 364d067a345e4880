//! How exceptions move: asked for, approved, taken back, reviewed, over by themselves, overtaken. Pure.

use super::turn::Turn;
use super::{BREAK_GLASS, Ending, Exception, ExceptionKind, HOLD_REVIEW, MOST, Phase};
use super::{Release, Rules, Unfit};
use crate::domain::account::AccountName;
use crate::domain::lifecycle::Life;
use crate::domain::milestone::{Deadlines, Milestone, PerMilestone};
use crate::domain::request::{LIFETIME, Refused};
use crate::domain::revocation::{Kind, Revocation, State};
use crate::domain::time::UtcTime;

/// Whether a revocation in `state` can have an exception of `kind`.
fn possible(kind: ExceptionKind, state: State) -> Result<(), Refused> {
    match (kind, state) {
        (_, State::Withdrawn)
        | (
            ExceptionKind::Grace | ExceptionKind::Extension | ExceptionKind::Transition,
            State::Verified,
        )
        | (ExceptionKind::Transition, State::Excepted) => Err(Refused::State(state)),
        (
            ExceptionKind::Grace
            | ExceptionKind::Extension
            | ExceptionKind::Temporary
            | ExceptionKind::BreakGlass
            | ExceptionKind::LegalHold
            | ExceptionKind::Transition,
            State::Scheduled | State::Open | State::Regressed | State::Excepted | State::Verified,
        ) => Ok(()),
    }
}

/// Asks for `wish`; where one person is enough, it is granted at once. What waits of its kind gives way.
///
/// # Errors
/// When it cannot be granted as things stand.
pub fn request(
    revocation: &Revocation,
    life: &Life,
    wish: Exception,
    earlier: &[Exception],
    now: UtcTime,
    rules: &Rules,
) -> Result<Turn, Refused> {
    possible(wish.kind, life.state)?;
    wish.kind.fits(revocation, wish.until, now)?;
    let mut turn = Turn::of(revocation, life);
    let (kind, id, by) = (wish.kind, wish.id.clone(), wish.requested_by.clone());
    let waits =
        |one: &Exception| (one.kind == kind && one.phase == Phase::Requested).then_some(now);
    turn.end(Ending::Replaced, Some(&by), rules, waits);
    make_room(&mut turn.life)?;
    turn.life.exceptions.push(wish);
    if rules.single {
        chained(kind, &id, &by, &turn.life.exceptions, earlier, now)?;
        turn.grant(&id, &by, now, rules)?;
    }
    Ok(turn)
}

/// The oldest that nothing is to come of goes; the log has it.
fn make_room(life: &mut Life) -> Result<(), Unfit> {
    if life.exceptions.len() < MOST {
        return Ok(());
    }
    let oldest = life.exceptions.iter().position(|one| !one.is_open()).ok_or(Unfit::Crowded)?;
    life.exceptions.remove(oldest);
    Ok(())
}

/// One break-glass after another needs another approver: else a day would become a week.
fn chained(
    kind: ExceptionKind,
    id: &str,
    by: &str,
    known: &[Exception],
    earlier: &[Exception],
    now: UtcTime,
) -> Result<(), Unfit> {
    let near = |one: &&Exception| {
        one.kind == ExceptionKind::BreakGlass
            && one.id != id
            && one.approved_by.as_deref() == Some(by)
            && one.ended_at.is_none_or(|ended| now.since(ended) < BREAK_GLASS)
    };
    let both = known.iter().chain(earlier);
    match both.filter(|_| kind == ExceptionKind::BreakGlass).find(near) {
        Some(_) => Err(Unfit::SameApprover(by.to_owned())),
        None => Ok(()),
    }
}

/// Approves the exception `id`, or that a legal hold ends, on behalf of `by`. `earlier` are the subject's exceptions
/// of other revocations.
///
/// # Errors
/// When nothing waits, it waited too long, `by` asked for it, or it does not fit any more.
pub fn approve(
    revocation: &Revocation,
    life: &Life,
    (id, by): (&str, &str),
    earlier: &[Exception],
    now: UtcTime,
    rules: &Rules,
) -> Result<Turn, Refused> {
    let mut turn = Turn::of(revocation, life);
    let exception = turn.exception(id)?.clone();
    let waits = match (exception.phase, &exception.release) {
        (Phase::Requested, _) => Release {
            requested_by: exception.requested_by.clone(),
            requested_at: exception.requested_at,
        },
        (Phase::Granted, Some(release)) => release.clone(),
        (Phase::Granted | Phase::Over, _) => return Err(Refused::NothingWaits),
    };
    if now.since(waits.requested_at) > LIFETIME {
        return Err(Refused::Expired);
    }
    if waits.requested_by == by && !rules.single {
        return Err(Refused::SamePerson(by.to_owned()));
    }
    if exception.phase == Phase::Granted {
        turn.end(Ending::TakenBack, Some(by), rules, |one| (one.id == id).then_some(now));
        return Ok(turn);
    }
    possible(exception.kind, life.state)?;
    exception.kind.fits(revocation, exception.until, now)?;
    chained(exception.kind, id, by, &life.exceptions, earlier, now)?;
    turn.grant(id, by, now, rules)?;
    Ok(turn)
}

/// Takes the exception `id` back, on behalf of `by`: at once, since that removes access. A legal hold in force waits
/// for a second person, since nobody brings back what is destroyed without it.
///
/// # Errors
/// When it is over.
pub fn take_back(
    revocation: &Revocation,
    life: &Life,
    (id, by): (&str, &str),
    now: UtcTime,
    rules: &Rules,
) -> Result<Turn, Refused> {
    let mut turn = Turn::of(revocation, life);
    let exception = turn.exception(id)?;
    match (exception.kind, exception.phase) {
        (_, Phase::Over) => return Err(Unfit::Over.into()),
        (ExceptionKind::LegalHold, Phase::Granted) if !rules.single => {
            let waits = exception.release.as_ref();
            if waits.is_none_or(|release| now.since(release.requested_at) > LIFETIME) {
                exception.release =
                    Some(Release { requested_by: by.to_owned(), requested_at: now });
            }
        }
        (
            ExceptionKind::Grace
            | ExceptionKind::Extension
            | ExceptionKind::Temporary
            | ExceptionKind::BreakGlass
            | ExceptionKind::Transition
            | ExceptionKind::LegalHold,
            Phase::Requested | Phase::Granted,
        ) => turn.end(Ending::TakenBack, Some(by), rules, |one| (one.id == id).then_some(now)),
    }
    Ok(turn)
}

/// Somebody looked at what the exception `id` was used for.
///
/// # Errors
/// When nothing is to be reviewed, or `by` asked for it.
pub fn review(
    revocation: &Revocation,
    life: &Life,
    (id, by): (&str, &str),
    now: UtcTime,
    rules: &Rules,
) -> Result<Turn, Refused> {
    let mut turn = Turn::of(revocation, life);
    let exception = turn.exception(id)?;
    if !exception.wants_review() {
        return Err(Unfit::NoReview(exception.kind).into());
    }
    if exception.requested_by == by && !rules.single {
        return Err(Unfit::OwnReview(by.to_owned()).into());
    }
    exception.reviewed_by = Some(by.to_owned());
    exception.reviewed_at = Some(now);
    if exception.phase == Phase::Granted {
        exception.review_at = Some(now.plus(HOLD_REVIEW));
    }
    Ok(turn)
}

/// When something is over by itself: a request, or an exception.
fn instant(one: &Exception) -> Option<UtcTime> {
    match one.phase {
        Phase::Over => None,
        Phase::Granted => one.until,
        Phase::Requested => {
            let void = one.requested_at.plus(LIFETIME);
            Some(one.until.map_or(void, |until| until.min(void)))
        }
    }
}

/// The next instant at which something ends by itself.
#[must_use]
pub fn next_instant(life: &Life) -> Option<UtcTime> {
    life.exceptions.iter().filter_map(instant).min()
}

/// What is over by `now`, each at its own instant, whether or not anybody was there; `None` when nothing is.
#[must_use]
pub fn expire(revocation: &Revocation, life: &Life, now: UtcTime, rules: &Rules) -> Option<Turn> {
    if next_instant(life).is_none_or(|at| at > now) {
        return None;
    }
    let mut turn = Turn::of(revocation, life);
    let over = |phase: Phase| {
        move |one: &Exception| instant(one).filter(|at| one.phase == phase && *at <= now)
    };
    turn.end(Ending::NotApproved, None, rules, over(Phase::Requested));
    turn.end(Ending::Expired, None, rules, over(Phase::Granted));
    Some(turn)
}

/// The revocation and its life as they are at `now`, whether or not anybody has noted what is over by then.
#[must_use]
pub fn present(revocation: &Revocation, life: &Life, now: UtcTime) -> Turn {
    // When a review will be due is said when the end is noted.
    let rules = Rules { single: false, review_after: super::REVIEW_AFTER };
    expire(revocation, life, now, &rules).unwrap_or_else(|| Turn::of(revocation, life))
}

/// Whether `asked` says more than `known` did when somebody approved an exception from it.
fn stricter(known: &Revocation, asked: &Revocation) -> bool {
    let new_account = |name: &AccountName| {
        let same = |other: &AccountName| (&other.target, &other.role) == (&name.target, &name.role);
        !known.accounts.iter().any(same)
    };
    asked.reason.rank() > known.reason.rank()
        || asked.effective_at < known.effective_at
        || (known.kind == Kind::Suspend && asked.kind == Kind::Full)
        || asked.accounts.iter().any(new_account)
        || asked.roles.iter().any(|role| !known.roles.contains(role))
        || asked.permissions.iter().any(|name| !known.permissions.contains(name))
}

/// What becomes of the exceptions when a notice that asks for `asked` joins the revocation; `None` when they hold
/// against it.
///
/// An exception was approved knowing what was known then. The same said again changes nothing; a stricter notice
/// voids what waits, and what is in force ends when the notice takes effect. A legal hold stays.
#[must_use]
pub fn overtake(
    revocation: &Revocation,
    life: &Life,
    asked: &Revocation,
    now: UtcTime,
    rules: &Rules,
) -> Option<Turn> {
    let concerned = |one: &Exception| {
        one.kind != ExceptionKind::LegalHold
            && one.phase != Phase::Over
            && one.until.is_none_or(|until| asked.effective_at < until)
    };
    if !stricter(revocation, asked) || !life.exceptions.iter().any(concerned) {
        return None;
    }
    let mut turn = Turn::of(revocation, life);
    let at = asked.effective_at.max(asked.received_at);
    for one in turn.life.exceptions.iter_mut().filter(|one| concerned(one) && one.in_force()) {
        one.allowed_us = Some(shorter(one.allowed_us.unwrap_or_default(), &asked.deadlines, at));
        one.until =
            Some(one.until.map_or(asked.effective_at, |until| until.min(asked.effective_at)));
    }
    if asked.reason.rank() > revocation.reason.rank() {
        turn.revocation.reason = asked.reason;
    }
    turn.end(Ending::Overtaken, None, rules, |one| {
        let waits = one.phase == Phase::Requested && concerned(one);
        let over = one.phase == Phase::Granted
            && one.kind != ExceptionKind::LegalHold
            && one.until.is_some_and(|until| until <= now);
        (waits || over).then_some(now)
    });
    Some(turn)
}

/// The shorter time for each milestone; one that only the notice has is added.
fn shorter(
    allowed: PerMilestone<Option<u64>>,
    deadlines: &Deadlines,
    begin: UtcTime,
) -> PerMilestone<Option<u64>> {
    let mut shorter = allowed;
    for milestone in Milestone::ALL {
        let asked = deadlines.get(*milestone).map(|at| at.since(begin).as_micros());
        let asked = asked.and_then(|us| u64::try_from(us).ok());
        let both = [allowed.get(*milestone), asked];
        shorter.set(*milestone, both.into_iter().flatten().min());
    }
    shorter
}

/// Nothing is expected any more, so nothing is excepted from it.
#[must_use]
pub fn withdraw(revocation: &Revocation, life: &Life, by: &str, now: UtcTime) -> Life {
    let mut turn = Turn::of(revocation, life);
    turn.life.state = State::Withdrawn;
    turn.life.acknowledged = None;
    // A break-glass that was used is still looked at.
    let rules = Rules { single: false, review_after: super::REVIEW_AFTER };
    turn.end(Ending::Withdrawn, Some(by), &rules, |one| (!one.holds()).then_some(now));
    turn.life
}
