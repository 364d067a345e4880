//! What is told of a session, a target, a notice or a page.

use super::super::words::{items, next, number, run, say, spaced, text, when_in};
use super::Brief;
use crate::deliver::message::{Fact, Message, Part};
use serde_json::{Map, Value};

pub(super) fn used(brief: &Brief<'_>) -> Message {
    let body = &brief.record.body;
    let empty = Map::new();
    let account = body.get("account").and_then(Value::as_object).unwrap_or(&empty);
    let glass = text(body, "because") == Some("no_open_break_glass");
    let mut facts: Vec<Fact> = brief.of().map(|of| of.begin()).unwrap_or_default();
    let role = text(account, "role").map(str::to_owned);
    let oid = number(account, "oid");
    let mut role = Fact::theirs("Role", role.unwrap_or_else(|| format!("OID {oid}")));
    let target = text(account, "target").unwrap_or_default();
    role.parts.push(Part::Ours(format!(" on {target}")));
    facts.push(role);
    facts.extend(when_in(body, "began_at").map(|at| Fact::ours("Session began", at)));
    let who = "find out who it was, and what was done in it.";
    let (title, note, next) = match brief.of().filter(|_| !glass) {
        None => (
            "A break-glass role is used without permission",
            "No break-glass is open for it.",
            next([say(&format!("end the session, {who}"))]),
        ),
        Some(of) => (
            "Used after access had ended",
            "A session began after the end of access.",
            next([
                say("end the session ("),
                run(format!("revoked plan {}", of.asked.id)),
                say(&format!(" prints how), {who}")),
            ]),
        ),
    };
    Message {
        title: title.to_owned(),
        facts,
        notes: vec![note.to_owned()],
        next,
        ..Message::default()
    }
}

pub(super) fn blind(brief: &Brief<'_>) -> Message {
    let body = &brief.record.body;
    let target = text(body, "target").unwrap_or_default();
    let missing: Vec<String> =
        items(body, "missing").iter().filter_map(Value::as_str).map(spaced).collect();
    let what = if missing.is_empty() {
        "no look could tell for longer than allowed".to_owned()
    } else {
        format!("{} was not found", missing.join(", "))
    };
    let good = when_in(body, "last_good_at").unwrap_or_else(|| "never".to_owned());
    Message {
        title: format!("Blind on {target}: the canary is missed"),
        facts: vec![Fact::ours("Planted", what), Fact::ours("Last found on record", good)],
        notes: vec![
            "Looks at this target prove no absence until it is found again. What was verified there since then is \
             open again."
                .to_owned(),
        ],
        next: next([
            run(format!("revoked doctor --target {target}")),
            say(" says whether it is there and what cannot be read. Treat the target as unwatched until then."),
        ]),
        ..Message::default()
    }
}

pub(super) fn sighted(brief: &Brief<'_>) -> Message {
    let body = &brief.record.body;
    let target = text(body, "target").unwrap_or_default();
    let since = when_in(body, "missed_at");
    Message {
        title: format!("Sight again on {target}: the canary is found"),
        facts: since.map(|at| Fact::ours("Missed since", at)).into_iter().collect(),
        next: next([say("nothing; what is open there is verified anew.")]),
        ..Message::default()
    }
}

/// A notice from which nothing follows until somebody looks at it.
pub(super) fn held(brief: &Brief<'_>) -> Message {
    let body = &brief.record.body;
    let id = text(body, "notice").unwrap_or_default();
    let mut facts = vec![Fact::ours("Notice", id)];
    facts.extend(text(body, "triggered_by").map(|source| Fact::theirs("From", source)));
    facts.extend(text(body, "cause").map(|cause| Fact::ours("Why", spaced(cause))));
    facts.extend(when_in(body, "at").map(|at| Fact::ours("Since", at)));
    Message {
        title: "A notice waits for a person".to_owned(),
        facts,
        notes: vec!["Access that it says has to end is not looked for until then.".to_owned()],
        next: next([
            run("revoked webhook journal --quarantined"),
            say(" says what is wrong with it; then "),
            run(format!("revoked webhook retry {id}")),
            say(" or "),
            run(format!("revoked webhook dismiss {id} --reason TEXT")),
        ]),
        ..Message::default()
    }
}

/// A page about what is closed.
pub(super) fn filed(brief: &Brief<'_>) -> Message {
    let body = &brief.record.body;
    let about = text(body, "about").unwrap_or_default();
    let of_period = text(body, "what") == Some("attestation");
    let (title, note) = if of_period {
        ("An attestation is filed", "The signed log is what counts; the page is for reading.")
    } else {
        (
            "A closure record is filed",
            "The attached proofs are what counts; the page is for reading.",
        )
    };
    let mut facts = brief.of().map(|of| of.begin()).unwrap_or_default();
    if facts.is_empty() {
        facts.push(Fact::ours(if of_period { "Attestation" } else { "About" }, about));
    }
    let place = text(body, "remote").unwrap_or_default();
    let receiver = text(body, "receiver").unwrap_or_default();
    facts.push(Fact::theirs("Page", format!("{receiver} {place}")));
    facts.extend(text(body, "sha256").map(|digest| Fact::ours("SHA-256 of its text", digest)));
    Message { title: title.to_owned(), facts, notes: vec![note.to_owned()], ..Message::default() }
}
