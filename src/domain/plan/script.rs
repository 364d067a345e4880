//! The plan as a script for psql.

use super::quote::{comment, connect, ident, literal};
use super::step::{Acting, Object, Step};
use super::{Part, Placed, Plan};

/// The cluster that a script is for. It does nothing anywhere else: several scripts may be run as one file, a pooler
/// may lead to another server, and people mistake windows.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Name of the target.
    pub target: &'a str,
    /// `pg_control_system().system_identifier`.
    pub system_identifier: &'a str,
}

/// Waiting for a lock for ever removes nothing.
pub(super) const LOCK_TIMEOUT: &str = "lock_timeout = '30s';";

/// The script of a plan.
#[must_use]
pub fn render(plan: &Plan, title: &str, place: Option<Place<'_>>) -> String {
    if plan.is_empty() {
        return format!("-- {}: nothing was found to remove\n", comment(title));
    }
    let mut lines = vec![format!("-- {}", comment(title))];
    if !plan.steps.is_empty() {
        lines.extend(
            [
                "-- Read it, then run it with psql -X as a superuser (or as a role that may do all of this).",
                "-- It stops at the first error. What is between BEGIN and COMMIT is then not done at all.",
                "\\set ON_ERROR_STOP on",
                "\\set AUTOCOMMIT on",
            ]
            .map(str::to_owned),
        );
    }
    let mut parts = Vec::new();
    for part in plan.steps.chunk_by(|a, b| (a.part, &a.database) == (b.part, &b.database)) {
        parts.extend(section(part, plan, place));
    }
    if plan.steps.iter().any(|placed| matches!(placed.part, Part::Shared | Part::Database)) {
        lines.push(
            "-- It drops no role. DROP ROLE may still be refused after it: entries that name the role as grantor \
             alone give it nothing and stay (docs/commands.md)."
                .to_owned(),
        );
    }
    let guarded = !plan.steps.is_empty();
    lines.extend(place.filter(|_| guarded).map_or(parts.clone(), |place| only_there(parts, place)));
    if !plan.by_hand.is_empty() {
        lines.push(String::new());
        lines.extend(
            plan.by_hand
                .iter()
                .map(|note| format!("-- NOT REMOVED BY THIS SCRIPT: {}", comment(&note.text))),
        );
    }
    lines.join("\n") + "\n"
}

pub(super) fn only_there(lines: Vec<String>, place: Place<'_>) -> Vec<String> {
    let elsewhere = format!(
        "skipped: this part is for another cluster, {} with system identifier {}",
        place.target, place.system_identifier
    );
    let mut guarded = vec![
        format!(
            "SELECT system_identifier::text = {} AS here FROM pg_catalog.pg_control_system() \\gset revoked_",
            literal(place.system_identifier)
        ),
        "\\if :revoked_here".to_owned(),
    ];
    guarded.extend(lines);
    guarded.extend([
        "\\else".to_owned(),
        format!("\\warn {}", literal(&elsewhere)),
        "\\endif".to_owned(),
    ]);
    guarded
}

/// One part of the script: in one database, or what all share.
fn section(steps: &[Placed], plan: &Plan, place: Option<Place<'_>>) -> Vec<String> {
    let Some(first) = steps.first() else { return Vec::new() };
    let name = first.database.as_deref().map(comment).unwrap_or_default();
    let heading = match first.part {
        Part::Prepared => format!("Prepared transactions in database {name}: they hold locks"),
        Part::Login => {
            "No new session, and an end to the open ones; holds even if a later part fails"
                .to_owned()
        }
        Part::Shared => "What all databases share".to_owned(),
        Part::Database => format!("Database {name}"),
        Part::SharedOwners => "New owners of what all databases share".to_owned(),
    };
    let mut lines = match first.part {
        Part::Prepared | Part::Login => vec![format!("SET {LOCK_TIMEOUT}")],
        Part::Shared | Part::Database | Part::SharedOwners => {
            vec!["BEGIN;".to_owned(), format!("SET LOCAL {LOCK_TIMEOUT}")]
        }
    };
    lines.extend(body(steps, plan));
    if !matches!(first.part, Part::Prepared | Part::Login) {
        lines.push("COMMIT;".to_owned());
    }
    let mut section = vec![String::new(), format!("-- {heading}")];
    match (&first.database, place) {
        (Some(database), place) => {
            section.push(connect(database));
            section.extend(place.map_or(lines.clone(), |place| only_there(lines, place)));
        }
        (None, _) => section.extend(lines),
    }
    section
}

