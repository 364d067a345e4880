//! One schema and one set of statements for both databases.

use crate::common::place::{Place, count, execute};
use crate::common::sample::{at, revocation};
use revoked::domain::ids::{RoleOid, SystemIdentifier};
use revoked::domain::observation::RosterRole;
use revoked::store::{Store, StoreError};
use sqlx::{AssertSqlSafe, Executor as _, SqlSafeStr as _};
use std::path::Path;

on_both!(
    migrations_run_once_however_often_it_is_opened,
    a_newer_schema_is_refused,
    roles_are_remembered_under_every_name,
    every_statement_is_prepared,
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
