//! One schema and one set of statements for both databases.

use crate::common::place::{Place, count, execute};
use crate::common::sample::{at, revocation, verified};
use revoked::domain::ids::{RoleOid, SystemIdentifier};
use revoked::domain::observation::{NotCovered, RosterRole};
use revoked::domain::verdict::Verdict;
use revoked::store::{Evidence, Known, Store, StoreError};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Executor as _, SqlSafeStr as _};
use std::path::Path;

on_both!(
    migrations_run_once_however_often_it_is_opened,
    a_newer_schema_is_refused,
    roles_are_remembered_under_every_name,
    every_statement_is_prepared,
    evidence_of_an_earlier_schema_goes_into_its_own_table,
);

async fn migrations_run_once_however_often_it_is_opened(place: &Place) {
    let store = place.open().await;
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    let migrations = count(&store, "_sqlx_migrations").await;
    let again = place.open().await;
    assert_eq!(count(&again, "_sqlx_migrations").await, migrations);
    store.close().await;
    again.close().await;
    let store = place.open().await;
    assert!(store.revocation("rev_1").await.unwrap().is_some());
}

async fn a_newer_schema_is_refused(place: &Place) {
    let store = place.open().await;
    execute(
        &store,
        "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
         SELECT 9999, 'from the future', installed_on, success, checksum, 0 FROM _sqlx_migrations
         WHERE version = 1",
    )
    .await;
    store.close().await;
    let refused = Store::open(&place.url()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Newer(9999)), "{refused:?}");
    let says = refused.to_string();
    assert!(says.contains("newer than this program") && says.contains("backup"), "{says}");
}

async fn roles_are_remembered_under_every_name(place: &Place) {
    let store = place.open().await;
    let role = |oid, name: &str| RosterRole { oid: RoleOid(oid), name: name.to_owned() };
    // OIDs have 32 bits without a sign, identifiers 64.
    let (here, there) = (SystemIdentifier(u64::MAX), SystemIdentifier(7));
    let first = [role(10, "john"), role(u32::MAX, "O'Neil \"x\" 🦀")];
    store.remember_roles(here, &first, at(0)).await.unwrap();
    let second = [role(10, "john"), role(10, "john_old"), role(11, "john")];
    store.remember_roles(here, &second, at(1)).await.unwrap();
    store.remember_roles(there, &[role(12, "jane")], at(2)).await.unwrap();
    store.remember_roles(there, &[], at(2)).await.unwrap();
    let mut found = store.roster(here).await.unwrap();
    found.sort();
    assert_eq!(found, [role(10, "john"), role(10, "john_old"), role(11, "john"), first[1].clone()]);
    assert_eq!(store.roster(there).await.unwrap(), [role(12, "jane")]);
    assert_eq!(store.roster(SystemIdentifier(8)).await.unwrap(), []);
}

async fn every_statement_is_prepared(place: &Place) {
    let store = place.open().await;
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sql");
    let mut seen = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let title = format!("-- revoked/{name}");
        let first = text.lines().next().unwrap();
        assert!(first == title || first.starts_with(&format!("{title}: ")), "{name}: {first}");
        let prepared = match &store {
            Store::Sqlite { .. } if name == "system_identifier" => continue,
            Store::Sqlite { read, write } => {
                // Readers may read; everything else is for the one writer.
                let reads = text.lines().any(|line| line.starts_with("SELECT"));
                let pool = if reads { read } else { write };
                pool.prepare(AssertSqlSafe(text).into_sql_str()).await.map(drop)
            }
            Store::Postgres(pool) => {
                pool.prepare(AssertSqlSafe(text).into_sql_str()).await.map(drop)
            }
        };
        assert!(prepared.is_ok(), "{name}: {prepared:?}");
        seen += 1;
    }
    assert!(seen > 20, "{seen} statements were found");
}

