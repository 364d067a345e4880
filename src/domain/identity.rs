//! A person who is named otherwise than before: what is certain is expected, and the rest is a question. Pure.

use super::account::{Account, AccountName};
use super::claims;
use super::lifecycle::Life;
use super::lineage::Lineage;
use super::observation::{Cause, Gap};
use super::residual::ResidualKind;
use super::revocation::State;
use super::time::UtcTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Questions that are kept with one revocation. The rest comes from the store once one of these is answered.
pub const MOST: usize = 20;

/// A notice that names the person by another user name or address than those before it. It is held; what is certain of it
/// is expected all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsure {
    /// `ntc_…`.
    pub notice: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// The user name by which it calls the person, where that is the question. It is no name of theirs before the answer:
    /// what only this name reaches is asked about, and linked, probed and rotated for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// It names no role, so that one which is called like the user may be meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plain: bool,
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

/// Whether `name` is none of those known, where there are any.
pub fn is_another<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> bool {
    let known: Vec<String> = known.filter(|known| !known.is_empty()).map(folded).collect();
    !name.is_empty() && !known.is_empty() && !known.contains(&folded(name))
}

/// As names are compared: capitals and blanks around make nobody another person.
#[must_use]
pub fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// User names and e-mail addresses that are known of a person, from those that notices gave, oldest first, each with
/// whether an end made its notice void. What such a notice said that was a question when it came, nobody answered.
#[must_use]
pub fn known_names(given: Vec<(String, String, bool)>) -> Vec<(String, String)> {
    let mut known: Vec<(String, String)> = Vec::new();
    for (name, email, void) in given {
        let asked = is_another(&name, known.iter().map(|(name, _)| name.as_str()))
            || is_another(&email, known.iter().map(|(_, email)| email.as_str()));
        if !(void && asked) {
            known.push((name, email));
        }
    }
    known
}

/// The life once it is a question whom it is about: nothing is proved before the answer. Milestones that were met stay
/// met, and the clock stays stopped: a question is no access.
#[must_use]
pub fn questioned(life: Life) -> Life {
    let state = if life.state == State::Verified { State::Open } else { life.state };
    Life { state, confirm_from: None, ..life }
}

impl Lineage {
    /// Whether it has a question that `before` has not.
    #[must_use]
    pub fn asks_more_than(&self, before: &Self) -> bool {
        self.unsure.iter().any(|unsure| !before.has_asked(&unsure.notice))
            || (self.more_unsure && !before.more_unsure)
    }

    /// Whether it asks whom the notice `notice` means.
    #[must_use]
    pub fn has_asked(&self, notice: &str) -> bool {
        self.unsure.iter().any(|known| known.notice == notice)
    }

    /// Notes a question.
    pub fn ask(&mut self, unsure: &Unsure) {
        if self.has_asked(&unsure.notice) {
            return;
        }
        if self.unsure.len() < MOST {
            self.unsure.push(unsure.clone());
        } else {
            self.more_unsure = true;
        }
    }

    /// All the questions. `held` are the notices that are held with them, as far as the store tells, at most one more than
    /// can be kept.
    pub fn ask_again(&mut self, held: &[Unsure]) {
        if self.more_unsure {
            self.more_unsure = false;
            for unsure in held {
                self.ask(unsure);
            }
        }
    }

    /// The questions, for `targets`.
    #[must_use]
    pub fn unsure_gaps(&self, targets: &str) -> Vec<Gap> {
        let mut gaps: Vec<Gap> =
            self.unsure.iter().map(|unsure| unsure.gap(targets.to_owned())).collect();
        if self.more_unsure {
            gaps.push(Gap {
                surface: ResidualKind::Login,
                target: targets.to_owned(),
                database: None,
                reason:
                    "more notices than are named here call the person otherwise than earlier ones"
                        .to_owned(),
                fix: "answer those that revoked webhook journal --quarantined lists".to_owned(),
                cause: Cause::Internal,
            });
        }
        gaps
    }

    /// The question that the notice `notice` asked is answered; whether there was one.
    pub fn answered(&mut self, notice: &str) -> bool {
        let before = self.unsure.len();
        self.unsure.retain(|known| known.notice != notice);
        before != self.unsure.len()
    }

    /// Whether a role called `name` is the subject's has to be asked.
    #[must_use]
    pub fn asks_about(&self, name: &str) -> bool {
        [&self.doubtful, &self.former, &self.taken_back].iter().any(|asked| asked.contains(name))
    }

    /// That a role called `name` is the subject's is certain by now.
    pub fn settle(&mut self, name: &str) {
        for asked in [&mut self.doubtful, &mut self.former, &mut self.taken_back] {
            asked.remove(name);
        }
    }

