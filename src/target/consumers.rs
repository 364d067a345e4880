//! A configured query that gives rows to whoever asks, beside any look: asked with the guards of a probe.

use super::Target;
use super::session::{Refusal, Session, Way};
use crate::clock;
use crate::domain::inactivity::SeenQuery;
use crate::domain::observation::Observation;
use crate::domain::plan::quote::ident;
use serde_json::{Map, Value};
use sqlx::Row as _;
use sqlx::postgres::PgArguments;

impl Target {
    /// The rows of `query`, each as an object of its columns; `most` of them at the most.
    ///
    /// # Errors
    /// Why there are none, in words that quote no value.
    pub async fn rows_of(
        &self,
        query: &SeenQuery,
        most: usize,
    ) -> Result<Vec<Map<String, Value>>, String> {
        let mut observation = Observation::begun(&self.name, clock::now());
        let way = Way::new(&self.options, &self.doors, self.limits);
        let mut session = Session::open(&way, Some(&query.database), &mut observation).await;
        let rows = asked(&mut session, query, most).await;
        session.close().await;
        rows
    }
}

/// What the server says of a value quotes it.
fn without_values(Refusal { trouble, sqlstate }: Refusal) -> String {
    match sqlstate.filter(|code| code.starts_with("22")) {
        Some(code) => {
            format!("a value in it cannot be converted (SQLSTATE {code}): run the query by hand")
        }
        None => trouble.reason,
    }
}

async fn asked(
    session: &mut Session<'_>,
    query: &SeenQuery,
    most: usize,
) -> Result<Vec<Map<String, Value>>, String> {
    let reason = |refusal: Refusal| refusal.trouble.reason;
    let search_path: Vec<String> = query.search_path.iter().map(|schema| ident(schema)).collect();
    session.guard(&search_path.join(", ")).await.map_err(reason)?;
    let text = [
        "SELECT pg_catalog.to_jsonb(p)::pg_catalog.text, pg_catalog.pg_is_in_recovery() FROM (\n",
        query.statement.text(),
        "\n) AS p LIMIT ",
        &(most + 1).to_string(),
    ]
    .concat();
    session.read(&text).await.map_err(reason)?;
    let rows = session.run(&text, PgArguments::default()).await.map_err(without_values)?;
    session.end().await;
    if rows.len() > most {
        return Err(["it gives more than ", &most.to_string(), " rows"].concat());
    }
    let object = |row: &sqlx::postgres::PgRow| -> Result<Map<String, Value>, String> {
        if row.try_get::<bool, _>(1).unwrap_or(true) {
            return Err("a standby answers, whose tables are behind".to_owned());
        }
        let text = row.try_get::<String, _>(0).map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    };
    rows.iter().map(object).collect()
}
