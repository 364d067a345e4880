//! What was seen: what remains, what is late, what is proved, and what came back.

use super::super::words::{
    findings, gaps, items, lasting, missing, next, number, residual, run, say, spaced, standing,
    text, when, when_in,
};
use super::Of;
use crate::deliver::message::{Fact, Message, Part};
use crate::domain::milestone::Milestone;
use crate::domain::revocation::{Kind, State};
use crate::domain::time::UtcTime;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a proof says, and no more.
fn proved(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Full => ("Verified: nothing remains", "Two looks without gaps found nothing."),
        Kind::Suspend => (
            "Verified: suspended",
            "Two looks without gaps found no login and nothing that acts. Other access stays, as it was asked for.",
        ),
        Kind::Partial => (
            "Verified: what was named is gone",
            "Two looks without gaps found nothing of what was named. Other access stays, as it was asked for.",
        ),
        Kind::Rotation => (
            "Verified: the secret is another",
            "Two looks without gaps found nothing of the old secret.",
        ),
        Kind::Transfer => (
            "Verified: another owner, another secret",
            "Two looks without gaps found nothing of the old owner and the old secret.",
        ),
    }
}

/// What should be so by a milestone.
fn done(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::Login => "login is off and no session is open",
        Milestone::Access => "access is gone",
        Milestone::Credentials => "the secret was changed",
    }
}

/// What is so instead.
fn left(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::Login => "login or a session is still there",
        Milestone::Access => "access is still there",
        Milestone::Credentials => "the old secret is still there",
    }
}

