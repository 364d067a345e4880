//! What is asked of one subject's rows is quick also by a plan that PostgreSQL made while there were none, and what is read
//! page by page is found by its place.

use crate::common::place::Place;
use crate::common::sql;
use revoked::store::Store;
use revoked::throwaway::Cluster;
use sqlx::AssertSqlSafe;

/// Statements of the store about one subject.
fn statements() -> Vec<(String, String)> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sql");
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let named = files.map(|path| {
        (path.file_name().unwrap().display().to_string(), std::fs::read_to_string(path).unwrap())
    });
    named.filter(|(_, text)| text.contains("FROM subject WHERE name = $1)")).collect()
}

/// How PostgreSQL goes about a statement when it knows no parameter.
fn planned(cluster: &Cluster, database: &str, text: &str) -> String {
    let parameters = (1..10).filter(|number| text.contains(&format!("${number}"))).count();
    let nulls = vec!["NULL"; parameters].join(", ");
    sql(
        cluster,
        "postgres",
        database,
        &format!(
            "SET plan_cache_mode = force_generic_plan;\nPREPARE asked AS {text};\nEXPLAIN EXECUTE asked({nulls});\n"
        ),
    )
}

/// Each page of an attestation would read, and sort, all records otherwise.
#[tokio::test]
async fn records_are_read_on_from_their_line() {
    let text = include_str!("../../src/store/sql/records_replay.sql");
    let place = Place::postgres();
    drop(place.open().await);
    let Place::Postgres(cluster, database) = &place else { unreachable!() };
    let plan = planned(cluster, database, text);
    assert!(plan.contains("record_by_seq") && !plan.contains("Sort"), "{plan}");
    let place = Place::sqlite();
    let store = place.open().await;
    let Store::Sqlite { write, .. } = &store else { unreachable!() };
    let asked = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
    let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(asked).fetch_all(write).await.unwrap();
    let plan = format!("{steps:?}");
    assert!(plan.contains("record_by_seq") && !plan.contains("B-TREE"), "{plan}");
}

/// Kept until the first autoanalyze, such a plan serves thousands of rows in the busiest minute.
#[tokio::test]
async fn a_plan_made_for_empty_tables_does_not_read_all_revocations() {
    let place = Place::postgres();
    drop(place.open().await);
    let Place::Postgres(cluster, database) = &place else { unreachable!() };
    let statements = statements();
    assert!(statements.len() >= 6, "{statements:?}");
    for (name, text) in statements {
        let plan = planned(cluster, database, &text);
        assert!(plan.contains("revocation_by_subject"), "{name}:\n{plan}");
        for all in ["revocation_by_receipt", "Seq Scan on revocation", "Seq Scan on notice"] {
            assert!(!plan.contains(all), "{name}:\n{plan}");
        }
    }
}