/// A store whose schema has the migrations before `version` and no others.
async fn before(place: &Place, version: u32) -> Store {
    let dir = tempfile::tempdir().unwrap();
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for entry in std::fs::read_dir(all).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.split('_').next().unwrap().parse::<u32>().unwrap() < version {
            std::fs::copy(&path, dir.path().join(name)).unwrap();
        }
    }
    let earlier = Migrator::new(dir.path()).await.unwrap();
    if let Some(file) = place.url().strip_prefix("sqlite://") {
        let file = SqliteConnectOptions::new().filename(file).create_if_missing(true);
        let pool = sqlx::SqlitePool::connect_with(file).await.unwrap();
        earlier.run(&pool).await.unwrap();
        Store::Sqlite { write: pool.clone(), read: pool }
    } else {
        let pool = sqlx::PgPool::connect(&place.url()).await.unwrap();
        earlier.run(&pool).await.unwrap();
        Store::Postgres(pool)
    }
}

async fn evidence_of_an_earlier_schema_goes_into_its_own_table(place: &Place) {
    // Texts as a store has them.
    let elsewhere = Place::sqlite();
    let sample = elsewhere.open().await;
    sample.accept(&revocation("rev_1", "john")).await.unwrap();
    let Store::Sqlite { read, .. } = &sample else { unreachable!() };
    let (request, life): (String, String) =
        sqlx::query_as("SELECT request, life FROM revocation").fetch_one(read).await.unwrap();

    let old = before(place, 11).await;
    let evidence = r#"{"verdict":"revoked","as_of":null,"residual":[],"kept":[],"gaps":[],"not_covered":[
        {"surface":"poolers of a","reason":"x"},{"surface":"poolers of b","reason":"x"}]}"#;
    let insert = format!(
        "INSERT INTO subject (id, name, disclosure, commitment) VALUES ('s_1', 'john', 'd', 'c');
         INSERT INTO revocation (
             id, subject_id, kind, request, accounts, state, life, landed_state, landed_life, evidence, version,
             records, queued_at, received_at, watch_until, landed_request
         ) VALUES (
             'rev_1', 's_1', 'full', '{request}', '[]', 'open', '{life}', 'open', '{life}', '{evidence}', 7, 3, 0, 0, 0,
             '{request}'
         );"
    );
    for statement in insert.split_inclusive(';') {
        execute(&old, statement).await;
    }
    old.close().await;

    let store = place.open().await;
    let found = store.revocation("rev_1").await.unwrap().unwrap();
    assert_eq!((found.evidence.verdict, found.version), (Some(Verdict::Revoked), 7));
    let poolers = |of: &str| NotCovered { surface: format!("poolers of {of}"), reason: "x".into() };
    assert_eq!(found.evidence.not_covered, [poolers("a"), poolers("b")]);
    assert_eq!(store.evidence("rev_1").await.unwrap(), found.evidence);
    let watched = store.watched_since(&Known::default(), at(0)).await.unwrap();
    assert_eq!(*watched[0], found.stored);

    // And it moves on from there.
    store.advance(&verified(&found, 60)).await.unwrap();
    let moved = store.evidence("rev_1").await.unwrap();
    assert_eq!((moved.as_of, moved.not_covered.len()), (Some(at(60)), 0));
    assert_eq!(store.evidence("rev_2").await.unwrap(), Evidence::default());
}

#[tokio::test]
async fn only_a_cluster_has_a_system_identifier() {
    let store = Place::sqlite().open().await;
    assert_eq!(store.system_identifier().await.unwrap(), None);
    let place = Place::postgres();
    let here = place.open().await.system_identifier().await.unwrap().unwrap();
    assert!(SystemIdentifier::try_from(here).is_ok());
}

#[tokio::test]
async fn what_is_no_store_is_refused_with_what_would_be_one() {
    for url in ["", "mysql://x/y", "/var/lib/revoked.db", "sqlite:revoked.db"] {
        let refused = Store::open(url).await.unwrap_err();
        assert!(
            refused.to_string().contains("sqlite:///path/to/file or a postgres://"),
            "{refused}"
        );
    }
    let refused = Store::open("sqlite:///nonexistent/revoked.db").await.unwrap_err();
    assert!(matches!(refused, StoreError::Database(_)), "{refused:?}");
}
