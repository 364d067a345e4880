//! From a judgement to a move with its records. Pure but for nothing: time is an argument.

use crate::audit::record::{self, About, Seen};
use crate::config::Config;
use crate::domain::account::Account;
use crate::domain::before;
use crate::domain::hex::hex;
use crate::domain::lifecycle::{Effect, Label, Life, Look, Terms, step};
use crate::domain::milestone::Deadlines;
use crate::domain::observation::{Coverage, Observation};
use crate::domain::relapse;
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::domain::uses::{self, Use, UseClass};
use crate::domain::verdict::{Judgement, SESSIONS, Verdict};
use crate::store::{Evidence, Move, NewRecord, Stored};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// What the judgement means for the life cycle.
///
/// Absence is as old as the oldest of the looks; presence as the newest of those that saw it.
pub(super) fn look_of(judged: &Judgement, looks: &[&Observation]) -> Look {
    let oldest = looks.iter().map(|look| look.started_at).min();
    let saw = looks
        .iter()
        .filter(|look| judged.residual.iter().any(|r| r.account.target == look.target))
        .map(|look| look.started_at)
        .max();
    let gone = judged.residual.iter().all(|found| SESSIONS.contains(&found.kind))
        && judged.gaps.iter().all(|gap| SESSIONS.contains(&gap.surface));
    let mut hash = Sha256::new();
    for residual in &judged.residual {
        hash.update(residual.identity());
        hash.update([0]);
    }
    for missing in &judged.missing {
        let place = missing.target.as_deref().unwrap_or_default();
        for part in ["missing", missing.what.as_str(), missing.name.as_str(), place] {
            hash.update(part);
            hash.update([0]);
        }
    }
    let fingerprint: [u8; 32] = hash.finalize().into();
    Look {
        started_at: saw.or(oldest).unwrap_or(UtcTime::from_timestamp(jiff::Timestamp::UNIX_EPOCH)),
        verdict: judged.verdict,
        login: judged.login,
        fingerprint: hex(fingerprint.get(..16).unwrap_or_default()),
        kinds: judged.residual.iter().map(|residual| residual.kind).collect(),
        lacking: judged.residual.is_empty() && !judged.missing.is_empty(),
        disabled: judged.disabled,
        gone_at: gone.then(|| looks.iter().map(|look| look.ended_at).max()).flatten(),
        credentials: Vec::new(),
        clusters: looks
            .iter()
            .filter_map(|look| look.server.as_ref())
            .map(|server| server.system_identifier)
            .collect(),
        held: false,
        waited: true,
    }
}

/// Terms of a revocation.
pub(super) fn terms(stored: &Stored, config: &Config) -> Terms {
    let asked = &stored.revocation;
    Terms {
        kind: asked.kind,
        reason: asked.reason,
        // What was excepted is due from its end on.
        effective_at: stored
            .life
            .due_from
            .map_or(asked.effective_at, |at| at.max(asked.effective_at)),
        deadlines: asked.deadlines,
        verification_delay: config.verification_delay,
    }
}

/// Where a revocation has several targets, what was read whole so long ago at most still counts as read by the
/// look: their looks are never whole at the same time, and could not prove anything together.
const WHOLE_FOR: Duration = Duration::from_secs(15);

/// Terms by which this judgement is due. A subject without any account has no deadline to miss: it needs a question
/// answered, not a page in the night. Only if that is known; while a target is down, it is not.
pub(super) fn terms_for(stored: &Stored, judged: &Judgement, config: &Config) -> Terms {
    let mut terms = terms(stored, config);
    if judged.no_account {
        terms.deadlines = Deadlines::default();
    }
    terms
}

/// Looks that rest on access lists which an earlier look read, where the judgement would decide something: nothing is
/// decided before such targets were read whole.
pub(super) fn remembered<'a>(
    stored: &Stored,
    judged: &Judgement,
    looks: &[&'a Observation],
    terms: &Terms,
    held: bool,
) -> Vec<&'a Observation> {
    // Presence is proved by any look.
    if judged.residual.iter().any(|found| looks.iter().any(|look| look.saw(found))) {
        return Vec::new();
    }
    // What confirms must not be the reading that it confirms.
    let first = stored.life.confirm_from;
    let allowed = if looks.len() > 1 { WHOLE_FOR } else { Duration::ZERO };
    let mut outdated: Vec<&Observation> = looks.to_vec();
    outdated.retain(|look| {
        look.deep_at < look.started_at
            && (look.started_at.since(look.deep_at) > allowed
                || first.is_some_and(|first| look.deep_at <= first))
    });
    let look = Look { held, ..look_of(judged, looks) };
    if outdated.is_empty() || !stored.life.decides(terms, &look) {
        return Vec::new();
    }
    outdated
}

