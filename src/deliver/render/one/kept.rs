//! What people decide: that access is kept, or is not, and what they ask for.

use super::super::words::{counted, items, next, run, say, spaced, text, when, when_in};
use super::{HELD, Of};
use crate::deliver::message::{Fact, Message};
use crate::domain::exception::{Exception, ExceptionKind, Phase};
use crate::domain::request::Asked;
use crate::domain::revocation::State;
use serde_json::{Map, Value};

/// Who approved, as far as anybody is named.
fn approver(body: &Map<String, Value>) -> &'static str {
    let alone = body.get("self_approved").and_then(Value::as_bool) == Some(true);
    if alone { "the one who asked" } else { "a second person" }
}

/// How what was verified stands under a legal hold.
fn besides(verified_at: &str) -> String {
    format!(
        "Besides the hold it was verified, {verified_at}. Nothing is verified while the hold is in force, so it is open; \
         after that what is owned has to go as well, and it is verified anew."
    )
}

fn until(body: &Map<String, Value>) -> Fact {
    Fact::ours("Until", when_in(body, "until").unwrap_or_else(|| "somebody ends it".to_owned()))
}

/// What is asked for, of a request.
fn wish(asks: Asked) -> &'static str {
    match asks {
        Asked::Postpone => "Somebody asks that access ends later",
        Asked::Withdraw => "Somebody asks that nothing is expected any more",
        Asked::NoAccount => "Somebody says that there is no account",
        Asked::Unlink => "Somebody says that a role is not the subject's",
    }
}

