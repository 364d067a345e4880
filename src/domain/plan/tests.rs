//! What holds for every plan, however much is found.

use super::*;
use crate::domain::ids::RoleOid;
use crate::domain::residual::{AccountRef, Dependent, Strength};

fn of_role(kind: K, oid: u32, role: &str) -> Residual {
    let role = Some(role.to_owned());
    Residual::new(
        kind,
        Strength::Latent,
        AccountRef { target: "main".into(), oid: RoleOid(oid), role },
    )
}

/// SELECT on a table, with a grant option that `app` depends on where `lent`.
fn select(table: u32, lent: bool) -> Residual {
    let mut found = of_role(K::Privilege, 16_401, "x");
    found.database = Some("orders".into());
    found.class = Some("pg_class".into());
    found.object_type = Some("table".into());
    found.object = Some(format!("public.t{table}"));
    found.privilege = Some("SELECT".into());
    found.grantor = Some("app".into());
    found.owner = Some("app".into());
    if lent {
        (found.grantable, found.cascade) = (true, true);
        found.dependents = vec![Dependent {
            grantee: Some("reader".into()),
            grantable: false,
            inherit: None,
            set: None,
        }];
    }
    found.described()
}

fn prepared(role: &str, by: Option<&str>) -> Residual {
    let mut found = of_role(K::PreparedTransaction, 16_401, role);
    found.database = Some("orders".into());
    found.object = Some("later".into());
    found.owner = by.map(str::to_owned);
    found.described()
}

#[test]
fn each_step_stands_once_where_it_was_first_needed() {
    let session = of_role(K::Session, 16_402, "b");
    let login = of_role(K::Login, 16_401, "a");
    let mut setting = of_role(K::RoleSetting, 16_402, "b");
    setting.privilege = Some("search_path".into());
    let found = [
        login.clone(),
        session.clone(),
        of_role(K::Login, 16_402, "b"),
        session,
        setting.clone(),
        select(2, true),
        setting,
        select(1, true),
        login,
        select(2, true),
    ];
    let plan = plan(&found, &Setting { version_num: 180_000, ..Setting::default() });
    let sql: Vec<String> = plan.steps.iter().flat_map(|placed| placed.step.statements()).collect();
    let begins = |text: &String| {
        text.split(" -- ")
            .next()
            .unwrap_or_default()
            .split(", 5000")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let sql: Vec<String> = sql.iter().map(begins).collect();
    assert_eq!(
        sql,
        [
            "ALTER ROLE \"a\" NOLOGIN;",
            "ALTER ROLE \"b\" NOLOGIN;",
            "SELECT pg_catalog.pg_terminate_backend(pid",
            "SELECT pg_catalog.pg_terminate_backend(pid",
            "ALTER ROLE \"b\" RESET ALL;",
            "GRANT SELECT ON TABLE public.t2 TO \"reader\";",
            "GRANT SELECT ON TABLE public.t1 TO \"reader\";",
            "REVOKE SELECT ON TABLE public.t1 FROM \"x\" CASCADE;",
            "REVOKE SELECT ON TABLE public.t2 FROM \"x\" CASCADE;",
        ]
    );
}

#[test]
fn privileges_on_one_object_are_lent_anew_together() {
    let mut update = select(1, true);
    update.privilege = Some("UPDATE".into());
    let plan =
        plan(&[select(1, true), select(2, true), update.clone(), update], &Setting::default());
    let first = plan.steps.iter().flat_map(|placed| placed.step.statements()).next();
    assert_eq!(first.as_deref(), Some("GRANT SELECT, UPDATE ON TABLE public.t1 TO \"reader\";"));
    assert_eq!(plan.steps.len(), 4);
}

#[test]
fn whose_transaction_is_rolled_back_is_said_unless_it_is_a_leavers() {
    let setting = Setting::default();
    let rolled = |found: &[Residual], setting: &Setting| {
        let steps = plan(found, setting).steps;
        let [Placed { step: Step::RollBack { prepared_by, .. }, .. }] = steps.as_slice() else {
            panic!("{steps:?}");
        };
        prepared_by.clone()
    };
    assert_eq!(rolled(&[prepared("x", None)], &setting), None);
    assert_eq!(rolled(&[prepared("x", Some("boss"))], &setting).as_deref(), Some("boss"));
    let both = Setting { leavers: ["boss".to_owned()].into(), ..Setting::default() };
    assert_eq!(rolled(&[prepared("x", Some("boss"))], &both), None);
    // A role that is gone has no name by which it could be told from others.
    let gone = [prepared("x", Some("role with OID 7")), prepared("gone", None)];
    assert_eq!(rolled(&gone, &setting), None);
}

/// Comparing each with each would take minutes.
#[test]
fn what_there_is_very_much_of_is_planned_once_each() {
    let found: Vec<Residual> = (0..20_000).map(|table| select(table, true)).collect();
    assert_eq!(plan(&found, &Setting::default()).steps.len(), 40_000);
}