/// The move that follows from a judgement; `None` when nothing changed that anybody would want to know.
///
/// `kept` is what was found before. Where the judgement says what made it, [`is_settled`] is asked first.
pub(super) fn plan(
    (stored, kept): (&Stored, &Evidence),
    accounts: Vec<Account>,
    judged: Judgement,
    look: &Look,
    looks: &[&Observation],
    config: &Config,
    now: UtcTime,
) -> Option<Move> {
    let terms = terms_for(stored, &judged, config);
    let (life, effects) = step(&terms, &stored.life, look);
    if life.last_look_at == stored.life.last_look_at && accounts == stored.accounts {
        return None;
    }
    let (life, used) = beside(stored, life, &effects, &accounts, &judged, looks);
    let blind = judged.verdict == Verdict::Inconclusive;
    let residual = carried(kept, &judged, looks);
    let before = if before::is_told_by(&effects, stored.life.state) {
        before::states(&judged, look.held, looks)
    } else {
        Vec::new()
    };
    let evidence = Evidence {
        verdict: Some(judged.verdict),
        as_of: Some(look.started_at),
        residual,
        no_account: judged.no_account,
        held: look.held,
        kept: judged.kept,
        missing: judged.missing,
        gaps: judged.gaps,
        not_covered: judged.not_covered,
    };
    let same = effects.is_empty()
        && accounts == stored.accounts
        && same_life(&life, &stored.life)
        && same_evidence(&evidence, kept);
    if same {
        return None;
    }
    let told = Told {
        effects: &effects,
        look,
        looks,
        verdict: judged.verdict,
        residual: if blind { &[] } else { &judged.residual },
        used: &used,
    };
    let records = records(stored, &accounts, &terms, (&life, &evidence), &told, now);
    Some(Move {
        from: stored.clone(),
        revocation: stored.revocation.clone(),
        accounts,
        life: Life {
            duration_reported: stored.life.duration_reported || life.verified_at.is_some(),
            ..life
        },
        evidence: Some(evidence),
        before,
        records,
        notice: None,
        at: now,
        watch_until: if effects.contains(&Effect::Verified) {
            now.plus(config.watch)
        } else {
            stored.watch_until
        },
    })
}

/// Whether the judgement moves nothing, where it says what made the evidence that is kept.
pub(super) fn is_settled(
    stored: &Stored,
    accounts: &[Account],
    judged: &Judgement,
    look: &Look,
    looks: &[&Observation],
    config: &Config,
) -> bool {
    let terms = terms_for(stored, judged, config);
    let (life, effects) = step(&terms, &stored.life, look);
    if !effects.is_empty() || accounts != stored.accounts {
        return false;
    }
    let (life, _) = beside(stored, life, &effects, accounts, judged, looks);
    same_life(&life, &stored.life)
}

/// What a move is told by.
struct Told<'a> {
    effects: &'a [Effect],
    look: &'a Look,
    looks: &'a [&'a Observation],
    verdict: Verdict,
    residual: &'a [Residual],
    used: &'a [Use],
}

/// The records of a move of `stored`, in order.
fn records(
    stored: &Stored,
    accounts: &[Account],
    terms: &Terms,
    (life, evidence): (&Life, &Evidence),
    told: &Told<'_>,
    now: UtcTime,
) -> Vec<NewRecord> {
    let about = About { revocation: &stored.revocation, subject: &stored.subject_id, at: now };
    let mut records = Vec::new();
    if accounts.iter().any(|account| !known(&stored.accounts, account)) {
        records.push(NewRecord {
            kind: "subject_linked",
            body: record::subject_linked(&about, accounts),
        });
    }
    let coverage: Vec<Coverage> =
        told.looks.iter().flat_map(|look| look.coverage.iter().cloned()).collect();
    let exists = accounts.iter().any(|account| {
        let mut there = told.looks.iter().filter(|look| look.target == account.target);
        there.any(|look| look.role(account.oid).is_some())
    });
    let seen = Seen {
        verdict: told.verdict,
        as_of: told.look.started_at,
        residual: told.residual,
        missing: &evidence.missing,
        gaps: &evidence.gaps,
        not_covered: &evidence.not_covered,
        coverage: &coverage,
        credentials: &life.credentials,
        exists,
        held: told.look.held,
    };
    let effects = told.effects.iter();
    records.extend(effects.map(|effect| record_of(*effect, &about, terms, stored, life, &seen)));
    if stored.life.state == State::Scheduled && life.state == State::Open {
        falls_due(&mut records, &about, &seen);
    }
    let of_use = told.used.iter().filter(|one| one.class == UseClass::AfterEnd);
    let record = |one| NewRecord { kind: "use_after_effective", body: record::used(&about, one) };
    records.extend(of_use.map(record));
    records
}