impl Of<'_> {
    /// The exception that the record speaks of, as the log holds it.
    fn exception(&self) -> Option<&Exception> {
        let id = text(self.body, "exception")?;
        self.life.exceptions.iter().find(|one| one.id == id)
    }

    fn kept(&self) -> Fact {
        let what = text(self.body, "exception_kind").map(spaced).unwrap_or_default();
        let id = text(self.body, "exception").unwrap_or_default();
        Fact::ours("Exception", format!("{what}, {id}"))
    }

    pub(super) fn asked(&self) -> Option<Message> {
        if self.body.contains_key("exception") {
            return self.asked_for_exception();
        }
        let id = text(self.body, "request")?;
        // Decided, or asked for in another way, while nobody could be told.
        if self.life.pending.as_ref().is_none_or(|pending| pending.id != id) {
            return None;
        }
        let asks = Asked::from_word(text(self.body, "asks")?)?;
        let later = when_in(self.body, "effective_at").map(|at| Fact::ours("Effective then", at));
        let revocation = &self.asked.id;
        Some(Message {
            title: wish(asks).to_owned(),
            facts: self.with([Fact::ours("Request", id)].into_iter().chain(later)),
            notes: vec!["Until somebody else approves it, everything stays as it was.".to_owned()],
            next: next([
                run(format!("revoked expect show {revocation}")),
                say(" says who asks, and why. To approve, as somebody else: "),
                run(format!("revoked expect approve {revocation} --request {id}")),
            ]),
            ..Message::default()
        })
    }

    fn asked_for_exception(&self) -> Option<Message> {
        let exception = self.exception()?;
        let ends = text(self.body, "asks") == Some("release");
        let waits =
            if ends { exception.release.is_some() } else { exception.phase == Phase::Requested };
        if !waits {
            return None;
        }
        let (title, stays) = if ends {
            ("Somebody asks that a legal hold ends", "the hold stays")
        } else {
            ("Somebody asks to keep access", "access has to end as it had to")
        };
        let id = &exception.id;
        Some(Message {
            title: title.to_owned(),
            facts: self.with([self.kept(), until(self.body)]),
            notes: vec![format!("Until somebody else approves it, {stays}.")],
            next: next([
                run(format!("revoked exception list --revocation {}", self.asked.id)),
                say(" says who asks, and why. To approve, as somebody else: "),
                run(format!("revoked exception approve {id}")),
            ]),
            ..Message::default()
        })
    }

    pub(super) fn excepted(&self) -> Option<Message> {
        // Over while nobody could be told.
        let exception = self.exception().filter(|one| one.in_force())?;
        let shorter = self.body.get("shortened").and_then(Value::as_bool) == Some(true);
        let kept = if shorter { "Access is kept for less long" } else { "Access is kept for now" };
        let (title, end) = match exception.kind {
            ExceptionKind::LegalHold => (HELD, "To ask for its end: "),
            ExceptionKind::Grace
            | ExceptionKind::Extension
            | ExceptionKind::Temporary
            | ExceptionKind::BreakGlass
            | ExceptionKind::Transition => (kept, "To end it before: "),
        };
        let mut facts = self.with([
            self.kept(),
            Fact::ours("Approved by", approver(self.body)),
            until(self.body),
        ]);
        if let Some(open) = self.body.get("uncovered").and_then(Value::as_object) {
            let (from, to) = (when_in(open, "from"), when_in(open, "to"));
            let gap = format!("{} to {}", from.unwrap_or_default(), to.unwrap_or_default());
            facts.push(Fact::ours("Without permission before", gap));
        }
        let mut notes = Vec::new();
        if exception.holds() {
            notes.push(
                "What is owned is kept, and nothing else: a login, a session or any other right has to go as before."
                    .to_owned(),
            );
            notes.extend(when_in(self.body, "verified_at").map(|at| besides(&at)));
        }
        Some(Message {
            title: title.to_owned(),
            facts,
            notes,
            next: next([
                say("nothing, until it ends. "),
                say(end),
                run(format!("revoked exception revoke {}", exception.id)),
            ]),
            ..Message::default()
        })
    }

    /// An exception is over.
    pub(super) fn resumed(&self) -> Option<Message> {
        if !self.is_due() || self.life.is_excepted() {
            return None;
        }
        let how = match text(self.body, "ending").unwrap_or_default() {
            "taken_back" => "somebody took it back",
            "overtaken" => "a stricter notice came",
            _ => "it came to its end",
        };
        let ended = when_in(self.body, "ended_at").unwrap_or_default();
        let over = Fact::ours("Over since", format!("{ended}, {how}"));
        let facts = self.with([self.kept(), over].into_iter().chain(self.terms()));
        Some(Message {
            title: "Access has to end: an exception is over".to_owned(),
            facts,
            next: self.removal(),
            ..Message::default()
        })
    }

    /// It asks for something else than before.
    pub(super) fn changed(&self) -> Option<Message> {
        if self.life.state == State::Withdrawn {
            return None;
        }
        let approval = self.body.get("approval").and_then(Value::as_object);
        let mut notes = Vec::new();
        let title = match (text(self.body, "because"), text(self.body, "asks")) {
            (Some("user_rehired"), _) => {
                let at = when_in(self.body, "rehired_at").unwrap_or_default();
                notes.push(format!(
                    "What is granted from {at} on is not asked to go; what was there before still is."
                ));
                "The person works here again"
            }
            (_, Some("postpone")) => "Access has to end later",
            (_, Some("no_account")) => "Confirmed: no role is the subject's",
            _ => "More is asked for, or earlier",
        };
        let by = approval.map(|approval| Fact::ours("Approved by", approver(approval)));
        let [roles, rights] = ["roles", "permissions"].map(|key| items(self.body, key).len());
        let named = (roles + rights > 0).then(|| {
            let roles = counted(roles as u64, "role", "roles");
            let rights = counted(rights as u64, "permission", "permissions");
            Fact::ours("Named", format!("{roles}, {rights}"))
        });
        let facts = self.with(by.into_iter().chain(named).chain(self.terms()));
        let next = if self.is_due() { self.removal() } else { None };
        Some(Message { title: title.to_owned(), facts, notes, next, ..Message::default() })
    }

    pub(super) fn withdrawn(&self) -> Message {
        let wrong = self.body.get("erroneous").and_then(Value::as_bool) == Some(true);
        let approval = self.body.get("approval").and_then(Value::as_object);
        let why = if text(self.body, "because") == Some("termination_rescinded") {
            "Its only sender took the word back."
        } else if wrong {
            "It should never have been expected."
        } else {
            "It was withdrawn."
        };
        Message {
            title: "Nothing is expected any more".to_owned(),
            facts: self.with(approval.map(|by| Fact::ours("Approved by", approver(by)))),
            notes: vec![format!("{why} Whether access is there is not said.")],
            ..Message::default()
        }
    }

    /// An emergency that nobody said was right.
    pub(super) fn unapproved(&self) -> Option<Message> {
        let called = self.life.emergency.as_ref().filter(|called| called.waits())?;
        let id = &self.asked.id;
        let asked = [
            Fact::ours("Request", called.id.clone()),
            Fact::ours("Called", when(called.requested_at)),
            Fact::ours("Approval was due", when(called.approval_due_at)),
        ];
        Some(Message {
            title: "An emergency that nobody approved".to_owned(),
            facts: self.with(asked),
            notes: vec![
                "Access was asked to end at once, and no second person said that this was right."
                    .to_owned(),
            ],
            next: next([
                run(format!("revoked expect show {id}")),
                say(" says who called it. To approve, as somebody else: "),
                run(format!("revoked expect approve {id} --request {}", called.id)),
            ]),
            ..Message::default()
        })
    }
}