    /// `by` named a role of the subject at `now`. Where somebody had said that a role of that name is not theirs, the
    /// later word is followed, since it removes access; whether it was so.
    pub fn name(&mut self, name: &AccountName, by: &str, now: UtcTime) -> bool {
        let contradicted = self.is_contradicted_by(name);
        if !name.suggested() {
            self.settle(&name.role);
        }
        if contradicted {
            self.link(name, by, now);
        }
        contradicted
    }

    /// The question about `account`, which only a name links that was the subject's once, or that was taken back. `names`
    /// are those that `revocation` searches for.
    #[must_use]
    pub fn former_gap(
        &self,
        account: &Account,
        names: &[AccountName],
        revocation: &str,
    ) -> Option<Gap> {
        let bears = |name: &&AccountName| {
            name.applies_to(&account.target) && account.called().any(|called| *called == name.role)
        };
        let certain = |name: &AccountName| !self.asks_about(&name.role);
        if !account.rule.guessed() || names.iter().filter(bears).any(certain) {
            return None;
        }
        let role = format!("{}/{}", account.target, account.role);
        let any = |asked: &BTreeSet<String>| account.called().any(|name| asked.contains(name));
        let why = if any(&self.former) {
            "that the subject had by earlier notices, and may be somebody else's by now"
        } else if any(&self.taken_back) {
            "that was given for the subject and taken back while no target had it"
        } else {
            return None;
        };
        let reason = format!("role {role} bears a name {why}: is it theirs?");
        let unlink = claims::unlink(revocation, &role);
        let fix = format!("if so: revoked expect link {revocation} {role}; if not: {unlink}");
        Some(claims::question(&account.target, reason, fix))
    }

    /// Takes over which roles are not the subject's from what was said of an `earlier` revocation. What was said before
    /// the person came back is of the time before: the name may be theirs again.
    pub fn take_over(&mut self, earlier: &Self) {
        let back = earlier.rehired.as_ref().map(|rehired| rehired.made_at);
        let barred = earlier.barred.iter();
        for barred in barred.filter(|barred| back.is_none_or(|back| barred.said_at() > back)) {
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
    use crate::domain::lineage::{Barred, Rehired, Unlinked};

    fn at(second: i64) -> UtcTime {
        UtcTime::from_micros(second * 1_000_000).unwrap()
    }

    fn of(notice: &str) -> Unsure {
        Unsure { notice: notice.to_owned(), digest: "d".into(), username: None, plain: false }
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
    fn a_name_is_another_only_if_one_is_known() {
        assert!(!is_another("jd", [].into_iter()));
        assert!(!is_another("jd", [""].into_iter()));
        assert!(!is_another("", ["jd"].into_iter()));
        assert!(!is_another("JD ", ["x", "jd"].into_iter()));
        assert!(is_another("jane", ["jd"].into_iter()));
    }

    #[test]
    fn what_a_void_notice_asked_is_not_known() {
        let of = |given: &[(&str, &str, bool)]| -> Vec<String> {
            let one = |(name, email, void): &(&str, &str, bool)| {
                ((*name).to_owned(), (*email).to_owned(), *void)
            };
            let known = known_names(given.iter().map(one).collect());
            known.into_iter().map(|(name, email)| format!("{name}{email}")).collect()
        };
        assert_eq!(of(&[("jd", "", true)]), ["jd"], "nothing was known that it differs from");
        assert_eq!(of(&[("jd", "", false), ("jane", "", true)]), ["jd"]);
        assert_eq!(of(&[("jd", "", false), ("JD", "a@x", true)]), ["jd", "JDa@x"]);
        assert_eq!(of(&[("jd", "a@x", false), ("jd", "b@x", true)]), ["jda@x"]);
        let same_person = [("jd", "", false), ("jane", "", true), ("jane", "", false)];
        assert_eq!(of(&same_person), ["jd", "jane"]);
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
        let unsure = of("ntc_1");
        let mut lineage = Lineage::default();
        lineage.ask(&unsure);
        lineage.ask(&unsure);
        assert_eq!(lineage.unsure.len(), 1);
        assert!(!lineage.answered("ntc_2"));
        assert!(lineage.answered("ntc_1") && lineage.is_empty());
    }

    #[test]
    fn no_question_is_lost_where_there_are_more_than_are_kept() {
        let all: Vec<Unsure> = (0..=MOST).map(|number| of(&format!("ntc_{number}"))).collect();
        let mut lineage = Lineage::default();
        for unsure in &all {
            lineage.ask(unsure);
        }
        assert_eq!((lineage.unsure.len(), lineage.more_unsure), (MOST, true));
        assert_eq!(lineage.unsure_gaps("main").len(), MOST + 1);
        assert!(lineage.answered("ntc_0"));
        lineage.ask_again(&all[1..]);
        assert_eq!((lineage.unsure.len(), lineage.more_unsure), (MOST, false));
        assert!(lineage.unsure.contains(&all[MOST]));
    }
}
