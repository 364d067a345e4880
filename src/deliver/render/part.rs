//! What a page says of one revocation.

use super::closure::{Circumstances, ROWS};
use super::history::checks;
use super::words::{
    findings, items, kind, lasting, milestone, number, reason, spaced, text as word, when_in,
};
use crate::deliver::confluence::Part;
use crate::deliver::storage::{Colour, Inline, Storage, cell, text};
use crate::domain::ids::RoleOid;
use crate::domain::milestone::Milestone;
use crate::domain::residual::Residual;
use crate::domain::revocation::Kind;
use crate::domain::time::UtcTime;
use crate::store::ToldRecord;
use serde_json::Value;

/// One thing that was there, and what became of it.
pub(super) struct Change<'a> {
    pub(super) found: &'a Residual,
    pub(super) before: &'static str,
    pub(super) after: &'static str,
}

/// What was there before and what is there after, of a revocation.
pub(super) fn changes(part: &Part) -> Vec<Change<'_>> {
    let kept = &part.stored.evidence.kept;
    // A role may have another name by now, and a right another grantor: neither makes it gone.
    let same = |one: &Residual, other: &Residual| {
        (one.kind, &one.account.target, one.account.oid)
            == (other.kind, &other.account.target, other.account.oid)
            && (&one.database, &one.object, &one.privilege)
                == (&other.database, &other.object, &other.privilege)
    };
    let stays = |found: &Residual| kept.iter().any(|one| same(one, found));
    let of = |found| {
        let after = match (part.verified, stays(found)) {
            (true, true) => "kept",
            (true, false) => "gone",
            (false, _) => "not said",
        };
        Change { found, before: "there", after }
    };
    let was: Vec<&Residual> = part.before.iter().flat_map(|state| &state.residual).collect();
    let others = kept.iter().filter(|one| !was.iter().any(|known| same(known, one)));
    let others = others.map(|found| Change { found, before: "not noted", after: "kept" });
    was.iter().map(|found| of(*found)).chain(others.filter(|_| part.verified)).collect()
}

