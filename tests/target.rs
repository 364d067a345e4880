//! Statements against real servers, as a role without privileges.

mod common;

use revoked::domain::hex::hex;
use revoked::target::statements::STATEMENTS;
use revoked::throwaway::{Binaries, Cluster, Template};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};

/// Whether the server has the extension, for which this file starts it with pg_cron.
fn extension_in(binaries: &Binaries, extension: &str) -> bool {
    extension == "pg_cron" && common::has_cron(binaries)
}

#[tokio::test]
async fn every_statement_prepares_on_every_version() {
    for binaries in common::versions() {
        let cron = common::has_cron(&binaries);
        let settings = if cron { common::CRON } else { &[] };
        let cluster = Cluster::start(&Template::shared(&binaries).unwrap(), settings).unwrap();
        common::sql(&cluster, "postgres", "postgres", "CREATE ROLE agent LOGIN");
        if cron {
            let script = "CREATE EXTENSION pg_cron; GRANT USAGE ON SCHEMA cron TO agent;";
            common::sql(&cluster, "postgres", "postgres", script);
        }
        let mut connection =
            PgConnection::connect(&cluster.url("agent", "postgres")).await.unwrap();
        let version = i32::try_from(binaries.major).unwrap() * 10_000;
        let mut prepared = 0;
        for statement in STATEMENTS {
            let here = statement.needs.is_none_or(|extension| extension_in(&binaries, extension));
            if version < statement.since || version >= statement.until || !here {
                continue;
            }
            let result = connection.prepare(AssertSqlSafe(statement.sql).into_sql_str()).await;
            assert!(result.is_ok(), "{} on {}: {result:?}", statement.name, binaries.major);
            prepared += 1;
        }
        // Of each statement that differs by version one is for this one; 13 and 14 have no ident maps, and pg_cron is
        // here for one version.
        assert!(prepared >= STATEMENTS.len() - 7, "{prepared} statements on {}", binaries.major);
    }
}

#[test]
fn every_statement_is_named_in_its_first_line() {
    for statement in STATEMENTS {
        let first = statement.sql.lines().next().unwrap();
        assert!(first.starts_with(&format!("-- revoked/{}:", statement.name)), "{first}");
    }
}

#[test]
fn answers_that_are_printed_name_the_statements_of_today() {
    let text = include_str!("../docs/api.md");
    let mut shown = 0;
    for sample in text.split("\"statement\": \"").skip(1) {
        let (name, rest) = sample.split_once('"').unwrap();
        let (_, hash) = rest.split_once("\"sha256\": \"").unwrap();
        let statement = STATEMENTS.iter().find(|statement| statement.name == name).unwrap();
        let now = hex(&Sha256::digest(statement.sql));
        assert!(hash.starts_with(&now), "docs/api.md: the sha256 of {name} is {now}");
        shown += 1;
    }
    assert!(shown > 0);
}
