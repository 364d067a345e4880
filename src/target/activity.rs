//! Who uses their accounts: roles that have a session, and what a configured query tells.

use super::Wanted;
use super::rows::ActivityRow;
use super::session::{Refusal, Session, Way};
use super::statements as sql;
use crate::domain::ids::RoleOid;
use crate::domain::inactivity::{Activity, SeenQuery};
use crate::domain::observation::Observation;
use crate::domain::plan::quote::ident;
use crate::domain::time::UtcTime;
use sqlx::Row as _;
use sqlx::postgres::PgArguments;
use std::collections::BTreeMap;

/// Most rows that a configured query may bring.
const ROWS: usize = 200_000;

/// Reads which roles have a session on one instance, if anybody asks.
pub(super) async fn read(session: &mut Session<'_>, wanted: &Wanted) {
    if wanted.activity.is_none() {
        return;
    }
    let rows: Option<Vec<ActivityRow>> = session.rows(&sql::ACTIVITY, PgArguments::default()).await;
    let activity = session.observation.activity.get_or_insert_default();
    if let Some(rows) = rows {
        let whole = i64::try_from(rows.len()).is_ok_and(|count| count <= sql::ACTIVITY.limit);
        activity.instances += usize::from(whole);
        activity.seen.extend(rows.iter().map(|row| RoleOid(row.role.0)));
    }
}

/// What the look tells of use, once all `instances` of the cluster were read; `way` leads to its primary.
pub(super) async fn finish(
    way: &Way<'_>,
    wanted: &Wanted,
    instances: usize,
    observation: &mut Observation,
) {
    let Some(asked) = &wanted.activity else { return };
    let server = observation.server.clone();
    let primary = server.as_ref().is_some_and(|server| !server.in_recovery);
    let known = !observation.roster.is_empty();
    if let Some(activity) = &mut observation.activity {
        activity.whole = primary && known && activity.instances == instances;
    }
    let (Some(query), Some(server), true) = (&asked.query, server, primary) else { return };
    let newest = observation.started_at;
    let mut session = Session::open(way, Some(&query.database), observation).await;
    let told = told(&mut session, query, newest, server.clock_skew_us).await;
    session.close().await;
    let activity: &mut Activity = observation.activity.get_or_insert_default();
    activity.told = Some(told);
}

/// Asks the configured query.
async fn told(
    session: &mut Session<'_>,
    query: &SeenQuery,
    newest: UtcTime,
    skew_us: i64,
) -> Result<BTreeMap<String, UtcTime>, String> {
    let reason = |refusal: Refusal| refusal.trouble.reason;
    let search_path: Vec<String> = query.search_path.iter().map(|schema| ident(schema)).collect();
    session.guard(&search_path.join(", ")).await.map_err(reason)?;
    let text = wrapped(query);
    session.read(&text).await.map_err(reason)?;
    let rows = session.run(&text, PgArguments::default()).await.map_err(reason)?;
    session.end().await;
    if rows.len() > ROWS {
        return Err(format!("it gives more than {ROWS} rows"));
    }
    let mut all: BTreeMap<String, UtcTime> = BTreeMap::new();
    for row in &rows {
        let role = row.try_get::<String, _>(0).map_err(|error| error.to_string())?;
        let at = row.try_get::<i64, _>(1).map_err(|error| error.to_string())?;
        let Some(at) = UtcTime::from_micros(at.saturating_sub(skew_us)) else { continue };
        let known = all.entry(role).or_insert(at);
        *known = at.min(newest).max(*known);
    }
    Ok(all)
}

/// The query as it is run: within brackets, so that it can be nothing but a query, and with a limit.
fn wrapped(query: &SeenQuery) -> String {
    [
        "SELECT p.role::pg_catalog.text, \
         (pg_catalog.date_part('epoch', p.seen::pg_catalog.timestamptz) * 1000000)::pg_catalog.int8 FROM (\n",
        query.statement.text(),
        "\n) AS p (role, seen) WHERE p.role IS NOT NULL AND pg_catalog.isfinite(p.seen::pg_catalog.timestamptz) LIMIT ",
        &(ROWS + 1).to_string(),
    ]
    .concat()
}
