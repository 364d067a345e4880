//! Whose roles are whose, as a configured query tells: asked like a probe, with the same guards.

use super::Wanted;
use super::session::{Refusal, Session, Way};
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::inactivity::SeenQuery;
use crate::domain::observation::Observation;
use crate::domain::plan::quote::ident;
use crate::domain::subject::Listed;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgArguments;

/// Most rows that the query may bring.
const ROWS: usize = 200_000;

/// Asks the query, if it is its turn. A standby's tables lag, and tell nothing.
pub(super) async fn ask(way: &Way<'_>, wanted: &Wanted, observation: &mut Observation) {
    let Some(query) = &wanted.mapping else { return };
    if observation.server.as_ref().is_none_or(|server| server.in_recovery) {
        observation.listed = Some(Err("no primary answers".to_owned()));
        return;
    }
    let mut session = Session::open(way, Some(&query.database), observation).await;
    let listed = listed(&mut session, query).await;
    session.close().await;
    observation.listed = Some(listed);
}

async fn listed(session: &mut Session<'_>, query: &SeenQuery) -> Result<Listed, String> {
    let reason = |refusal: Refusal| refusal.trouble.reason;
    let search_path: Vec<String> = query.search_path.iter().map(|schema| ident(schema)).collect();
    session.guard(&search_path.join(", ")).await.map_err(reason)?;
    let text = wrapped(query);
    session.read(&text).await.map_err(reason)?;
    let rows = session.run(&text, PgArguments::default()).await.map_err(reason)?;
    session.end().await;
    if rows.len() > ROWS {
        return Err(["it gives more than ", &ROWS.to_string(), " rows"].concat());
    }
    // A table that is being filled, or was emptied, would say of everybody that they have no account.
    if rows.is_empty() {
        return Err("it gives no rows".to_owned());
    }
    rows.iter()
        .map(|row| {
            let text = row.try_get::<String, _>(0).map_err(|error| error.to_string())?;
            let row: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            one(&row)
        })
        .collect()
}

/// One row: whoever is left out would be taken for somebody without an account, so none is.
fn one(row: &Value) -> Result<(String, AccountName), String> {
    let value = |name: &str| match row.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|t| !t.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err([name, " is neither a text nor a number"].concat()),
    };
    let needed = |name: &str| value(name)?.ok_or_else(|| ["a row has no ", name].concat());
    let (subject, account, target) = (needed("subject")?, needed("account")?, value("target")?);
    Ok((subject, AccountName { target, role: account, rule: LinkRule::MappingQuery }))
}

/// The query as it is run: within brackets, so that it can be nothing but a query, and with a limit.
fn wrapped(query: &SeenQuery) -> String {
    [
        "SELECT pg_catalog.to_jsonb(p)::pg_catalog.text FROM (\n",
        query.statement.text(),
        "\n) AS p LIMIT ",
        &(ROWS + 1).to_string(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_tells_all_or_the_answer_counts_for_nothing() {
        let (subject, name) =
            one(&json!({"subject": 4711, "account": "jd", "target": null})).unwrap();
        assert_eq!((subject.as_str(), name.role.as_str(), name.target), ("4711", "jd", None));
        let other = json!({"subject": "EMP-1", "account": "jd", "target": "main", "more": [1]});
        assert_eq!(one(&other).unwrap().1.target.as_deref(), Some("main"));
        for (row, why) in [
            (json!({"subject": "EMP-1"}), "a row has no account"),
            (json!({"subject": " ", "account": "jd"}), "a row has no subject"),
            (json!({"subject": [1], "account": "jd"}), "neither a text nor a number"),
        ] {
            assert!(one(&row).unwrap_err().contains(why), "{row}");
        }
    }
}
