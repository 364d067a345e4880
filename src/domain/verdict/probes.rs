//! What configured probes say of a question.

use super::{Further, Question, asked_for};
use crate::domain::observation::{Cause, Gap, NotCovered, Observation};
use crate::domain::probes::{Declared, Missing, Outcome, Person};
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::revocation::Kind;
use crate::domain::time::UtcTime;

/// What the probes of a question add to its answer.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) found: Vec<Residual>,
    pub(super) missing: Vec<Missing>,
    pub(super) gaps: Vec<Gap>,
    pub(super) not_covered: Vec<NotCovered>,
}

/// Every probe that applies, answered or not.
pub(super) fn judge(
    question: &Question<'_>,
    further: &Further<'_>,
    looks: &[&Observation],
) -> Asked {
    let mut asked = Asked::default();
    for look in looks.iter().chain(further.external) {
        let declared = &look.probing.declared;
        let Some(person) = further.person else {
            if !declared.is_empty() {
                asked.not_covered.push(NotCovered {
                    surface: format!("probes of {}", look.target),
                    reason: "a role was asked about, and probes are about subjects".to_owned(),
                });
            }
            continue;
        };
        for probe in declared.iter().filter(|probe| probe.applies(person)) {
            if let Some(why) = person.nobody.filter(|_| probe.asks_about_nobody(person)) {
                // What was proved before the subject was erased stays proved.
                if !further.verified && is_question(question, person, probe) {
                    asked.gaps.push(unanswerable(probe, why));
                    continue;
                }
                asked.not_covered.push(NotCovered {
                    surface: format!("probe {} of {}", probe.name, look.target),
                    reason: why.to_owned(),
                });
                continue;
            }
            let answered = look.probing.answer(&probe.name, &person.key);
            asked.take(question, person, probe, probe.outcome(person, answered));
        }
    }
    asked
}

/// Probes that found nothing of `person`, by the identity of what they find otherwise, with when each was asked.
#[must_use]
pub fn met<'a>(
    person: &Person,
    looks: impl Iterator<Item = &'a Observation>,
) -> Vec<(String, UtcTime)> {
    let mut met = Vec::new();
    for look in looks {
        for probe in look.probing.declared.iter().filter(|probe| probe.applies(person)) {
            let Some(answered) = look.probing.answer(&probe.name, &person.key) else { continue };
            if probe.outcome(person, Some(answered)) == Outcome::Met {
                met.push((probe.finding().identity(), answered.read_at));
            }
        }
    }
    met
}

impl Asked {
    fn take(
        &mut self,
        question: &Question<'_>,
        person: &Person,
        probe: &Declared,
        outcome: Outcome,
    ) {
        match outcome {
            Outcome::Met => {}
            // What it shows is to be there.
            Outcome::Residual(_) if !must_go(question.kind, person, probe) => {}
            Outcome::Residual(found) => self.found.push(*found),
            Outcome::Missing(missing) => {
                if !question.not_required.contains(&ResidualKind::Probe) {
                    self.missing.push(missing);
                }
            }
            Outcome::Unknown(gap) if is_question(question, person, probe) => self.gaps.push(gap),
            Outcome::Unknown(gap) if probe.required => {
                if asked_for(question, ResidualKind::Probe) {
                    self.gaps.push(gap);
                }
            }
            Outcome::Unknown(gap) => self.not_covered.push(NotCovered {
                surface: format!("probe {} of {}", probe.name, gap.target),
                reason: format!("{}; to read it: {}", gap.reason, gap.fix),
            }),
        }
    }
}

fn unanswerable(probe: &Declared, why: &str) -> Gap {
    Gap {
        surface: ResidualKind::Probe,
        target: probe.place.clone(),
        database: probe.database.clone(),
        reason: format!("probe {} cannot be asked: {why}", probe.name),
        fix: "name roles that give the permission (permissions in the configuration), or let a probe ask by account".to_owned(),
        cause: Cause::Internal,
    }
}

/// Whether `probe` shows what a partial revocation is about: then its answer is what was asked for, and to go without it
/// would prove nothing of that. Switched off, another rule says that nobody shows it.
fn is_question(question: &Question<'_>, person: &Person, probe: &Declared) -> bool {
    question.kind == Kind::Partial
        && must_go(question.kind, person, probe)
        && asked_for(question, ResidualKind::Probe)
}

/// Whether what `probe` finds counts against the expectation: of a partial one only what shows a permission that must
/// be gone.
fn must_go(kind: Kind, person: &Person, probe: &Declared) -> bool {
    match kind {
        Kind::Partial => person.permissions.iter().any(|name| probe.permissions.contains(name)),
        Kind::Full | Kind::Suspend | Kind::Rotation | Kind::Transfer => true,
    }
}