impl Of<'_> {
    pub(super) fn residual(&self) -> Option<Message> {
        // Until it takes effect, what is there may be there.
        if !self.is_due() || self.life.first_clean_at.is_some() {
            return None;
        }
        let found = residual(self.body, &self.stored.accounts);
        let lacking = missing(self.body);
        let title = match (&found, &lacking) {
            (None, Some(lacking)) => {
                format!("What is missing that must stay: {}", lacking.total)
            }
            _ => format!("What remains: {}", findings(number(self.body, "residual_total"))),
        };
        Some(Message {
            title,
            facts: self.with(when_in(self.body, "as_of").map(|at| Fact::ours("Seen", at))),
            table: found.or(lacking),
            next: self.removal(),
            ..Message::default()
        })
    }

    pub(super) fn overdue(&self) -> Option<Message> {
        let which = Milestone::from_word(text(self.body, "milestone")?)?;
        // Missed while somebody has it in hand, it is told by the reminder once that is over. What was missed before the press
        // waited here meanwhile: it is the first word of it, and the press was about something else.
        let rests = self.rests.is_some_and(|known| self.life.missed.get(which) > Some(known.at));
        // Or met or settled while nobody could be told.
        if rests || !self.is_due() || self.life.met.get(which).is_some() {
            return None;
        }
        let found = residual(self.body, &self.stored.accounts);
        let (unseen, lacking) = (gaps(self.body), missing(self.body));
        let due = when_in(self.body, "deadline").map(|at| Fact::ours("Was due", at));
        let seen = when_in(self.body, "as_of").map(|at| Fact::ours("Seen", at));
        let (title, note, next) = match (&found, &unseen, &lacking) {
            (None, Some(_), _) => (
                format!("Overdue: nobody can tell whether {}", done(which)),
                Some("Not everything could be seen, so nobody can say that access has ended."),
                self.sight(),
            ),
            (None, None, Some(_)) => {
                ("Overdue: what must stay is missing".to_owned(), None, self.removal())
            }
            _ => (format!("Overdue: {}", left(which)), None, self.removal()),
        };
        Some(Message {
            title,
            facts: self.with(due.into_iter().chain(seen)),
            table: found.or(unseen).or(lacking),
            notes: note.map(str::to_owned).into_iter().collect(),
            next,
            ..Message::default()
        })
    }

    pub(super) fn verified(&self) -> Option<Message> {
        // It is said from nothing but a proof that stands, and that the log holds.
        let verification = self.body.get("verification").and_then(Value::as_object);
        let at = verification.and_then(|proof| text(proof, "verified_at"))?.parse().ok()?;
        if self.life.state != State::Verified || self.life.verified_at != Some(at) {
            return None;
        }
        let mut facts = self.with([
            Fact::ours("Verified", when(at)),
            Fact::ours("First clean look", when_in(self.body, "first_clean_at")?),
        ]);
        if let Some(us) = self.body.get("duration_us").and_then(Value::as_u64) {
            facts.push(Fact::ours("It took", lasting(us)));
        }
        let blind = number(self.body, "blind_us");
        if blind > 0 {
            facts.push(Fact::ours("Blind in between", lasting(blind)));
        }
        facts.extend(self.coverage());
        let (title, what) = proved(self.asked.kind);
        let id = &self.asked.id;
        Some(Message {
            title: title.to_owned(),
            facts,
            notes: vec![format!("{what} What is not covered is not proved.")],
            next: next([
                say("nothing; the watch goes on. "),
                run(format!("revoked log prove {id}")),
                say(" makes a proof that others can check without this agent."),
            ]),
            ..Message::default()
        })
    }

    /// What was read, and what was not.
    fn coverage(&self) -> Vec<Fact> {
        let Some(after) = self.after else { return Vec::new() };
        let mut targets: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for one in items(after, "coverage").iter().filter_map(Value::as_object) {
            let place = targets.entry(text(one, "target").unwrap_or_default()).or_default();
            place.0 += 1;
            place.1 += number(one, "statements");
        }
        let read = targets.iter().map(|(target, (databases, statements))| {
            format!("{target}: {statements} statements in {databases} databases")
        });
        let read = read.collect::<Vec<_>>().join("; ");
        let skipped = items(after, "not_covered").iter().filter_map(Value::as_str);
        let skipped = skipped.map(|one| Part::Theirs(one.to_owned())).collect::<Vec<_>>();
        let mut parts = Vec::new();
        for part in skipped {
            if !parts.is_empty() {
                parts.push(Part::Ours(", ".to_owned()));
            }
            parts.push(part);
        }
        if parts.is_empty() {
            parts.push(Part::Ours("nothing that is known of".to_owned()));
        }
        vec![Fact::ours("Covered", read), Fact { label: "Not covered", parts }]
    }

    /// It is verified no more since nobody can say who is meant, or whose a role is.
    fn is_question(&self) -> bool {
        let lineage = &self.life.lineage;
        let amended = text(self.body, "state_before").is_some();
        text(self.body, "because") == Some("a_question_is_open")
            || (amended && (lineage.more_unsure || !lineage.unsure.is_empty()))
    }

    /// Why what was verified is open under a legal hold, how it stands besides that, and what is to be done.
    fn of_hold(&self) -> (String, Option<Fact>) {
        let why = "A legal hold keeps what is owned, and nothing is verified while it is in force.";
        // Whatever a look found since has taken the proof's first clean look back; a later one came after something was found.
        let Some(clean) = self.life.first_clean_at else {
            let stands = "Besides the hold something was found since: it has to go as before.";
            return (format!("{why} {stands}"), self.removal());
        };
        let verified: Option<UtcTime> =
            text(self.body, "verified_at").and_then(|at| at.parse().ok());
        let stands = if verified.is_some_and(|at| clean <= at) {
            "Besides the hold it is as it was verified: no look has found anything since."
        } else {
            "Besides the hold something was found since, and was gone at the newest look that could tell."
        };
        (format!("{why} {stands}"), next([say("nothing, until the hold ends.")]))
    }

    /// What was told as verified is in doubt.
    pub(super) fn reopened(&self) -> Option<Message> {
        // Proved anew, or another matter by now.
        if self.life.state != State::Open {
            return None;
        }
        let was = when_in(self.body, "verified_at").map(|at| Fact::ours("Had been verified", at));
        let (why, next) = match text(self.body, "target") {
            Some(target) => (
                format!(
                    "Looks at {target} prove nothing: its canary is missed, so the proof rests on nothing."
                ),
                next([
                    run(format!("revoked doctor --target {target}")),
                    say(
                        " says what is missing. Once it is found, this is verified anew by itself.",
                    ),
                ]),
            ),
            None if text(self.body, "exception_kind") == Some("legal_hold") => self.of_hold(),
            None if self.is_question() => (
                "It is a question who is meant, or whose a role is that is there.".to_owned(),
                next([
                    run(format!("revoked expect show {}", self.asked.id)),
                    say(" has the question, and the commands that answer it."),
                ]),
            ),
            None if text(self.body, "state_before").is_some() => (
                "It asks for more by now than was looked for when it was verified.".to_owned(),
                next([say("nothing; it is looked at and verified anew by itself.")]),
            ),
            None => (
                "A role is named by now that nobody looked for when it was verified.".to_owned(),
                self.sight(),
            ),
        };
        Some(Message {
            title: "Verified no more: it is open again".to_owned(),
            facts: self.with(was),
            notes: vec![why],
            next,
            ..Message::default()
        })
    }

    pub(super) fn regressed(&self) -> Message {
        let cause = text(self.body, "cause").map(|cause| Fact::ours("Likely cause", spaced(cause)));
        let was = when_in(self.body, "verified_at").map(|at| Fact::ours("Had been verified", at));
        let seen = when_in(self.body, "as_of").map(|at| Fact::ours("Seen again", at));
        let ended = self.life.state != State::Regressed;
        let note = ended.then(|| format!("By now it is {}.", standing(self.life.state)));
        Message {
            title: "Access is back".to_owned(),
            facts: self.with([was, seen, cause].into_iter().flatten()),
            table: residual(self.body, &self.stored.accounts),
            notes: note.into_iter().collect(),
            next: self.removal().filter(|_| !ended),
            ..Message::default()
        }
    }
}
