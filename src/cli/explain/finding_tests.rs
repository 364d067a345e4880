//! Paths, rows and removals of single findings.

use super::*;
use crate::domain::graph::Can;
use crate::domain::ids::RoleOid;
use crate::domain::residual::{AccountRef, Way};

fn found(kind: K, strength: S) -> Residual {
    let account =
        AccountRef { target: "main".into(), oid: RoleOid(16_401), role: Some("john".into()) };
    Residual::new(kind, strength, account)
}

fn covered(statement: &str, database: &str) -> Coverage {
    Coverage {
        surface: K::Privilege,
        target: "main".into(),
        database: database.into(),
        statement: statement.into(),
        sha256: format!("hash of {statement}"),
        rows: 1,
        elapsed_us: 1,
    }
}

#[test]
fn a_role_reached_through_others_goes_with_the_first() {
    let mut reached = found(K::Membership, S::Latent);
    reached.via = vec!["team".into(), "sales".into()];
    reached.privilege = Some("sales_read".into());
    let finding = Finding::new(&reached, &[], &Setting::default());
    assert_eq!(finding.path, ["john", "team", "sales", "sales_read"]);
    assert!(finding.remove.is_empty());
    assert_eq!(finding.by_hand, ["goes with the membership in team"]);
}

#[test]
fn what_goes_with_something_else_has_no_statement_of_its_own() {
    let by = |via: &[&str], can: Can, at: &str| {
        let mut taken = found(K::Attribute, S::CanRegain);
        taken.privilege = Some("SUPERUSER".into());
        taken.via = via.iter().map(|role| (*role).to_owned()).collect();
        taken.ways =
            vec![Way { can, via: taken.via.clone(), at: Some(at.to_owned()), granted_by: None }];
        let finding = Finding::new(&taken, &[], &Setting::default());
        assert!(finding.remove.is_empty(), "{:?}", finding.remove);
        finding.by_hand
    };
    assert_eq!(by(&["dba"], Can::SetRole, "dba"), ["goes with the membership in dba"]);
    assert_eq!(by(&["team", "dba"], Can::CreateRole, "team"), ["goes with CREATEROLE"]);
    assert_eq!(
        by(&["hr", "team", "dba"], Can::CreateRole, "team"),
        ["goes with the membership in hr"]
    );
    let mut owner = found(K::Membership, S::CanRegain);
    owner.privilege = Some("pg_database_owner".into());
    owner.database = Some("orders".into());
    let finding = Finding::new(&owner, &[], &Setting::default());
    assert_eq!(finding.by_hand, ["goes with the ownership of database orders"]);
    assert_eq!(finding.path, ["john", "pg_database_owner in orders"]);
}

#[test]
fn a_path_names_column_policy_and_parameter() {
    let path = |kind: K, object_type: &str, object: &str, part: &str, privilege: &str| {
        let mut one = found(kind, S::Latent);
        one.object_type = Some(object_type.into());
        one.object = Some(object.into());
        one.sub_object = (!part.is_empty()).then(|| part.to_owned());
        one.privilege = (!privilege.is_empty()).then(|| privilege.to_owned());
        Finding::new(&one, &[], &Setting::default()).path.pop().unwrap()
    };
    assert_eq!(
        path(K::Privilege, "table", "public.t", "salary", "SELECT"),
        "SELECT on column salary of table public.t"
    );
    assert_eq!(path(K::Policy, "table", "public.t", "own", ""), "policy own on public.t");
    assert_eq!(
        path(K::Privilege, "parameter ACL", "work_mem", "", "SET"),
        "SET on parameter work_mem"
    );
    assert_eq!(
        path(K::DefaultPrivilege, "tables", "of app in schema public", "public", "SELECT"),
        "SELECT on new tables of app in schema public"
    );
}

#[test]
fn a_session_is_its_own_row() {
    let mut session = found(K::Session, S::ActsNow);
    session.object = Some("pid 42 since 2026-11-22T05:00:00Z".into());
    session.database = Some("orders".into());
    let finding = Finding::new(&session, &[], &Setting::default());
    assert_eq!(
        finding.rows,
        ["pg_stat_activity: pid=42 usesysid=16401 datname=orders backend_start=null"]
    );
}

#[test]
fn the_statements_are_those_of_the_database() {
    let mut grant = found(K::Privilege, S::Latent);
    grant.database = Some("orders".into());
    grant.class = Some("pg_class".into());
    grant.object_type = Some("table".into());
    grant.object = Some("sales.orders".into());
    grant.privilege = Some("SELECT".into());
    let coverage =
        [covered("acl_scan", "orders"), covered("acl_scan", "billing"), covered("roles", "orders")];
    let finding = Finding::new(&grant, &coverage, &Setting::default());
    assert_eq!(finding.evidence.len(), 1);
    assert_eq!(finding.catalogs, ["pg_class", "pg_shdepend"]);
    assert_eq!(finding.path, ["john", "SELECT on table sales.orders"]);
    assert_eq!(
        finding.remove,
        [Step {
            database: Some("orders".into()),
            sql: "REVOKE SELECT ON TABLE sales.orders FROM \"john\";".into()
        }]
    );
}