fn body(steps: &[Placed], plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for run in steps.chunk_by(|a, b| a.step.acting() == b.step.acting() && owns(a) == owns(b)) {
        let acting = run.first().and_then(|placed| placed.step.acting());
        let schemas = acting.map_or_else(Vec::new, |_| schemas(run));
        if let Some(acting) = acting {
            lines.extend(become_it(acting, &schemas));
        }
        if run.first().is_some_and(owns) {
            lines.push(
                "-- New owners. Functions, views and triggers run with their owner's rights: look at them before \
                 you go on."
                    .to_owned(),
            );
        }
        for placed in run {
            lines.extend(
                plan.waits_of(placed).map(|wait| format!("-- This {}.", comment(&wait.text))),
            );
            lines.extend(placed.step.told());
        }
        if let Some(acting) = acting {
            lines.extend(acting.after());
            lines.extend(take_back(&acting.role, &schemas));
        }
    }
    lines
}

fn owns(placed: &Placed) -> bool {
    matches!(placed.step, Step::ReassignOwned { .. } | Step::AlterOwner { .. })
}

/// Whoever granted needs the schema to name the object, and may have lost it since.
fn become_it(acting: &Acting, schemas: &[String]) -> Vec<String> {
    let note = if acting.demoted {
        " (no superuser for a moment, or it would act for the owner)"
    } else {
        ""
    };
    let role = comment(&acting.role);
    let mut lines = vec![format!(
        "-- Granted by {role}: the owner's REVOKE would not remove it. As {role}{note}:"
    )];
    lines.extend(lend(&acting.role, schemas));
    lines.extend(acting.before());
    lines
}

/// Gives `role` the schemas that it needs to name objects in them, where it has them not.
pub(super) fn lend(role: &str, schemas: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, schema) in schemas.iter().enumerate() {
        lines.push(format!(
            "SELECT NOT pg_catalog.has_schema_privilege({}, {}, 'USAGE') AS lent{number} \\gset revoked_",
            literal(role),
            literal(&plain(schema)),
        ));
        lines.push(format!("\\if :revoked_lent{number}"));
        let role = ident(role);
        lines.push(format!("GRANT USAGE ON SCHEMA {schema} TO {role}; -- taken back below"));
        lines.push("\\endif".to_owned());
    }
    lines
}

/// Takes back what [`lend`] gave.
pub(super) fn take_back(role: &str, schemas: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, schema) in schemas.iter().enumerate() {
        lines.push(format!("\\if :revoked_lent{number}"));
        lines.push(format!("REVOKE USAGE ON SCHEMA {schema} FROM {};", ident(role)));
        lines.push("\\endif".to_owned());
    }
    lines
}

/// The schemas that the objects of these steps lie in, quoted as SQL needs it.
fn schemas(run: &[Placed]) -> Vec<String> {
    let mut schemas: Vec<String> = run
        .iter()
        .filter_map(|placed| {
            let Step::RevokePrivilege { on, .. } = &placed.step else { return None };
            schema(on)
        })
        .collect();
    schemas.sort();
    schemas.dedup();
    schemas
}

/// The part of the name before the first dot that is not in quotes.
pub(super) fn schema(on: &Object) -> Option<String> {
    if !matches!(on.class.as_str(), "pg_class" | "pg_proc" | "pg_type") {
        return None;
    }
    let mut quoted = false;
    let end = on.name.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '.' && !quoted
    });
    end.and_then(|(at, _)| on.name.get(..at)).map(str::to_owned)
}

/// The name that an identifier stands for.
fn plain(schema: &str) -> String {
    let inner = schema.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.map_or_else(|| schema.to_owned(), |inner| inner.replace("\"\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_an_object_is_found_in_quotes_too() {
        let of = |name: &str| {
            schema(&Object { class: "pg_class".into(), kind: None, name: name.into() })
        };
        assert_eq!(of("sales.orders").as_deref(), Some("sales"));
        assert_eq!(of("\"a.\"\"b\".\"c.d\"").as_deref(), Some("\"a.\"\"b\""));
        assert_eq!(plain("\"a.\"\"b\""), "a.\"b");
        assert_eq!(of("nowhere"), None);
    }
}
