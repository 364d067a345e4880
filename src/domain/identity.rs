//! A person who is named otherwise than before: what is certain is expected, and the rest is a question. Pure.

use super::lineage::{Barred, Lineage};
use super::observation::{Cause, Gap};
use super::residual::ResidualKind;
use serde::{Deserialize, Serialize};

/// Questions that are kept of one revocation. Any of them keeps it from being proved, so that more add nothing.
const MOST: usize = 20;

/// A notice that names the person by another user name or address than those before it. It is held; what is certain of it
/// is expected all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsure {
    /// `ntc_…`.
    pub notice: String,
    /// SHA-256 of its bytes.
    pub digest: String,
}

impl Unsure {
    /// The question.
    #[must_use]
    pub fn gap(&self, targets: String) -> Gap {
        let notice = &self.notice;
        Gap {
            surface: ResidualKind::Login,
            target: targets,
            database: None,
            reason: format!(
                "{notice} names the person by another user name or e-mail address than earlier notices: is it the same person?"
            ),
            fix: format!(
                "if so: revoked webhook retry {notice} --same-person; if not: revoked webhook dismiss {notice}, by somebody \
                 else than its sender"
            ),
            cause: Cause::Internal,
        }
    }
}

impl Lineage {
    /// Notes a question.
    pub fn ask(&mut self, unsure: &Unsure) {
        if self.unsure.len() < MOST && !self.unsure.contains(unsure) {
            self.unsure.push(unsure.clone());
        }
    }

    /// The question that the notice `notice` asked is answered; whether there was one.
    pub fn answered(&mut self, notice: &str) -> bool {
        let before = self.unsure.len();
        self.unsure.retain(|known| known.notice != notice);
        before != self.unsure.len()
    }

    /// Takes over which roles are not the subject's from what was said of an `earlier` revocation. What was said before
    /// the person came back is of the time before: the name may be theirs again.
    pub fn take_over(&mut self, earlier: &Self) {
        let back = earlier.rehired.as_ref().map(|rehired| rehired.made_at);
        let holds = |barred: &&Barred| back.is_none_or(|back| barred.said_at() > back);
        for barred in earlier.barred.iter().filter(holds) {
            if !self.barred.contains(barred) {
                self.barred.push(barred.clone());
            }
        }
        for linked in &earlier.linked {
            if !self.linked.contains(linked) {
                self.linked.push(linked.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SystemIdentifier;
    use crate::domain::lineage::{Rehired, Unlinked};
    use crate::domain::time::UtcTime;
    use std::collections::BTreeSet;

    fn at(second: i64) -> UtcTime {
        UtcTime::from_micros(second * 1_000_000).unwrap()
    }

    fn barred(said: i64) -> Lineage {
        let barred = Barred {
            because: Unlinked::Recycled,
            role: "kay".into(),
            system_identifier: SystemIdentifier(7),
            oid: None,
            known: BTreeSet::new(),
            by: "hr".into(),
            since: at(said),
            said_at: Some(at(said)),
        };
        Lineage { barred: vec![barred], ..Lineage::default() }
    }

    #[test]
    fn what_is_somebody_else_s_stays_so_until_the_person_is_back() {
        let mut earlier = barred(10);
        let mut lineage = Lineage::default();
        lineage.take_over(&earlier);
        lineage.take_over(&earlier);
        assert_eq!(lineage.barred, earlier.barred, "once");
        earlier.rehired =
            Some(Rehired { at: at(20), made_at: at(20), by: "hr".into(), before: None });
        let mut lineage = Lineage::default();
        lineage.take_over(&earlier);
        assert!(lineage.barred.is_empty(), "the name may be theirs again");
    }

    #[test]
    fn a_question_is_asked_once_and_answered_by_its_notice() {
        let unsure = Unsure { notice: "ntc_1".into(), digest: "d".into() };
        let mut lineage = Lineage::default();
        lineage.ask(&unsure);
        lineage.ask(&unsure);
        assert_eq!(lineage.unsure.len(), 1);
        assert!(!lineage.answered("ntc_2"));
        assert!(lineage.answered("ntc_1") && lineage.is_empty());
    }
}
