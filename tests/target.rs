//! Statements against real servers, as a role without privileges.

mod common;

use revoked::target::statements::STATEMENTS;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};

#[tokio::test]
async fn every_statement_prepares_on_every_version() {
    for binaries in common::versions() {
        let cluster = common::cluster_of(&binaries);
        common::sql(&cluster, "postgres", "postgres", "CREATE ROLE agent LOGIN");
        let mut connection =
            PgConnection::connect(&cluster.url("agent", "postgres")).await.unwrap();
        let version = i32::try_from(binaries.major).unwrap() * 10_000;
        let mut prepared = 0;
        for statement in STATEMENTS {
            if version < statement.since || version >= statement.until {
                continue;
            }
            let result = connection.prepare(AssertSqlSafe(statement.sql).into_sql_str()).await;
            assert!(result.is_ok(), "{} on {}: {result:?}", statement.name, binaries.major);
            prepared += 1;
        }
        assert!(prepared >= STATEMENTS.len() - 2, "{prepared} statements on {}", binaries.major);
    }
}

#[test]
fn every_statement_is_named_in_its_first_line() {
    for statement in STATEMENTS {
        let first = statement.sql.lines().next().unwrap();
        assert!(first.starts_with(&format!("-- revoked/{}:", statement.name)), "{first}");
    }
}