impl Circumstances<'_> {
    /// All that is said of a revocation.
    pub(super) fn part(&self, body: &mut Storage, part: &Part) {
        self.asked(body, part);
        self.milestones(body, part);
        self.states(body, part);
        self.exceptions(body, part);
        if !self.beside.short {
            body.heading("Checks");
            checks(body, part, |at| self.at(at));
        }
        coverage(body, part);
    }

    fn asked(&self, body: &mut Storage, part: &Part) {
        body.heading("What had to end");
        let stored = &part.stored;
        let asked = stored.landed_revocation.as_deref().unwrap_or(&stored.revocation);
        let mut rows = vec![
            ("What", cell(kind(asked.kind))),
            ("Reason", cell(reason(asked.reason))),
            ("Accounts", roles(part)),
            ("Told by", vec![Inline::Theirs(asked.source.clone())]),
            ("Notice received", cell(self.at(asked.received_at))),
            ("Access had to end", cell(self.at(asked.effective_at))),
        ];
        if let Some(ticket) = &asked.ticket {
            rows.push(("Ticket", vec![Inline::Theirs(ticket.clone())]));
        }
        if asked.preserve_data {
            rows.push(("Data", cell("to be preserved, as the sender asked")));
        }
        if let Some(done) = part.newest("verification_completed").filter(|_| part.verified) {
            let at = |key| self.at_of(&done.body, key).unwrap_or_else(|| "–".to_owned());
            rows.push(("Access first seen", cell(at("first_residual_at"))));
            rows.push(("First clean look", cell(at("first_clean_at"))));
            let verification = done.body.get("verification").and_then(Value::as_object);
            let verified = verification.and_then(|one| self.at_of(one, "verified_at"));
            rows.push((
                "Confirmed by a second look",
                cell(verified.unwrap_or_else(|| "–".to_owned())),
            ));
            if let Some(us) = done.body.get("duration_us").and_then(Value::as_u64) {
                rows.push(("Time it took", cell(lasting(us))));
            }
            let blind = number(&done.body, "blind_us");
            if blind > 0 {
                rows.push(("Without sight meanwhile", cell(lasting(blind))));
            }
            let taken: Vec<String> = items(&done.body, "actions_taken")
                .iter()
                .filter_map(|one| one.as_str().map(spaced))
                .collect();
            if !taken.is_empty() {
                rows.push(("What must have been done", cell(taken.join(", "))));
            }
        }
        body.facts(&rows);
    }

    fn milestones(&self, body: &mut Storage, part: &Part) {
        let stored = &part.stored;
        let asked = stored.landed_revocation.as_deref().unwrap_or(&stored.revocation);
        let Some(life) = &stored.landed else { return };
        let row = |one: &Milestone| {
            let due = asked.deadlines.get(*one)?;
            let status = match (life.missed.get(*one), life.met.get(*one)) {
                (Some(_), _) => Inline::Status("MISSED", Colour::Red),
                (None, Some(_)) => Inline::Status("IN TIME", Colour::Green),
                (None, None) => Inline::Status("NOT SAID", Colour::Grey),
            };
            let met = life.met.get(*one).map_or_else(|| "–".to_owned(), |at| self.at(at));
            Some(vec![cell(milestone(*one)), cell(self.at(due)), cell(met), vec![status]])
        };
        let rows: Vec<_> = Milestone::ALL.iter().filter_map(row).collect();
        if !rows.is_empty() {
            body.heading("Deadlines");
            body.table(&["what", "by", "seen to be so", ""], &rows);
        }
    }

    fn states(&self, body: &mut Storage, part: &Part) {
        body.heading("Before and after");
        let status = |record: Option<&ToldRecord>, state: &str| {
            let found = record.and_then(|one| one.body.get(state)?.get("account_status")?.as_str());
            found.unwrap_or("not looked at").to_owned()
        };
        let (was, is) = (part.observed("before"), part.observed("after"));
        let counted = |record: Option<&ToldRecord>| {
            record
                .map_or_else(|| "–".to_owned(), |one| findings(number(&one.body, "residual_total")))
        };
        let as_of = |record: Option<&ToldRecord>| {
            let at = record.and_then(|one| self.at_of(&one.body, "as_of"));
            at.unwrap_or_else(|| "–".to_owned())
        };
        body.table(
            &["", "before", "after"],
            &[
                vec![cell("Looked at"), cell(as_of(was)), cell(as_of(is))],
                vec![
                    cell("Account"),
                    cell(status(was, "before_state")),
                    cell(status(is, "after_state")),
                ],
                vec![cell("Access"), cell(counted(was)), cell(counted(is))],
            ],
        );
        self.differences(body, part);
    }

    fn differences(&self, body: &mut Storage, part: &Part) {
        let changes = changes(part);
        if changes.is_empty() {
            let sentence = "Nothing is kept of what was there before: no look found anything of it before it was \
                            verified, or it was erased.";
            return body.paragraph(&cell(sentence));
        }
        if self.beside.short {
            let sentence = format!("{} rows: before-after.csv, attached.", changes.len());
            return body.paragraph(&cell(sentence));
        }
        let rows: Vec<_> = changes.iter().take(ROWS).map(difference).collect();
        let columns = ["role", "access", "object", "where", "how near", "before", "after"];
        body.table(&columns, &rows);
        if changes.len() > ROWS {
            let more = changes.len() - ROWS;
            body.paragraph(&cell(format!("And {more} more: before-after.csv, attached.")));
        }
        let stays = changes.iter().any(|change| change.after == "kept");
        let stored = &part.stored;
        if stays && stored.revocation.kind == Kind::Suspend {
            body.paragraph(&cell("A suspension keeps what neither acts nor lets anybody log in."));
        } else if stays && stored.evidence.held {
            body.paragraph(&cell("What is owned stays, by a legal hold."));
        }
    }

    fn exceptions(&self, body: &mut Storage, part: &Part) {
        body.heading("Exceptions");
        let life = part.stored.landed.as_deref();
        let all = life.map(|life| life.exceptions.as_slice()).unwrap_or_default();
        if all.is_empty() {
            return body.paragraph(&cell("None: nobody was permitted to keep any of it."));
        }
        let at = |at: Option<UtcTime>| at.map_or_else(|| "–".to_owned(), |at| self.at(at));
        let rows: Vec<_> = all
            .iter()
            .map(|one| {
                let approved = match (&one.approved_by, one.self_approved()) {
                    (None, _) => "nobody",
                    (Some(_), true) => "the one who asked",
                    (Some(_), false) => "a second person",
                };
                vec![
                    vec![Inline::Code(one.id.clone())],
                    cell(spaced(one.kind.as_str())),
                    cell(at(one.approved_at)),
                    cell(at(one.until)),
                    cell(at(one.ended_at)),
                    cell(approved),
                ]
            })
            .collect();
        body.table(&["exception", "kind", "granted", "until", "ended", "approved by"], &rows);
    }
}

