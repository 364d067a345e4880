//! What the agent's role may see, and the GRANT for what it may not.

use super::rows::SightRow;
use super::session::Session;
use super::statements::{self as sql, Statement};
use crate::domain::observation::{Cause, NotCovered};
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;

/// Functions that statements call, themselves or through a view, and from which EXECUTE may be withheld.
/// A view's functions are called with the rights of who asks.
const FUNCTIONS: &[(&str, &str)] = &[
    ("pg_control_system", "pg_catalog.pg_control_system()"),
    ("pg_control_checkpoint", "pg_catalog.pg_control_checkpoint()"),
    ("pg_prepared_xact", "pg_catalog.pg_prepared_xact()"),
    ("pg_locks", "pg_catalog.pg_lock_status()"),
    ("pg_stat_activity", "pg_catalog.pg_stat_get_activity(integer)"),
    ("pg_stat_get_activity", "pg_catalog.pg_stat_get_activity(integer)"),
    ("pg_stat_replication", "pg_catalog.pg_stat_get_wal_senders()"),
    ("pg_stat_wal_receiver", "pg_catalog.pg_stat_get_wal_receiver()"),
    ("pg_current_wal_insert_lsn", "pg_catalog.pg_current_wal_insert_lsn()"),
    ("pg_current_wal_lsn", "pg_catalog.pg_current_wal_lsn()"),
    ("pg_last_wal_replay_lsn", "pg_catalog.pg_last_wal_replay_lsn()"),
    ("pg_replication_slots", "pg_catalog.pg_get_replication_slots()"),
    ("pg_hba_file_rules", "pg_catalog.pg_hba_file_rules()"),
    ("pg_ident_file_mappings", "pg_catalog.pg_ident_file_mappings()"),
    ("pg_stat_file", "pg_catalog.pg_stat_file(text)"),
    ("pg_conf_load_time", "pg_catalog.pg_conf_load_time()"),
    ("aclexplode", "pg_catalog.aclexplode(aclitem[])"),
];

/// Sees start, address and kind of other people's sessions.
const STATS: &str = "pg_read_all_stats";

/// Whatever `statement` names that may be withheld, as the parameters of [`sql::SIGHT`].
pub(super) fn needs_of(statement: &Statement) -> Option<PgArguments> {
    let mut relations: Vec<String> = Vec::new();
    let mut functions: Vec<&str> = Vec::new();
    for part in statement.sql.split("pg_catalog.").skip(1) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let name = part.split(|c| !plain(c)).next().unwrap_or_default();
        relations.push(format!("pg_catalog.{name}"));
        functions.extend(FUNCTIONS.iter().filter(|(word, _)| *word == name).map(|(_, it)| *it));
    }
    relations.sort();
    relations.dedup();
    functions.sort_unstable();
    functions.dedup();
    let mut arguments = parameters(&relations, &functions, &[])?;
    // The session binds the row limit of its own statements; this one is asked beside them.
    arguments.add(sql::SIGHT.limit).ok()?;
    Some(arguments)
}

fn parameters<T: AsRef<str>>(
    relations: &[T],
    functions: &[&str],
    roles: &[&str],
) -> Option<PgArguments> {
    let mut arguments = PgArguments::default();
    let names: Vec<String> = relations.iter().map(|name| name.as_ref().to_owned()).collect();
    arguments.add(names).ok()?;
    for list in [functions, roles] {
        arguments.add(list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).ok()?;
    }
    Some(arguments)
}

/// What is missing of what a surface needs.
pub(super) struct Needs<'a> {
    pub(super) relations: &'a [&'a str],
    pub(super) functions: &'a [&'a str],
    pub(super) roles: &'a [&'a str],
}

/// The privileges of `needs` that the agent's role lacks. `None`: nobody knows, and it has been noted.
pub(super) async fn missing(session: &mut Session<'_>, needs: &Needs<'_>) -> Option<Vec<SightRow>> {
    let Some(arguments) = parameters(needs.relations, needs.functions, needs.roles) else {
        session.gap(&sql::SIGHT, Cause::Internal, "the names could not be bound");
        return None;
    };
    session.rows(&sql::SIGHT, arguments).await
}

/// Says what of sessions stays hidden without an error. That there is none is seen without it, by OID.
pub(super) async fn sessions(session: &mut Session<'_>) {
    let needs = Needs { relations: &[], functions: &[], roles: &[STATS] };
    for row in missing(session, &needs).await.unwrap_or_default() {
        let target = session.observation.target.clone();
        session.observation.not_covered.push(NotCovered {
            surface: format!("start, address and kind of sessions of {target}"),
            reason: format!(
                "hidden without {}, so use after the end is not told from sessions begun before; to see them: {}",
                row.object, row.fix
            ),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_statement_needs_is_found_in_its_text() {
        for statement in sql::STATEMENTS {
            assert!(needs_of(statement).is_some(), "{}", statement.name);
        }
        let words = |statement: &Statement| {
            FUNCTIONS.iter().filter(|(word, _)| statement.sql.contains(word)).count()
        };
        assert_eq!((words(&sql::SESSIONS), words(&sql::FILE_STATE), words(&sql::ROLES)), (1, 3, 0));
    }
}
