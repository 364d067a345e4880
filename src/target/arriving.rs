//! Logins under way: somebody may be let in already, and stand among the sessions only later.

use super::rows::ArrivingRow;
use super::session::Session;
use super::statements as sql;
use super::trouble::Trouble;
use crate::domain::observation::Cause;
use crate::domain::residual::ResidualKind;
use sqlx::postgres::PgArguments;
use std::collections::BTreeSet;
use std::time::Duration;

/// Pauses before they are looked for again: a login that nobody holds up is through long before the last.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(15),
    Duration::from_millis(45),
    Duration::from_millis(140),
    Duration::from_millis(300),
    Duration::from_millis(500),
    Duration::from_millis(1_000),
];
/// So many processes are named.
const NAMED: usize = 5;

/// Logins that did not end while they were waited for.
#[derive(Default)]
pub(super) struct HeldUp(BTreeSet<ArrivingRow>);

/// Begins the transaction in which sessions are read, once every login that was under way when this was called has
/// ended: it shows there, or was refused. One that does not end in time is a gap. Later ones do not matter: the
/// server asks whether the role may log in after their transaction has begun.
pub(super) async fn begin(session: &mut Session<'_>, known: &mut HeldUp, instance: Option<&str>) {
    session.begin().await;
    let Some(mut left) = under_way(session).await else { return };
    for pause in PAUSES {
        // What was waited for in vain is not waited for again.
        if left.is_subset(&known.0) {
            return;
        }
        session.end().await;
        tokio::time::sleep(pause).await;
        session.begin().await;
        let Some(now) = under_way(session).await else { return };
        left.retain(|one| now.contains(one));
    }
    let left: BTreeSet<ArrivingRow> = left.difference(&known.0).cloned().collect();
    if left.is_empty() {
        return;
    }
    session.trouble_at(ResidualKind::Session, &trouble(&left, instance), sql::ARRIVING.name);
    known.0.extend(left);
}

async fn under_way(session: &mut Session<'_>) -> Option<BTreeSet<ArrivingRow>> {
    let rows: Option<Vec<ArrivingRow>> = session.rows(&sql::ARRIVING, PgArguments::default()).await;
    rows.map(|rows| rows.into_iter().collect())
}

/// Which they are, and what ends them.
fn trouble(left: &BTreeSet<ArrivingRow>, instance: Option<&str>) -> Trouble {
    let mut pids: Vec<String> = left.iter().take(NAMED).map(|one| one.pid.to_string()).collect();
    if left.len() > NAMED {
        pids.push(["and ", &(left.len() - NAMED).to_string(), " more"].concat());
    }
    let pids = pids.join(", ");
    let place = instance.map_or(String::new(), |name| format!(" on instance {name}"));
    let one = left.len() == 1;
    let (what, process, who) = if one {
        ("a login is under way", "process", "whose it is")
    } else {
        ("logins are under way", "processes", "whose they are")
    };
    let transactions: Vec<&str> = left.iter().map(|one| one.transaction.as_str()).collect();
    Trouble {
        cause: Cause::Internal,
        reason: format!(
            "{what}{place} ({process} {pids}), and the server does not say {who}: whoever it let in before a \
             login was switched off or a role revoked acts as before once it is through"
        ),
        fix: format!(
            "look again; if it stays, it is held up by post_auth_delay or by a lock. To end it{place}, as a \
             superuser: SELECT pg_catalog.pg_terminate_backend(l.pid) FROM pg_catalog.pg_locks AS l WHERE \
             l.locktype = 'virtualxid' AND l.virtualxid = l.virtualtransaction AND l.virtualxid = ANY ('{{{}}}');",
            transactions.join(",")
        ),
    }
}