/// One row: what it was, where, and what became of it.
fn difference(change: &Change<'_>) -> Vec<Vec<Inline>> {
    let found = change.found;
    let after = match change.after {
        "gone" => Inline::Status("GONE", Colour::Green),
        "kept" => Inline::Status("KEPT", Colour::Yellow),
        other => text(other),
    };
    vec![
        vec![role(found)],
        access(found),
        found.object.iter().map(|object| Inline::Theirs(object.clone())).collect(),
        place(found),
        cell(spaced(found.strength.as_str())),
        cell(change.before),
        vec![after],
    ]
}

fn coverage(body: &mut Storage, part: &Part) {
    body.heading("Coverage");
    let Some(after) = part.observed("after") else {
        return body.paragraph(&cell("No look confirmed it."));
    };
    let row = |one: &Value| {
        let one = one.as_object()?;
        let of = |key: &str| word(one, key).unwrap_or("–").to_owned();
        Some(vec![
            cell(of("target")),
            vec![Inline::Theirs(of("database"))],
            cell(number(one, "statements").to_string()),
        ])
    };
    let covered = items(&after.body, "coverage");
    let rows: Vec<_> = covered.iter().filter_map(row).take(ROWS).collect();
    let at = when_in(&after.body, "as_of").unwrap_or_default();
    body.paragraph(&cell(format!("The confirming look, of {at}, read:")));
    body.table(&["target", "database", "statements"], &rows);
    if covered.len() > ROWS {
        let more = covered.len() - ROWS;
        body.paragraph(&cell(format!("And {more} more: in the proof, attached.")));
    }
    let skipped: Vec<Vec<Inline>> = items(&after.body, "not_covered")
        .iter()
        .filter_map(|one| one.as_str())
        .map(|one| vec![Inline::Theirs(spaced(one))])
        .collect();
    if skipped.is_empty() {
        body.paragraph(&cell("Everything that is known of was covered."));
    } else {
        body.paragraph(&[
            Inline::Strong("Not covered".to_owned()),
            text(", so nothing is said of it:"),
        ]);
        body.list(&skipped);
    }
}

/// The accounts of a revocation.
pub(super) fn roles(part: &Part) -> Vec<Inline> {
    let mut said = Vec::new();
    for account in part.stored.accounts.iter().take(ROWS) {
        if !said.is_empty() {
            said.push(text(", "));
        }
        said.push(Inline::Theirs(account.role.clone()));
        said.push(text(format!(" on {}", account.target)));
    }
    match part.stored.accounts.len().saturating_sub(ROWS) {
        0 if said.is_empty() => said.push(text("none was found")),
        0 => {}
        more => said.push(text(format!(" and {more} more"))),
    }
    said
}

fn role(found: &Residual) -> Inline {
    match &found.account.role {
        Some(role) => Inline::Theirs(role.clone()),
        // A line of pg_ident.conf about the subject, of whom there is no role.
        None if found.account.oid == RoleOid(0) => text("none"),
        None => text(format!("OID {}", found.account.oid)),
    }
}

fn access(found: &Residual) -> Vec<Inline> {
    let mut said = cell(spaced(found.kind.as_str()));
    if let Some(privilege) = &found.privilege {
        said.push(text(" "));
        said.push(Inline::Theirs(privilege.clone()));
    }
    said
}

fn place(found: &Residual) -> Vec<Inline> {
    let mut said = cell(found.account.target.clone());
    if let Some(database) = &found.database {
        said.push(text("/"));
        said.push(Inline::Theirs(database.clone()));
    }
    said
}