/// It takes effect: what is there by now has to go, also where nothing changed since the look before.
fn falls_due(records: &mut Vec<NewRecord>, about: &About<'_>, seen: &Seen<'_>) {
    if seen.verdict != Verdict::Residual {
        return;
    }
    if !records.iter().any(|record| record.kind == "observation") {
        let body = record::observation(about, Label::Changed, seen);
        let place = records.iter().take_while(|record| record.kind == "subject_linked").count();
        records.insert(place, NewRecord { kind: "observation", body });
    }
    let observation = records.iter_mut().find(|record| record.kind == "observation");
    if let Some(observation) = observation {
        observation.body.insert("due".to_owned(), true.into());
    }
}

/// What is remembered beside the state: sessions that began after the end, and what tells why access came back.
fn beside(
    stored: &Stored,
    mut life: Life,
    effects: &[Effect],
    accounts: &[Account],
    judged: &Judgement,
    looks: &[&Observation],
) -> (Life, Vec<Use>) {
    if effects.contains(&Effect::Regressed) {
        let at = life.last_look_at.unwrap_or(stored.queued_at);
        let (before, residual) = (&stored.life.before, &judged.residual);
        life.relapse =
            Some(Box::new(relapse::explain(before, &stored.accounts, residual, looks, at)));
    }
    life.before.remember(&judged.residual);
    if life.state == State::Verified && judged.verdict == Verdict::Revoked {
        life.before.was_clean_on(looks);
    }
    let (uses, new) = uses::follow(&stored.revocation, &life, accounts, &judged.residual, looks);
    *life.uses = uses;
    (life, new)
}

/// What remains, with what remained when it was last seen wherever nobody can tell now: in everything while
/// the answer is inconclusive, else on targets that do not answer.
fn carried(kept: &Evidence, judged: &Judgement, looks: &[&Observation]) -> Vec<Residual> {
    let blind = judged.verdict == Verdict::Inconclusive;
    let down = |target: &str| looks.iter().any(|look| look.target == target && look.is_silent());
    let mut residual = judged.residual.clone();
    for before in &kept.residual {
        // What is known of a password is remembered, and told anew each time.
        let remembered = before.kind == ResidualKind::Credential;
        let unseen = (blind && !remembered) || down(&before.account.target);
        if unseen && !residual.iter().any(|now| now.identity() == before.identity()) {
            residual.push(before.clone());
        }
    }
    residual.sort();
    residual
}

fn known(accounts: &[Account], account: &Account) -> bool {
    accounts.iter().any(|a| a.is(account) && (a.rule == account.rule || account.source.is_empty()))
}

/// Equal but for the time of the look.
fn same_life(a: &Life, b: &Life) -> bool {
    Life { last_look_at: b.last_look_at, ..a.clone() } == *b
}

/// Equal but for the time of the look.
fn same_evidence(a: &Evidence, b: &Evidence) -> bool {
    Evidence { as_of: b.as_of, ..a.clone() } == *b
}

fn record_of(
    effect: Effect,
    about: &About<'_>,
    terms: &Terms,
    stored: &Stored,
    life: &Life,
    seen: &Seen<'_>,
) -> NewRecord {
    let first_verification = !stored.life.duration_reported;
    let (kind, body) = match effect {
        Effect::Observed(label) => ("observation", record::observation(about, label, seen)),
        Effect::AccountDisabled => ("account_disabled", record::gone(about, seen.as_of, seen.held)),
        Effect::AccessRevoked => ("access_revoked", record::gone(about, seen.as_of, seen.held)),
        Effect::Verified => {
            ("verification_completed", record::verified(about, terms, life, first_verification))
        }
        Effect::MilestoneFailed(milestone) => (
            "verification_failed",
            record::missed(about, milestone, &Seen { verdict: Verdict::Residual, ..*seen }),
        ),
        Effect::MilestoneInconclusive(milestone) => (
            "verification_inconclusive",
            record::missed(about, milestone, &Seen { verdict: Verdict::Inconclusive, ..*seen }),
        ),
        Effect::Regressed => {
            let relapse = life.relapse.as_deref();
            ("access_regressed", record::regressed(about, stored.life.verified_at, relapse, seen))
        }
    };
    NewRecord { kind, body }
}

#[cfg(test)]
#[path = "moves_tests.rs"]
mod tests;
